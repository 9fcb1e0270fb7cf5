-- A comparison is through. SQLite. ?1 run, ?2 ended_at, ?3 result, ?4 seconds, ?5 network bytes.   Writes: verify_run.
-- Returns nothing.
UPDATE verify_run SET ended_at = ?2, result = ?3, seconds = seconds + ?4, network = network + ?5 WHERE id = ?1;
