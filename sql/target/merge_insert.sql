-- Last of the merge: rows that are not there.
-- Reads: the stage.   Writes: the table.   Variables: into (the table without ONLY), table, stage, on, columns ("(a, b)" or nothing), staged.
INSERT INTO :into :columns OVERRIDING SYSTEM VALUE
SELECT :staged FROM :stage s WHERE s.present AND NOT EXISTS (SELECT FROM :table t WHERE :on);
