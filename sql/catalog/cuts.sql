-- The keys at which a heap is cut into ranges: quantiles of a sample of its blocks. Reads that share of the blocks and
-- keeps their keys alone, so neither the snapshot nor the memory grows with the table.
-- Reads: the table.   Writes: nothing.
-- Under the application's search_path: every function is qualified, every operator has the types that it takes.
-- Variables: table (heap), percent (of the blocks), order (of the key, ascending), key (an expression that gives the key's
-- values as an array of text), shares (text): where to cut, as an array of fractions of the rows.
-- Returns: position in shares, key; no row for a position that the sample is too small to tell.
WITH sample AS (
    SELECT pg_catalog.row_number() OVER (ORDER BY :order) AS n, pg_catalog.count(*) OVER () AS total, :key AS key
    FROM ONLY :table t TABLESAMPLE SYSTEM (:percent)
)
SELECT w.place, s.key
FROM pg_catalog.unnest(:'shares'::double precision[]) WITH ORDINALITY w(share, place)
JOIN sample s ON s.n = 1 + pg_catalog.floor(w.share * s.total::double precision)::bigint
ORDER BY 1
