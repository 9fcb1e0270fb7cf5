-- Drops old comparisons, and what hangs on them. SQLite. ?1: how many stay.   Writes: verify_run.   Returns nothing.
DELETE FROM verify_run WHERE id NOT IN (SELECT id FROM verify_run ORDER BY id DESC LIMIT ?1);
