-- The block that truncate.sql runs.   Variables: tables ("ONLY a, ONLY b"), deletes ("DELETE FROM ONLY a; ...").
BEGIN
    TRUNCATE :tables;
EXCEPTION WHEN feature_not_supported THEN
    :deletes
END
