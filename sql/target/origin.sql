-- Where the rows of one table's first copy come from.
-- Writes: relation.   Variables: schema, id, origin (source, fork, seed).
UPDATE :"schema".relation SET origin = :'origin' WHERE id = :id;
