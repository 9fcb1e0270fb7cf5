-- The tables of a comparison. SQLite. ?1 run.   Reads: verify_table.   Returns: all columns but the run.
SELECT id, schema, name, state, reason, planned_to, planned, ranges, left_out, rows, bytes, missing, extra, different,
       repaired, unsettled
  FROM verify_table WHERE run = ?1 ORDER BY schema, name;
