-- Last in the transaction of a batch, when the source's logged write is confirmed: which write that was.
-- Writes: position.   Variables: schema; number, lsn, each an expression.
UPDATE :"schema".position SET number = :number, lsn = :lsn
