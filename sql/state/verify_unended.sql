-- The newest comparison with these options, unless it has ended. SQLite. ?1 options.   Reads: verify_run.
-- Returns: id, began_at.
SELECT id, began_at FROM verify_run
 WHERE id = (SELECT max(id) FROM verify_run) AND ended_at IS NULL AND options = ?1;
