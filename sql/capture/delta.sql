-- The two delta tables of one table, and the bell that it shares. Writes: schema.   Variables: schema, id, delta_a, delta_b,
-- bell (quoted names), columns (", k1 type, ..." or nothing), label (for the comment).
-- Without index, append-only: nothing is ever deleted, so autovacuum has nothing to do there. The key's columns have the
-- types under domains, without modifiers, and may be null: they take what the table lets in, whatever it came to be.
CREATE TABLE IF NOT EXISTS :delta_a (xid bigint NOT NULL:columns) WITH (autovacuum_enabled = off);
CREATE TABLE IF NOT EXISTS :delta_b (xid bigint NOT NULL:columns) WITH (autovacuum_enabled = off);
-- Asleep: nobody looks at what nobody has written to.
CREATE SEQUENCE IF NOT EXISTS :bell MINVALUE 1 MAXVALUE 3;
SELECT pg_catalog.setval(:'bell'::pg_catalog.regclass, 3)
WHERE pg_catalog.pg_sequence_last_value(:'bell'::pg_catalog.regclass) IS NULL;
COMMENT ON TABLE :delta_a IS :'label';
COMMENT ON TABLE :delta_b IS :'label';
UPDATE :"schema".relation SET delta_a = :'delta_a'::pg_catalog.regclass, delta_b = :'delta_b'::pg_catalog.regclass,
    bell = :'bell'::pg_catalog.regclass
WHERE id = :id;
