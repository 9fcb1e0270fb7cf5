-- Capture of a partitioned table: row-level triggers, cloned to partitions that come later; rows that move; TRUNCATE of
-- the whole and of one leaf.
\pset format unaligned
\pset footer off
\set schema repl
\set sync_id 11111111-2222-3333-4444-555555555555
\set version 2
create table p (id int, at int, primary key (id, at)) partition by range (at);
create table p1 partition of p for values from (0) to (10);
create table p2 partition of p for values from (10) to (20);
insert into p values (1, 1), (2, 2), (3, 13);

\o /dev/null
\i tests/sql/setup_schema.sql
\o
\set id 1
\set relation public.p
\set columns ', k1 int, k2 int'
\set key_list '{id,at}'
\set keys_new ', NEW.id, NEW.at'
\set keys_old ', OLD.id, OLD.at'
\set body_changed body_row
\set body_updated body_row_updated
\set same_all ''
\set same 'OLD.id OPERATOR(pg_catalog.=) NEW.id AND OLD.at OPERATOR(pg_catalog.=) NEW.at'
\i tests/sql/setup_table.sql
\set insert repl_insert
\set update repl_update
\set delete repl_delete
\set truncate repl_truncate
\set function_changed repl.d1_changed
\set function_updated repl.d1_updated
\set function_old repl.d1_old
\set table 'public.p'
\i sql/capture/triggers_row.sql
\set timing AFTER
\set function_truncate repl.d1_truncate
\i sql/capture/trigger_truncate.sql
\set body `tests/sql/fill sql/capture/body_truncate_leaf.sql side=repl.side bell=repl.bell_0 channel=repl schema=repl id=1 relation=$OID numbers="$NUMBERS" types="$TYPES" only= role=app sync_id=$SYNC`
\set function repl.d1_truncate_leaf
\i sql/capture/function.sql
\set timing BEFORE
\set function_truncate repl.d1_truncate_leaf

\echo == the leaves
\i sql/capture/leaves.sql
\set table 'public.p1'
\i sql/capture/trigger_truncate.sql
\set table 'public.p2'
\i sql/capture/trigger_truncate.sql
update repl.relation set installed_at = now();
create view owed_keys as select distinct k1, k2 from (select * from repl.d1_a union all select * from repl.d1_b) d;

\echo == through the root and into a leaf
insert into p values (4, 4);
insert into p2 values (5, 15);
update p1 set id = id where id = 2;
select * from owed_keys order by 1, 2;

\echo == a row that moves from one leaf to another, and one that changes its key within one
update p set at = at + 10 where id = 1;
update p set id = 33 where id = 3;
select * from owed_keys where k1 in (1, 3, 33) order by 1, 2;

\echo == a partition made later
create table p3 partition of p for values from (20) to (30);
insert into p3 values (6, 26);
delete from p where id = 6;
select count(*) from repl.d1_a where k1 = 6;
select tgname, tgenabled from pg_trigger where tgrelid = 'p3'::regclass order by 1;

\echo == TRUNCATE of one leaf leaves the keys that were in it, TRUNCATE of the whole a marker
insert into p values (7, 7);
truncate repl.d1_a;
truncate p1;
select * from owed_keys order by 1, 2;
select count(*) as markers from repl.truncation_a;
truncate p;
select count(*) as markers from repl.truncation_a;

\echo == what cleanup finds: the clones go with their parents
\i sql/capture/triggers_list.sql
