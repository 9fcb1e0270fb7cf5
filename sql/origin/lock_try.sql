-- Takes an advisory lock that nobody else has; a session of the same database then cannot.
-- Reads, writes: advisory locks.   Variables: key (a number).   Returns: whether it was to be had.
SELECT pg_catalog.pg_try_advisory_lock(:key)
