-- Opens a source transaction in which the deltas of one table stay: no side of them is truncated until its end. No
-- snapshot is taken yet; the next query takes it.
-- Reads: nothing.   Variables: lock_table (with ONLY), delta_a, delta_b, truncation_a, truncation_b.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
LOCK TABLE :lock_table, :delta_a, :delta_b, :truncation_a, :truncation_b IN ACCESS SHARE MODE;
