-- What all tables that a user could replicate look like, as one hash: their names, partitions, columns, unique indexes
-- and repl's own triggers.
-- Reads: pg_class, pg_inherits, pg_attribute, pg_index, pg_trigger.   Writes: nothing.
-- Variables: own_schema (text): repl's schema, left out as those of other syncs are.   Returns: the hash, or an empty text.
WITH own AS (
    SELECT c.oid, c.relname, n.nspname, c.relkind, c.relispartition
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
      AND n.nspname NOT IN (:'own_schema', :'own_schema' || '_back', pg_catalog.regexp_replace(:'own_schema', '_back$', ''))
      AND pg_catalog.obj_description(n.oid, 'pg_namespace') IS DISTINCT FROM 'made by repl, removed by repl cleanup'
      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname NOT LIKE 'pg\_toast%' AND n.nspname NOT LIKE 'pg\_temp%'
), line(text) AS (
    SELECT pg_catalog.concat_ws(' ', 't', oid, nspname, relname, relkind, relispartition) FROM own
    UNION ALL
    SELECT pg_catalog.concat_ws(' ', 'p', i.inhrelid, i.inhparent, i.xmin)
    FROM pg_catalog.pg_inherits i JOIN own ON own.oid = i.inhparent
    UNION ALL
    SELECT pg_catalog.concat_ws(' ', 'c', a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull,
                                a.attgenerated, a.attidentity, a.atthasdef)
    FROM pg_catalog.pg_attribute a JOIN own ON own.oid = a.attrelid
    WHERE a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT pg_catalog.concat_ws(' ', 'i', i.indexrelid, i.indrelid, i.indisvalid, i.indkey)
    FROM pg_catalog.pg_index i JOIN own ON own.oid = i.indrelid
    WHERE i.indisunique OR i.indisexclusion
    UNION ALL
    SELECT pg_catalog.concat_ws(' ', 'g', g.tgrelid, g.tgname, g.tgenabled, g.xmin)
    FROM pg_catalog.pg_trigger g
    JOIN own ON own.oid = g.tgrelid
    JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = :'own_schema'
)
SELECT coalesce(pg_catalog.md5(pg_catalog.string_agg(pg_catalog.md5(text), '' ORDER BY text)), '') FROM line
