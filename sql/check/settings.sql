-- Some settings, as a session has them.
-- Reads: pg_settings.   Writes: nothing.
-- Variables: names (text): an array.
-- Returns: name, value as SHOW has it, number (bytes or seconds where the setting has such a unit; null where it is
-- none). One that does not exist, or that this role may not see, has no row.
SELECT s.name, pg_catalog.current_setting(s.name),
       CASE WHEN s.vartype NOT IN ('integer', 'real') THEN NULL
            WHEN s.setting::float8 < 0 THEN s.setting::float8
            ELSE s.setting::float8 * CASE s.unit WHEN 'B' THEN 1 WHEN 'kB' THEN 1024 WHEN '8kB' THEN 8192
                                                 WHEN '16kB' THEN 16384 WHEN '32kB' THEN 32768
                                                 WHEN 'MB' THEN 1048576 WHEN 'min' THEN 60 ELSE 1 END
       END::bigint
FROM pg_catalog.pg_settings s
WHERE s.name = ANY (:'names'::text[])
