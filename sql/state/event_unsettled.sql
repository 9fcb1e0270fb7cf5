-- The newest errors that are not over, newest first. SQLite. ?1: at most so many.
-- Reads: event, mark. Returns at, table_name, message, hint.
SELECT at, table_name, message, hint
  FROM event
 WHERE level = 'error'
   AND id > coalesce((SELECT value FROM mark WHERE name = 'settled'), 0)
 ORDER BY id DESC
 LIMIT ?1;
