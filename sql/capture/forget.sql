-- Forgets a table that was dropped, or became a partition of another. Within a transaction, whose
-- lock_timeout is set, and which has locked the tables of triggers_of.sql.
-- Writes: drops its delta tables and functions (a partition that was detached before still has a trigger on one), and
-- its rows in relation, missed, leaf and in the truncations.
-- Variables: schema, id, delta_a, delta_b, changed, updated, old, truncate, leaf (quoted names).
DROP TABLE IF EXISTS :delta_a, :delta_b;
DROP FUNCTION IF EXISTS :changed(), :updated(), :old(), :truncate(), :leaf() CASCADE;
DELETE FROM :"schema".truncation_a WHERE relation = :id;
DELETE FROM :"schema".truncation_b WHERE relation = :id;
DELETE FROM :"schema".missed WHERE relation = :id;
DELETE FROM :"schema".leaf WHERE relation = :id;
DELETE FROM :"schema".relation WHERE id = :id;
