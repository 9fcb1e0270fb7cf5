-- Capture of an ordinary table with a composite key: what each kind of statement leaves in the deltas.
\pset format unaligned
\pset footer off
\pset null null
\set schema repl
\set sync_id 11111111-2222-3333-4444-555555555555
\set version 2
create table t (a int, b text, v int, primary key (b, a));
insert into t values (1, 'x', 0), (2, 'y', 0);

\o /dev/null
\i tests/sql/setup_schema.sql
\o
\set id 1
\set relation public.t
\set columns ', k1 text, k2 int'
\set key_list '{b,a}'
\set keys_new ', c."b", c."a"'
\set keys_old ', w."b", w."a"'
\set body_changed body_changed
\set body_updated body_updated
\set same 'w."b" OPERATOR(pg_catalog.=) c."b" AND w."a" OPERATOR(pg_catalog.=) c."a"'
\set same_all '(SELECT pg_catalog.sum(pg_catalog.hashint4extended(c."a", pg_catalog.hashtextextended(c."b", 7))) FROM was c) OPERATOR(pg_catalog.=) (SELECT pg_catalog.sum(pg_catalog.hashint4extended(c."a", pg_catalog.hashtextextended(c."b", 7))) FROM changed c)'
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

\echo == triggers are always on, and guarded
select tgname, tgenabled, pg_get_triggerdef(oid) || pg_get_functiondef(tgfoid) ~ sync_id::text as guarded from pg_trigger, repl.sync where tgrelid = 't'::regclass order by 1;
create view owed_keys as select 'a' as side, k1, k2 from repl.d1_a union all select 'b', k1, k2 from repl.d1_b;

\echo == insert, update, delete, and a statement that touches nothing
insert into t values (3, 'z', 0), (4, 'z', 0);
update t set v = v + 1 where a = 1;
delete from t where a = 2;
delete from t where a = 2;
table owed_keys;

\echo == a changed key leaves the old one and the new one
select setval('repl.side', 2);
update t set a = a + 10 where b = 'z';
select * from owed_keys where side = 'b' order by 2, 3;

\echo == the doorbell rings once after it was armed
select repl.arm(false, null) as was_armed, repl.arm(false, null) as is_armed;
listen repl;
insert into t values (5, 'x', 0);
insert into t values (6, 'x', 0);
select b.last_value as door, t.last_value as own, w.last_value as woken from repl.bell b, repl.bell_0 t, repl.woken w;
select repl.arm(false, null) as was_armed;
select b.last_value as door, t.last_value as own from repl.bell b, repl.bell_0 t;

\echo == a table that sleeps is not asked, and wakes when it is written to; the door is rung only where it was armed
select horizon, woken_then from repl.lull('{}') \gset
select last_value as own from repl.bell_0;
select * from repl.awake(txid_current() + 1000) as not_yet;
select * from repl.awake(:horizon) as holds_rows;
begin;
insert into t values (7, 'asleep', 0);
savepoint s;
select b.last_value as door, t.last_value as own, w.last_value - :woken_then as woken from repl.bell b, repl.bell_0 t, repl.woken w;
rollback;
select b.last_value as door, t.last_value as own, w.last_value - :woken_then as woken from repl.bell b, repl.bell_0 t, repl.woken w;
insert into t values (8, 'awake', 0);
select w.last_value - :woken_then as woken from repl.woken w;
select repl.dirty('{}') as others, repl.dirty('{1}') as this;
select horizon from repl.lull('{1}') \gset
select last_value as kept from repl.bell_0;
delete from t where a = 8;
select repl.arm(false, null) as was_armed;

\echo == TRUNCATE, and what is rolled back
truncate t;
begin;
truncate t;
insert into t values (7, 'x', 0);
rollback;
select relation from repl.truncation_a union all select relation from repl.truncation_b;
select count(*) from owed_keys where k2 = 7;

\echo == sessions of this sync are not captured, those of another are
set repl.origin = '11111111-2222-3333-4444-555555555555';
insert into t values (8, 'x', 0);
update t set a = 9;
set repl.origin = '99999999-2222-3333-4444-555555555555';
delete from t;
select * from owed_keys where k2 in (8, 9);
reset repl.origin;

\echo == a transaction of savepoints has one id
begin;
insert into t values (20, 's', 0);
savepoint s;
insert into t values (21, 's', 0);
rollback to s;
savepoint s2;
insert into t values (22, 's', 0);
select bool_and(xid = txid_current()), count(*) from repl.d1_b where k2 between 20 and 22;
commit;

\echo == what is owed: everything to no position, nothing to one that has seen all
select * from repl.dirty(null);
select * from repl.owed('', '{}', '{}', 1000, null);
select * from repl.owed('', '{}', '{}', 3, null);
select txid_current_snapshot() as now \gset
select * from repl.owed(:'now', '{}', '{}', 1000, null);
select * from repl.owed(:'now', '{1}', '{""}', 1000, null);

\echo == a slot of a target: numbers of one epoch after the other, and what the source can prove by them
\set target '''11111111-1111-1111-1111-111111111111'''
select slot_id, first, last from repl.proof(:target, 0);
select repl.open_slot(:target) as slot, repl.open_slot(:target) as the_same;
select repl.begin_epoch(1, 77, 0) as first;
select number from repl.written(1, 77, 1);
select repl.begin_epoch(1, 88, 10) as above_what_the_target_knows;
select number from repl.written(1, 77, 2);
select number from repl.written(1, 88, 12);
select number from repl.written(1, 88, 11);
select current_epoch, written, applied, first, last from repl.proof(:target, 77);
select current_epoch, written, applied, first, last from repl.proof(:target, 88);
select current_epoch, written, applied, first, last from repl.proof(:target, 99);

\echo == the inactive side is truncated when it is covered, and not before
select repl.trim(1, '', 1, 88, 12, 5) as nothing_is_covered, pg_relation_size('repl.d1_a') > 0 as held;
insert into t values (30, 'x', 0);
select repl.trim(1, :'now', 1, 77, 2, 5) as of_another_epoch, applied from repl.proof(:target, 88);
select repl.trim(1, :'now', 1, 88, 12, 5) as trimmed, pg_relation_size('repl.d1_a') as a, pg_relation_size('repl.d1_b') > 0 as b;
select repl.change_sides(1000000, null) as too_little, repl.change_sides(0, null) as changed;
select applied, applied_batch from repl.proof(:target, 77);
select repl.trim(1, :'now', 1, 88, 12, 5) as not_yet, pg_relation_size('repl.d1_b') > 0 as held;
select txid_current_snapshot() as now \gset
select repl.trim(1, :'now', 1, 88, 11, 4) as trimmed, pg_relation_size('repl.d1_b') as b;
select applied, applied_batch from repl.proof(:target, 88);
select repl.trim_truncations(:'now', '{}', '{}', 1, 88, 12, 5) as truncations_trimmed;
select repl.open_slot('22222222-2222-2222-2222-222222222222') as belongs_to_another;
select * from repl.dirty(null);

\echo == the objects are found again by their functions
\i sql/capture/triggers_list.sql

\echo == columns of the key are renamed: they are recorded all the same, in the same transaction too
select setval('repl.side', 1) \g /dev/null
truncate repl.d1_a, repl.d1_b;
begin;
alter table t rename column b to "B ""b";
insert into t values (50, 'x', 0);
commit;
update t set v = v + 1 where a = 50;
update t set a = 51 where a = 50;
alter table t rename column a to c;
alter table t rename column "B ""b" to a;
delete from t where c = 51;
table owed_keys;
table repl.missed;

\echo == a column of the key is gone, or has another type: writes succeed, and that something was missed is known
alter table t alter column c type bigint;
insert into t values (5000000000, 'x', 0);
insert into t values (5000000001, 'x', 0);
alter table t drop column c;
update t set v = 7;
table owed_keys;
select relation, xid < txid_current() as known from repl.missed;
select * from repl.dirty(null);
select id, truncated from repl.owed(txid_current_snapshot()::text, '{}', '{}', 10, null);
