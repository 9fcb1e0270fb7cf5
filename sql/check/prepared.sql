-- Prepared transactions of this database.
-- Reads: pg_prepared_xacts.   Writes: nothing.   Variables: none.
-- Returns: gid (a literal), owner (quoted), seconds; oldest first.
SELECT pg_catalog.quote_literal(p.gid), pg_catalog.quote_ident(p.owner),
       extract(epoch FROM pg_catalog.clock_timestamp() - p.prepared)::bigint
FROM pg_catalog.pg_prepared_xacts p
WHERE p.database = pg_catalog.current_database()
ORDER BY p.prepared
