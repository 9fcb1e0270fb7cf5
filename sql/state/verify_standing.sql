-- What is known of each table from the comparisons that are through: of the newest that compared all of it, and of samples
-- since. SQLite. ?1 now, in seconds since 1970.   Reads: verify_run, verify_table.
-- Returns, by schema and name: schema, name, seconds since all of it was compared (null: never), rows compared then, keys not settled then, whether
-- that run was incomplete, rows that differ and were not repaired.
WITH seen AS (SELECT t.*, r.result, strftime('%s', r.ended_at) AS at
                FROM verify_table t JOIN verify_run r ON r.id = t.run
               WHERE r.ended_at IS NOT NULL AND t.state = 'compared'),
     whole AS (SELECT schema, name, max(run) AS run FROM seen WHERE left_out = 0 GROUP BY schema, name)
SELECT s.schema, s.name,
       max(CASE WHEN s.run = w.run THEN ?1 - s.at END),
       sum(CASE WHEN s.run = w.run THEN s.rows ELSE 0 END),
       sum(CASE WHEN s.run = w.run THEN s.unsettled ELSE 0 END),
       max(CASE WHEN s.run = w.run THEN s.result = 'incomplete' ELSE 0 END),
       sum(s.missing + s.extra + s.different - s.repaired)
  FROM seen s LEFT JOIN whole w ON w.schema = s.schema AND w.name = s.name
 WHERE w.run IS NULL OR s.run >= w.run
 GROUP BY s.schema, s.name ORDER BY s.schema, s.name;
