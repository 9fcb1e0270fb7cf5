-- The rows of some buckets of a range: key, then every copied column in the source's order.
-- Reads: the table.   Variables: columns, table, range, bucket, buckets (an array of bigint).
COPY (SELECT :columns FROM :table t WHERE :range AND :bucket = ANY (:'buckets'::bigint[])) TO STDOUT
