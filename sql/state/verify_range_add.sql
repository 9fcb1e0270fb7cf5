-- A range that was cut. SQLite. ?1 run, ?2 relation, ?3 number, ?4 from, ?5 to.   Writes: verify_range.   Returns nothing.
INSERT INTO verify_range (run, relation, number, from_key, to_key) VALUES (?1, ?2, ?3, ?4, ?5);
