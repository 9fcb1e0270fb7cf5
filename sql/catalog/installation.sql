-- What the schema of that name holds, and whether another role could have put it there. Whoever may create a schema can
-- make one that looks like repl's, and its functions would run as repl's role.
-- Reads: pg_namespace, and every catalog of named objects that have an owner.
-- Variables: schema, lenient (true: any one owner that this role acts for will do).
-- Returns: the schema exists; it holds repl's table "sync"; it holds a target's table "position"; the first object that
-- is not this role's (null: there is none), its owner, how many there are; this role.
WITH s AS (
    SELECT oid, nspowner, nspacl FROM pg_catalog.pg_namespace WHERE nspname = :'schema'
), objects(what, owner) AS (
    SELECT 'schema ' || pg_catalog.quote_ident(:'schema'), nspowner FROM s
    UNION ALL
    SELECT 'relation ' || c.relname, c.relowner FROM pg_catalog.pg_class c JOIN s ON c.relnamespace = s.oid
    UNION ALL
    SELECT 'function ' || p.proname, p.proowner FROM pg_catalog.pg_proc p JOIN s ON p.pronamespace = s.oid
    UNION ALL
    SELECT 'type ' || t.typname, t.typowner FROM pg_catalog.pg_type t JOIN s ON t.typnamespace = s.oid
    UNION ALL
    SELECT 'operator ' || o.oprname, o.oprowner FROM pg_catalog.pg_operator o JOIN s ON o.oprnamespace = s.oid
    UNION ALL
    SELECT 'operator class ' || o.opcname, o.opcowner FROM pg_catalog.pg_opclass o JOIN s ON o.opcnamespace = s.oid
    UNION ALL
    SELECT 'operator family ' || o.opfname, o.opfowner FROM pg_catalog.pg_opfamily o JOIN s ON o.opfnamespace = s.oid
    UNION ALL
    SELECT 'collation ' || o.collname, o.collowner FROM pg_catalog.pg_collation o JOIN s ON o.collnamespace = s.oid
    UNION ALL
    SELECT 'conversion ' || o.conname, o.conowner FROM pg_catalog.pg_conversion o JOIN s ON o.connamespace = s.oid
    UNION ALL
    SELECT 'privilege CREATE on schema ' || pg_catalog.quote_ident(:'schema'), x.grantee
    FROM s, pg_catalog.aclexplode(s.nspacl) x WHERE x.privilege_type = 'CREATE' AND x.grantee <> s.nspowner
), others AS (
    SELECT o.what, o.owner
    FROM objects o, s, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user) me
    WHERE o.owner <> me.oid
      AND NOT (:lenient AND o.owner = s.nspowner AND pg_catalog.pg_has_role(me.oid, o.owner, 'USAGE'))
), one AS (
    SELECT what, owner, pg_catalog.count(*) OVER () AS n FROM others
    ORDER BY what LIKE 'privilege %', what COLLATE "C" LIMIT 1
)
SELECT EXISTS (SELECT FROM s),
       EXISTS (SELECT FROM s JOIN pg_catalog.pg_class c ON c.relnamespace = s.oid AND c.relname = 'sync' AND c.relkind = 'r'
               JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'sync_id'),
       EXISTS (SELECT FROM s JOIN pg_catalog.pg_class c ON c.relnamespace = s.oid AND c.relname = 'position' AND c.relkind = 'r'),
       one.what, coalesce((SELECT rolname FROM pg_catalog.pg_roles WHERE oid = one.owner), 'public'), coalesce(one.n, 0),
       current_user
FROM (VALUES (1)) v LEFT JOIN one ON true
