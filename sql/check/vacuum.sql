-- Tables whose anti-wraparound vacuum runs, or is due soon.
-- Reads: pg_class, pg_inherits, pg_locks, pg_stat_activity, settings.   Writes: nothing.
-- Variables: oids (text): the tables, as an array of oid; partitions are looked at with them.
-- Returns: label, sql (of the table or partition), running (otherwise due); the oldest first.
-- An autovacuum worker belongs to no role, so without pg_read_all_stats what it does cannot be read; that it has a
-- table locked can. On a table older than its autovacuum_freeze_max_age it is an anti-wraparound vacuum.
WITH RECURSIVE tree(oid) AS (
    SELECT unnest(:'oids'::pg_catalog.oid[])
    UNION
    SELECT i.inhrelid
    FROM tree t
    JOIN pg_catalog.pg_class p ON p.oid = t.oid AND p.relkind = 'p'
    JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
), worker AS (
    SELECT k.relation, bool_or(a.query LIKE '%(to prevent wraparound)') AS said
    FROM pg_catalog.pg_locks k
    JOIN pg_catalog.pg_stat_activity a ON a.pid = k.pid
    JOIN pg_catalog.pg_database d ON d.oid = k.database AND d.datname = pg_catalog.current_database()
    WHERE k.locktype = 'relation' AND k.mode = 'ShareUpdateExclusiveLock' AND k.granted AND a.usesysid IS NULL
    GROUP BY 1
), aged AS (
    SELECT c.oid, c.relname, c.relnamespace,
           greatest(pg_catalog.age(c.relfrozenxid)::float8
                        / least(o.freeze, pg_catalog.current_setting('autovacuum_freeze_max_age')::float8),
                    pg_catalog.mxid_age(c.relminmxid)::float8
                        / least(o.multi, pg_catalog.current_setting('autovacuum_multixact_freeze_max_age')::float8))
               AS share
    FROM tree t
    JOIN pg_catalog.pg_class c ON c.oid = t.oid AND c.relkind = 'r',
    LATERAL (SELECT max(x.option_value::float8) FILTER (WHERE x.option_name = 'autovacuum_freeze_max_age') AS freeze,
                    max(x.option_value::float8) FILTER (WHERE x.option_name = 'autovacuum_multixact_freeze_max_age')
                        AS multi
             FROM pg_catalog.pg_options_to_table(c.reloptions) x
             WHERE x.option_name LIKE 'autovacuum%freeze\_max\_age') o
)
SELECT n.nspname || '.' || a.relname, pg_catalog.format('%I.%I', n.nspname, a.relname),
       w.relation IS NOT NULL AND (a.share >= 1 OR coalesce(w.said, false)) AS running
FROM aged a
JOIN pg_catalog.pg_namespace n ON n.oid = a.relnamespace
LEFT JOIN worker w ON w.relation = a.oid
WHERE a.share > 0.9 OR coalesce(w.said, false)
ORDER BY a.share DESC
