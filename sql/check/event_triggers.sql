-- Event triggers that are on, less those of extensions.
-- Reads: pg_event_trigger, pg_depend.   Writes: nothing.   Variables: none.
-- Returns: name (quoted); in name order.
SELECT pg_catalog.quote_ident(t.evtname)
FROM pg_catalog.pg_event_trigger t
WHERE t.evtenabled <> 'D'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend x
                  WHERE x.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass AND x.objid = t.oid
                    AND x.deptype = 'e')
ORDER BY 1
