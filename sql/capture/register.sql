-- Gives a table its id. Writes: relation.   Variables: schema, oid, nspname, relname.   Returns: id.
INSERT INTO :"schema".relation (relid, nspname, relname) VALUES (:oid, :'nspname', :'relname')
ON CONFLICT (relid) DO UPDATE SET nspname = excluded.nspname, relname = excluded.relname
RETURNING id
