-- Which sync repl's schema belongs to, whatever layout it has: what an older one did not record is null.
-- Reads: sync.   Variables: schema.
-- Returns: sync_id, version, target_id, target_name, target_system, ready, the session's role, capture is another's; no row where a cleanup did not come to its end.
SELECT s.sync_id, s.version, j ->> 'target_id', j ->> 'target_name', j ->> 'target_system', (j ->> 'ready_at') IS NOT NULL,
       session_user, (j ->> 'role') IS DISTINCT FROM session_user
FROM :"schema".sync s, pg_catalog.to_jsonb(s) j
