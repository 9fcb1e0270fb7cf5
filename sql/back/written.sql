-- The tables that the way back writes: those of the sync as the target has them, all of them copied, standing with it.
-- Writes: relation, step.   Variables: schema (of the way back), relations ("(id, 'schema', 'name'), ...").
INSERT INTO :"schema".relation (id, nspname, relname, copied, snapshot)
SELECT v.id, v.nspname, v.relname, true, NULL FROM (VALUES :relations) v(id, nspname, relname)
ON CONFLICT (id) DO NOTHING;
INSERT INTO :"schema".step (name) VALUES ('schema'), ('indexes'), ('constraints'), ('analyze') ON CONFLICT DO NOTHING;
