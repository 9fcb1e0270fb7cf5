-- What preflight asks a server about some tables.
-- Reads: pg_class, pg_roles, pg_trigger, pg_rewrite, pg_proc, pg_namespace, pg_inherits.   Writes: nothing.
-- Variables: oids (text): an array; own_schema (text): repl's schema.
-- Returns: place in oids, owned (its owner's rights are ours), owner (quoted), may_read, may_write, rows_hidden (row-level
-- security is forced on its owner too), always, replica (triggers and rules that are ENABLE ALWAYS, and those that are ENABLE
-- REPLICA, its partitions' as well; or empty),
-- foreign_partitions (of the table that it is a partition of; names, or empty).
WITH RECURSIVE tree(root, oid) AS ( -- pg_partition_tree would wait for partitions that are locked
    SELECT o, o FROM pg_catalog.unnest(:'oids'::pg_catalog.oid[]) o
    UNION ALL
    SELECT t.root, i.inhrelid
    FROM tree t
    JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
    JOIN pg_catalog.pg_class p ON p.oid = t.oid AND p.relkind = 'p'
), fires(root, enabled, what) AS ( -- in replica mode
    SELECT l.root, t.tgenabled,
           'trigger ' || t.tgname || CASE WHEN t.tgrelid <> l.root THEN ' of ' || t.tgrelid::pg_catalog.regclass::text ELSE '' END
    FROM tree l
    JOIN pg_catalog.pg_trigger t ON t.tgrelid = l.oid
    JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE t.tgparentid = 0 AND NOT t.tgisinternal AND t.tgenabled IN ('A', 'R')
      AND n.nspname <> :'own_schema'
      AND pg_catalog.obj_description(n.oid, 'pg_namespace') IS DISTINCT FROM 'made by repl, removed by repl cleanup'
    UNION ALL
    SELECT o, w.ev_enabled, 'rule ' || w.rulename
    FROM pg_catalog.unnest(:'oids'::pg_catalog.oid[]) o
    JOIN pg_catalog.pg_rewrite w ON w.ev_class = o AND w.ev_enabled IN ('A', 'R')
    ORDER BY 3
)
SELECT o.place,
       pg_catalog.pg_has_role(c.relowner, 'USAGE'),
       pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(c.relowner)),
       pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE'),
       pg_catalog.has_table_privilege(c.oid, 'INSERT') AND pg_catalog.has_table_privilege(c.oid, 'UPDATE')
           AND pg_catalog.has_table_privilege(c.oid, 'DELETE')
           AND pg_catalog.has_table_privilege(c.oid, 'TRUNCATE'),
       c.relrowsecurity AND (c.relforcerowsecurity OR NOT pg_catalog.pg_has_role(c.relowner, 'USAGE'))
           AND NOT (r.rolsuper OR r.rolbypassrls),
       coalesce((SELECT pg_catalog.string_agg(a.what, ', ') FROM fires a WHERE a.root = c.oid AND a.enabled = 'A'), ''),
       coalesce((SELECT pg_catalog.string_agg(a.what, ', ') FROM fires a WHERE a.root = c.oid AND a.enabled = 'R'), ''),
       coalesce((SELECT pg_catalog.string_agg(k.oid::pg_catalog.regclass::text, ', ' ORDER BY k.oid)
                 FROM pg_catalog.pg_class k
                 WHERE k.relkind = 'f' AND k.relispartition AND c.relispartition
                   AND pg_catalog.pg_partition_root(k.oid) = pg_catalog.pg_partition_root(c.oid)
                   -- Once: with the first of the partitions that are replicated.
                   AND c.oid = (SELECT pg_catalog.min(f.oid) FROM unnest(:'oids'::oid[]) f(oid)
                                WHERE pg_catalog.pg_partition_root(f.oid) = pg_catalog.pg_partition_root(c.oid))), '')
FROM unnest(:'oids'::oid[]) WITH ORDINALITY AS o(oid, place)
JOIN pg_catalog.pg_class c ON c.oid = o.oid
JOIN pg_catalog.pg_roles r ON r.rolname = current_user
