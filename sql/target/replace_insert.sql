-- A table without key comes whole: then what is staged becomes all of it.
-- Reads: the stage.   Writes: the table.   Variables: into, stage, columns ("(a, b)" or nothing), staged.
INSERT INTO :into :columns OVERRIDING SYSTEM VALUE SELECT :staged FROM :stage s;
