-- What a comparison of tables does not see. Reads: the catalog.   Variables: own_schema.
-- Returns: materialized views, foreign tables, large objects.
SELECT (SELECT pg_catalog.count(*) FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'm' AND n.nspname <> :'own_schema'),
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_class WHERE relkind = 'f'),
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_largeobject_metadata)
