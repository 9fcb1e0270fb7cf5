-- Last in the transaction of a step of a pass, when the source's logged write is confirmed: which write that was.
-- Writes: relation.   Variables: schema, id, number.
UPDATE :"schema".relation SET number = :number WHERE id = :id
