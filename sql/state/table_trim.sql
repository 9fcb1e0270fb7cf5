-- Forgets the tables that the status no longer has. SQLite. ?1: how many it has.
-- Writes: status_table. Returns nothing.
DELETE FROM status_table WHERE place >= ?1;
