-- How this session is carried.
-- Reads: pg_stat_ssl.   Writes: nothing.   Variables: none.
-- Returns: same_machine, encrypted, version, cipher.
-- A client whose address is the server's own, or a loopback one, is on the same machine; so is one without address
-- (a Unix socket).
SELECT coalesce(pg_catalog.inet_client_addr() = pg_catalog.inet_server_addr()
                    OR pg_catalog.inet_client_addr() << '127.0.0.0/8' OR pg_catalog.inet_client_addr() = '::1', true),
       coalesce(s.ssl, false), s.version, s.cipher
FROM (SELECT) one
LEFT JOIN pg_catalog.pg_stat_ssl s ON s.pid = pg_catalog.pg_backend_pid()
