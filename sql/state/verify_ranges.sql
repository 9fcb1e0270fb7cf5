-- Ranges that are cut and not compared. SQLite. ?1 run, ?2 relation.   Reads: verify_range.   Returns: number, from, to.
SELECT number, from_key, to_key FROM verify_range WHERE run = ?1 AND relation = ?2 ORDER BY number;
