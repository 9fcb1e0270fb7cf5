-- Where one table of the target stands: within the transaction that reads its rows, so that both are of one moment.
-- Reads: relation, position, sync.   Variables: schema, id.
-- Returns: copied, position ('' : everything is owed), identity of the source that the position is of, the target's id, and
-- which logged write there it comes behind: epoch, number, place in the WAL; the number of the batch's, and the
-- batch.
SELECT r.copied, coalesce(r.snapshot, p.snapshot), p.system_identifier, p.timeline, p.source_database, s.target_id,
       p.epoch, greatest(p.number, r.number), (p.lsn - '0/0')::bigint, p.number, p.batch
FROM :"schema".relation r CROSS JOIN :"schema".position p CROSS JOIN :"schema".sync s
WHERE r.id = :id
