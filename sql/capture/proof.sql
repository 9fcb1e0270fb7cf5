-- What the source can prove of its history to a target.   Reads: slot, epoch, the slot's sequences, the control file.
-- Variables: schema, target (its id), epoch (that it is at; 0: none).   Returns: see schema_slot.sql.
SELECT system_identifier, timeline, database_id, (lsn - '0/0')::bigint, xmax, slot_id, current_epoch, written, applied, applied_batch, first, last
FROM :"schema".proof(:'target', :epoch)
