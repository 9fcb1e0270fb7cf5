-- A line of the log. SQLite. ?1 at, ?2 level, ?3 table or NULL, ?4 message, ?5 hint or NULL.
-- Writes: event. Returns nothing.
INSERT INTO event (at, level, table_name, message, hint) VALUES (?1, ?2, ?3, ?4, ?5);
