-- Captured tables that are no longer there, or are partitions of others now. Reads: relation, pg_class.   Variables: schema.   Returns: id.
SELECT r.id FROM :"schema".relation r
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = r.relid AND NOT c.relispartition)
ORDER BY r.id
