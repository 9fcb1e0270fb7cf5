-- The key of each table given: its primary key, else the unique index over NOT NULL columns that is smallest (fewest
-- columns, then first by name); of a partitioned table without either the key that all its partitions have, with the columns
-- that choose a row's partition: equal rows are in the same one. Tables with none have no row here.
-- Reads: pg_class, pg_inherits, pg_depend, pg_cast, pg_index, pg_attribute, pg_type, pg_opclass, pg_amop, pg_amproc, pg_operator, pg_collation.   Writes: nothing.
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
), tree(root, oid, relkind) AS (
    SELECT c.oid, c.oid, c.relkind
    FROM pg_catalog.pg_class c WHERE c.oid = ANY (:'oids'::pg_catalog.oid[])
    UNION ALL
    SELECT t.root, c.oid, c.relkind
    FROM tree t
    JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
    JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
    WHERE t.relkind = 'p'
), candidate AS (
    SELECT DISTINCT ON (t.root, i.indrelid) t.root, i.indrelid, i.indisprimary, i.indkey, i.indclass, i.indcollation, i.indoption,
           i.indnkeyatts
    FROM tree t
    JOIN pg_catalog.pg_index i ON i.indrelid = t.oid
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
      AND (t.oid = t.root OR t.relkind = 'r')
      AND NOT EXISTS (SELECT FROM pg_catalog.generate_series(0, i.indnkeyatts - 1) g
                      JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[g]
                      WHERE NOT a.attnotnull)
      AND NOT EXISTS (SELECT FROM pg_catalog.unnest(i.indclass::pg_catalog.oid[]) o(opclass)
                      WHERE o.opclass NOT IN (SELECT w.opclass FROM whole w))
    ORDER BY t.root, i.indrelid, i.indisprimary DESC, i.indimmediate DESC, i.indnkeyatts, c.relname COLLATE "C"
), bare(root) AS (
    SELECT c.oid FROM pg_catalog.pg_class c
    WHERE c.oid = ANY (:'oids'::pg_catalog.oid[]) AND c.relkind = 'p' AND c.oid NOT IN (SELECT indrelid FROM candidate)
), named AS (
    -- The keys of the partitions, by the names of their columns, since partitions may number them otherwise.
    SELECT k.root, k.indrelid, g, a.attname, k.indclass[g] AS opclass, k.indcollation[g] AS coll, k.indoption[g] AS option
    FROM bare b
    JOIN candidate k ON k.root = b.root
    CROSS JOIN LATERAL pg_catalog.generate_series(0, k.indnkeyatts - 1) g
    JOIN pg_catalog.pg_attribute a ON a.attrelid = k.indrelid AND a.attnum = k.indkey[g]
), chooses(root, attname) AS (
    -- What a partition hangs on, in expressions, too: the server makes these columns hang on the table.
    SELECT DISTINCT t.root, a.attname
    FROM tree t
    JOIN bare b ON b.root = t.root
    JOIN pg_catalog.pg_depend d
      ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = t.oid AND d.objsubid > 0
     AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = t.oid AND d.refobjsubid = 0 AND d.deptype = 'i'
    JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.objsubid
    WHERE t.relkind = 'p'
), added AS (
    SELECT c.root, pg_catalog.row_number() OVER (PARTITION BY c.root ORDER BY c.attname COLLATE "C") AS place, a.attnum, a.attcollation,
           (SELECT o.oid
            FROM base b
            JOIN pg_catalog.pg_type ty ON ty.oid = b.root
            JOIN pg_catalog.pg_opclass o ON o.opcdefault AND o.oid IN (SELECT w.opclass FROM whole w)
             AND (o.opcintype = ty.oid OR ty.typtype = 'e' AND o.opcintype = 'pg_catalog.anyenum'::pg_catalog.regtype
                  OR EXISTS (SELECT FROM pg_catalog.pg_cast x WHERE x.castsource = ty.oid AND x.casttarget = o.opcintype
                             AND x.castmethod = 'b' AND x.castcontext = 'i'))
            WHERE b.oid = a.atttypid
            ORDER BY o.opcintype <> ty.oid, o.oid LIMIT 1) AS opclass
    FROM chooses c
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.root AND a.attname = c.attname
    WHERE NOT EXISTS (SELECT FROM named n WHERE n.root = c.root AND n.attname = c.attname)
), shared(root, indrelid) AS (
    SELECT x.root, pg_catalog.min(x.indrelid)
    FROM (SELECT n.root, n.indrelid, pg_catalog.array_agg(pg_catalog.concat_ws(' ', n.opclass, n.coll, n.option, n.attname) ORDER BY n.g) AS parts
          FROM named n GROUP BY n.root, n.indrelid) x
    GROUP BY x.root
    HAVING pg_catalog.count(DISTINCT x.parts) = 1
       AND pg_catalog.count(*) = (SELECT pg_catalog.count(*) FROM tree t WHERE t.root = x.root AND t.relkind NOT IN ('p', 'f'))
       AND NOT EXISTS (SELECT FROM added d WHERE d.root = x.root AND d.opclass IS NULL)
       AND NOT EXISTS (SELECT FROM chooses c
                       JOIN tree t ON t.root = c.root AND t.relkind = 'r'
                       JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attname = c.attname
                       WHERE c.root = x.root AND NOT a.attnotnull)
), part(indrelid, indisprimary, g, attnum, opclass, coll, option) AS (
    SELECT k.indrelid, k.indisprimary, g, k.indkey[g], k.indclass[g], k.indcollation[g], k.indoption[g]
    FROM candidate k
    CROSS JOIN LATERAL pg_catalog.generate_series(0, k.indnkeyatts - 1) g
    WHERE k.indrelid = k.root
    UNION ALL
    SELECT s.root, false, n.g, a.attnum, n.opclass, n.coll, n.option
    FROM shared s
    JOIN named n ON n.root = s.root AND n.indrelid = s.indrelid
    JOIN pg_catalog.pg_attribute a ON a.attrelid = s.root AND a.attname = n.attname
    UNION ALL
    SELECT s.root, false, 1000 + d.place, d.attnum, d.opclass, d.attcollation, 0
    FROM shared s
    JOIN added d ON d.root = s.root
)
SELECT k.indrelid, k.indisprimary, k.g, k.attnum,
       pg_catalog.format('::%I.%I', rn.nspname, root.typname)
           || CASE WHEN takes.typtype <> 'p' AND takes.oid <> root.oid
              THEN pg_catalog.format('::%I.%I', tn.nspname, takes.typname) ELSE '' END,
       eq.name, lt.name, le.name, ge.name, gt.name,
       pg_catalog.format('USING %s NULLS %s', CASE WHEN k.option & 1 = 1 THEN gt.name ELSE lt.name END,
                         CASE WHEN k.option & 2 = 2 THEN 'FIRST' ELSE 'LAST' END),
       CASE WHEN k.coll <> a.attcollation
            THEN (SELECT pg_catalog.format(' COLLATE %I.%I', n.nspname, co.collname)
                  FROM pg_catalog.pg_collation co
                  JOIN pg_catalog.pg_namespace n ON n.oid = co.collnamespace
                  WHERE co.oid = k.coll)
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
FROM part k
JOIN pg_catalog.pg_attribute a ON a.attrelid = k.indrelid AND a.attnum = k.attnum
JOIN base b ON b.oid = a.atttypid
JOIN pg_catalog.pg_opclass cl ON cl.oid = k.opclass
JOIN pg_catalog.pg_type takes ON takes.oid = cl.opcintype
JOIN pg_catalog.pg_namespace tn ON tn.oid = takes.typnamespace
JOIN pg_catalog.pg_type root ON root.oid = b.root
JOIN pg_catalog.pg_namespace rn ON rn.oid = root.typnamespace
JOIN operator eq ON eq.opclass = k.opclass AND eq.strategy = 3
JOIN operator lt ON lt.opclass = k.opclass AND lt.strategy = 1
JOIN operator le ON le.opclass = k.opclass AND le.strategy = 2
JOIN operator ge ON ge.opclass = k.opclass AND ge.strategy = 4
JOIN operator gt ON gt.opclass = k.opclass AND gt.strategy = 5
ORDER BY k.indrelid, k.g
