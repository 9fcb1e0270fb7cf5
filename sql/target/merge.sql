-- Brings the staged rows into the table: first what must go, then what changed in place, then what is new. Rows that
-- are equal, byte for byte, are not written. Rows whose unique columns change go and come again, so that values can
-- swap between rows.
-- Reads: the stage.   Writes: the table.   Variables: table, stage, on, recreate (condition or "false"),
-- update ("UPDATE ...;" or nothing), columns, staged (s.columns).
DELETE FROM :table t USING :stage s WHERE :on AND (NOT s.present OR :recreate);
:update
INSERT INTO :table (:columns) OVERRIDING SYSTEM VALUE
SELECT :staged FROM :stage s
WHERE s.present AND NOT EXISTS (SELECT FROM :table t WHERE :on);
