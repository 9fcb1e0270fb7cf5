-- Sequences that never gave a value, and would not begin with their START: after setval(..., false) or RESTART.
-- pg_sequence_last_value says nothing of these, so each is read itself.
-- Reads: pg_class, pg_sequence, pg_namespace, pg_depend, the sequences.   Writes: nothing.
-- Variables: own_schema (text): repl's schema.
-- Returns: sql (quoted and qualified), value that comes next.
SELECT x.sql, x.next
FROM (SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS sql, s.seqstart,
             substring(pg_catalog.query_to_xml(pg_catalog.format('SELECT last_value FROM %I.%I', n.nspname, c.relname),
                                               false, false, '')::text
                       FROM '<last_value>(-?[0-9]+)</last_value>')::bigint AS next
      FROM pg_catalog.pg_sequence s
      JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relpersistence <> 't'
        AND n.nspname <> :'own_schema' AND pg_catalog.obj_description(n.oid, 'pg_namespace') IS DISTINCT FROM 'made by repl, removed by repl cleanup'
        AND CASE WHEN pg_catalog.has_sequence_privilege(s.seqrelid, 'SELECT')
                 THEN pg_catalog.pg_sequence_last_value(s.seqrelid) IS NULL END
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                          AND d.objsubid = 0 AND d.deptype = 'e')
      OFFSET 0) x
WHERE x.next <> x.seqstart
