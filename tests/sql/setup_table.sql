-- The objects of one captured table, as init makes them. Variables, all set by the caller: id, relation, columns (of the
-- deltas), key_list (names, as an array), keys_new and keys_old (as the bodies want them), body_changed and body_updated
-- (the files of the bodies), same and, by statement, same_all (by what the latter tells keys that changed).
\set delta_a '"repl"."d' :id '_a"'
\set delta_b '"repl"."d' :id '_b"'
\set bell '"repl"."bell_0"'
\set label 'changed keys of ' :relation
select :'relation'::regclass::oid as oid, relname, nspname from pg_class c join pg_namespace n on n.oid = relnamespace where c.oid = :'relation'::regclass \gset
\o /dev/null
\set key :keys_new
select array_agg(a.attnum order by k.i) as numbers, array_agg(a.atttypid order by k.i) as types,
       string_agg(', "' || a.attname || '"', '' order by k.i) as names
from unnest(:'key_list'::name[]) with ordinality k(name, i)
join pg_attribute a on a.attrelid = :oid and a.attname = k.name \gset
\i sql/capture/register.sql
\i sql/capture/delta.sql
\o
\setenv ID :id
\setenv OLD :keys_old
\setenv NEW :keys_new
\setenv BODY :body_changed
\setenv UPDATED :body_updated
\setenv ALL :same_all
\setenv SAME :same
\setenv SYNC :sync_id
\setenv OID :oid
\setenv NUMBERS :numbers
\setenv TYPES :types
\setenv NAMES :names
\set body `tests/sql/fill "sql/capture/$BODY.sql" side=repl.side bell=repl.bell_0 channel=repl delta_a=repl.d${ID}_a delta_b=repl.d${ID}_b only= from=" FROM changed c " row=NEW schema=repl id=$ID relation=$OID numbers="$NUMBERS" types="$TYPES" names="$NAMES" role=app sync_id=$SYNC keys="$NEW"`
\set function '"repl"."d' :id '_changed"'
\i sql/capture/function.sql
\set body `tests/sql/fill "sql/capture/$UPDATED.sql" side=repl.side bell=repl.bell_0 channel=repl delta_a=repl.d${ID}_a delta_b=repl.d${ID}_b schema=repl id=$ID relation=$OID numbers="$NUMBERS" types="$TYPES" names="$NAMES" role=app sync_id=$SYNC keys="$NEW" old_keys="$OLD" same_all="$ALL" same="$SAME"`
\set function '"repl"."d' :id '_updated"'
\i sql/capture/function.sql
\set body `tests/sql/fill sql/capture/body_row.sql side=repl.side bell=repl.bell_0 channel=repl delta_a=repl.d${ID}_a delta_b=repl.d${ID}_b row=OLD schema=repl id=$ID relation=$OID numbers="$NUMBERS" types="$TYPES" names="$NAMES" role=app sync_id=$SYNC keys="$OLD"`
\set function '"repl"."d' :id '_old"'
\i sql/capture/function.sql
\set body `tests/sql/fill sql/capture/body_truncate.sql side=repl.side bell=repl.bell_0 channel=repl truncation_a=repl.truncation_a truncation_b=repl.truncation_b schema=repl id=$ID role=app sync_id=$SYNC`
\set function '"repl"."d' :id '_truncate"'
\i sql/capture/function.sql
