-- Materialized views in the order in which they must be refreshed: each after those that it reads, through views too.
-- Reads: pg_class, pg_namespace, pg_rewrite, pg_depend.   Writes: nothing.
-- Variables: own_schema (text): repl's schema.
-- Returns: schema, name, sql (quoted and qualified), populated, depth (those of one depth do not read one another).
WITH RECURSIVE reads AS (
    SELECT DISTINCT w.ev_class AS reader, d.refobjid AS read
    FROM pg_catalog.pg_rewrite w
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = w.oid
                               AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                               AND d.refobjid <> w.ev_class
    JOIN pg_catalog.pg_class c ON c.oid = d.refobjid AND c.relkind IN ('v', 'm')
), reach(reader, read) AS (
    SELECT r.reader, r.read FROM reads r JOIN pg_catalog.pg_class c ON c.oid = r.reader AND c.relkind = 'm'
    UNION
    SELECT x.reader, r.read FROM reach x JOIN reads r ON r.reader = x.read
)
SELECT n.nspname, c.relname, pg_catalog.format('%I.%I', n.nspname, c.relname), c.relispopulated,
       coalesce(d.depth, 0)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN (SELECT x.reader, count(*) AS depth
           FROM reach x JOIN pg_catalog.pg_class m ON m.oid = x.read AND m.relkind = 'm'
           GROUP BY x.reader) d ON d.reader = c.oid
WHERE c.relkind = 'm' AND n.nspname <> :'own_schema'
ORDER BY coalesce(d.depth, 0), n.nspname COLLATE "C", c.relname COLLATE "C"
