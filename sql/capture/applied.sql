-- The batch that truncations relied on, of whatever target; 0: nothing was truncated.
-- Reads: slot, the slots' sequences.   Variables: schema.
SELECT coalesce(max(:"schema".slot_value(id, 'batch')), 0) FROM :"schema".slot
