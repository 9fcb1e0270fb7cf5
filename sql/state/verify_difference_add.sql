-- A difference, unless its table has enough of them. SQLite. ?1 run, ?2 relation, ?3 table, ?4 kind, ?5 key, ?6 key for
-- people, ?7 columns, ?8 source, ?9 target, ?10: how many a table has at most.   Writes: verify_difference.   Returns nothing.
INSERT INTO verify_difference (run, relation, table_name, kind, key, shown, columns, source, target)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
 WHERE (SELECT count(*) FROM verify_difference WHERE run = ?1 AND relation = ?2) < ?10;
