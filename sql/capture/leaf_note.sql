-- Notes a leaf of a partitioned table as taken in. Reads: the catalog.   Writes: leaf.
-- Variables: schema, id, root (oid), leaf (oid, as a text of regclass), attached (of that attachment; empty: as it is now).
INSERT INTO :"schema".leaf (relation, leafid, nspname, relname, attached, triggers)
SELECT :id, l.leafid, l.nspname, l.relname, coalesce(nullif(:'attached', ''), l.attached), :"schema".triggers_now(l.leafid)
FROM :"schema".leaves(:root) l WHERE l.leafid = :'leaf'::pg_catalog.regclass
ON CONFLICT (relation, leafid) DO UPDATE
SET nspname = excluded.nspname, relname = excluded.relname, attached = excluded.attached, triggers = excluded.triggers, gone = false;
