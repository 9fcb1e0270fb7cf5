-- Maintenance commands at work, and how far each is. Of another role's session the server may hide all but the command.
-- No statement for itself alone: other files take it in as :sql_catalog_maintenance.
-- Reads: pg_stat_progress_vacuum, _analyze, _create_index, _cluster.   Writes: nothing.   Variables: none.
-- Returns: pid, what ("VACUUM, scanning heap, 12 %").
SELECT q.pid, pg_catalog.concat_ws(', ', q.command, q.phase, pg_catalog.round(100.0 * q.done / nullif(q.total, 0)) || ' %') AS what
FROM (SELECT v.pid, 'VACUUM' AS command, v.phase, v.heap_blks_scanned AS done, v.heap_blks_total AS total
      FROM pg_catalog.pg_stat_progress_vacuum v
      UNION ALL
      SELECT a.pid, 'ANALYZE', a.phase, a.sample_blks_scanned, a.sample_blks_total
      FROM pg_catalog.pg_stat_progress_analyze a
      UNION ALL
      SELECT i.pid, coalesce(i.command, 'CREATE INDEX'), i.phase, i.blocks_done, i.blocks_total
      FROM pg_catalog.pg_stat_progress_create_index i
      UNION ALL
      SELECT c.pid, coalesce(c.command, 'CLUSTER'), c.phase, c.heap_blks_scanned, c.heap_blks_total
      FROM pg_catalog.pg_stat_progress_cluster c) q
