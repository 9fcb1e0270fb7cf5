-- Remembers, in the transaction that drops what repl made, the objects and parts of objects that are not repl's, by what they
-- are called: they must be there behind the drop as before it.
-- Reads: made, the catalogs.   Writes: a temporary table.   Variables: schema.
CREATE TEMPORARY TABLE repl_others ON COMMIT DROP AS
SELECT o.classid, o.objid, o.objsubid, i.type, i.identity
FROM (
WITH mine AS (
    SELECT m.classid, m.objid FROM :"schema".made m
    CROSS JOIN LATERAL pg_catalog.pg_identify_object(m.classid, m.objid, 0) i
    WHERE i.type = m.type AND i.identity = m.identity
), tables AS ( -- repl's, and what belongs to them
    SELECT c.oid FROM pg_catalog.pg_class c
    WHERE EXISTS (SELECT FROM mine WHERE classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND objid = c.oid)
       OR EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.oid = c.relnamespace AND n.nspname = :'schema')
       OR EXISTS (SELECT FROM pg_catalog.pg_depend d -- a sequence that a column owns
                  JOIN mine m ON m.classid = d.refclassid AND m.objid = d.refobjid
                  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
                    AND c.relkind = 'S')
)
SELECT t.classid, t.objid, 0 AS objsubid
FROM (:sql_schema_tops) t
WHERE NOT EXISTS (SELECT FROM mine m WHERE m.classid = t.classid AND m.objid = t.objid)
  AND NOT EXISTS (SELECT FROM tables WHERE t.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND tables.oid = t.objid)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n
                  WHERE t.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND n.oid = t.objid AND n.nspname = :'schema')
UNION ALL
SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, a.attrelid, a.attnum
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.oid >= 16384 AND c.relkind IN ('r', 'p', 'f', 'm', 'v', 'c')
  AND a.attrelid NOT IN (SELECT oid FROM tables)
UNION ALL
SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid, 0 FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indrelid AND c.relkind <> 't'
WHERE i.indexrelid >= 16384 AND i.indrelid NOT IN (SELECT oid FROM tables)
UNION ALL
SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, oid, 0 FROM pg_catalog.pg_constraint
WHERE oid >= 16384 AND conrelid <> 0 AND conrelid NOT IN (SELECT oid FROM tables)
UNION ALL
SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass, oid, 0 FROM pg_catalog.pg_attrdef
WHERE oid >= 16384 AND adrelid NOT IN (SELECT oid FROM tables)
UNION ALL
SELECT 'pg_catalog.pg_trigger'::pg_catalog.regclass, oid, 0 FROM pg_catalog.pg_trigger
WHERE oid >= 16384 AND NOT tgisinternal AND tgrelid NOT IN (SELECT oid FROM tables)
UNION ALL
SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass, oid, 0 FROM pg_catalog.pg_policy
WHERE oid >= 16384 AND polrelid NOT IN (SELECT oid FROM tables)
UNION ALL
SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass, oid, 0 FROM pg_catalog.pg_rewrite
WHERE oid >= 16384 AND ev_class NOT IN (SELECT oid FROM tables)
) o, LATERAL pg_catalog.pg_identify_object(o.classid, o.objid, o.objsubid) i;
