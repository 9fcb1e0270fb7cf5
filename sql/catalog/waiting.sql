-- Which of some sessions wait for a lock, and for whom.
-- Reads: pg_lock_status, :sql_catalog_locked, :sql_catalog_holders, pg_class, pg_namespace.   Writes: nothing.
-- Variables: pids (text): of the sessions, as an array of int.
-- Returns: schema, name (of the relation, or the root of a partition; null: something else), locked (which relation it is, as
-- people write it), who (one line), pid (null: a prepared transaction), what the relation is to people, role and
-- application_name, when its query began (seconds since 1970), the pid that waits. One row a session.
SELECT rn.nspname, r.relname, coalesce(n.nspname || '.' || c.relname, 'something'), b.who, b.pid, 'the table', b.role, b.name,
       b.began, w.pid
FROM (SELECT l.pid, l.relation, pg_catalog.pg_blocking_pids(l.pid) AS by
      FROM pg_catalog.pg_lock_status() l
      WHERE NOT l.granted AND l.pid = ANY (:'pids'::int[])) w
LEFT JOIN pg_catalog.pg_class c ON c.oid = w.relation
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN (:sql_catalog_roots) part ON part.oid = c.oid
LEFT JOIN pg_catalog.pg_class r ON r.oid = part.root
LEFT JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
CROSS JOIN LATERAL (
    SELECT h.who, h.pid, h.role, h.name, h.began FROM (:sql_catalog_holders) h
    WHERE h.pid = ANY (w.by)
       OR (h.pid IS NULL AND 0 = ANY (w.by)
           AND h.virtualtransaction IN (SELECT k.virtualtransaction FROM (:sql_catalog_locked) k WHERE k.oid = w.relation))
    ORDER BY h.own, h.since LIMIT 1) b
