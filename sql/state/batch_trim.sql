-- Keeps the newest batches. SQLite. ?1: how many.
-- Writes: batch. Returns nothing.
DELETE FROM batch WHERE id <= (SELECT max(id) FROM batch) - ?1;
