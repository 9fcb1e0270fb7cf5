-- Every large object and what its content comes to.
-- Reads: pg_largeobject_metadata, the objects.   Writes: nothing.
-- Returns: oid, md5 of the content; in order of oid.
SELECT m.oid, pg_catalog.md5(pg_catalog.lo_get(m.oid)) FROM pg_catalog.pg_largeobject_metadata m ORDER BY m.oid
