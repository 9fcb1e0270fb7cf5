-- One table is to be copied anew. What is here of it stays until then.
-- Writes: chunk, cut, heap, relation.   Variables: schema, id.
BEGIN;
DELETE FROM :"schema".chunk WHERE relation = :id;
DELETE FROM :"schema".cut WHERE relation = :id;
DELETE FROM :"schema".heap WHERE relation = :id;
UPDATE :"schema".relation
SET copied = false, snapshot = '', goal = NULL, side = NULL, block = 0, afresh = true, origin = 'source'
WHERE id = :id;
COMMIT;
