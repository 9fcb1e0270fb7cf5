-- The row is equal now. SQLite. ?1 run, ?2 relation, ?3 key.   Writes: verify_difference.   Returns nothing.
UPDATE verify_difference SET repaired = 1 WHERE run = ?1 AND relation = ?2 AND key = ?3;
