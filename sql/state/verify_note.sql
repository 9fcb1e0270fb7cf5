-- What is not compared. SQLite. ?1 run, ?2 what, ?3 count.   Writes: verify_note.   Returns nothing.
INSERT INTO verify_note (run, what, count) VALUES (?1, ?2, ?3)
ON CONFLICT (run, what) DO UPDATE SET count = excluded.count;
