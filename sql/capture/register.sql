-- Gives a table its id. Writes: relation.   Variables: schema, oid, nspname, relname, key (quoted names), numbers (of the
-- key's columns, as an array).   Returns: id.
INSERT INTO :"schema".relation (relid, nspname, relname, key_columns, key_numbers)
VALUES (:oid, :'nspname', :'relname', :'key', :'numbers')
ON CONFLICT (relid) DO UPDATE
SET nspname = excluded.nspname, relname = excluded.relname, key_columns = excluded.key_columns,
    key_numbers = excluded.key_numbers
RETURNING id
