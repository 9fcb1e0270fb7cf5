-- Keys to look at again. SQLite. ?1 run, ?2 behind this id, ?3 up to this id, ?4 at most so many.   Reads: verify_key.
-- Returns: id, relation, key, repaired.
SELECT id, relation, key, repaired FROM verify_key WHERE run = ?1 AND id > ?2 AND id <= ?3 ORDER BY id LIMIT ?4;
