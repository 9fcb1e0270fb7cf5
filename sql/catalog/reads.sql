-- Which tables want to see rows of which others when theirs are written: by a foreign key, or by a function of a check, a
-- domain, a generated column or an index, as far as its source names tables. A partition counts as its root.
-- Reads: pg_constraint, pg_class, pg_depend, pg_attribute, pg_attrdef, pg_proc, pg_language.   Writes: nothing.
-- Variables: none.   Returns: the table that wants to see, the one that is seen (oids); in no order.
WITH called(relation, function) AS (
    SELECT k.conrelid, d.refobjid
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND d.objid = k.oid
    WHERE k.contype = 'c' AND k.conrelid <> 0 AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    UNION
    SELECT a.attrelid, d.refobjid
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND d.objid = k.oid
    JOIN pg_catalog.pg_attribute a ON a.atttypid = k.contypid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE k.contype = 'c' AND k.contypid <> 0 AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    UNION
    SELECT e.adrelid, d.refobjid
    FROM pg_catalog.pg_attrdef e
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = e.oid
    WHERE d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    UNION
    SELECT i.indrelid, d.refobjid
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.indexrelid
    WHERE (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL) AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
), word(function, text) AS (
    SELECT DISTINCT p.oid, w.text
    FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang AND l.lanname NOT IN ('c', 'internal')
    CROSS JOIN LATERAL pg_catalog.regexp_split_to_table(p.prosrc, '[^[:alnum:]_$]+') w(text)
    WHERE p.oid IN (SELECT c.function FROM called c)
), wants(relation, seen) AS (
    SELECT k.conrelid, k.confrelid FROM pg_catalog.pg_constraint k WHERE k.contype = 'f'
    UNION
    SELECT c.relation, s.oid
    FROM called c
    JOIN word w ON w.function = c.function
    JOIN pg_catalog.pg_class s ON s.relkind IN ('r', 'p') AND (s.relname = w.text OR s.relname = pg_catalog.lower(w.text))
    UNION
    -- A body of SQL's standard hangs on its tables.
    SELECT c.relation, d.refobjid
    FROM called c
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = c.function
    WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
)
SELECT DISTINCT f.root, t.root
FROM wants w
JOIN (:sql_catalog_roots) f ON f.oid = w.relation
JOIN (:sql_catalog_roots) t ON t.oid = w.seen
