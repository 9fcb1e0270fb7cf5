"""The source has too much to bear: repl slows down, says why, and goes back by itself."""
import time

import pytest

from waiting import eventually

MB = 1000 * 1000


def prepare(repl, src, **settings):
    src.execute("create table t(id int primary key, v text); insert into t select g, 'x' from generate_series(1, 5000) g")
    repl.init("--jobs", "4")
    repl.configure(watch_ms=100, **settings)
    repl.start()
    repl.wait_phase("following")


def load(repl):
    return repl.status()["load"] or {"slowed": None, "delta_bytes": 0}


def slowed(repl, *words):
    """Why, once all of these words are in it."""
    return eventually(lambda: all(w in (load(repl)["slowed"] or "") for w in words) and load(repl)["slowed"],
                      what=f"it says {words}")


def at_full_speed(repl):
    eventually(lambda: repl.status()["load"] and load(repl)["slowed"] is None, what="it is no longer slower")


def workers(repl):
    return repl.status()["workers"]["running"]


@pytest.fixture
def few_connections(src, src_admin):
    """Sets how many repl's role may have, the tests' own included."""
    yield lambda n: src_admin.execute(f"alter role app connection limit {n}")
    src_admin.execute("alter role app connection limit -1")


def test_few_connections_are_left(repl, src, source, few_connections, equal):
    """One is the test's; two are for repl's guard and a command, three to spare: of eight two are left to workers."""
    prepare(repl, src)
    eventually(lambda: workers(repl) == 4, what="all workers are there")
    few_connections(8)
    slowed(repl, "connections_spare: 3")
    eventually(lambda: workers(repl) == 2, what="two workers have gone")
    out = repl.run("status").out
    assert "workers   2 of 4" in out and "slowed    the source has no more connections to spare" in out
    assert "slower: 2 of 4 workers" in repl.run("log").out
    with source.connect(), source.connect():
        eventually(lambda: workers(repl) == 1, what="one always stays")
        src.execute("update t set v = 'still follows'")
        repl.kick()
    few_connections(-1)
    eventually(lambda: workers(repl) == 4, what="they come back")
    at_full_speed(repl)
    equal()


def test_the_source_keeps_much_wal(repl, src, src_admin, equal):
    """A replication slot that nobody reads, as an abandoned standby leaves it."""
    prepare(repl, src, wal_max_bytes=MB)
    src_admin.execute("select pg_create_physical_replication_slot('forgotten', true)")
    try:
        src.execute("create table filler(v text); insert into filler select repeat('x', 100) from generate_series(1, 20000)")
        slowed(repl, "for the replication slot forgotten", "wal_max_bytes: 1.0 MB")
        eventually(lambda: workers(repl) == 1, what="one worker goes on")
        assert load(repl)["wal_kept_bytes"] > MB
        assert "slower: one worker" in repl.run("log").out
        src.execute("update t set v = 'follows all the same'")
        repl.kick()
    finally:
        src_admin.execute("select pg_drop_replication_slot('forgotten')")
    at_full_speed(repl)
    eventually(lambda: workers(repl) == 4, what="all workers are back")
    assert "no longer slower: the source keeps less WAL again" in repl.run("log").out
    src.execute("drop table filler")
    equal()


def test_a_copy_crawls_while_there_is_much_wal(repl, src, src_admin, equal):
    src.execute("create table wide(id int primary key, v text); alter table wide alter v set storage external;"
                "insert into wide select g, repeat(md5(g::text), 31) from generate_series(1, 40000) g")
    src_admin.execute("select pg_create_physical_replication_slot('forgotten', true)")
    try:
        src.execute("update wide set v = v where id <= 10000")
        repl.init("--max-rate", "1MB")
        repl.configure(watch_ms=100, wal_max_bytes=MB, chunk_max_bytes=4 * MB)
        repl.start()
        slowed(repl, "forgotten")
        repl.run("set", "--max-rate", "unlimited", code=None)
        assert repl.status()["workers"]["max_rate_bytes_per_second"] is None

        def copied():
            return repl.status()["copy"]["bytes_done"]

        began, before = time.monotonic(), copied()
        eventually(lambda: copied() > before + 6 * MB, what="the copy goes on")
        moved, took = copied() - before, time.monotonic() - began
        assert moved / took < 5 * MB * 1.5, f"{moved} bytes in {took:.1f} s"
    finally:
        src_admin.execute("select pg_drop_replication_slot('forgotten')")
    repl.wait_phase("following")
    at_full_speed(repl)
    equal()


def test_somebody_keeps_the_deltas(repl, src, source, equal):
    """A dump of the source holds them; who it is stands in the status."""
    prepare(repl, src, delta_max_bytes=100000, rotate_bytes=8192)
    number = src.execute("select id from repl.relation").fetchone()[0]
    with source.connect(autocommit=False, application_name="a long dump") as reader:
        reader.execute(f"lock table repl.d{number}_a, repl.d{number}_b in access share mode")
        src.execute("update t set v = 'y'")
        repl.kick()
        text = slowed(repl, "the deltas hold", "delta_max_bytes: 100 kB", "a long dump")
        assert f"session {reader.info.backend_pid} " in text
        assert load(repl)["delta_bytes"] > 100000
        reader.rollback()
    src.execute("update t set v = 'z' where id = 1")
    at_full_speed(repl)
    equal()


def test_a_paused_engine_watches(repl, src, equal):
    prepare(repl, src, delta_max_bytes=100000)
    repl.run("pause")
    src.execute("update t set v = 'y'")
    slowed(repl, "which what is paused or waits needs")
    assert "slowed    the deltas hold" in repl.run("status").out
    repl.run("resume")
    at_full_speed(repl)
    equal()
