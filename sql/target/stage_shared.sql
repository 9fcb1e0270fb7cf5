-- Where the rows of one table of a large batch wait for the merge, when several sessions bring them. For one batch.
-- Writes: an unlogged table; one that a batch before left behind goes. Nobody but the owner may read it, from its first moment.
-- Variables: schema, stage, names (its name, as an array), columns.
DROP TABLE IF EXISTS :stage;
CREATE UNLOGGED TABLE :stage (:columns) WITH (autovacuum_enabled = off);
SELECT :"schema".keep_out(:'names');
