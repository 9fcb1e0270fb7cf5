-- A comparison begins. SQLite. ?1 began_at, ?2 options.   Writes: verify_run.   Returns: id.
INSERT INTO verify_run (began_at, options) VALUES (?1, ?2) RETURNING id;
