-- Every setting.
-- Reads: setting.   Writes: nothing.   Parameters: none.
-- Returns: key, value.
SELECT key, value FROM setting
