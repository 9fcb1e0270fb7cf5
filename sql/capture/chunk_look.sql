-- Fails unless a heap is still the file that the copy was planned with, of a table that looks as it did.
-- Reads: pg_class, pg_attribute, pg_index.   Writes: nothing.
-- Variables: schema, heap (oid), filenode, oid (of the table), shape, also (further columns, or nothing).
SELECT :"schema".expect(:heap, :filenode, :oid, :'shape'):also;
