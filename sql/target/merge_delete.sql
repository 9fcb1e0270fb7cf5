-- First of the merge: rows that are gone on the source.
-- Reads: the stage.   Writes: the table.   Variables: table, stage, on.
DELETE FROM :table t USING :stage s WHERE :on AND NOT s.present;
