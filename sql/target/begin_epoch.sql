-- An engine has begun an epoch on the source, and what the target has was proven to be of one history with it.
-- Writes: position.   Variables: schema, epoch, system_identifier, timeline, database.
UPDATE :"schema".position
SET epoch = :epoch, system_identifier = :'system_identifier', timeline = :timeline, source_database = :database
