-- How much is switched off at the old source.   Reads: silenced.   Variables: schema (of the way back).
-- Returns: one row.
SELECT count(*) FROM :"schema".silenced WHERE off
