-- Which of the objects of another server this database has.
-- pg_get_object_address raises where an object is not there and has no other way to say so; hence the block that
-- asks for one after the other, and hands its answer on through a setting of the session. The rule _RETURN is what
-- makes a view out of a stand-in that the dump made earlier: it counts as missing, and may be made twice.
-- Reads: the whole catalog.   Writes: two settings of the session.
-- Variables: objects (text): what objects.sql returned on the other server.
-- Returns: class, oid (both the other server's), attached: it is a table that is a partition here.
SELECT pg_catalog.length(pg_catalog.set_config('repl.objects', :'objects', false));
DO $do$
DECLARE
    item record;
    here record;
    present text[] := '{}';
    attached bool;
BEGIN
    FOR item IN SELECT *
                FROM pg_catalog.json_to_recordset(pg_catalog.current_setting('repl.objects')::json)
                     AS x(c oid, o oid, t text, n text[], a text[])
                WHERE NOT (x.t = 'rule' AND x.n[array_length(x.n, 1)] = '_RETURN')
    LOOP
        BEGIN
            SELECT * INTO here FROM pg_catalog.pg_get_object_address(item.t, item.n, item.a);
            attached := here.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                        AND (SELECT k.relispartition FROM pg_catalog.pg_class k WHERE k.oid = here.objid);
            present := present || pg_catalog.format('[%s,%s,%s]', item.c, item.o, attached::int);
        EXCEPTION WHEN OTHERS THEN
            NULL; -- not here
        END;
    END LOOP;
    PERFORM pg_catalog.set_config('repl.objects', '[' || pg_catalog.array_to_string(present, ',') || ']', false);
END
$do$;
SELECT (x.v ->> 0)::oid, (x.v ->> 1)::oid, x.v ->> 2 = '1'
FROM pg_catalog.json_array_elements(pg_catalog.current_setting('repl.objects')::json) AS x(v);
