-- What went wrong so far is over. SQLite. No parameters.
-- Reads: event. Writes: mark. Returns nothing.
INSERT INTO mark (name, value) SELECT 'settled', coalesce(max(id), 0) FROM event WHERE true
ON CONFLICT (name) DO UPDATE SET value = excluded.value;
