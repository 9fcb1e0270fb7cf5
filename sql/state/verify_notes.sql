-- What was not compared. SQLite. ?1 run.   Reads: verify_note.   Returns: what, count.
SELECT what, count FROM verify_note WHERE run = ?1 ORDER BY what;
