-- One chunk of the first copy: the rows of a block range whose key is in no delta, so that every row copied has the
-- value it had when capture began. One short transaction; locked before the snapshot is taken. The logged write behind
-- it makes the deltas durable for which rows were left out: a crash of the source must not take those back.
-- Reads: the table, its deltas.   Writes: the sequence applied, with the value it has.
-- Variables: schema, table (heap), heap (oid), filenode, oid (of the table), shape, columns, from, to (tids),
-- no_delta (conditions, or nothing), format.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
LOCK TABLE ONLY :table IN ACCESS SHARE MODE;
SELECT :"schema".expect(:heap, :filenode, :oid, :'shape');
COPY (SELECT :columns FROM ONLY :table t
      WHERE t.ctid >= :'from'::pg_catalog.tid AND t.ctid < :'to'::pg_catalog.tid:no_delta) TO STDOUT (FORMAT :format);
COMMIT;
SELECT pg_catalog.setval(pg_catalog.format('%I.applied', :'schema')::pg_catalog.regclass, last_value)
FROM :"schema".applied;
