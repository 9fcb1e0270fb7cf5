-- Who can have locks: sessions, and prepared transactions, which have none. No query's text, which may hold anybody's secrets.
-- No statement for itself alone: other files take it in as :sql_catalog_holders.
-- Reads: pg_stat_activity, pg_prepared_xacts, pg_lock_status.   Writes: nothing.   Variables: none.
-- Returns: pid (null: a prepared transaction), virtualtransaction (null: a session), who (one line for people), since (when
-- its transaction began; null: others may not see that), own (a session of repl), role, name (its application_name), began (when
-- its query began, seconds since 1970).
-- A prepared transaction is the one that holds the lock of its own id.
SELECT a.pid, NULL::text AS virtualtransaction,
       pg_catalog.format('pid %s (%s)', a.pid,
                         pg_catalog.concat_ws(', ', coalesce(a.usename::text, a.backend_type, 'a process of the server'), nullif(a.application_name, ''), a.state,
                                              'transaction for ' || pg_catalog.date_trunc('second', pg_catalog.clock_timestamp()
                                                                                                    - a.xact_start))) AS who,
       a.xact_start AS since, a.application_name LIKE 'repl: %' AS own, a.usename AS role, a.application_name AS name,
       extract(epoch FROM a.query_start) AS began
FROM pg_catalog.pg_stat_activity a
UNION ALL
SELECT NULL, x.virtualtransaction,
       pg_catalog.format('the prepared transaction %L of role %I, since %s (COMMIT PREPARED %1$L, or ROLLBACK PREPARED)',
                         p.gid, p.owner, pg_catalog.date_trunc('second', p.prepared)),
       p.prepared, false, p.owner, NULL, NULL
FROM pg_catalog.pg_prepared_xacts p
JOIN pg_catalog.pg_lock_status() x ON x.pid IS NULL AND x.locktype = 'transactionid' AND x.transactionid = p.transaction
