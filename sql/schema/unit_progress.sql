-- How far index builds and ANALYZE of this role's sessions have come.
-- Reads: pg_stat_progress_create_index, pg_stat_progress_analyze.   Writes: nothing.
-- Variables: none.
-- Returns: pid, phase, fraction of the phase (null: it has none, or it is not known).
SELECT p.pid, p.phase,
       CASE WHEN p.tuples_total > 0 THEN least(1, p.tuples_done::float8 / p.tuples_total)
            WHEN p.blocks_total > 0 THEN least(1, p.blocks_done::float8 / p.blocks_total) END
FROM pg_catalog.pg_stat_progress_create_index p
WHERE p.datname = pg_catalog.current_database()
UNION ALL
SELECT p.pid, p.phase,
       CASE WHEN p.sample_blks_total > 0 THEN least(1, p.sample_blks_scanned::float8 / p.sample_blks_total) END
FROM pg_catalog.pg_stat_progress_analyze p
WHERE p.datname = pg_catalog.current_database()
