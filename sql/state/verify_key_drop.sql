-- A key that need not be looked at again. SQLite. ?1 id.   Writes: verify_key.   Returns nothing.
DELETE FROM verify_key WHERE id = ?1;
