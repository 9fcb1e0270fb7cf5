-- Where the rows of one table's batch wait for the merge. Without constraints: a deleted row has NULLs throughout.
-- Writes: a temporary table that is emptied at each commit.   Variables: stage, columns.
CREATE TEMPORARY TABLE IF NOT EXISTS :stage (:columns) ON COMMIT DELETE ROWS;
