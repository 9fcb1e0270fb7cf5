-- The steps in their order, then the slowest tables and indexes. SQLite. ?1: so many of each of the latter.
-- Reads: timing. Returns kind, name, seconds, rows, bytes (the latter null where they say nothing).
SELECT kind, name, seconds, rows, bytes
  FROM (SELECT *, row_number() OVER (PARTITION BY kind ORDER BY seconds DESC, name) AS rank FROM timing)
 WHERE kind = 'step' OR rank <= ?1
 ORDER BY kind = 'step' DESC, kind = 'table' DESC, CASE WHEN kind = 'step' THEN place ELSE rank END;
