-- A table without key comes whole: first what is there goes. DELETE, not TRUNCATE: readers on the target keep seeing
-- the old rows until the commit.   Writes: the table.   Variables: table.
DELETE FROM :table;
