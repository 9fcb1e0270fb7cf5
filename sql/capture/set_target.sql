-- The source is moved to this target from now on. What was applied was applied to another, so nothing counts as such: the slot
-- is this target's, and truncations have relied on nothing.
-- Writes: sync, slot, its sequences.   Variables: schema, target_id, name, system.
BEGIN;
UPDATE :"schema".sync
SET target_id = :'target_id', target_name = :'name', target_system = :'system', ready_at = NULL;
UPDATE :"schema".slot SET target = :'target_id';
SELECT pg_catalog.setval(pg_catalog.format('%I.%I', :'schema', 'slot_' || s.id || '_' || n.name)::pg_catalog.regclass, 0)
FROM :"schema".slot s, (VALUES ('applied'), ('batch')) n(name);
COMMIT;
