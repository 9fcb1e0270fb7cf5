-- Tables that are captured. Reads: relation.   Variables: schema.   Returns: oid, id.
SELECT relid, id FROM :"schema".relation WHERE installed_at IS NOT NULL ORDER BY relid
