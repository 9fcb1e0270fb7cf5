-- Source and target were found not to belong to one history any more: everything in the deltas is to be brought again, and
-- no table counts as compared. Passes begin again. A table whose copy was under way beside the others is copied again: the
-- deltas for which its chunks left rows out may be gone. What an engine has in flight cannot be committed any more.
-- Must leave its epoch in position: else somebody was faster.
-- Writes: position, relation, doubt, heap, cut, chunk.   Variables: schema, batch (that is there), applied (that
-- the source has relied on), epoch, number (of the new epoch), reason,
-- system_identifier, timeline, database.
BEGIN;
UPDATE :"schema".position
SET batch = greatest(batch, :applied) + 1, snapshot = '', epoch = :epoch, number = :number, lsn = '0/0', timeline = :timeline,
    system_identifier = :'system_identifier', source_database = :database
WHERE batch = :batch;
INSERT INTO :"schema".doubt (id, reason) SELECT :number, :'reason' FROM :"schema".position WHERE epoch = :epoch;
UPDATE :"schema".relation r
SET copied = false, afresh = true, origin = 'source'
FROM :"schema".position p
WHERE p.epoch = :epoch AND p.applied_at IS NOT NULL AND r.snapshot = '' AND r.doubt IS NULL
  AND EXISTS (SELECT FROM :"schema".chunk c WHERE c.relation = r.id);
DELETE FROM :"schema".heap h USING :"schema".relation r, :"schema".position p
WHERE p.epoch = :epoch AND r.id = h.relation AND r.afresh;
DELETE FROM :"schema".chunk c USING :"schema".relation r, :"schema".position p
WHERE p.epoch = :epoch AND r.id = c.relation AND r.afresh;
UPDATE :"schema".relation r
SET snapshot = CASE WHEN r.snapshot IS NOT NULL THEN '' END, goal = NULL, side = NULL, block = 0, number = 0,
    doubt = CASE WHEN r.copied AND r.snapshot IS DISTINCT FROM '' THEN :number ELSE r.doubt END
FROM :"schema".position p
WHERE p.epoch = :epoch;
COMMIT;
