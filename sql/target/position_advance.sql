-- The target now shows another snapshot. Must touch exactly one row: a second engine would touch none.
-- Writes: position, relation.   Variables: schema, from_batch, snapshot, system_identifier, timeline, database,
-- left_out (ids that this batch did not bring along: they keep where they stood), each an expression.
-- A catch-up pass under way over a table that the batch brought is over: the batch was faster.
WITH stay AS (
    UPDATE :"schema".relation r
    SET snapshot = CASE WHEN r.id = ANY (:left_out::int[]) THEN coalesce(r.snapshot, p.snapshot) END,
        goal = CASE WHEN r.id = ANY (:left_out::int[]) THEN r.goal END
    FROM :"schema".position p
    WHERE CASE WHEN r.id = ANY (:left_out::int[]) THEN r.snapshot IS NULL
               ELSE r.snapshot IS NOT NULL OR r.goal IS NOT NULL END
)
UPDATE :"schema".position
SET batch = batch + 1, snapshot = :snapshot, system_identifier = :system_identifier, timeline = :timeline,
    source_database = :database, applied_at = pg_catalog.clock_timestamp()
WHERE batch = :from_batch;
