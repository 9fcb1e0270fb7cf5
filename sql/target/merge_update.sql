-- Third of the merge: rows that changed in other columns, in place. Rows that are equal, byte for byte, are left
-- alone: every write is paid for.
-- Reads: the stage.   Writes: the table.   Variables: table, stage, on, set, differs.
UPDATE :table t SET :set FROM :stage s WHERE :on AND s.present AND (:differs);
