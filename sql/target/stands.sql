-- Where one table of the target stands: within the transaction that reads its rows, so that both are of one moment.
-- Reads: relation, position.   Variables: schema, id.
-- Returns: copied, position ('' : everything is owed), identity of the source that the position is of.
SELECT r.copied, coalesce(r.snapshot, p.snapshot), p.system_identifier, p.timeline, p.source_database
FROM :"schema".relation r CROSS JOIN :"schema".position p
WHERE r.id = :id
