-- Gives a table its id, or another key. Writes: relation.   Variables: schema, oid, nspname, relname, key (quoted names),
-- numbers, types (of the key's columns, as arrays).   Returns: id.
INSERT INTO :"schema".relation (relid, nspname, relname, key_columns, key_numbers, key_types)
VALUES (:oid, :'nspname', :'relname', :'key', :'numbers', :'types')
ON CONFLICT (relid) DO UPDATE
SET nspname = excluded.nspname, relname = excluded.relname, key_columns = excluded.key_columns,
    key_numbers = excluded.key_numbers, key_types = excluded.key_types
RETURNING id
