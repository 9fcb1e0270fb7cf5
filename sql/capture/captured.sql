-- Tables that are captured. Reads: relation, the catalog.   Variables: schema.   Returns: oid, id, shape, key columns.
SELECT relid, id, :"schema".shape(relid), key_columns FROM :"schema".relation
WHERE installed_at IS NOT NULL ORDER BY relid
