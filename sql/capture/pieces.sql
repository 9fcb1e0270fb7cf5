-- What capture made for each table, as statements that drop it.
-- Reads: pg_class, pg_proc, pg_namespace.   Writes: nothing.
-- Variables: schema.
-- Returns: one statement list for each table's number. A partition that was detached may still have a trigger on a
-- function, hence CASCADE.
SELECT pg_catalog.string_agg(p.drop, '; ' ORDER BY p.drop DESC)
FROM pg_catalog.pg_namespace n
CROSS JOIN LATERAL (
    SELECT c.relname AS name, pg_catalog.format('DROP TABLE IF EXISTS %I.%I', n.nspname, c.relname) AS drop
    FROM pg_catalog.pg_class c
    WHERE c.relnamespace = n.oid AND c.relkind = 'r' AND c.relname ~ '^d[0-9]+_[ab]$'
    UNION ALL
    SELECT f.proname, pg_catalog.format('DROP FUNCTION IF EXISTS %I.%I() CASCADE', n.nspname, f.proname)
    FROM pg_catalog.pg_proc f
    WHERE f.pronamespace = n.oid AND f.pronargs = 0 AND f.proname ~ '^d[0-9]+_(changed|updated|old|truncate|truncate_leaf)$') p
WHERE n.nspname = :'schema'
GROUP BY pg_catalog.substring(p.name, '^d([0-9]+)_')::int
ORDER BY pg_catalog.substring(p.name, '^d([0-9]+)_')::int
