-- A copy begins from nothing. SQLite. No parameters. Writes: timing. Returns nothing.
DELETE FROM timing;
