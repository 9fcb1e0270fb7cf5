-- The target goes by another name, or stands on another server by now. Writes: sync.
-- Variables: schema, target_id, name, system.
UPDATE :"schema".sync SET target_name = :'name', target_system = :'system'
WHERE target_id = :'target_id' AND (target_name, target_system) IS DISTINCT FROM (:'name', :'system');
