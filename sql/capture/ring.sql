-- Wakes the engine, for keys that are recorded by repl itself.
-- Reads and writes: the sequences bell and the table's.   Variables: schema, bell (the table's; a sequence), channel.
SELECT :"schema".ring(:'bell'::pg_catalog.regclass, :'channel');
