-- New tables came after the rows of the others: what follows the rows is looked at again. Each step makes only what
-- is not there.
-- Reads, writes: repl's table step on the target.
-- Variables: schema (text): repl's.
DELETE FROM :"schema".step WHERE name NOT IN ('schema', 'fork')
