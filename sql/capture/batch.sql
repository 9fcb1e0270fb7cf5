-- The rows whose keys are owed: present, the key, the columns. A key without a row is a delete.
-- Reads: the table, its deltas; within the transaction that locked the table before its snapshot.
-- Variables: present (condition), keys ("d.k1, ..."), columns (", t.c, ..."), distinct ("k1, ..."), delta_a, delta_b,
-- owed_a, owed_b (conditions), order ("ORDER BY k1, ...", or nothing), table (with ONLY), on (condition), format.
-- Ten updates of one row are ten delta rows and one row here.
COPY (SELECT :present, :keys:columns
      FROM (SELECT DISTINCT :distinct
            FROM (SELECT :distinct FROM :delta_a WHERE :owed_a
                  UNION ALL
                  SELECT :distinct FROM :delta_b WHERE :owed_b) u :order) d
      LEFT JOIN :table t ON :on) TO STDOUT (FORMAT :format);
