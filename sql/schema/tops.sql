-- Objects of this database that stand by themselves: not columns, indexes, constraints or triggers of a table, not a row
-- type, no member of an extension, nothing of the system.
-- Reads: the catalogs.   Variables: none.   Returns: classid, objid, xmin, rank: in this order they are dropped.
SELECT o.classid, o.objid, o.xmin, o.rank
FROM (
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::oid AS classid, c.oid AS objid, c.xmin,
           CASE c.relkind WHEN 'r' THEN 1 WHEN 'p' THEN 1 WHEN 'f' THEN 1 WHEN 'm' THEN 2 WHEN 'v' THEN 2 WHEN 'S' THEN 3
           ELSE 5 END AS rank
    FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p', 'f', 'm', 'v', 'S', 'c')
    UNION ALL
    SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, oid, xmin, 4 FROM pg_catalog.pg_operator
    UNION ALL
    SELECT 'pg_catalog.pg_opclass'::pg_catalog.regclass, oid, xmin, 4 FROM pg_catalog.pg_opclass
    UNION ALL
    SELECT 'pg_catalog.pg_opfamily'::pg_catalog.regclass, oid, xmin, 4 FROM pg_catalog.pg_opfamily
    UNION ALL
    SELECT 'pg_catalog.pg_cast'::pg_catalog.regclass, oid, xmin, 4 FROM pg_catalog.pg_cast
    UNION ALL
    SELECT 'pg_catalog.pg_conversion'::pg_catalog.regclass, oid, xmin, 4 FROM pg_catalog.pg_conversion
    UNION ALL
    SELECT 'pg_catalog.pg_collation'::pg_catalog.regclass, oid, xmin, 6 FROM pg_catalog.pg_collation
    UNION ALL
    SELECT 'pg_catalog.pg_ts_config'::pg_catalog.regclass, oid, xmin, 4 FROM pg_catalog.pg_ts_config
    UNION ALL
    SELECT 'pg_catalog.pg_ts_dict'::pg_catalog.regclass, oid, xmin, 5 FROM pg_catalog.pg_ts_dict
    UNION ALL
    SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, oid, xmin, 5 FROM pg_catalog.pg_proc
    UNION ALL
    SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, t.xmin, 6 FROM pg_catalog.pg_type t
    WHERE t.typrelid = 0 AND t.typtype <> 'm'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = t.oid)
    UNION ALL
    SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass, oid, xmin, 7 FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_'
) o
WHERE o.objid >= 16384
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = o.classid AND d.objid = o.objid AND d.deptype = 'e')
