-- The rows of numbered keys, by index whatever the statistics say: number, key, then every copied column.
-- Reads: the table.   Variables: values, names ("n, k1, ..."), columns (key and columns), table, on (a condition on v and t).
SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;
COPY (WITH v(:names) AS MATERIALIZED (:values) SELECT v.n, :columns FROM v JOIN :table t ON :on) TO STDOUT
