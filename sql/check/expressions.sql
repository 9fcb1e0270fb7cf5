-- Expressions that run when a row of these tables is written, or that the server plans with, and that call functions of users
-- without a search_path of their own: those of generated columns, checks, domains, indexes and statistics.
-- Reads: pg_depend, pg_proc, pg_attrdef, pg_constraint, pg_index, pg_attribute, pg_type.   Variables: oids (text): of the tables, as an array.
-- Returns: schema, table, what ("index public.account_lower"), whether the server makes it without a search_path from version 17
-- on, the expression over a row of the table (named like it), from which relation (with ONLY), its name alone, the functions
-- as ALTER FUNCTION wants them.
WITH RECURSIVE tables(root, oid) AS (
    SELECT o.oid, o.oid FROM pg_catalog.unnest(:'oids'::oid[]) o(oid)
    UNION ALL
    SELECT t.root, i.inhrelid FROM tables t JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
), functions AS (
    SELECT d.classid, d.objid, d.objsubid, p.oid, pg_catalog.format('%I.%I(%s)', n.nspname, p.proname,
                                                         pg_catalog.pg_get_function_identity_arguments(p.oid)) AS name
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_proc p ON d.refclassid = 'pg_catalog.pg_proc'::regclass AND p.oid = d.refobjid
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_catalog.pg_language g ON g.oid = p.prolang
    WHERE d.classid IN ('pg_catalog.pg_attrdef'::regclass, 'pg_catalog.pg_constraint'::regclass, 'pg_catalog.pg_class'::regclass,
                        'pg_catalog.pg_statistic_ext'::regclass)
      AND n.nspname <> 'pg_catalog' AND g.lanname NOT IN ('internal', 'c')
      AND NOT EXISTS (SELECT FROM pg_catalog.unnest(p.proconfig) s(text) WHERE s.text LIKE 'search_path=%')
), called AS (
    SELECT classid, objid, objsubid, pg_catalog.string_agg(DISTINCT name, ', ' ORDER BY name) AS names
    FROM functions GROUP BY 1, 2, 3
), expressions AS (
    SELECT t.root, t.oid, pg_catalog.format('the generated column %I', a.attname) AS what, false AS bare,
           pg_catalog.pg_get_expr(x.adbin, x.adrelid) AS text, f.names
    FROM called f
    JOIN pg_catalog.pg_attrdef x ON f.classid = 'pg_catalog.pg_attrdef'::regclass AND x.oid = f.objid
    JOIN pg_catalog.pg_attribute a ON a.attrelid = x.adrelid AND a.attnum = x.adnum AND a.attgenerated = 's'
    JOIN tables t ON t.oid = x.adrelid
    UNION ALL
    SELECT t.root, t.oid, pg_catalog.format('the check %I', k.conname), false, pg_catalog.pg_get_expr(k.conbin, k.conrelid), f.names
    FROM called f
    JOIN pg_catalog.pg_constraint k ON f.classid = 'pg_catalog.pg_constraint'::regclass AND k.oid = f.objid AND k.contype = 'c'
    JOIN tables t ON t.oid = k.conrelid
    UNION ALL
    SELECT t.root, t.oid, pg_catalog.format('the check %I of the domain %s', k.conname, k.contypid::regtype), false,
           pg_catalog.format('%I::%s::%s', a.attname, pg_catalog.format_type(y.typbasetype, y.typtypmod), k.contypid::regtype), f.names
    FROM called f
    JOIN pg_catalog.pg_constraint k ON f.classid = 'pg_catalog.pg_constraint'::regclass AND k.oid = f.objid AND k.contypid <> 0
    JOIN pg_catalog.pg_type y ON y.oid = k.contypid
    JOIN pg_catalog.pg_attribute a ON a.atttypid = k.contypid AND NOT a.attisdropped
    JOIN tables t ON t.oid = a.attrelid
    UNION ALL
    SELECT t.root, t.oid, pg_catalog.format('the index %I', c.relname), true,
           coalesce((SELECT pg_catalog.string_agg(pg_catalog.pg_get_indexdef(i.indexrelid, k.n, true), ', ' ORDER BY k.n)
                     FROM pg_catalog.generate_series(1, i.indnatts) k(n) WHERE i.indkey[k.n - 1] = 0), 'NULL')
           || coalesce(', ' || pg_catalog.pg_get_expr(i.indpred, i.indrelid), ''), f.names
    FROM called f
    JOIN pg_catalog.pg_index i ON f.classid = 'pg_catalog.pg_class'::regclass AND i.indexrelid = f.objid
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    JOIN tables t ON t.oid = i.indrelid
)
SELECT rn.nspname, r.relname, x.what, x.bare, x.text, 'ONLY ' || pg_catalog.format('%I.%I', n.nspname, c.relname),
       pg_catalog.quote_ident(c.relname), x.names
FROM expressions x
JOIN pg_catalog.pg_class c ON c.oid = x.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class r ON r.oid = x.root
JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
WHERE c.relkind IN ('r', 'p')
ORDER BY 1, 2, 3
