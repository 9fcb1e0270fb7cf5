-- Tables that are captured. Reads: relation, the catalog.   Variables: schema.
-- Returns: oid, id, shape, key columns as capture's functions name them, as they are named now, whether capture is
-- broken: a key column is gone or has another type, a trigger is gone or disabled, also that of one partition, or was disabled for
-- a time, something was missed, or the table has come to inherit from another, whose statements fire no statement-level triggers of it.
SELECT r.relid, r.id, :"schema".shape(r.relid), r.key_columns, coalesce(k.names, ''),
       coalesce(k.broken, false) OR g.count < 4
           OR (NOT g.by_row AND EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = r.relid))
           OR EXISTS (SELECT FROM :"schema".missed m WHERE m.relation = r.id)
           OR NOT :"schema".triggers_intact(r.relid, r.triggers)
           OR EXISTS (SELECT FROM :"schema".leaf l JOIN :"schema".leaves(r.relid) v ON v.leafid = l.leafid AND v.attached = l.attached
                      WHERE l.relation = r.id AND NOT l.gone AND NOT :"schema".triggers_intact(l.leafid, l.triggers))
           OR r.relid IN (SELECT a.relid -- from below: who lists partitions waits for those that are locked
                          FROM pg_catalog.pg_trigger t
                          JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
                          JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace AND n.nspname = :'schema'
                          CROSS JOIN LATERAL pg_catalog.pg_partition_ancestors(t.tgrelid) a
                          WHERE t.tgenabled = 'D')
FROM :"schema".relation r
CROSS JOIN LATERAL (
    SELECT pg_catalog.string_agg('"' || pg_catalog.replace(a.attname, '"', '""') || '"', ',' ORDER BY n.i) AS names,
           pg_catalog.bool_or(a.attisdropped OR a.atttypid <> n.type) AS broken
    FROM ROWS FROM (pg_catalog.unnest(r.key_numbers), pg_catalog.unnest(r.key_types)) WITH ORDINALITY AS n(number, type, i)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = r.relid AND a.attnum = n.number
) k
CROSS JOIN LATERAL (
    SELECT pg_catalog.count(*), pg_catalog.bool_or(t.tgtype & 1 = 1) AS by_row
    FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
    WHERE t.tgrelid = r.relid AND t.tgenabled = 'A' AND NOT t.tgisinternal
      AND p.pronamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = :'schema')
) g
WHERE r.installed_at IS NOT NULL
ORDER BY r.relid
