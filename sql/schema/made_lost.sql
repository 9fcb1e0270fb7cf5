-- What the drop would have taken along that repl did not make.
-- Reads: the temporary table of made_keep.sql.   Variables: none.   Returns: type, identity, how many.
SELECT o.type, o.identity, pg_catalog.count(*) OVER ()
FROM pg_temp.repl_others o
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_identify_object(o.classid, o.objid, o.objsubid) i
                  WHERE i.type = o.type AND i.identity = o.identity)
ORDER BY o.type COLLATE "C", o.identity COLLATE "C"
LIMIT 1
