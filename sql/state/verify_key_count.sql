-- How many keys are to be looked at again. SQLite. ?1 run, ?2 relation, or 0: of all tables; of one table those alone that
-- are not on record as differences.   Reads: verify_key.   Returns: count, max id.
SELECT count(*), coalesce(max(id), 0) FROM verify_key WHERE run = ?1 AND (?2 = 0 OR (relation = ?2 AND repaired = 0));
