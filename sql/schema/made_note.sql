-- Records what this transaction has made, so that init --recreate can drop it, and nothing else.
-- Reads: the catalogs, made_before.   Writes: made, made_before.   Variables: schema.
SET LOCAL search_path = pg_catalog;
INSERT INTO :"schema".made (classid, objid, rank, type, identity)
SELECT t.classid, t.objid, t.rank, i.type, i.identity
FROM (:sql_schema_tops) t, LATERAL pg_catalog.pg_identify_object(t.classid, t.objid, 0) i
WHERE t.xmin = pg_catalog.pg_current_xact_id()::xid
  AND NOT EXISTS (SELECT FROM :"schema".made_before b WHERE b.classid = t.classid AND b.objid = t.objid)
ON CONFLICT (classid, objid) DO UPDATE SET rank = excluded.rank, type = excluded.type, identity = excluded.identity;
DELETE FROM :"schema".made_before;
