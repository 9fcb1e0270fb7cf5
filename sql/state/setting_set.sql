-- One setting of the sync. SQLite. ?1 key, ?2 value.
-- Writes: setting. Returns nothing.
INSERT INTO setting (key, value) VALUES (?1, ?2)
ON CONFLICT (key) DO UPDATE SET value = excluded.value;
