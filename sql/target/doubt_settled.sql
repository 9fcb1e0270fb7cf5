-- A table was compared as a whole, and what differed was repaired: it is in doubt no more, unless another doubt came since.
-- Writes: relation.   Variables: schema, id, doubt.
UPDATE :"schema".relation SET doubt = NULL WHERE id = :id AND doubt = :doubt
