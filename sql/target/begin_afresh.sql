-- One table is to be copied anew. What is here of it stays until then.
-- number: of a logged write on the source, on which what happens to its deltas now relies: a target that lacks it is refused.
-- Writes: chunk, cut, heap, relation, position.   Variables: schema, id, number.
BEGIN;
DELETE FROM :"schema".chunk WHERE relation = :id;
DELETE FROM :"schema".cut WHERE relation = :id;
DELETE FROM :"schema".heap WHERE relation = :id;
UPDATE :"schema".relation
SET copied = false, snapshot = '', goal = NULL, side = NULL, block = 0, afresh = true, origin = 'source'
WHERE id = :id;
UPDATE :"schema".position SET number = greatest(number, :number);
COMMIT;
