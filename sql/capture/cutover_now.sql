-- The state of the cutover on this side, see schema_fence.sql.   Reads: cutover, the fence's sequences.   Variables: schema.
-- Returns: one row; none where this schema has no such state: it is another version's.
SELECT state, pg_catalog.to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), attempt,
       pg_catalog.to_char(fenced_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), why, mark,
       closed, sealed, passed, left_ms, alive, pid, covered
FROM :"schema".cutover_now()
