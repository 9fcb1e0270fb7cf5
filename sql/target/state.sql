-- All that the target knows of its sync, as one result a table, and all of one moment: others cut tables meanwhile, take
-- them in and commit batches. To be sent as one message, or in a transaction.
-- Reads: sync, position, relation, heap, cut, chunk, step, doubt.   Variables: schema.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
SELECT s.sync_id, p.batch, p.snapshot, p.system_identifier, p.timeline, p.source_database,
       coalesce(pg_catalog.to_char(p.applied_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), ''), s.target_id, p.epoch, p.number,
       (p.lsn - '0/0')::bigint, greatest(p.number, (SELECT pg_catalog.max(number) FROM :"schema".relation),
                       (SELECT pg_catalog.max(number) FROM :"schema".chunk)),
       coalesce(pg_catalog.to_char(d.found_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), ''), coalesce(d.reason, '')
FROM :"schema".sync s CROSS JOIN :"schema".position p
LEFT JOIN :"schema".doubt d ON d.id = (SELECT pg_catalog.max(doubt) FROM :"schema".relation);
SELECT id, nspname, relname, copied, snapshot, goal, side, block, afresh, origin, doubt, relid FROM :"schema".relation ORDER BY id;
SELECT relation, heap, filenode, blocks, bytes, range_key FROM :"schema".heap ORDER BY relation, heap;
SELECT relation, heap, block, key, bytes FROM :"schema".cut ORDER BY relation, heap, chunk;
SELECT relation, heap, chunk, rows, bytes FROM :"schema".chunk ORDER BY relation, heap, chunk;
SELECT name FROM :"schema".step ORDER BY done_at, name;
