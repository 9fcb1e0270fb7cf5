-- Empties the tables that were truncated on the source, in one command, as foreign keys among them want it. Where a
-- table outside refers to one of them, rows go one by one instead.
-- Writes: the tables.   Variables: body (a plpgsql block made of truncate_body.sql).
DO :'body';
