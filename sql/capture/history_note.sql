-- Notes which server and history this is, for copies that are made from now on.
-- Writes: sync.   Variables: schema, system_identifier, timeline.
UPDATE :"schema".sync SET system_identifier = :'system_identifier', timeline = :timeline
WHERE (system_identifier, timeline) IS DISTINCT FROM (:'system_identifier', :timeline)
