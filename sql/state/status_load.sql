-- What the engine last knew, the tables aside. SQLite. No parameters.
-- Reads: status. Returns one row, or none before the first save.
SELECT phase, version, since, lag_seconds, owed_rows, position,
       copy_bytes_done, copy_bytes_total, copy_rows_done, copy_rate, copy_eta,
       batch_at, batch_tables, batch_rows_upserted, batch_rows_deleted, batch_bytes, batch_seconds,
       next, consistent, note, known_at
  FROM status;
