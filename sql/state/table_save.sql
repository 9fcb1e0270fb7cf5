-- One table of the status. SQLite. ?1 to ?10: the columns in order.
-- Writes: status_table, and only where something changed: with thousands of tables few do between two saves.
-- Returns nothing.
INSERT INTO status_table (place, id, schema, name, phase, rows_copied, bytes_copied, bytes_total, owed_rows, error)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (place) DO UPDATE
   SET id = excluded.id, schema = excluded.schema, name = excluded.name, phase = excluded.phase,
       rows_copied = excluded.rows_copied, bytes_copied = excluded.bytes_copied,
       bytes_total = excluded.bytes_total, owed_rows = excluded.owed_rows, error = excluded.error
 WHERE (id, schema, name, phase, rows_copied, bytes_copied, bytes_total, owed_rows, error)
       IS NOT (excluded.id, excluded.schema, excluded.name, excluded.phase, excluded.rows_copied,
               excluded.bytes_copied, excluded.bytes_total, excluded.owed_rows, excluded.error);
