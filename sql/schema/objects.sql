-- How another server can be asked for each of some objects of this one: their addresses by name.
-- Reads: the whole catalog, through pg_identify_object_as_address.   Writes: nothing.
-- Variables: classes, oids (text): arrays of the same length.
-- Returns: one JSON array of {c: class, o: oid, t: type, n: names, a: arguments}; objects that are gone are not in it.
SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
           'c', i.class, 'o', i.oid, 't', a.type, 'n', a.object_names, 'a', a.object_args)), '[]')
FROM unnest(:'classes'::oid[], :'oids'::oid[]) AS i(class, oid),
     LATERAL pg_catalog.pg_identify_object_as_address(i.class, i.oid, 0) a
WHERE a.type IS NOT NULL
