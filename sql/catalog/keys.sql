-- The key of each table given: its primary key, else the unique index over NOT NULL columns that is smallest (fewest
-- columns, then first by name). Tables with neither have no row here.
-- Reads: pg_index, pg_attribute, pg_type, pg_opclass, pg_amop, pg_amproc, pg_operator, pg_collation.   Writes: nothing.
-- Variables: oids (text): the tables, as an array of oid.
-- Returns: table oid, primary, position, attnum, the operators for equal, less, greater or equal, how ORDER BY names the
-- index's order, its collation where that is not the column's, the column's own where that is not deterministic, how a call
-- begins of a function that gives equal values equal 64-bit hashes (of an array of the value where the type's own cannot be
-- called; empty: there is none, or it would fail for want of the elements': those of arrays, ranges and rows); in table and
-- position order.
WITH candidate AS (
    SELECT DISTINCT ON (i.indrelid) i.indrelid, i.indexrelid, i.indisprimary, i.indkey, i.indclass,
                                        i.indcollation, i.indoption, i.indnkeyatts
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = ANY (:'oids'::pg_catalog.oid[])
      AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
      AND NOT EXISTS (SELECT FROM pg_catalog.generate_series(0, i.indnkeyatts - 1) g
                      JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[g]
                      WHERE NOT a.attnotnull)
    ORDER BY i.indrelid, i.indisprimary DESC, i.indimmediate DESC, i.indnkeyatts, c.relname COLLATE "C"
), operator(opclass, strategy, oid, name) AS (
    SELECT oc.oid, am.amopstrategy, o.oid, pg_catalog.format('OPERATOR(%I.%s)', n.nspname, o.oprname)
    FROM pg_catalog.pg_opclass oc
    JOIN pg_catalog.pg_amop am ON am.amopfamily = oc.opcfamily AND am.amoplefttype = oc.opcintype
         AND am.amoprighttype = oc.opcintype AND am.amoppurpose = 's'
    JOIN pg_catalog.pg_operator o ON o.oid = am.amopopr
    JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
    WHERE oc.oid IN (SELECT pg_catalog.unnest(indclass::pg_catalog.oid[]) FROM candidate)
)
SELECT k.indrelid, k.indisprimary, g, k.indkey[g], eq.name, lt.name, ge.name,
       pg_catalog.format('USING %s NULLS %s', CASE WHEN k.indoption[g] & 1 = 1 THEN gt.name ELSE lt.name END,
                         CASE WHEN k.indoption[g] & 2 = 2 THEN 'FIRST' ELSE 'LAST' END),
       CASE WHEN k.indcollation[g] <> a.attcollation
            THEN (SELECT pg_catalog.format(' COLLATE %I.%I', n.nspname, co.collname)
                  FROM pg_catalog.pg_collation co
                  JOIN pg_catalog.pg_namespace n ON n.oid = co.collnamespace
                  WHERE co.oid = k.indcollation[g])
            ELSE '' END,
       coalesce((SELECT pg_catalog.format(' COLLATE %I.%I', n.nspname, co.collname)
                 FROM pg_catalog.pg_collation co
                 JOIN pg_catalog.pg_namespace n ON n.oid = co.collnamespace
                 WHERE co.oid = a.attcollation AND NOT co.collisdeterministic), ''),
       coalesce((SELECT CASE WHEN p.proargtypes[0] = f.amproclefttype THEN pg_catalog.format('%I.%I(', n.nspname, p.proname)
                             ELSE 'pg_catalog.hash_array_extended(ARRAY[' END
                 FROM pg_catalog.pg_amop h
                 JOIN pg_catalog.pg_am m ON m.oid = h.amopmethod AND m.amname = 'hash'
                 JOIN pg_catalog.pg_type t ON t.oid = h.amoplefttype AND (t.typtype <> 'p' OR t.typname = 'anyenum')
                 JOIN pg_catalog.pg_opclass oc ON oc.opcfamily = h.amopfamily AND oc.opcintype = h.amoplefttype AND oc.opcdefault
                 JOIN pg_catalog.pg_amproc f ON f.amprocfamily = h.amopfamily AND f.amproclefttype = h.amoplefttype
                      AND f.amprocrighttype = h.amoplefttype AND f.amprocnum = 2
                 JOIN pg_catalog.pg_proc p ON p.oid = f.amproc
                 JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
                 WHERE h.amopopr = eq.oid
                 LIMIT 1), '')
FROM candidate k
CROSS JOIN LATERAL pg_catalog.generate_series(0, k.indnkeyatts - 1) g
JOIN pg_catalog.pg_attribute a ON a.attrelid = k.indrelid AND a.attnum = k.indkey[g]
JOIN operator eq ON eq.opclass = k.indclass[g] AND eq.strategy = 3
JOIN operator lt ON lt.opclass = k.indclass[g] AND lt.strategy = 1
JOIN operator ge ON ge.opclass = k.indclass[g] AND ge.strategy = 4
JOIN operator gt ON gt.opclass = k.indclass[g] AND gt.strategy = 5
ORDER BY k.indrelid, g
