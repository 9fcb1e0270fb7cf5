-- Where the rows of one table of a large batch wait for the merge, when several sessions bring them. For one batch.
-- Writes: an unlogged table; one that a batch before left behind goes.   Variables: stage, columns.
DROP TABLE IF EXISTS :stage;
CREATE UNLOGGED TABLE :stage (:columns) WITH (autovacuum_enabled = off);
