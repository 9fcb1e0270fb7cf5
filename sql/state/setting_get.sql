-- One setting of the sync. SQLite. ?1 key.
-- Reads: setting. Returns value, or no row.
SELECT value FROM setting WHERE key = ?1;
