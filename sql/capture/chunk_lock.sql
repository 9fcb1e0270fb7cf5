-- Before the snapshot of a chunk's transaction is taken, since TRUNCATE and rewrites are not MVCC-safe.
-- Variables: table (heap).
LOCK TABLE ONLY :table IN ACCESS SHARE MODE;
