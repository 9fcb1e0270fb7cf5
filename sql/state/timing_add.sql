-- Time that something of the first copy took, added to what it took before. SQLite. ?1 kind, ?2 name, ?3 seconds, ?4 rows or NULL,
-- ?5 bytes or NULL. Writes: timing. Returns nothing.
INSERT INTO timing (kind, name, place, seconds, rows, bytes)
VALUES (?1, ?2, (SELECT count(*) FROM timing), ?3, ?4, ?5)
ON CONFLICT (kind, name) DO UPDATE
   SET seconds = seconds + excluded.seconds, rows = coalesce(excluded.rows, rows), bytes = coalesce(excluded.bytes, bytes);
