-- Settings of repl's own (repl.origin marks the sessions whose writes are not captured) that roles or databases give to new
-- sessions. repl itself makes none.
-- Reads: pg_db_role_setting.   Writes: nothing.   Variables: none.
-- Returns: one text, "ALTER ROLE x SET repl.origin; ...", null: there is none.
SELECT pg_catalog.string_agg(x.made, '; ' ORDER BY x.made COLLATE "C")
FROM (SELECT pg_catalog.format('ALTER %s%s SET %s',
                               CASE WHEN s.setrole = 0 AND s.setdatabase <> 0 THEN pg_catalog.format('DATABASE %I', d.datname)
                                    ELSE 'ROLE ' || coalesce(pg_catalog.quote_ident(r.rolname), 'ALL') END,
                               CASE WHEN s.setrole <> 0 AND s.setdatabase <> 0
                                    THEN pg_catalog.format(' IN DATABASE %I', d.datname) ELSE '' END,
                               pg_catalog.split_part(c.line, '=', 1)) AS made
      FROM pg_catalog.pg_db_role_setting s
      LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
      LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
      CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c(line)
      WHERE (s.setdatabase = 0 OR d.datname = pg_catalog.current_database())
        AND pg_catalog.lower(c.line) LIKE 'repl.%') AS x
