-- The target was restored from a copy of the source that carried capture's schema: repl's own tables take its place,
-- and in the same transaction what it proved is noted: the tables' rows are here, everything in their deltas is owed.
-- Writes: the schema; drops what was restored under its name.
-- Variables: schema, make (the statements of schema.sql), relations (rows of values), system_identifier, timeline,
-- database.
BEGIN;
DROP SCHEMA :"schema" CASCADE;
:make
INSERT INTO :"schema".relation (id, nspname, relname, copied, origin) VALUES :relations;
UPDATE :"schema".position
SET system_identifier = :'system_identifier', timeline = :timeline, source_database = :database;
COMMIT;
