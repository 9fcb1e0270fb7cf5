-- Foreign keys that the way back cannot switch off, or that it must not ignore.
-- Reads: pg_constraint, pg_class, the relation of capture.   Writes: nothing.   Variables: schema (of capture, at the source).
-- Returns: table, constraint, whether its table is this role's, whether its table is replicated.
WITH RECURSIVE w(oid) AS (
    SELECT relid FROM :"schema".relation WHERE installed_at IS NOT NULL
    UNION
    SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN w ON i.inhparent = w.oid
)
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), k.conname,
       pg_catalog.pg_has_role(c.relowner, 'USAGE'), k.conrelid IN (SELECT oid FROM w)
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0
  AND (k.conrelid IN (SELECT oid FROM w) OR k.confrelid IN (SELECT oid FROM w))
  AND NOT (pg_catalog.pg_has_role(c.relowner, 'USAGE') AND k.conrelid IN (SELECT oid FROM w))
ORDER BY 1, 2
