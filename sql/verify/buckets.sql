-- The same by buckets of the key's hash, to find where in a range the sides differ.
-- Reads: the table.   Variables: bucket (0 to 255), hash, table, range.   Returns: bucket, count, sum; in bucket order.
SELECT :bucket, pg_catalog.count(*), pg_catalog.sum(:hash) FROM :table t WHERE :range GROUP BY 1 ORDER BY 1
