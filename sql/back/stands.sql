-- Whether the old source is quiet.   Reads: pg_class, way.   Variables: schema (of the way back).
-- Returns: one row, or none where nothing of the way back is there.
SELECT way.quiet FROM :"schema".way
