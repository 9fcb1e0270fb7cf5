-- One chunk of the first copy: the rows of a range of a heap whose key is in no delta, so that every row copied has the
-- value it had when capture began. In a transaction of its own or with other small ones, behind chunk_lock and
-- chunk_look of each; chunk_end is behind them.
-- Reads: the table, its deltas.   Writes: nothing.
-- Variables: columns, from (the rows of the range, as t), where (conditions), format.
COPY (SELECT :columns FROM :from WHERE :where) TO STDOUT (FORMAT :format);
