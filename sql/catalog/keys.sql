-- The key of each table given: its primary key, else the unique index over NOT NULL columns that is smallest (fewest
-- columns, then first by name). Tables with neither have no row here.
-- Reads: pg_index, pg_attribute, pg_opclass, pg_amop, pg_operator.   Writes: nothing.
-- Variables: oids (text): the tables, as an array of oid.
-- Returns: table oid, primary, position, attnum, equality operator; in table and position order.
WITH candidate AS (
    SELECT DISTINCT ON (i.indrelid) i.indrelid, i.indexrelid, i.indisprimary, i.indkey, i.indclass, i.indnkeyatts
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = ANY (:'oids'::pg_catalog.oid[])
      AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
      AND NOT EXISTS (SELECT FROM pg_catalog.generate_series(0, i.indnkeyatts - 1) g
                      JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[g]
                      WHERE NOT a.attnotnull)
    ORDER BY i.indrelid, i.indisprimary DESC, i.indimmediate DESC, i.indnkeyatts, c.relname COLLATE "C"
)
SELECT k.indrelid, k.indisprimary, g, k.indkey[g],
       pg_catalog.format('OPERATOR(%I.%s)', n.nspname, o.oprname)
FROM candidate k
CROSS JOIN LATERAL pg_catalog.generate_series(0, k.indnkeyatts - 1) g
JOIN pg_catalog.pg_opclass oc ON oc.oid = k.indclass[g]
JOIN pg_catalog.pg_amop am ON am.amopfamily = oc.opcfamily AND am.amoplefttype = oc.opcintype
     AND am.amoprighttype = oc.opcintype AND am.amopstrategy = 3
JOIN pg_catalog.pg_operator o ON o.oid = am.amopopr
JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
ORDER BY k.indrelid, g
