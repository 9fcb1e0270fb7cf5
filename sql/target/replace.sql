-- Brings a whole table without key: what is staged becomes all of it. DELETE, not TRUNCATE: readers on the target
-- keep seeing the old rows until the commit.
-- Reads: the stage.   Writes: the table.   Variables: table, stage, columns, staged.
DELETE FROM :table;
INSERT INTO :table (:columns) OVERRIDING SYSTEM VALUE SELECT :staged FROM :stage s;
