-- What is there before repl makes the schema's objects, in the transaction that makes them: an object that was there is never
-- taken for repl's, though its row in the catalog is written again.
-- Reads: the catalogs.   Writes: made_before.   Variables: schema.
INSERT INTO :"schema".made_before (classid, objid)
SELECT t.classid, t.objid FROM (:sql_schema_tops) t ON CONFLICT DO NOTHING;
