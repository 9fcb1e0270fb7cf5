-- Captured tables that are no longer there. Reads: relation, pg_class.   Variables: schema.   Returns: id.
SELECT r.id FROM :"schema".relation r
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = r.relid)
ORDER BY r.id
