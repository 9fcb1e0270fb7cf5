-- Forgets the copy of one table and empties it: its source was rewritten, so the plan no longer fits, or its key changed.
-- Writes: the table, chunk, heap, cut, relation.   Variables: schema, id, body (a plpgsql block made of truncate_body.sql).
BEGIN;
DELETE FROM :"schema".chunk WHERE relation = :id;
DELETE FROM :"schema".cut WHERE relation = :id;
DELETE FROM :"schema".heap WHERE relation = :id;
UPDATE :"schema".relation SET afresh = false WHERE id = :id AND afresh;
DO :'body';
COMMIT;
