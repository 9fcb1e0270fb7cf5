-- Count and digest of a range of rows: a sum, so no order matters. Equal on both sides means equal rows.
-- Reads: the table.   Variables: hash (of a row, a bigint), table (with ONLY), range (a condition).
-- Returns: count, sum.
SELECT pg_catalog.count(*), pg_catalog.sum(:hash) FROM :table t WHERE :range
