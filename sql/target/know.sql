-- Which tables of the target the relations are: from then on a name is only a name.
-- Writes: relation.   Variables: schema, ids, oids (arrays of the same length).
UPDATE :"schema".relation r
SET relid = k.oid
FROM ROWS FROM (pg_catalog.unnest(:'ids'::int[]), pg_catalog.unnest(:'oids'::pg_catalog.oid[])) AS k(id, oid)
WHERE r.id = k.id;
