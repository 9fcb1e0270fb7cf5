-- What others have locked: it is read without waiting for them, and they are named. Each file with those that it takes in.
\pset format unaligned
\pset footer off
\set own_schema repl
\set sql_catalog_roots `cat sql/catalog/roots.sql`
\set sql_catalog_mixed `cat sql/catalog/mixed.sql`
\set sql_catalog_locked `cat sql/catalog/locked.sql`
\set sql_catalog_holders `cat sql/catalog/holders.sql`
\set sql_catalog_maintenance `cat sql/catalog/maintenance.sql`
create table calm (id int);
create table held (id int);
create table part (id int) partition by range (id);
create table part_low partition of part for values from (0) to (10);
create sequence counted;
create sequence kept;
select nextval('counted'), nextval('kept');
insert into calm select generate_series(1, 3);
insert into held select generate_series(1, 3);
insert into part select generate_series(1, 3);

-- Another session has some of it until this one lets it go.
select pg_advisory_lock(1);
\! psql -X -q -U app -d app -c "set application_name = 'other'" -c "begin" -c "lock table held, only part_low" -c "alter sequence kept cache 2" -c "select pg_advisory_lock(1)" >/dev/null 2>&1 &
do $$
begin
    while not exists (select from pg_locks where locktype = 'advisory' and not granted) loop
        perform pg_sleep(0.01);
    end loop;
end $$;
select array_agg(oid order by relname) as oids from pg_class where relname in ('calm', 'held', 'part') \gset

\echo == relations: of those that are locked it is what statistics say
\o | cut -d'|' -f2-4,9
\i sql/catalog/relations.sql
\o
\echo == heaps: of those that are locked nothing is known
\o | cut -d'|' -f3,5,6
\i sql/catalog/heaps.sql
\o
\echo == sizes, but for that of the database
\o | cut -d'|' -f1-3,5-6
\i sql/check/sizes.sql
\o
\echo == roots of those that are locked
\o | wc -l
\i sql/catalog/locked_roots.sql
\o
\echo == sequences, and whether they are waited for
\set wait false
\i sql/sync/sequences.sql
\echo == who has them
\set modes '{AccessExclusiveLock}'
\set table public.part
\o | sed -E 's/[0-9]+/N/g; s/N:N:N/TIME/'
\i sql/catalog/blocker.sql
\set table public.calm
\i sql/catalog/blocker.sql
\o
select pg_advisory_unlock(1);
