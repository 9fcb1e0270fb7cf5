-- Captured tables that are no longer there, or are partitions of others now, or
-- partitioned tables with a foreign table among their partitions. Reads: relation, pg_class.   Variables: schema.   Returns: id.
SELECT r.id FROM :"schema".relation r
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN (:sql_catalog_roots) part ON part.oid = c.oid
                  WHERE c.oid = r.relid AND part.root = c.oid AND NOT (c.relkind = 'p' AND c.oid IN (:sql_catalog_mixed)))
ORDER BY r.id
