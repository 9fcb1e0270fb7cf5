-- A function that takes every right from everybody but the owner: on the schema's objects of those names, or (null) on
-- all of them and the schema. Objects are made with what default privileges (ALTER DEFAULT PRIVILEGES) and PUBLIC are granted, and the
-- rows of repl's own tables steer what repl's roles do. In the transaction that makes the objects, so nobody sees them before.
-- Reads: pg_namespace, pg_class, pg_proc.   Writes: a function of the schema.   Variables: schema.
CREATE FUNCTION :"schema".keep_out(names pg_catalog.name[] DEFAULT NULL) RETURNS void LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, :"schema", pg_temp AS $$
DECLARE
    own oid := (SELECT relnamespace FROM pg_class WHERE oid = 'sync'::regclass);
    revoke text;
BEGIN
    FOR revoke IN
        SELECT format('REVOKE ALL ON %s FROM %s CASCADE', o.what,
                      CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END)
        FROM (SELECT 'SCHEMA ' || quote_ident(n.nspname) AS what, n.nspowner AS owner, n.nspacl AS acl
              FROM pg_namespace n WHERE n.oid = own AND names IS NULL
              UNION ALL
              SELECT CASE WHEN c.relkind = 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || format('%s.%I', own::regnamespace, c.relname),
                     c.relowner, c.relacl
              FROM pg_class c
              WHERE c.relnamespace = own AND c.relkind IN ('r', 'v', 'S') AND (names IS NULL OR c.relname = ANY (names))
              UNION ALL
              SELECT 'FUNCTION ' || p.oid::regprocedure, p.proowner, coalesce(p.proacl, acldefault('f', p.proowner))
              FROM pg_proc p WHERE p.pronamespace = own AND (names IS NULL OR p.proname = ANY (names))) o
        CROSS JOIN LATERAL aclexplode(o.acl) x
        WHERE x.grantee <> o.owner
        GROUP BY o.what, x.grantee
    LOOP
        EXECUTE revoke;
    END LOOP;
END $$;
