-- Nobody but the owner has any right on what was made for one table, whatever default privileges say: who could write the deltas
-- could have rows deleted on the target. Behind delta.sql and the functions, in their transaction.
-- Writes: the rights.   Variables: schema, names (of tables, sequences and functions, as an array).
SELECT :"schema".keep_out(:'names');
