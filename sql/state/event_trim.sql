-- Keeps the newest lines of the log. SQLite. ?1: how many.
-- Writes: event. Returns nothing.
DELETE FROM event WHERE id <= (SELECT max(id) FROM event) - ?1;
