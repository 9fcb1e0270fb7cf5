-- Whether capture's schema has a state of the cutover.   Reads: pg_proc.   Writes: nothing.   Variables: schema.
SELECT EXISTS (SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
               WHERE n.nspname = :'schema' AND p.proname = 'cutover_now')
