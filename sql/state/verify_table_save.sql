-- One table of a comparison. SQLite. ?1 run, then the columns in order.   Writes: verify_table.   Returns nothing.
INSERT OR REPLACE INTO verify_table (run, id, schema, name, state, reason, planned_to, planned, ranges, left_out, rows,
                                     bytes, missing, extra, different, repaired, unsettled)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17);
