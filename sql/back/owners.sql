-- Tables of the sync that are not this role's, so that it cannot install capture on them; their partitions too.
-- Reads: pg_class, pg_inherits, repl's relation.   Writes: nothing.   Variables: schema (of the sync, at the target).
-- Returns: table, its owner, this role.
WITH RECURSIVE w(oid) AS (
    SELECT c.oid FROM :"schema".relation r
    JOIN pg_catalog.pg_namespace n ON n.nspname = r.nspname
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = r.relname
    UNION
    SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN w ON i.inhparent = w.oid
)
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.pg_get_userbyid(c.relowner), current_user
FROM w JOIN pg_catalog.pg_class c ON c.oid = w.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT pg_catalog.pg_has_role(c.relowner, 'USAGE')
ORDER BY 1
LIMIT 1
