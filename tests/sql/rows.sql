-- How rows leave the source: chunks of the first copy without what is owed, batches of what is owed. And what a batch
-- does not see: transactions that are still open.
\pset format unaligned
\pset footer off
\set schema repl
\set sync_id 11111111-2222-3333-4444-555555555555
\set version 2
create table t (a int primary key, v text);
insert into t select g, 'old' from generate_series(1, 8) g;

\o /dev/null
\i tests/sql/setup_schema.sql
\o
\set id 1
\set relation public.t
\set columns ', k1 int'
\set key_list '{a}'
\set keys_new ', c."a"'
\set keys_old ', w."a"'
\set body_changed body_changed
\set body_updated body_updated
\set same 'w."a" OPERATOR(pg_catalog.=) c."a"'
\set same_all '(SELECT pg_catalog.sum(pg_catalog.hashint4extended(c."a", 7)) FROM was c) OPERATOR(pg_catalog.=) (SELECT pg_catalog.sum(pg_catalog.hashint4extended(c."a", 7)) FROM changed c)'
\i tests/sql/setup_table.sql
\set table 'public.t'
\set insert repl_insert
\set update repl_update
\set delete repl_delete
\set truncate repl_truncate
\set timing AFTER
\set function_changed repl.d1_changed
\set function_updated repl.d1_updated
\set was 'OLD TABLE AS was'
\set function_truncate repl.d1_truncate
\i sql/capture/triggers_statement.sql
\i sql/capture/trigger_truncate.sql
update repl.relation set installed_at = now();

update t set v = 'new' where a = 2;
delete from t where a = 3;
update t set a = 40 where a = 4;
insert into t values (9, 'new');

\echo == a chunk: the rows that nobody has touched since capture began
select 't'::regclass::oid as heap, pg_relation_filenode('t') as filenode, 't'::regclass::oid as oid, repl.shape('t'::regclass) as shape \gset
\set table public.t
\set columns 't.a, t.v'
\set also ''
\set from 'ONLY public.t t'
\set no_delta 'NOT EXISTS (SELECT FROM repl.d1_a d WHERE d.k1 = t.a) AND NOT EXISTS (SELECT FROM repl.d1_b d WHERE d.k1 = t.a)'
\set where 't.ctid < \'(1,0)\' AND ' :no_delta
\set format text
\set copy 'COPY ('
\set to ') TO STDOUT (FORMAT text);'
\t on
\o /dev/null
select repl.open_slot('11111111-1111-1111-1111-111111111111'), repl.begin_epoch(1, 77, 0);
\o
begin isolation level repeatable read read only;
\i sql/capture/chunk_lock.sql
\i sql/capture/chunk_look.sql
\o | LC_ALL=C sort
\i sql/capture/chunk.sql
\o
\set slot 1
\set epoch 77
\set written 1
\o /dev/null
\i sql/capture/end.sql
\o
select written from repl.proof('11111111-1111-1111-1111-111111111111', 77);

\echo == the next chunk is empty
\set where 't.ctid >= \'(1,0)\' AND ' :no_delta
\o | LC_ALL=C sort
\i sql/capture/chunk.sql
\o

\echo == chunks by key, cut where a sample says
\set percent 100
\set order 't.a USING OPERATOR(pg_catalog.<)'
\set key 'format(\'%L::int\', t.a)'
\set shares '{0.25,0.5}'
\i sql/catalog/cuts.sql
\set where 't.a < \'6\'::int AND ' :no_delta
\o | LC_ALL=C sort
\i sql/capture/chunk.sql
\o
\set where 't.a >= \'6\'::int AND ' :no_delta
\o | LC_ALL=C sort
\i sql/capture/chunk.sql
\o

\echo == another file than the one that was planned
vacuum full t;
\i sql/capture/chunk_look.sql

\echo == a batch from nowhere: what is owed, changed rows and deleted keys
\set lock 'LOCK TABLE ONLY public.t IN ACCESS SHARE MODE;'
\set woken repl.woken
\set epoch repl.slot_1_epoch
\set written repl.slot_1_written
\o /dev/null
\set timeout 15000
\i sql/capture/begin.sql
select txid_current_snapshot() as first \gset
\o
select id, truncated, row_count from repl.owed('', '{}', '{}', 1000, null);
\set present 't.ctid IS NOT NULL'
\set keys 'd.k1'
\set columns ', t.a, t.v'
\set distinct k1
\set table 'ONLY public.t'
\set on 'd.k1 = t.a'
\set owed_a true
\set owed_b true
\set order 'ORDER BY k1'
\o | LC_ALL=C sort
\i sql/capture/batch.sql
\o
commit;

\echo == the next one: only what came after the first snapshot; ten updates of a row are one row
do $$ begin for i in 1..10 loop update t set v = 'v' || i where a = 1; end loop; end $$;
\set owed_a 'NOT txid_visible_in_snapshot(xid, ' :'first' ')'
\set owed_b :owed_a
\o | LC_ALL=C sort
\i sql/capture/batch.sql
\o

\echo == a table that is truncated owes the marker, and what was put in since
truncate t;
insert into t values (1, 'again');
select id, truncated from repl.owed(:'first', '{}', '{}', 1000, null);
\set owed_a 'NOT txid_visible_in_snapshot(xid, ' :'first' ') AND k1 IN (1, 2)'
\o | LC_ALL=C sort
\i sql/capture/batch.sql
\o
