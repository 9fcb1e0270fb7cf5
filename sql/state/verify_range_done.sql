-- A range that was compared. SQLite. ?1 run, ?2 relation, ?3 number.   Writes: verify_range.   Returns nothing.
DELETE FROM verify_range WHERE run = ?1 AND relation = ?2 AND number = ?3;
