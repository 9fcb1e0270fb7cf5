-- The tables of the status in order. SQLite. No parameters.
-- Reads: status_table. Returns a row a table.
SELECT id, schema, name, phase, rows_copied, bytes_copied, bytes_total, owed_rows, error
  FROM status_table
 ORDER BY place;
