-- Which of the numbered keys are owed to a target at a position: they changed since, or their table was truncated.
-- Reads: the table's deltas, the truncations; within the transaction that hold.sql opened.
-- Variables: values ("VALUES (0, key, ...), ..."), names ("n, k1, ..."), deltas ("k1, ...", or "xid" without a key),
-- delta_a, delta_b, truncation_a, truncation_b, owed (a condition on xid), on (a condition on d and v), id.
-- Returns: n.
WITH v(:names) AS MATERIALIZED (:values)
SELECT v.n FROM v
JOIN (SELECT :deltas FROM :delta_a WHERE :owed UNION ALL SELECT :deltas FROM :delta_b WHERE :owed) d ON :on
UNION
SELECT v.n FROM v
WHERE EXISTS (SELECT FROM (SELECT * FROM :truncation_a UNION ALL SELECT * FROM :truncation_b) t
              WHERE t.relation = :id AND :owed)
