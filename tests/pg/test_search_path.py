"""What the application's functions name without a schema is found where its own sessions find it: in every place where a row is
written, there and back, and where generated columns, checks, domains, indexes, views and statistics are made."""
import pytest

from waiting import eventually

# An extension as Heroku has it, in a schema that only search_path makes visible; functions in SQL and in plpgsql.
SCHEMA = """
create function norm(v text) returns text language sql immutable as $$ select lower(unaccent(v)) $$;
create function bump(v text) returns text language plpgsql immutable as $$ begin return norm(v); end $$;
create domain word as text check (bump(value) <> 'bad');
create table generated(id int primary key, v text, n text generated always as (norm(v)) stored, s text generated always as (bump(v)) stored);
create table checked(id int primary key, v text check (bump(v) <> 'bad'));
create table of_domain(id int primary key, v word);
create table indexed(id int primary key, v text);
create index on indexed (bump(v));
create unique index on indexed (norm(v), id) where bump(v) <> 'none';
create table keyless(v text check (bump(v) <> 'bad'));
create table parted(id int primary key, v text check (bump(v) <> 'bad')) partition by range (id);
create table parted_1 partition of parted for values from (0) to (1000000);
create table kept_apart(id int primary key, during int4range, v text,
                        constraint apart exclude using gist (during with &&) where (bump(v) <> 'none') deferrable initially deferred);
create statistics joined on (bump(v)), id from indexed;
create view seen as select id, bump(v) as b from indexed;
create materialized view kept as select id, bump(v) as b from indexed;
"""
PATH = "app, public, heroku_ext"
TABLES = ("generated", "checked", "of_domain", "indexed", "keyless", "parted", "kept_apart")


def write(c, low, high):
    for t in TABLES:
        columns = {"keyless": "v", "kept_apart": "id, v, during"}.get(t, "id, v")
        values = {"keyless": "'É' || g", "kept_apart": "g, 'É' || g, int4range(g, g + 1)"}.get(t, "g, 'É' || g")
        c.execute(f"insert into {t} ({columns}) select {values} from generate_series({low}, {high}) g")


@pytest.fixture
def application(source):
    """A session with the application's search_path, and its tables. On the target nobody has that path."""
    with source.connect() as c:
        c.execute("create schema heroku_ext; create extension unaccent schema heroku_ext")
        c.execute(f'alter database "{source.name}" set search_path = "$user", public, heroku_ext')
    with source.connect() as c:
        c.execute("create schema app; create function app.unused() returns int language sql as 'select 1'")
        c.execute(SCHEMA)
        write(c, 1, 300)
        c.execute("refresh materialized view kept")
        yield c


def change(c):
    write(c, 1001, 1020)
    for t in TABLES:
        c.execute(f"update {t} set v = 'Ü' || v where {'true' if t == 'keyless' else 'id % 7 = 0'}")


def test_there_and_back(repl, application, source, target, same_back, equal):
    repl.init()
    repl.start()
    repl.wait_phase("following")
    equal(path=PATH)
    change(application)
    repl.kick()
    equal(path=PATH)
    with target.connect() as c:
        assert c.execute("select count(*) from app.kept where b like 'e%'").fetchone() == (300,)
        assert c.execute("select count(*) from pg_statistic_ext where stxname = 'joined'").fetchone() == (1,)
    repl.run("cutover", "--fallback", "--yes")
    with target.connect() as c:
        c.execute(f"set search_path = {PATH}")
        write(c, 2001, 2010)
        for t in TABLES:
            c.execute(f"update {t} set v = 'Ö' || v where {'true' if t == 'keyless' else 'id % 5 = 0'}")
    repl.kick()
    same_back(with_sequences=False, path=PATH)
    repl.run("cutover", "--back", "--yes")


def test_a_backlog_in_steps_and_in_parts(repl, application, equal):
    """Catching up, and a batch that several workers share."""
    repl.init()
    repl.configure(batch_rows=200, step_rows=100, fan_out_rows=50)
    repl.start()
    repl.wait_phase("following")
    repl.kill()
    change(application)
    write(application, 5001, 5900)
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    equal(path=PATH)


def test_what_is_not_found_there_either_is_told(repl, src, dst):
    """The application sets another path in its sessions; what to type is said, and it goes on by itself."""
    src.execute("create schema tools; create function tools.plain(v text) returns text language sql immutable as 'select lower(v)'; "
                "create function bump(v text) returns text language plpgsql immutable as $$ begin return plain(v); end $$; "
                "create table checked(id int primary key, v text check (bump(v) <> 'bad')); create table other(id int primary key)")
    src.execute("set search_path = public, tools")
    src.execute("insert into checked values (1, 'x')")
    r = repl.init(code=1)
    assert "check checked_v_check relies on search_path" in r.all and "ALTER FUNCTION public.bump(v text) SET search_path" in r.all, r
    src.execute("alter function bump(text) set search_path = public, tools")
    repl.init()
    src.execute("alter function bump(text) reset search_path")
    dst.execute("alter function bump(text) reset search_path")
    repl.start()
    errors = eventually(lambda: [e for e in repl.status()["errors"] if e["table"] == "public.checked"], what="it is told")
    assert "ALTER FUNCTION" in errors[0]["hint"] and "search_path" in errors[0]["hint"], errors
    src.execute("alter function bump(text) set search_path = public, tools")
    dst.execute("alter function bump(text) set search_path = public, tools")
    repl.wait_phase("following")


CALLS = {"generated": "create table t(id int primary key, v text, n text generated always as (bump(v)) stored)",
         "check": "create table t(id int primary key, v text check (bump(v) <> 'bad'))",
         "domain": "create domain d as text check (bump(value) <> 'bad'); create table t(id int primary key, v d)",
         "index": "create table t(id int primary key, v text); create index on t (bump(v))",
         "of a partition": "create table t(id int primary key, v text) partition by range (id); create table t_1 partition of t default; "
                           "create index on t_1 (bump(v))",
         "predicate": "create table t(id int primary key, v text); create index on t (id) where bump(v) <> 'bad'"}


@pytest.mark.parametrize("rows", ["", "insert into t values (1, 'x')"], ids=["empty", "filled"])
@pytest.mark.parametrize("what", CALLS)
def test_check_foresees_what_will_fail(check, src, what, rows):
    src.execute("create schema tools; create function tools.plain(v text) returns text language sql immutable as 'select lower(v)'; "
                "create function bump(v text) returns text language plpgsql immutable as $$ begin return plain(v); end $$; "
                "set search_path = public, tools")
    src.execute(CALLS[what] + ";" + rows)
    found = check().one("functions", "function plain(text) does not exist", level="blocker", table="public.t")
    assert "ALTER FUNCTION public.bump(v text) SET search_path" in found["hint"]
    src.execute("alter function bump(text) set search_path = public, tools")
    check().one("functions", level="ok")
