-- The part of merge.sql for rows that changed in other than unique columns.
-- Variables: table, stage, on, set, differs.
UPDATE :table t SET :set FROM :stage s WHERE s.present AND :on AND :differs;
