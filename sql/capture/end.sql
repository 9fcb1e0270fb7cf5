-- Ends the transaction of a batch, a step or a chunk on the source. The logged write behind it makes durable what its
-- snapshot saw, and the deltas for which rows were left out: a crash of the source must not take those back.
-- Writes: the sequence written of the slot.   Variables: schema, slot, epoch, written (the number that must be there).
-- Returns: the number of this write, its place in the WAL.
COMMIT;
SELECT number, lsn FROM :"schema".written(:slot, :epoch, :written);
