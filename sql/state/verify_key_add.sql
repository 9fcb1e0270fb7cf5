-- A key to look at again. SQLite. ?1 run, ?2 relation, ?3 key, ?4 repaired.   Writes: verify_key.   Returns nothing.
INSERT INTO verify_key (run, relation, key, repaired) VALUES (?1, ?2, ?3, ?4);
