-- Lets an advisory lock go. Writes: advisory locks.   Variables: key (a number).   Returns: whether it was held.
SELECT pg_catalog.pg_advisory_unlock(:key)
