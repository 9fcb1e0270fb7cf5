-- Leaves of captured tables that are new, or attached anew, and those that are gone.
-- Reads: relation, leaf, the catalog.   Variables: schema.
-- Returns: table id, the leaf's oid, quoted name, schema, name, attached (null: it is gone), whether it is a table still.
SELECT coalesce(n.id, l.relation), coalesce(n.leafid, l.leafid),
       pg_catalog.format('%I.%I', coalesce(n.nspname, l.nspname), coalesce(n.relname, l.relname)),
       coalesce(n.nspname, l.nspname), coalesce(n.relname, l.relname), n.attached, c.oid IS NOT NULL
FROM (SELECT r.id, v.* FROM :"schema".relation r
      JOIN pg_catalog.pg_class p ON p.oid = r.relid AND p.relkind = 'p'
      CROSS JOIN LATERAL :"schema".leaves(r.relid) v
      WHERE r.installed_at IS NOT NULL) n
FULL JOIN :"schema".leaf l ON l.relation = n.id AND l.leafid = n.leafid
LEFT JOIN pg_catalog.pg_class c ON c.oid = l.leafid
WHERE n.id IS NULL OR l.relation IS NULL OR l.gone OR l.attached <> n.attached
ORDER BY 1, 4, 5
