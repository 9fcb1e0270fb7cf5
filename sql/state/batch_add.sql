-- A batch that was applied. SQLite. ?1 at, ?2 tables, ?3 rows upserted, ?4 rows deleted, ?5 bytes, ?6 seconds.
-- Writes: batch. Returns nothing.
INSERT INTO batch (at, tables, rows_upserted, rows_deleted, bytes, seconds) VALUES (?1, ?2, ?3, ?4, ?5, ?6);
