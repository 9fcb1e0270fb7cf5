-- Forgets the copy of one table and empties it: its source was rewritten, so the plan no longer fits.
-- Writes: the table, chunk, heap, cut.   Variables: schema, id, table (with ONLY where it is no partitioned one).
BEGIN;
DELETE FROM :"schema".chunk WHERE relation = :id;
DELETE FROM :"schema".cut WHERE relation = :id;
DELETE FROM :"schema".heap WHERE relation = :id;
TRUNCATE :table;
COMMIT;
