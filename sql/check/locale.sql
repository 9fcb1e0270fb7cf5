-- How the database sorts text.
-- Reads: pg_database.   Writes: nothing.   Variables: none.
-- Returns: provider, collate, ctype, locale (null for libc).
-- Through JSON, since the columns came with versions: datlocprovider and daticulocale in 15, datlocale in 17.
SELECT CASE coalesce(d.j ->> 'datlocprovider', 'c') WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
       d.j ->> 'datcollate', d.j ->> 'datctype',
       CASE WHEN d.j ->> 'datlocprovider' <> 'c' THEN coalesce(d.j ->> 'datlocale', d.j ->> 'daticulocale') END
FROM (SELECT pg_catalog.to_jsonb(p) - 'datacl' AS j
      FROM pg_catalog.pg_database p
      WHERE p.datname = pg_catalog.current_database()) d
