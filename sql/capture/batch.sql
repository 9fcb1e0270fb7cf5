-- The rows whose keys are owed: present, the key, the columns. A key without a row is a delete.
-- Reads: the table, its deltas; within the transaction that locked the table before its snapshot.
-- Variables: copy, to ("COPY (" and ") TO STDOUT (FORMAT ...);", or nothing), present (condition), keys ("d.k1, ..."),
-- columns (", t.c, ..."), distinct ("k1, ..."), delta_a, delta_b, owed_a, owed_b (conditions), order ("ORDER BY k1, ...",
-- or nothing), table (with ONLY), on (condition).
-- Ten updates of one row are ten delta rows and one row here.
:copy SELECT :present, :keys:columns
FROM (SELECT DISTINCT :distinct
      FROM (SELECT :distinct FROM :delta_a WHERE :owed_a
            UNION ALL
            SELECT :distinct FROM :delta_b WHERE :owed_b) u :order) d
LEFT JOIN :table t ON :on :to
