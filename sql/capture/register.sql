-- Gives a table its id. Writes: relation.   Variables: schema, oid, nspname, relname, key (quoted names).   Returns: id.
INSERT INTO :"schema".relation (relid, nspname, relname, key_columns) VALUES (:oid, :'nspname', :'relname', :'key')
ON CONFLICT (relid) DO UPDATE
SET nspname = excluded.nspname, relname = excluded.relname, key_columns = excluded.key_columns
RETURNING id
