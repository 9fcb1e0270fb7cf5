-- The merge: after it the target's rows with staged keys are those of the source's snapshot. Unique values swap, an
-- identity changes, equal rows are not written, and the position moves in the same transaction, once.
\pset format unaligned
\pset footer off
\pset null null
\set schema repl
\set sync_id 11111111-2222-3333-4444-555555555555
\set target_id 22222222-2222-3333-4444-555555555555
\set version 2
\o /dev/null
\i sql/target/schema.sql
\o
create table t (v text, a int primary key, u int unique, i bigint generated always as identity,
                g int generated always as (u + 1) stored, n numeric);
insert into t (v, a, u, n) overriding system value select 'old', g, g * 10, 1.0 from generate_series(1, 6) g;
insert into repl.relation (id, nspname, relname) values (1, 'public', 't');

\set stage pg_temp.repl_1
\set columns 'present boolean, k1 int, c1 text, c2 int, c3 int, c4 bigint, c6 numeric'
begin;
\i sql/target/stage.sql
-- 1 and 2 swap u; 3 goes; 4 is as it was; 5 changes its text; 6 only the scale of its number; 7 is new.
copy pg_temp.repl_1 from stdin;
t	1	old	1	20	1	1.0
t	2	old	2	10	2	1.0
f	3	\N	\N	\N	\N	\N
t	4	old	4	40	4	1.0
t	5	new	5	50	5	1.0
t	6	old	6	60	6	1.00
t	7	new	7	70	700	1.0
\.
select a, ctid from t where a in (4, 5) order by a;
\set table 'ONLY public.t'
\set into public.t
\set on 't.a = s.k1'
\i sql/target/merge_delete.sql
\set differs 'ROW(t.u, t.i)::record OPERATOR(pg_catalog.*<>) ROW(s.c3, s.c4)::record'
\i sql/target/merge_recreate.sql
\set differs 'ROW(t.v, t.a, t.u, t.i, t.n)::record OPERATOR(pg_catalog.*<>) ROW(s.c1, s.c2, s.c3, s.c4, s.c6)::record'
\set set 'v = s.c1, n = s.c6'
\i sql/target/merge_update.sql
\set columns '(v, a, u, i, n)'
\set staged 's.c1, s.c2, s.c3, s.c4, s.c6'
\i sql/target/merge_insert.sql
\set from_batch 0
\set snapshot '''700:700:'''
\set system_identifier '''7000000000000000001'''
\set timeline 1
\set database 5
\set left_out '''{}'''
\i sql/target/position_advance.sql
commit;
\echo == every row, the generated column too
table t order by a;
\echo == the row that was equal was not written
select a, xmin = (select xmin from t where a = 5) as written from t where a in (4, 5, 6) order by a;
\echo == the stage is empty for the next batch
select count(*) from pg_temp.repl_1;
\echo == the position moved with the rows, and moves once
select batch, snapshot from repl.position;
\i sql/target/position_advance.sql
select batch, snapshot from repl.position;
select id, snapshot from repl.relation;

\echo == a table that was left out of a batch keeps where it stood
\set from_batch 1
\set snapshot '''900:900:'''
\set left_out '''{1}'''
\i sql/target/position_advance.sql
select batch, p.snapshot, r.snapshot as own from repl.position p, repl.relation r;
\set from_batch 2
\set left_out '''{}'''
\i sql/target/position_advance.sql
select batch, p.snapshot, r.snapshot as own from repl.position p, repl.relation r;

\echo == a catch-up pass in two steps
\set id 1
\set goal '950:950:'
\set side a
\set block 10
\set first true
\set from_side ''
\set from_block 0
\set finished false
\i sql/target/position_catchup.sql
select snapshot, goal, side, block from repl.relation;
\echo == a step that does not follow the one before touches nothing
\set first false
\set from_side a
\set from_block 5
\set finished true
\set block 20
\i sql/target/position_catchup.sql
select snapshot, goal, side, block from repl.relation;
\echo == one that does
\set from_block 10
\i sql/target/position_catchup.sql
select snapshot, goal, side, block from repl.relation;
\echo == another engine on another pass touches nothing
update repl.relation set goal = '999:999:';
\i sql/target/position_catchup.sql
select snapshot, goal from repl.relation;

\echo == the history is in doubt: everything is to be brought again, and a copy beside the others begins again
insert into repl.relation (id, nspname, relname) values (2, 'public', 'u');
insert into repl.heap values (2, 1, 1, 1, 8192, null);
insert into repl.chunk (relation, heap, chunk, rows, bytes, number) values (2, 1, 0, 5, 100, 7);
update repl.relation set copied = true, goal = '999:999:' where id = 1;
\set batch 3
\set applied 9
\set epoch 77
\set number 21
\set reason 'a reason'
\set system_identifier 7000000000000000001
\i sql/target/doubt.sql
select batch, snapshot, epoch, number from repl.position;
select id, copied, snapshot, goal, afresh, doubt from repl.relation order by id;
select (select count(*) from repl.heap) as heaps, (select count(*) from repl.chunk) as chunks;
select id, reason from repl.doubt;
\echo == who was slower changes nothing
\set epoch 88
\set number 31
\i sql/target/doubt.sql
select batch, epoch, number from repl.position;
select count(*) from repl.doubt;
\echo == a comparison settles the doubt that it knew
\set doubt 20
\i sql/target/doubt_settled.sql
\i sql/target/doubts.sql
;
\set doubt 21
\i sql/target/doubt_settled.sql
\i sql/target/doubts.sql
;
