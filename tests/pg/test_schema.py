"""The schema comes over whole, in steps that can die, and what cannot come over is told before anything is done."""
import pathlib

import pytest

import compare
from waiting import eventually

RESTORING = "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'repl: worker' and state = 'active' and query ilike '%%create %%index%%'"


def load(src, src_admin):
    src_admin.execute("create schema heroku_ext; grant usage on schema heroku_ext to public; "
                      "create extension citext schema heroku_ext; create extension btree_gist schema heroku_ext; "
                      "create extension ltree schema heroku_ext; comment on schema heroku_ext is 'of the provider'")
    src.execute((pathlib.Path(__file__).parent / "schema.sql").read_text(encoding="utf-8"))


def theirs(lines, *left_out):
    """The catalog without repl's own lines, grants and what a test leaves out. Grants stay behind on purpose."""
    return {line for line in lines if "repl" not in line and not any(word in line for word in left_out)
            and not line.startswith(("default acl", "schema public", "schema heroku_ext"))}


def test_one_of_each(repl, src, src_admin, dst_admin, equal):
    load(src, src_admin)
    # As Heroku again: a schema that the application's role may not look into, and an event trigger.
    src_admin.execute("create schema _inner; create function _inner.f() returns event_trigger language plpgsql as 'begin end'; "
                      "create event trigger noted on ddl_command_start execute function _inner.f()")
    try:
        out = repl.init().out
        assert "_inner" in out and "EVENT TRIGGER - noted" in out
        repl.start()
        repl.wait_phase("following")
        repl.kick()
        equal()
        here, there = compare.catalog(src_admin), compare.catalog(dst_admin)
        assert theirs(there) == theirs(here, "_inner", "event trigger")
        # Materialized views show the target's rows, in the order in which they read one another.
        assert dst_admin.execute("select sum from a_first").fetchone()[0] == 100
        assert dst_admin.execute("select h from mfun").fetchone()[0] == 100
    finally:
        src_admin.execute("drop event trigger if exists noted")


def test_foreign_keys_to_what_is_not_replicated_stay_away(repl, src, src_admin, dst_admin):
    load(src, src_admin)
    repl.init("--exclude", "log,public.cust")
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    here, there = compare.catalog(src_admin), compare.catalog(dst_admin)
    left_out = {line for line in theirs(here) - theirs(there) if line.startswith("constraint")}
    assert {line.split()[2] for line in left_out} == {"ord_cust", "log_ord_fkey"}
    said = repl.engine_tail(10**6)
    assert "ord_cust" in said and "log_ord_fkey" in said
    assert dst_admin.execute("select count(*) from log").fetchone()[0] == 0


def test_killed_while_an_index_is_built(repl, src, dst, dst_admin, equal):
    """The server goes on building it for nobody; the next engine ends that, and makes each index once."""
    src.execute("create table big(id int primary key, v text, n numeric); create index big_v on big(v); "
                "create index big_n on big(n, v); insert into big select g, md5(g::text), g from generate_series(1, 300000) g")
    repl.init()
    killed = 0
    for _ in range(3):
        repl.start(wait=False)
        eventually(lambda: dst_admin.execute(RESTORING).fetchone()[0] or repl.phase() == "following",
                   what="indexes are built")
        if repl.phase() == "following":
            break
        repl.kill()
        killed += 1
    assert killed
    if repl.engine is None:
        repl.start()
    repl.wait_phase("following")
    repl.kick()
    assert equal() == 300000
    assert dst.execute("select count(*) from pg_indexes where tablename = 'big'").fetchone()[0] == 3
    assert not dst.execute("select from pg_index where not indisvalid").fetchall()
    assert dst_admin.execute(RESTORING).fetchone()[0] == 0


def test_stop_ends_the_build_of_an_index(repl, src, dst_admin, equal):
    src.execute("create table big(id int primary key, v text); create index big_v on big(v); "
                "insert into big select g, md5(g::text) from generate_series(1, 300000) g")
    repl.init()
    repl.start(wait=False)
    eventually(lambda: dst_admin.execute(RESTORING).fetchone()[0], what="indexes are built", every=.005)
    repl.stop()
    eventually(lambda: dst_admin.execute(RESTORING).fetchone()[0] == 0, timeout=10, what="the sessions are gone")
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    assert equal() == 300000


def test_new_tables_get_their_indexes_too(repl, src, src_admin, dst_admin, equal):
    src.execute("create table a(id int primary key); insert into a values (1)")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.stop()
    src.execute("create table b(id int primary key, a int references a, v text unique); insert into b values (1, 1, 'x')")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    assert equal() == 2
    assert theirs(compare.catalog(dst_admin)) == theirs(compare.catalog(src_admin))


def test_sequences_that_gave_no_value_yet(repl, src, dst):
    """setval(..., false) and RESTART: the first value on the target is the one that the source would give."""
    src.execute("create table t(id int generated always as identity primary key); create sequence s; create sequence fresh start 7; "
                "create sequence \"Q \"\"s\" increment -1; "
                "select setval('t_id_seq', 5000, false); alter sequence \"Q \"\"s\" restart with -77; alter sequence s restart with 300")
    repl.init()
    repl.start()
    repl.kick()
    src.execute("select nextval('s')")
    repl.kick()
    repl.stop()
    assert dst.execute("insert into t default values returning id").fetchone()[0] == 5000
    assert dst.execute("""select nextval('"Q ""s"'), nextval('s'), nextval('fresh')""").fetchone() == (-77, 301, 7)


def test_the_targets_own_schema(repl, src, dst, dst_admin, equal):
    """Made by the application's migrations: other column order, its own indexes; materialized views are filled."""
    src.execute("create table a(id int primary key, v text); create table b(id int primary key, a int references a); "
                "create materialized view m as select count(*) n from a; insert into a values (1, 'x'); insert into b values (1, 1); "
                "refresh materialized view m")
    refused = repl.init("--no-schema", code=1)
    assert "--no-schema" in refused.all and "migrations" in refused.all
    dst.execute("create table a(v text, id int primary key); create index mine on a(v); "
                "create table b(a int references a, id int primary key); create materialized view m as select count(*) n from a")
    before = theirs(compare.catalog(dst_admin))
    repl.init("--no-schema")
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    assert equal() == 2
    assert theirs(compare.catalog(dst_admin)) == before
    assert dst.execute("select n from m").fetchone()[0] == 1


@pytest.fixture
def refused(repl, src, src_admin, dst_admin):
    """init is refused, says the words, and changes nothing."""
    def check(*words):
        before = compare.catalog(src_admin), compare.catalog(dst_admin)
        out = repl.init(code=1)
        for word in words:
            assert word in out.all, out
        assert (compare.catalog(src_admin), compare.catalog(dst_admin)) == before
    return check


def test_an_extension_in_another_schema(refused, src, src_admin, dst_admin):
    src_admin.execute("create schema heroku_ext; create extension citext schema heroku_ext; grant usage on schema heroku_ext to public")
    src.execute("create table t(id heroku_ext.citext primary key)")
    dst_admin.execute("create extension citext schema public")
    refused("citext", 'ALTER EXTENSION "citext" SET SCHEMA "heroku_ext"')


def test_a_policy_for_a_role_that_is_not_there(refused, src, source_cluster):
    with source_cluster.admin() as c:
        c.execute("drop role if exists readers")
        c.execute("create role readers")
    try:
        src.execute("create table t(id int primary key); alter table t enable row level security; create policy p on t to readers using (true)")
        refused("CREATE ROLE readers")
    finally:
        src.execute("drop table t")
        with source_cluster.admin() as c:
            c.execute("drop role readers")


def test_what_stands_in_the_way_on_the_target(repl, src, dst, dst_admin):
    """A view where a table should be: the restore is all or nothing, and the error names the statement."""
    src.execute("create table a(id int primary key); create table b(id int primary key); create type z as enum ('x')")
    dst.execute("create view b as select 1 as id")
    out = repl.init(code=1)
    assert 'relation "b" already exists' in out.all and "CREATE TABLE public.b" in out.all
    assert not dst_admin.execute("select from pg_class where relname = 'a'").fetchall()
    dst.execute("drop view b")
    repl.init()
    assert dst_admin.execute("select count(*) from pg_class where relname in ('a', 'b')").fetchone()[0] == 2
