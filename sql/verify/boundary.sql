-- The key that ends the next range of so many rows; no row where fewer are left.
-- Reads: the table's key index.   Variables: keys, table, range (behind the last one), order, rows.   Returns: the key's columns.
SELECT :keys FROM :table t WHERE :range ORDER BY :order OFFSET :rows LIMIT 1
