-- What preflight asks a server about the database as a whole.
-- Reads: pg_database, pg_roles, pg_namespace, pg_class, pg_sequence, pg_event_trigger, pg_foreign_table,
-- pg_largeobject_metadata, settings.   Writes: nothing.
-- Variables: own_schema (text): repl's schema.
-- Returns one row: database, role (both quoted), encoding, may_create (schemas in the database),
-- schema_exists (one of repl's name), max_prepared_transactions, large_objects, foreign_tables, event_triggers,
-- unreadable_sequences (names, or empty).
SELECT pg_catalog.quote_ident(d.datname), pg_catalog.quote_ident(current_user),
       pg_catalog.pg_encoding_to_char(d.encoding),
       pg_catalog.has_database_privilege(d.oid, 'CREATE'),
       EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = :'own_schema'),
       pg_catalog.current_setting('max_prepared_transactions')::int,
       (SELECT count(*) FROM pg_catalog.pg_largeobject_metadata),
       (SELECT count(*) FROM pg_catalog.pg_foreign_table),
       (SELECT count(*)
        FROM pg_catalog.pg_event_trigger t
        WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend x
                          WHERE x.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass AND x.objid = t.oid
                            AND x.deptype = 'e')),
       (SELECT coalesce(pg_catalog.string_agg(pg_catalog.format('%I.%I', n.nspname, c.relname), ', '), '')
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND n.nspname <> :'own_schema'
          AND CASE WHEN c.relkind = 'S' THEN NOT pg_catalog.has_sequence_privilege(c.oid, 'SELECT, USAGE') END
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend x
                          WHERE x.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND x.objid = c.oid
                            AND x.objsubid = 0 AND x.deptype = 'e'))
FROM pg_catalog.pg_database d
WHERE d.datname = pg_catalog.current_database()
