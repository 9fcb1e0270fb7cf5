-- The end of making one of repl's schemas: nobody but the owner has any right on it and what is in it (keep_out.sql).
-- Writes: the rights.   Variables: schema.
SELECT :"schema".keep_out();
