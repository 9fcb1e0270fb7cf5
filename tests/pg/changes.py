"""Kinds of change: of each its tables with rows, and what an application does to them, twice. {n} is 1 the first time and 2 the second."""

CASCADES = ("""
    create table a(id int primary key, v text);
    create table b(id int primary key, a int references a on delete cascade on update cascade);
    create table c(id int primary key, b int references b on delete set null on update set null);
    create table d(id int primary key, b int default 0 references b on delete set default on update cascade);
    create table e(id int primary key, up int references e on delete cascade on update cascade, v text);
    create table f(x int, y int, z text, primary key (x, y));
    create table g(id int primary key, x int, y int, foreign key (x, y) references f match full on delete cascade on update cascade);
    create table h(id int references a on delete cascade on update cascade primary key, w text);
    create table i(id int primary key, up int references i deferrable initially deferred);
    insert into a select g, 'a' from generate_series(0, 50) g; insert into b select g, g from generate_series(0, 50) g;
    insert into c select g, g from generate_series(0, 50) g; insert into d select g, g from generate_series(0, 50) g;
    insert into e select g, nullif(g - 1, 0), 'e' from generate_series(1, 60) g;
    insert into f select g, g % 3, 'f' from generate_series(1, 30) g; insert into g select x, x, y from f;
    insert into h select id, 'h' from a; insert into i select g, g % 10 + 1 from generate_series(1, 10) g""", """
    update a set id = id + 1000 where id between {n} * 10 and {n} * 10 + 4;
    delete from a where id between {n} * 10 + 5 and {n} * 10 + 8;
    update b set id = id + 500 where id between {n} * 10 and {n} * 10 + 1;
    update e set id = id + 100 where id = 60 - {n} * 20;
    delete from e where id = 50 - {n} * 20;
    update f set y = y + 10, x = -x where x % 10 = {n};
    delete from f where x % 10 = 4 + {n};
    begin; delete from i where id = {n}; update i set up = 10 where up = {n}; commit;
    delete from a where id = 1000 + {n} * 10""")

CONFLICTS = ("""
    create table t(id int primary key, u int unique, v int default 0, w text);
    create table moved(id int primary key, v int);
    insert into t select g, g, 0, 'w' from generate_series(1, 40) g""", """
    insert into t select g, g, 1, 'x' from generate_series(30 + {n}, 60 + {n}) g on conflict (id) do update set v = t.v + 1;
    insert into t select g + 1000, g, 1, 'y' from generate_series(1, 5) g on conflict (u) do update set id = excluded.id + {n} * 100, v = {n};
    insert into t values (1, 1), (2000 + {n}, 2000 + {n}) on conflict do nothing;
    insert into t values (10, null) on conflict (id) do update set v = 7 where t.v > 1000;
    with gone as (delete from t where id % 10 = {n} returning id, v) insert into moved select * from gone on conflict (id) do update set v = -1;
    with one as (insert into moved values (900 + {n}, 1)), two as (insert into moved values (910 + {n}, 2)),
         three as (update moved set v = v + 1 where id < 20), four as (delete from moved where id between 20 and 22)
      update t set v = 50 where id = 15;
    insert into t select * from t where false;
    update t set (v, w) = (select 5, 'sub') where id in (select id from t order by id limit 3);
    update t set v = m.v from moved m where m.id = t.id + 1;
    delete from t using moved m where m.id = t.id and m.v = 2""")

MERGES = ("""
    create table t(id int primary key, v int); insert into t select g, 0 from generate_series(1, 30) g;
    create table s(id int, v int); insert into s select g, 1 from generate_series(20, 40) g;
    create table p(id int, v int, primary key (id, v)) partition by list (v);
    create table p0 partition of p for values in (0); create table pd partition of p default;
    insert into p select g, 0 from generate_series(1, 30) g""", """
    merge into t using s on t.id = s.id when matched and s.id % 3 = 0 then delete when matched then update set v = t.v + {n}
      when not matched and s.id % 2 = 0 then insert values (s.id, {n}) when not matched then do nothing;
    merge into p using s on p.id = s.id when matched and s.id % 3 = 0 then delete when matched then update set v = {n}
      when not matched then insert values (s.id, {n})""")

VALUES = ("""
    create extension btree_gist; create extension citext;
    create table deferred(id int primary key deferrable initially deferred, u int unique deferrable, v text);
    create table swap(id int primary key, u int not null unique, l text unique, a bool, x text, y text);
    create unique index on swap (lower(x)); create unique index on swap (y) where a; create unique index on swap ((u + 1), l);
    create table made(id int primary key, a int, g int generated always as (a * 2) stored unique, x text);
    create table made_key(a int, g int generated always as (a * 2) stored primary key, v text);
    create table booked(id int primary key, room int, during int4range, live bool,
      exclude using gist (room with =, during with &&) where (live), exclude using gist ((room + 1) with =, (during * '[0,1000)') with &&));
    create table ident(id int generated always as identity primary key, n int generated by default as identity unique, v text);
    create table wide(id int primary key, big text, n int, u int unique); alter table wide alter big set storage external;
    create table nulls(id int primary key, u int unique, v text);
    insert into deferred select g, g, 'd' from generate_series(1, 30) g;
    insert into swap select g, g, 'l' || g, g % 2 = 0, 'X' || g, 'y' || g / 2 from generate_series(1, 30) g;
    insert into made select g, g from generate_series(1, 30) g; insert into made_key select g from generate_series(1, 30) g;
    insert into booked select g, g % 3, int4range(g * 10, g * 10 + 10), g % 2 = 0 from generate_series(1, 30) g;
    insert into ident(v) select 'i' from generate_series(1, 20);
    insert into wide select g, (select string_agg(md5((g * i)::text), '') from generate_series(1, 300) i), 0, g from generate_series(1, 20) g;
    insert into nulls select g, nullif(g, 3), 'n' from generate_series(1, 10) g""", """
    begin; update deferred set id = 31 - id; update deferred set id = id + 1; delete from deferred where id = 2; commit;
    begin; set constraints all deferred; update deferred set u = 31 - u; commit;
    begin; update swap set u = -u; update swap set u = 31 + u; update swap set l = 'm' || l; update swap set l = 'l' || (31 - id); commit;
    begin; update swap set x = 'z' || x; update swap set x = case when {n} = 1 then 'x' else 'X' end || (31 - id); commit;
    begin; update swap set a = false; update swap set a = true where id % 2 = {n} % 2; commit;
    begin; update made set a = -a; update made set a = 31 + a; commit;
    begin; update made_key set a = -a, v = a; update made_key set a = 31 + a; commit;
    begin; update booked set live = false; update booked set live = true where id % 2 = {n} % 2; commit;
    begin; update booked set during = int4range(lower(during) + 5000, upper(during) + 5000), room = room + 3;
      update booked set during = int4range(lower(during) - 5000, upper(during) - 5000), room = (room + 1 + {n}) % 3, id = id + 100; commit;
    begin; update ident set id = default where id % 5 = {n}; update ident set n = -n; update ident set n = 100 * {n} - n; commit;
    insert into ident(id, v) overriding system value values (1000 * {n}, 'own'); insert into ident(v) values ('late');
    begin; update wide set n = n + 1; update wide set u = -u; update wide set u = {n} * 50 + u; update wide set big = big || 'x' where id % 7 = {n}; commit;
    update wide set id = id + 100 where id % 5 = {n};
    begin; update nulls set u = null where id = 1; update nulls set u = 1 where id = 3; update nulls set u = 3 where id = 1; commit;
    begin; delete from nulls where id = 5; insert into nulls values (50 + {n}, 5); update nulls set id = 5 where u = 5; commit""".replace("v = a;", "v = a::text;"))

SAVEPOINTS = ("""
    create table t(id int primary key, v int); create table u(id int primary key);
    create table p(id int primary key, v int) partition by hash (id);
    create table p0 partition of p for values with (modulus 2, remainder 0); create table p1 partition of p for values with (modulus 2, remainder 1);
    insert into t select g, 0 from generate_series(1, 50) g; insert into p select g, 0 from generate_series(1, 50) g""", """
    begin isolation level serializable; update t set v = (select sum(v) from p) where id = 1; update p set v = (select count(*) from t) where id = 2; commit;
    begin isolation level repeatable read; insert into u select max(id) + 5000 * {n} from t; commit;
    begin; insert into t values (100 * {n}, 1); savepoint a; delete from t where id < 10; savepoint b; truncate t, p; rollback to b;
      update p set v = {n}; rollback to a; update t set v = {n} where id < 20; release a; savepoint a; insert into u values ({n}); release a; commit;
    begin; truncate t; delete from p; insert into u values (99); rollback;
    begin; savepoint a; insert into u values (50 + {n}); savepoint a; savepoint a; update u set id = id + 100 where id = 50 + {n};
      rollback to a; delete from u where id = {n}; release a; commit;
    do $$ begin
      for i in 1..300 loop
        begin
          insert into t values (1000 * {n} + i, i);
          if i % 3 = 0 then raise exception 'undo'; end if;
          begin update p set v = v + 1 where id = i % 50; delete from t where id = 1000 * {n} + i - 1 and i % 2 = 0;
            if i % 5 = 0 then raise exception 'inner'; end if;
          exception when raise_exception then null; end;
        exception when raise_exception then null; end;
      end loop;
    end $$""")

TRUNCATES = ("""
    create table a(id int primary key, v text); create table b(id serial primary key, a int references a);
    create table c(id int generated always as identity primary key, b int references b);
    create table keyless(v int); create table alone(id int primary key);
    create table p(id int primary key, v int) partition by range (id);
    create table p1 partition of p for values from (0) to (100); create table p2 partition of p for values from (100) to (200);
    create table mother(id int primary key); create table child(v int, primary key (id)) inherits (mother);
    create table owner(id int primary key); create table refers(id int primary key, o int references owner);
    insert into a select g from generate_series(1, 30) g; insert into b(a) select id from a; insert into c(b) select id from b;
    insert into keyless select generate_series(1, 10); insert into alone select generate_series(1, 10);
    insert into p select generate_series(1, 150); insert into mother select generate_series(1, 10); insert into child select generate_series(11, 20);
    insert into owner select generate_series(1, 10); insert into refers select g, g from generate_series(1, 10) g""", """
    begin; insert into a values (100 + {n}, 'before'); truncate a cascade; insert into a values ({n}, 'behind'), (7, 'again'); insert into b(a) values (7); commit;
    begin; truncate a, b, c restart identity; insert into a values (8, 'x'), ({n} + 20, 'y'); insert into b(a) values (8), (8); insert into c(b) values (1); commit;
    begin; insert into alone values (200 + {n}); savepoint s; truncate alone; rollback to s; delete from alone where id = 3 + {n}; commit;
    begin; truncate keyless; insert into keyless values ({n}); commit;
    begin; update p set v = {n}; truncate p1; insert into p values (5, 5), (150 + {n} * 10, 0) on conflict do nothing; commit;
    truncate only mother; insert into mother values ({n});
    begin; truncate mother; insert into child values (30 + {n}, {n}); commit;
    begin; delete from refers; delete from owner where id < 5; truncate refers; insert into owner values (100 + {n}); insert into refers values ({n}, 100 + {n}); commit;
    begin; truncate p; truncate alone; insert into p values ({n}, {n}), (100 + {n}, {n}); truncate p2; insert into alone values ({n}); commit""")

RULES = ("""
    create table t(id int primary key, v text); create table log(id int, what text); create table kept(id int primary key, v text);
    create rule also as on insert to t do also insert into log values (new.id, 'rule');
    create rule instead as on delete to t where old.id > 5 do instead update kept set v = 'instead' where id = 1;
    create rule nothing as on update to log do instead nothing;
    create view seen as select * from t where id < 1000; create view shown as select id, v || '!' as v from t;
    create function put() returns trigger language plpgsql as $$ begin
      if tg_op = 'DELETE' then update t set id = -id where id = old.id; return old; end if;
      insert into t values (new.id, 'put'); return new; end $$;
    create trigger put instead of insert or delete on shown for each row execute function put();
    create table stamped(id int primary key, v int, at timestamptz, n int default 0);
    create function stamp() returns trigger language plpgsql as $$ begin
      if new.v = 13 then return null; end if; new.at := clock_timestamp(); new.n := new.n + 1; return new; end $$;
    create trigger stamp before insert or update on stamped for each row execute function stamp();
    create function repeated() returns trigger language plpgsql as $$ begin
      if pg_trigger_depth() < 3 then update stamped set v = v + 1 where id = new.id; insert into log values (new.id, 'trigger'); end if; return null; end $$;
    create trigger a_first after insert or update on stamped for each row execute function repeated();
    create trigger zz_last after insert or update on stamped for each row execute function repeated();
    create table policed(id int primary key, owner text, v int); alter table policed enable row level security;
    create policy own on policed using (owner = current_user); create policy every on policed for insert with check (true);
    insert into t select g, 'v' from generate_series(1, 10) g; insert into kept values (1, 'k'); insert into stamped select generate_series(1, 10), 0;
    insert into policed select g, case g % 2 when 0 then current_user else 'somebody' end, 0 from generate_series(1, 20) g""", """
    insert into t values (10 + {n}, 'new'); delete from t where id = {n}; delete from t where id > 5; update log set what = 'never';
    insert into seen values (20 + {n}, 'through a view'); update seen set v = 'view' where id = 3; delete from seen where id = 3 + {n};
    insert into shown values (40 + {n}, 'x'), (50 + {n}, 'y'); delete from shown where id = 10 + {n};
    insert into stamped values (100 + {n}, 1), (200 + {n}, 13); update stamped set v = {n} where id < 5; update stamped set id = -id where id = 5 + {n};
    delete from stamped where id = 8 + {n}; update policed set v = v + 1; delete from policed where id = {n}; insert into policed values (100 + {n}, 'else', 1)""")

STRANGE = ("""
    create table no_column(); create table one(a int); create table only_made(a int generated always as (1) stored); create table keyless(id int generated always as identity, a float8, b text, c json);
    create table all_made(a int generated always as (1) stored, b int);
    create table parts(a int, b text) partition by list (a); create table parts1 partition of parts for values in (1, 2);
    create table parts2 partition of parts default partition by range (b); create table parts21 partition of parts2 for values from ('a') to ('n');
    create table parts22 (x int, b text, y int, a int, id int); alter table parts22 drop x, drop y, drop id; alter table parts2 attach partition parts22 default;
    create table keyed(id int, at date not null, v text, primary key (id, at)) partition by range (at);
    create table keyed1 (v text, gone int, at date not null, id int not null); alter table keyed1 drop gone; alter table keyed attach partition keyed1 for values from ('2024-01-01') to ('2025-01-01');
    create schema elsewhere; create table elsewhere.keyed2 partition of keyed for values from ('2025-01-01') to ('2026-01-01') partition by hash (id);
    create table elsewhere.keyed20 partition of elsewhere.keyed2 for values with (modulus 2, remainder 0);
    create unlogged table elsewhere.keyed21 partition of elsewhere.keyed2 for values with (modulus 2, remainder 1); create table keyed3 partition of keyed default;
    create table animal(id int primary key, name text); create table dog(tricks int, primary key (id)) inherits (animal);
    create table puppy(age int) inherits (dog); create table legs(n int); create table cat(id int not null unique) inherits (animal, legs);
    create unlogged table lost(id int primary key, v text); create unlogged table lost_too(v text);
    create table many(a int, b int, c int, d int, e text, f text, g int, h int, v text, primary key (h, g, f, e, d, c, b, a));
    create table with_include(a int not null, b int not null, c text); create unique index on with_include (a) include (b, c);
    create table several(a int not null, b text not null, c int not null); create unique index z on several (a, c); create unique index y on several (b);
    create table not_yet(a int, b int); create unique index on not_yet (a); create unique index on not_yet (b) where b > 0;
    insert into no_column default values; insert into no_column default values; insert into one values (null), (1), (1);
    insert into keyless(a, b) values (0, 'x'), ('-0', 'x'), ('NaN', null), (null, null); insert into all_made(b) values (1), (1); insert into only_made default values; create table empty_too();
    insert into parts select g % 5, chr(97 + g % 26) from generate_series(1, 60) g;
    insert into keyed select g, date '2023-06-01' + g * 20, 'v' from generate_series(1, 60) g;
    insert into animal values (1, 'a'), (2, 'b'); insert into dog values (11, 'd', 1), (12, 'e', 2); insert into puppy values (21, 'p', 1, 1), (21, 'twin', 1, 1);
    insert into cat values (31, 'c', 4); insert into legs values (4), (4); insert into lost values (1, 'l'); insert into lost_too values ('x'), ('x');
    insert into many select g, 1, 2, 3, 'e', 'f' || g, 7, 8, 'v' from generate_series(1, 20) g; insert into with_include select g, g, 'c' from generate_series(1, 10) g;
    insert into several select g, 'b' || g, g from generate_series(1, 10) g; insert into not_yet select g, g from generate_series(1, 5) g""", """
    insert into no_column default values; insert into only_made default values; insert into empty_too default values; update one set a = 2 where a = 1; insert into one values ({n}); delete from one where a is null;
    update keyless set a = -a; delete from keyless where b is null and a is null; insert into keyless(b, c) values ('n', '{{"a":  1}}'); insert into all_made(b) values ({n});
    update parts set a = a + 1 where a = {n}; delete from parts22 where b > 'x'; insert into parts21 values (9, 'b'); update parts2 set b = 'z' where b = 'c';
    update keyed set at = at + 365 where id % 7 = {n}; update keyed1 set v = 'direct' where id % 3 = 0; delete from elsewhere.keyed20 where id % 5 = {n};
    update elsewhere.keyed2 set id = id + 1000 where id % 11 = {n}; insert into keyed3 values ({n}, '1999-01-01', 'old'); insert into keyed1 values ('new', '2024-05-05', 900 + {n});
    update animal set name = name || {n}; update only animal set id = id + 100 where id = {n}; delete from animal where id = 10 + {n}; update dog set tricks = 5;
    insert into puppy values (22, 'q', 0, 0); update puppy set id = 23 where id = 21 and age = {n}; delete from only dog where id = 12; update cat set id = id + 1; update legs set n = 3;
    update lost set v = v || 'x'; insert into lost values (1 + {n}, 'm'); delete from lost_too where v = 'never'; insert into lost_too values ('y');
    update many set v = 'w' where a % 2 = 0; update many set f = f || '.', a = a + 100 where b = 1 and c = 2 and d = {n} + 1; update many set h = 9 where a = 5; delete from many where a = 5 + {n};
    update with_include set a = a + 100, c = 'd' where a < 4; update with_include set b = -b; delete from with_include where a = 4 + {n};
    update several set a = c + 100, b = b || {n} where a < 5; update not_yet set a = null where a = {n}; update not_yet set b = -b""")

# By name.
KINDS = {"cascades": CASCADES, "conflicts": CONFLICTS, "merges": MERGES, "values": VALUES, "savepoints": SAVEPOINTS, "truncates": TRUNCATES,
         "rules": RULES, "strange": STRANGE}
