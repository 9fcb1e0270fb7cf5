-- The version of the database's collation, when it was made and now (PostgreSQL 15 and newer).
-- Reads: pg_database.   Writes: nothing.   Variables: none.
-- Returns: recorded, actual (null where the provider has none), the same.
SELECT d.datcollversion, v.actual, d.datcollversion IS NULL OR v.actual IS NULL OR d.datcollversion = v.actual
FROM pg_catalog.pg_database d, pg_catalog.pg_database_collation_actual_version(d.oid) AS v(actual)
WHERE d.datname = pg_catalog.current_database()
