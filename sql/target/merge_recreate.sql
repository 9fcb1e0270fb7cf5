-- Second of the merge: rows whose unique columns change go, and come again with merge_insert, so that values can swap
-- between rows of one batch; so do changed identities, which cannot be updated.
-- Reads: the stage.   Writes: the table.   Variables: table, stage, on, differs (in those columns).
DELETE FROM :table t USING :stage s WHERE :on AND s.present AND (:differs);
