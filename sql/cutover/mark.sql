-- What the sync's tables are at this moment, to tell later what was written since: a snapshot, and the rows that were ever
-- inserted, updated and deleted in them by the server's statistics.
-- Reads: repl's relation, pg_inherits, statistics.   Writes: nothing.   Variables: schema (of the sync, on the target).
-- Returns: one row, one text: "snapshot written deleted".
WITH RECURSIVE w(oid) AS (
    SELECT c.oid FROM :"schema".relation r
    JOIN pg_catalog.pg_namespace n ON n.nspname = r.nspname
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = r.relname
    UNION
    SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN w ON i.inhparent = w.oid
)
SELECT pg_catalog.format('%s %s %s', pg_catalog.txid_current_snapshot(),
    coalesce(pg_catalog.sum(pg_catalog.pg_stat_get_tuples_inserted(w.oid) + pg_catalog.pg_stat_get_tuples_updated(w.oid)), 0),
    coalesce(pg_catalog.sum(pg_catalog.pg_stat_get_tuples_deleted(w.oid)), 0))
FROM w
