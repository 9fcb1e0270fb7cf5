-- The newest lines of the log, oldest first. SQLite. ?1: only after this id, ?2: at most so many, ?3: 1 for errors alone.
-- Reads: event. Returns id, at, level, table_name, message, hint.
SELECT id, at, level, table_name, message, hint
  FROM (SELECT id, at, level, table_name, message, hint
          FROM event
         WHERE id > ?1 AND (?3 = 0 OR level = 'error')
         ORDER BY id DESC
         LIMIT ?2)
 ORDER BY id;
