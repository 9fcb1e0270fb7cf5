-- Foreign keys and their two ends. A partition counts as its root, which is what is replicated.
-- Reads: pg_constraint, pg_class, pg_namespace, pg_depend.   Writes: nothing.
-- Variables: none.
-- Returns: class, oid, name, schema and table of the referencing end as they are, then schema and table of each end
-- as replicated (from, to), whether an end belongs to an extension (its rows are never copied), valid (it was looked
-- whether it holds), enforced (PostgreSQL 18 has some that are not), partitioned (either end), framed (the
-- referencing end is partitioned), the referencing end quoted and qualified, and the name quoted.
SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass::oid, k.oid, k.conname, n.nspname, c.relname,
       fn.nspname, f.relname, tn.nspname, t.relname,
       EXISTS (SELECT FROM pg_catalog.pg_depend d
               WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid IN (f.oid, t.oid)
                 AND d.objsubid = 0 AND d.deptype = 'e'),
       k.convalidated, coalesce((pg_catalog.to_jsonb(k) ->> 'conenforced')::bool, true), 'p' IN (c.relkind, ct.relkind), c.relkind = 'p',
       pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.quote_ident(k.conname)
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class ct ON ct.oid = k.confrelid
JOIN (:sql_catalog_roots) part ON part.oid = k.conrelid
JOIN pg_catalog.pg_class f ON f.oid = part.root
JOIN pg_catalog.pg_namespace fn ON fn.oid = f.relnamespace
JOIN (:sql_catalog_roots) seen ON seen.oid = k.confrelid
JOIN pg_catalog.pg_class t ON t.oid = seen.root
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
WHERE k.contype = 'f'
ORDER BY n.nspname, c.relname, k.conname
