-- Which server and history capture was last seen on by init. Reads: sync.   Variables: schema.
-- Returns: system identifier, timeline.
SELECT system_identifier, timeline FROM :"schema".sync
