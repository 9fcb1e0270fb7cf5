-- The indexes of the source, as the table of contents of a dump numbers them.
-- Reads: pg_index, pg_class, pg_namespace, pg_constraint, pg_am, :sql_catalog_locked.   Writes: nothing.
-- Variables: own_schema (text): repl's schema.
-- Returns: class, oid (of the constraint where the index belongs to one), schema, name, sql (of the index, quoted and
-- qualified), table_schema, table, kind (relkind of the table), build (CREATE INDEX, null where the constraint must
-- build its index itself), key (ALTER TABLE that makes the constraint of the index, null as well).
-- pg_get_indexdef would wait for a table that somebody has locked: of these the constraint builds its index.
-- A constraint's own build shuts out every other on that table; its index can be built beside them, and then be taken.
WITH locked(oid) AS MATERIALIZED (
    SELECT l.oid FROM (:sql_catalog_locked) l WHERE l.mode = 'AccessExclusiveLock'
)
SELECT CASE WHEN k.oid IS NULL THEN 'pg_catalog.pg_class'::pg_catalog.regclass
            ELSE 'pg_catalog.pg_constraint'::pg_catalog.regclass END::oid,
       coalesce(k.oid, i.indexrelid), n.nspname, c.relname, pg_catalog.format('%I.%I', n.nspname, c.relname),
       tn.nspname, t.relname, t.relkind,
       CASE WHEN s.split THEN pg_catalog.pg_get_indexdef(i.indexrelid) END,
       CASE WHEN s.split
            THEN pg_catalog.format('ALTER TABLE ONLY %I.%I ADD CONSTRAINT %I %s USING INDEX %I%s%s', tn.nspname, t.relname,
                                   k.conname, CASE k.contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END, c.relname,
                                   CASE WHEN k.condeferrable THEN ' DEFERRABLE' ELSE '' END,
                                   CASE WHEN k.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END) END
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_catalog.pg_am a ON a.oid = c.relam
LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid
                                    AND k.contype IN ('p', 'u', 'x')
CROSS JOIN LATERAL (SELECT coalesce(k.contype IN ('p', 'u'), false) AND a.amname = 'btree' AND t.relkind = 'r'
                           AND k.conname = c.relname AND t.oid NOT IN (SELECT l.oid FROM locked l)) AS s(split)
WHERE n.nspname <> :'own_schema' AND n.nspname <> 'pg_catalog' AND n.nspname <> 'information_schema'
  AND n.nspname !~ '^pg_toast' AND pg_catalog.obj_description(n.oid, 'pg_namespace') IS DISTINCT FROM 'made by repl, removed by repl cleanup'
