-- The columns of the tables given, in table and column order.
-- Reads: pg_attribute, pg_attrdef, pg_type, pg_class, pg_inherits, pg_index, pg_constraint, pg_depend.   Writes: nothing.
-- Variables: oids (text): the tables, as an array of oid.
-- Returns: table oid, attnum, name, type, base type, is domain, not null, generated, identity always, binary safe,
--          in a unique or exclusion index of the table or of a partition that is not the primary key (or what a generated
--          column there is made from), has a default, oid of the type, type under the domains without modifiers, the default as SQL where
--          any other database can take it, too.
--
-- Binary safe: COPY BINARY carries the value between any two supported servers without loss. True for built-in
-- scalar types whose send and receive functions speak of values alone, arrays of them, ranges over them, enums
-- (sent as labels) and domains over all these. Never for reg* types, whose bytes are oids of one database, nor
-- for arrays, ranges or rows of user types, whose bytes carry the oids of those types.
WITH RECURSIVE base(oid, root) AS (
    SELECT t.oid, t.oid FROM pg_catalog.pg_type t WHERE t.typtype <> 'd'
    UNION ALL
    SELECT d.oid, b.root FROM pg_catalog.pg_type d JOIN base b ON d.typbasetype = b.oid WHERE d.typtype = 'd'
), safe(oid) AS (
    SELECT t.oid
    FROM pg_catalog.pg_type t
    WHERE t.oid < 16384
      AND t.typname IN ('bool', 'int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'text', 'varchar', 'bpchar',
                        'char', 'name', 'bytea', 'date', 'time', 'timetz', 'timestamp', 'timestamptz', 'interval',
                        'uuid', 'json', 'jsonb', 'inet', 'cidr', 'macaddr', 'macaddr8', 'bit', 'varbit', 'point',
                        'lseg', 'box', 'path', 'polygon', 'circle', 'line', 'oid')
      AND t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
    UNION
    SELECT t.oid FROM pg_catalog.pg_type t WHERE t.typtype = 'e'
), safe_all(oid) AS (
    SELECT oid FROM safe
    UNION
    -- Not int2vector and oidvector, which look like arrays and refuse to receive an empty one.
    SELECT t.typarray FROM pg_catalog.pg_type t JOIN safe s ON t.oid = s.oid WHERE t.typarray < 16384
    UNION
    SELECT r.rngtypid FROM pg_catalog.pg_range r JOIN safe s ON r.rngsubtype = s.oid WHERE r.rngtypid < 16384
), member(root, oid) AS (
    -- A table and its partitions, whose columns have the same names and may have other numbers.
    SELECT t.oid, t.oid FROM unnest(:'oids'::pg_catalog.oid[]) t(oid)
    UNION ALL
    SELECT m.root, i.inhrelid
    FROM member m
    JOIN pg_catalog.pg_class p ON p.oid = m.oid AND p.relkind = 'p'
    JOIN pg_catalog.pg_inherits i ON i.inhparent = m.oid
), other_index AS (
    -- Unique and exclusion indexes that are not the table's primary key; of partitions those that the table's own do not make.
    SELECT m.root, m.oid, i.indexrelid, i.indisexclusion AND i.indexprs IS NOT NULL
           -- A reference to a whole row is no dependency on any column.
           OR pg_catalog.strpos(pg_catalog.concat(i.indexprs::text, i.indpred::text), ':varattno 0 ') > 0 AS whole
    FROM member m
    JOIN pg_catalog.pg_index i ON i.indrelid = m.oid AND (i.indisunique OR i.indisexclusion)
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    WHERE CASE WHEN m.oid = m.root THEN NOT i.indisprimary ELSE NOT c.relispartition END
), indexed(root, oid, attnum) AS (
    SELECT x.root, x.oid, d.refobjsubid
    FROM other_index x
    JOIN pg_catalog.pg_depend d
      ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = x.indexrelid
     AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = x.oid
    UNION
    -- An index that belongs to a constraint hangs on the constraint, and the constraint on the columns.
    SELECT x.root, x.oid, a.attnum
    FROM other_index x
    JOIN pg_catalog.pg_constraint k ON k.conrelid = x.oid AND k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x')
    CROSS JOIN LATERAL unnest(k.conkey) AS a(attnum)
), in_other_index(root, attname) AS (
    SELECT i.root, a.attname
    FROM (SELECT root, oid, attnum FROM indexed
          UNION
          -- What a generated column of such an index is made from. Up to PostgreSQL 14 the column itself hangs on the others,
          -- later its expression does.
          SELECT x.root, x.oid, d.refobjsubid
          FROM indexed x
          JOIN pg_catalog.pg_attrdef e ON e.adrelid = x.oid AND e.adnum = x.attnum
          JOIN pg_catalog.pg_depend d
            ON (d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = e.oid
                OR d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = e.adrelid AND d.objsubid = e.adnum)
           AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = x.oid AND d.refobjsubid > 0) i
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.oid AND a.attnum = i.attnum
)
SELECT a.attrelid, a.attnum, a.attname,
       pg_catalog.format_type(a.atttypid, a.atttypmod),
       -- A domain's own modifier stands in the domain: take the innermost that is set.
       CASE WHEN t.typtype = 'd' THEN pg_catalog.format_type(b.root, CASE WHEN t.typtypmod >= 0 THEN t.typtypmod
                                                                         ELSE -1 END)
            ELSE pg_catalog.format_type(a.atttypid, a.atttypmod) END,
       t.typtype = 'd',
       a.attnotnull,
       a.attgenerated <> '',
       a.attidentity = 'a',
       EXISTS (SELECT FROM safe_all s WHERE s.oid = b.root),
       EXISTS (SELECT FROM in_other_index x WHERE x.root = a.attrelid AND x.attname = a.attname)
           -- An index over the whole row, or an exclusion constraint over expressions: any change may matter.
           OR EXISTS (SELECT FROM other_index x WHERE x.root = a.attrelid AND x.whole),
       a.atthasdef OR a.attidentity <> '',
       a.atttypid,
       pg_catalog.format_type(b.root, -1),
       CASE WHEN a.attgenerated = '' AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_depend d -- such as a sequence
                WHERE d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = e.oid
                  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> a.attrelid)
            THEN pg_catalog.pg_get_expr(e.adbin, 0) END -- it names no column; with the table given it would be locked
FROM pg_catalog.pg_attribute a
LEFT JOIN pg_catalog.pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
JOIN base b ON b.oid = a.atttypid
WHERE a.attrelid = ANY (:'oids'::pg_catalog.oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
