-- The block that unfinished.sql runs.   Variables: schema, id, delta_a, delta_b (quoted names).
BEGIN
    PERFORM FROM :"schema".relation r WHERE r.id = :id AND r.installed_at IS NULL AND r.delta_a IS NOT NULL FOR UPDATE;
    IF FOUND THEN
        DROP TABLE IF EXISTS :delta_a, :delta_b;
    END IF;
END
