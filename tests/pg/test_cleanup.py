"""No trace is left: both catalogs are what they were, the copied tables aside."""
import shutil

import psycopg
import pytest

import compare
from test_move import everything
from waiting import eventually


def test_cleanup_lists_then_removes(repl, src, src_admin, dst_admin, dst, equal):
    everything(src)
    source_before, target_before = compare.catalog(src_admin), compare.catalog(dst_admin)
    repl.init()
    repl.start()
    repl.kick()
    assert compare.catalog(src_admin) > source_before
    repl.stop()
    with_repl = compare.catalog(src_admin), compare.catalog(dst_admin)
    # Without a terminal it does not ask, and without --yes it does nothing.
    refused = repl.run("cleanup", code=2)
    assert "--yes" in refused.all
    listed = repl.run("cleanup", "--dry-run").out
    assert "repl_insert" in listed and "shop.customer" in listed and "Odd Schema.1" in listed
    code, shown = repl.run_in_terminal("cleanup", answer="n")
    assert code == 1 and all(line in shown for line in listed.splitlines()), shown
    assert (compare.catalog(src_admin), compare.catalog(dst_admin)) == with_repl
    code, shown = repl.run_in_terminal("cleanup", answer="y")
    assert code == 0, shown
    assert compare.catalog(src_admin) == source_before
    left = compare.catalog(dst_admin)
    assert target_before <= left
    assert not [line for line in left if "repl" in line]
    assert left - target_before <= source_before, "more came to the target than the source has"
    assert not repl.dir.exists() or not list(repl.dir.iterdir())
    equal()
    # What the user does afterwards is captured by nobody.
    src.execute("update shop.customer set name = 'free'")


def test_the_target_as_it_was(repl, src, src_admin, dst_admin, dst):
    """The target's own schema was there before: then both catalogs are exactly what they were."""
    for c in (src, dst):
        everything(c)
    dst.execute("truncate shop.customer, shop.product, shop.\"order\", shop.line, shop.audit")
    names = dst_admin.execute("select format('%I.%I', schemaname, tablename) from pg_tables "
                              "where schemaname in ('shop', 'Odd Schema.1')").fetchall()
    for (name,) in names:
        dst.execute(f"truncate {name} cascade")
    before = compare.catalog(src_admin), compare.catalog(dst_admin)
    repl.init("--no-schema")
    repl.kick()
    repl.run("cleanup", "--yes")
    assert (compare.catalog(src_admin), compare.catalog(dst_admin)) == before


def test_twice_and_before_anything(repl, src, src_admin, dst_admin):
    src.execute("create table t(id int primary key)")
    before = compare.catalog(src_admin)
    repl.init()
    repl.run("cleanup", "--yes")
    assert compare.catalog(src_admin) == before
    connections = ("--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET")
    again = repl.run("cleanup", "--yes", *connections)
    assert "nothing" in again.all.lower()
    assert not [line for line in compare.catalog(dst_admin) if "repl" in line]


def test_the_state_is_lost(repl, src, src_admin, dst_admin):
    src.execute("create table t(id int primary key); insert into t values (1)")
    before = compare.catalog(src_admin)
    repl.init()
    repl.kick()
    shutil.rmtree(repl.dir)
    repl.run("cleanup", "--yes", "--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET")
    assert compare.catalog(src_admin) == before
    assert not [line for line in compare.catalog(dst_admin) if "repl" in line]


def test_refused_while_the_engine_runs(repl, src, src_admin):
    src.execute("create table t(id int primary key)")
    repl.init()
    repl.start()
    refused = repl.run("cleanup", "--yes", code=1)
    assert "repl stop" in refused.all
    assert src_admin.execute("select from pg_trigger where tgname = 'repl_insert'").fetchall()
    repl.stop()
    repl.run("cleanup", "--yes")


def test_init_after_cleanup(repl, src, dst, equal):
    """A second life; the target's rows are the first one's, so it must be told that they may go."""
    src.execute("create table t(id int primary key, v text); insert into t values (1, 'a')")
    repl.init()
    repl.kick()
    repl.run("cleanup", "--yes")
    src.execute("update t set v = 'b'; insert into t values (2, 'c')")
    refused = repl.init(code=1)
    assert "public.t" in refused.all
    repl.init("--overwrite")
    repl.kick()
    assert equal() == 2
    eventually(lambda: dst.execute("select v from t where id = 1").fetchone()[0] == "b", what="the new value")


def test_more_tables_than_locks(repl, source, source_cluster, src_admin):
    """The server's lock table has no room for everything that capture made at once."""
    with source.connect() as c:
        c.execute("; ".join(f"create table t{i}(id int primary key)" for i in range(150)))
    before = compare.catalog(src_admin)
    repl.init()
    with source_cluster.admin() as c:
        c.execute("alter system set max_locks_per_transaction = 10; ")
        c.execute("alter system set max_connections = 20")
    source_cluster.restart()
    try:
        with source.admin() as c, pytest.raises(psycopg.Error, match="out of shared memory"):
            c.execute("drop schema repl cascade")
        repl.run("cleanup", "--yes")
    finally:
        with source_cluster.admin() as c:
            c.execute("alter system reset max_locks_per_transaction")
            c.execute("alter system reset max_connections")
        source_cluster.restart()
    with source.admin() as c:
        assert compare.catalog(c) == before
