-- A capture function that reads a table: a policy that would hide rows of it is an error there.
-- Writes: the function.   Variables: function (quoted name).
ALTER FUNCTION :function() SET row_security = off;
