-- The roles that row-level-security policies name; public is none.
-- Reads: pg_policy.   Writes: nothing.
-- Variables: none.
-- Returns: one array of names, as text.
SELECT coalesce(pg_catalog.array_agg(DISTINCT pg_catalog.pg_get_userbyid(r.oid)), '{}')::text
FROM pg_catalog.pg_policy p, unnest(p.polroles) AS r(oid)
WHERE r.oid <> 0
