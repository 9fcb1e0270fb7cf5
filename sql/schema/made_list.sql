-- What repl made here and is still there under the same name.
-- Reads: made, the catalogs.   Variables: schema.
-- Returns: type, identity, rank, statement that drops it.
SELECT m.type, m.identity, m.rank,
       CASE WHEN m.rank = 7 THEN pg_catalog.format(
                'DO $do$ BEGIN DROP SCHEMA %s; EXCEPTION WHEN dependent_objects_still_exist THEN NULL; END $do$', m.identity)
            ELSE pg_catalog.format('DROP %s IF EXISTS %s CASCADE', m.type, m.identity) END
FROM :"schema".made m
JOIN (:sql_schema_tops) t ON t.classid = m.classid AND t.objid = m.objid
CROSS JOIN LATERAL pg_catalog.pg_identify_object(m.classid, m.objid, 0) i
WHERE i.type = m.type AND i.identity = m.identity
ORDER BY m.rank, m.identity COLLATE "C"
