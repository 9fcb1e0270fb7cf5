-- An init has come to its end. Writes: sync.   Variables: schema.
UPDATE :"schema".sync SET ready_at = pg_catalog.clock_timestamp() WHERE ready_at IS NULL;
