-- Forgets one setting. SQLite. ?1 key.
-- Writes: setting. Returns nothing.
DELETE FROM setting WHERE key = ?1;
