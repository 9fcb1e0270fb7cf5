-- The differences of a comparison. SQLite. ?1 run.   Reads: verify_difference.
-- Returns: relation, table, kind, key for people, columns, source, target, repaired.
SELECT relation, table_name, kind, shown, columns, source, target, repaired
  FROM verify_difference WHERE run = ?1 ORDER BY table_name, id;
