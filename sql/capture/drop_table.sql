-- Takes the capture of one table away, triggers and all, so that it can be made anew in the same transaction. A TRUNCATE on
-- record goes too: it came before what is copied anew, and would empty that.
-- Writes: schema, the table's triggers and its leaves'.
-- Variables: schema, id, delta_a, delta_b, changed, updated, old, truncate, leaf (quoted names).
DROP TABLE IF EXISTS :delta_a, :delta_b;
DROP FUNCTION IF EXISTS :changed(), :updated(), :old(), :truncate(), :leaf() CASCADE;
DELETE FROM :"schema".truncation_a WHERE relation = :id;
DELETE FROM :"schema".truncation_b WHERE relation = :id;
DELETE FROM :"schema".missed WHERE relation = :id;
DELETE FROM :"schema".leaf WHERE relation = :id;
