-- A comparison: the newest that has ended, or the one asked for. SQLite. ?1 run or 0.   Reads: verify_run.
-- Returns: id, began_at, ended_at, options, result, seconds, network.
SELECT id, began_at, ended_at, options, result, seconds, network
  FROM verify_run WHERE CASE WHEN ?1 = 0 THEN ended_at IS NOT NULL ELSE id = ?1 END
 ORDER BY id DESC LIMIT 1;
