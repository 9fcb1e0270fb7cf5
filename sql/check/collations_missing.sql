-- Which of some collations of the system a server lacks.
-- Reads: pg_collation, pg_database.   Writes: nothing.
-- Variables: names (text): an array of names.
-- Returns: name (quoted).
SELECT pg_catalog.quote_ident(w.name)
FROM unnest(:'names'::text[]) AS w(name)
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_collation c
                  JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
                  WHERE c.collname = w.name AND c.collnamespace = 'pg_catalog'::pg_catalog.regnamespace
                    AND c.collencoding IN (-1, d.encoding))
ORDER BY 1
