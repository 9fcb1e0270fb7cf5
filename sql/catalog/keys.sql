-- The key of each table given: its primary key, else the unique index over NOT NULL columns that is smallest (fewest
-- columns, then first by name). Tables with neither have no row here.
-- Reads: pg_index, pg_attribute, pg_type, pg_opclass, pg_amop, pg_amproc, pg_operator, pg_collation.   Writes: nothing.
-- Variables: oids (text): the tables, as an array of oid.
-- Returns: table oid, primary, position, attnum, a cast to the type that the operators take, the operators for equal, less,
-- less or equal, greater or equal, greater, how ORDER BY names the index's order, its collation where that is not the column's,
-- the column's own where that is not deterministic, how a call begins of a function that gives equal values equal 64-bit hashes
-- (of an array of the value where the type's own is not in pg_catalog or takes another type; empty: there is none, or it would
-- fail for want of the elements': those of arrays, ranges and rows); in table and position order.
--
-- The cast names the type under the domains, which also reads a literal as the column does, and then the operator class's own
-- type where that is another (text of a varchar); not where that is any array, enum, range or row. Operators and functions are chosen by the types of their arguments: with operands cast to these the server finds the
-- same ones and no others, whatever else of their name is in their schema. Where a class takes any type, its operators must
-- be in pg_catalog, where nobody else makes any.
WITH RECURSIVE base(oid, root) AS (
    SELECT t.oid, t.oid FROM pg_catalog.pg_type t WHERE t.typtype <> 'd'
    UNION ALL
    SELECT d.oid, b.root FROM pg_catalog.pg_type d JOIN base b ON d.typbasetype = b.oid WHERE d.typtype = 'd'
), operator(opclass, strategy, oid, name) AS (
    SELECT oc.oid, am.amopstrategy, o.oid, pg_catalog.format('OPERATOR(%I.%s)', n.nspname, o.oprname)
    FROM pg_catalog.pg_opclass oc
    JOIN pg_catalog.pg_am m ON m.oid = oc.opcmethod AND m.amname = 'btree'
    JOIN pg_catalog.pg_type t ON t.oid = oc.opcintype
    JOIN pg_catalog.pg_amop am ON am.amopfamily = oc.opcfamily AND am.amoplefttype = oc.opcintype
         AND am.amoprighttype = oc.opcintype AND am.amoppurpose = 's'
    JOIN pg_catalog.pg_operator o ON o.oid = am.amopopr AND o.oprleft = oc.opcintype AND o.oprright = oc.opcintype
    JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace AND (t.typtype <> 'p' OR n.nspname = 'pg_catalog')
), whole(opclass) AS (
    SELECT opclass FROM operator GROUP BY opclass HAVING pg_catalog.count(*) = 5
), candidate AS (
    SELECT DISTINCT ON (i.indrelid) i.indrelid, i.indexrelid, i.indisprimary, i.indkey, i.indclass,
                                        i.indcollation, i.indoption, i.indnkeyatts
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = ANY (:'oids'::pg_catalog.oid[])
      AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
      AND NOT EXISTS (SELECT FROM pg_catalog.generate_series(0, i.indnkeyatts - 1) g
                      JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[g]
                      WHERE NOT a.attnotnull)
      AND NOT EXISTS (SELECT FROM pg_catalog.unnest(i.indclass::pg_catalog.oid[]) o(opclass)
                      WHERE o.opclass NOT IN (SELECT w.opclass FROM whole w))
    ORDER BY i.indrelid, i.indisprimary DESC, i.indimmediate DESC, i.indnkeyatts, c.relname COLLATE "C"
)
SELECT k.indrelid, k.indisprimary, g, k.indkey[g],
       pg_catalog.format('::%I.%I', rn.nspname, root.typname)
           || CASE WHEN takes.typtype <> 'p' AND takes.oid <> root.oid
              THEN pg_catalog.format('::%I.%I', tn.nspname, takes.typname) ELSE '' END,
       eq.name, lt.name, le.name, ge.name, gt.name,
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
       coalesce((SELECT CASE WHEN p.proargtypes[0] = f.amproclefttype AND p.proargtypes[1] = 'int8'::pg_catalog.regtype
                                  AND p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
                             THEN pg_catalog.format('pg_catalog.%I(', p.proname)
                             ELSE 'pg_catalog.hash_array_extended(ARRAY[' END
                 FROM pg_catalog.pg_amop h
                 JOIN pg_catalog.pg_am m ON m.oid = h.amopmethod AND m.amname = 'hash'
                 JOIN pg_catalog.pg_type t ON t.oid = h.amoplefttype AND (t.typtype <> 'p' OR t.typname = 'anyenum')
                 JOIN pg_catalog.pg_opclass oc ON oc.opcfamily = h.amopfamily AND oc.opcintype = h.amoplefttype AND oc.opcdefault
                 JOIN pg_catalog.pg_amproc f ON f.amprocfamily = h.amopfamily AND f.amproclefttype = h.amoplefttype
                      AND f.amprocrighttype = h.amoplefttype AND f.amprocnum = 2
                 JOIN pg_catalog.pg_proc p ON p.oid = f.amproc
                 WHERE h.amopopr = eq.oid AND h.amoplefttype = cl.opcintype
                 LIMIT 1), '')
FROM candidate k
CROSS JOIN LATERAL pg_catalog.generate_series(0, k.indnkeyatts - 1) g
JOIN pg_catalog.pg_attribute a ON a.attrelid = k.indrelid AND a.attnum = k.indkey[g]
JOIN base b ON b.oid = a.atttypid
JOIN pg_catalog.pg_opclass cl ON cl.oid = k.indclass[g]
JOIN pg_catalog.pg_type takes ON takes.oid = cl.opcintype
JOIN pg_catalog.pg_namespace tn ON tn.oid = takes.typnamespace
JOIN pg_catalog.pg_type root ON root.oid = b.root
JOIN pg_catalog.pg_namespace rn ON rn.oid = root.typnamespace
JOIN operator eq ON eq.opclass = k.indclass[g] AND eq.strategy = 3
JOIN operator lt ON lt.opclass = k.indclass[g] AND lt.strategy = 1
JOIN operator le ON le.opclass = k.indclass[g] AND le.strategy = 2
JOIN operator ge ON ge.opclass = k.indclass[g] AND ge.strategy = 4
JOIN operator gt ON gt.opclass = k.indclass[g] AND gt.strategy = 5
ORDER BY k.indrelid, g
