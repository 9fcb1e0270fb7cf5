-- What the engine knows now, the tables aside. SQLite. ?1 to ?21: the columns but id, in order.
-- Writes: status. Returns nothing.
INSERT OR REPLACE INTO status (
    id, phase, version, since, lag_seconds, owed_rows, position,
    copy_bytes_done, copy_bytes_total, copy_rows_done, copy_rate, copy_eta,
    batch_at, batch_tables, batch_rows_upserted, batch_rows_deleted, batch_bytes, batch_seconds,
    next, consistent, note, known_at)
VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21);
