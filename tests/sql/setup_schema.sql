-- Capture's schema, as init makes it. Variables, set by the caller: schema, sync_id, version.
\i sql/capture/schema.sql
\i sql/capture/schema_keys.sql
\i sql/capture/schema_owed.sql
\i sql/capture/schema_slot.sql
\i sql/capture/schema_bells.sql
\i sql/capture/schema_rotation.sql
\i sql/capture/schema_fence.sql
\i sql/catalog/keep_out.sql
\i sql/catalog/kept_out.sql
