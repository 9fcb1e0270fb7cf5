-- Settings that a role or a database gives to each new session, of the kind that would end or close repl's.
-- Reads: pg_db_role_setting.   Writes: nothing.   Variables: none.
-- Returns: whose ("role app in database shop"), name, value.
SELECT coalesce(nullif(concat_ws(' in ', 'role ' || r.rolname, 'database ' || d.datname), ''), 'every role'), x.name,
       x.value
FROM pg_catalog.pg_db_role_setting s
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
CROSS JOIN LATERAL (SELECT pg_catalog.split_part(c.line, '=', 1),
                           pg_catalog.substr(c.line, pg_catalog.strpos(c.line, '=') + 1)
                    FROM unnest(s.setconfig) AS c(line)) AS x(name, value)
WHERE (s.setrole = 0 OR r.rolname = session_user)
  AND (s.setdatabase = 0 OR d.datname = pg_catalog.current_database())
  AND x.name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout',
                 'transaction_timeout', 'default_transaction_read_only', 'row_security', 'synchronous_commit',
                 'default_transaction_isolation')
ORDER BY 1, 2
