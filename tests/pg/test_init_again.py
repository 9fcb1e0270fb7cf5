"""Second attempts: `init --recreate` drops what repl made on the target, and nothing else."""
import pytest

import compare
from waiting import eventually

SCHEMA = """
create type mood as enum ('ok', 'bad'); create domain short as text check (length(value) < 50);
create schema shop; create sequence shop.free;
create function shop.next_code() returns text language sql as $$ select 'c' || nextval('shop.free') $$;
create function touched() returns trigger language plpgsql as 'begin return new; end';
create table a(id serial primary key, v short, m mood default 'ok', code text default shop.next_code());
create table shop.b(id int generated always as identity primary key, a int references a, self int references shop.b);
create table p(id int primary key, v text) partition by range (id);
create table p1 partition of p for values from (0) to (1000);
create view seen as select a.id, b.id as b from a left join shop.b b on b.a = a.id;
create materialized view counted as select count(*) n from a;
create index a_v on a(v); create trigger t after insert on a for each row execute function touched();
create function same(mood, mood) returns boolean language sql as 'select $1::text = $2::text'; create operator === (leftarg = mood, rightarg = mood, function = same);
insert into a(v) select 'v' || g from generate_series(1, 300) g; insert into shop.b(a) select id from a;
insert into p select g, 'p' from generate_series(1, 200) g; refresh materialized view counted;
"""
# Of others, on the target: some of it looks at what repl makes, or is of the same schema.
OTHERS = """
create schema mine; create type mine.kind as enum ('x'); create table mine.notes(id int primary key, k mine.kind);
create function mine.f() returns int language sql as 'select 1'; create view mine.v as select * from mine.notes;
create sequence mine.s; insert into mine.notes values (1, 'x'); create table bystander(id serial primary key);
"""


def made_here(c):
    """What the target holds, but for repl's own and what repl makes."""
    return sorted(c.execute("select i.type, i.identity from (select 'pg_class'::regclass::oid c, oid o from pg_class where relkind in ('r','p','v','m','S','f','i') and oid >= 16384 "
                            "union all select 'pg_proc'::regclass, oid from pg_proc where oid >= 16384 union all select 'pg_type'::regclass, oid from pg_type where oid >= 16384 "
                            "union all select 'pg_namespace'::regclass, oid from pg_namespace where oid >= 16384) x, pg_identify_object(c, o, 0) i where identity !~ 'pg_toast|pg_temp'").fetchall())


@pytest.fixture
def following(repl, src, dst, equal):
    src.execute(SCHEMA)
    dst.execute(OTHERS)
    before = made_here(dst)
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.stop()
    return before


def rows(source, target):
    with source.admin() as a, target.admin() as b:
        return compare.compare_all(a, b, own=("repl", "mine"))


def test_it_begins_again(repl, src, dst, source, target, following):
    """In the middle of life, with rows; the indexes are built behind the rows again."""
    src.execute("insert into a(v) select 'n' from generate_series(1, 50); create table late(id int primary key); insert into late values (1)")
    refused = repl.run("init", "--recreate", code=2)
    assert "nothing was dropped" in refused.err and "--yes" in refused.err and "target: table public.a" in refused.out
    code, shown = repl.run_in_terminal("init", "--recreate", answer="n")
    assert code == 1 and "nothing was dropped" in shown and dst.execute("select count(*) from a").fetchone() == (300,)
    out = repl.run("init", "--recreate", "--yes").out
    assert "have their indexes already" not in out and "the copy begins again" in out
    assert dst.execute("select count(*) from a").fetchone() == (0,)
    assert dst.execute("select count(*) from pg_index where indrelid = 'a'::regclass").fetchone() == (0,)
    dst.execute("drop table bystander")
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    assert rows(source, target)
    assert dst.execute("select id from mine.notes").fetchall() == [(1,)]
    assert "equal" in repl.run("verify").out


def test_what_others_made_stays(repl, src, dst, following):
    repl.run("init", "--recreate", "--yes", "--exclude", "*", code=1)  # which leaves it with nothing to make
    left = made_here(dst)
    assert [o for o in left if not o[1].startswith(("repl", '"repl"'))] == following


HANGING = (
    ("create view mine.looks as select * from a", "mine.looks", "drop view mine.looks"),
    ("create table mine.refers(id int references a)", "mine.refers", "drop table mine.refers"),
    ("alter table mine.notes add column m mood", "mine.notes", "alter table mine.notes drop column m"),
    ("alter table mine.notes add column code text default shop.next_code()", "mine.notes", "alter table mine.notes drop column code"),
    ("create function mine.g(a) returns int language sql as 'select 1'", "mine.g", "drop function mine.g(a)"),
    ("create table mine.child() inherits (a)", "mine.child", "drop table mine.child"),
    ("create trigger theirs after insert on mine.notes for each row execute function touched()", "theirs", "drop trigger theirs on mine.notes"),
)


def test_what_hangs_on_it_is_named(repl, dst, following):
    for theirs, named, gone in HANGING:
        dst.execute(theirs)
        before = made_here(dst)
        refused = repl.run("init", "--recreate", "--yes", code=1)
        assert named in refused.err and "nothing was dropped" in refused.err, refused
        assert made_here(dst) == before and dst.execute("select count(*) from a").fetchone() == (300,)
        dst.execute(gone)
    repl.start()
    repl.wait_phase("following")


def test_a_schema_that_others_use_stays(repl, dst, following):
    dst.execute("create table shop.theirs(id int primary key); insert into shop.theirs values (7)")
    repl.run("init", "--recreate", "--yes")
    assert dst.execute("select id from shop.theirs").fetchall() == [(7,)]


def test_tables_that_were_there_are_not_its_own(repl, src, dst, target):
    src.execute("create table t(id int primary key, v text); create table u(id int primary key); insert into t values (1, 'a')")
    dst.execute("create table t(id int primary key, v text)")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.stop()
    out = repl.run("init", "--recreate", "--yes", code=1)
    assert "target: table public.u" in out.out and "public.t" not in out.out.split("so far")[0].split("blocker")[0]
    assert "holds rows already" in out.err and dst.execute("select count(*) from t").fetchone() == (1,)
    assert dst.execute("select to_regclass('u')").fetchone() == (None,)
    repl.run("init", "--overwrite")


def test_killed_while_it_drops(repl, src, dst, source, target, following):
    repl.run("init", "--recreate", "--yes", code=-9, env={"REPL_FAIL_AT": "recreate.dropped"})
    eventually(lambda: dst.execute("select count(*) from a").fetchone() == (300,), what="the drop is rolled back")
    repl.run("init", "--recreate", "--yes")
    dst.execute("drop table bystander")
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    assert rows(source, target)


def test_not_behind_a_fence_or_without_a_record(repl, src, dst, following):
    repl.start()
    repl.wait_phase("following")
    repl.run("cutover", "--yes")
    repl.stop()
    assert "cutover" in repl.run("init", "--recreate", "--yes", code=1).err
    assert dst.execute("select count(*) from a").fetchone() == (300,)
    repl.run("cutover", "--abort", "--yes")
    repl.run("cleanup", "--yes")
    refused = repl.init("--recreate", "--yes", code=1)
    assert "no record of what repl made" in refused.err and "--overwrite" in refused.err
    assert dst.execute("select count(*) from a").fetchone() == (300,)
