"""How fast, changed while it runs: --max-rate, --jobs, and a pause in the middle of a copy."""
import re
import time

import pytest

from test_copy import SMALL, Sampler, big, chunks
from waiting import SLOWER, eventually

MB = 1000 * 1000


def wide(src, megabytes, name="wide"):
    """Rows of 1 kB that do not compress, so that a byte on disk is about one on the wire."""
    src.execute(f"create table {name}(id int primary key, v text, n int default 0); alter table {name} alter v set storage external;"
                f"insert into {name} select g, repeat(md5(g::text), 31) from generate_series(1, {megabytes * 1000}) g")


def copied(repl):
    return repl.status()["copy"]["bytes_done"]


def sessions(side, purpose="worker"):
    with side.admin() as c:
        return c.execute("select count(*) from pg_stat_activity where datname = current_database() and application_name = %s",
                         (f"repl: {purpose}",)).fetchone()[0]


def open_transactions(source):
    with source.admin() as c:
        return c.execute("select application_name, state, query from pg_stat_activity where datname = current_database() "
                         "and application_name like 'repl%' and (xact_start is not null or backend_xmin is not null)").fetchall()


def test_a_rate_is_held_until_it_is_lifted(repl, src, equal):
    wide(src, 16)
    repl.init("--max-rate", "2MB/s")
    repl.start()
    eventually(lambda: copied(repl) > MB, what="some rows are there")
    began, before = time.monotonic(), copied(repl)
    eventually(lambda: copied(repl) > 7 * MB, timeout=60, what="more rows are there")
    moved, took = copied(repl) - before, time.monotonic() - began
    assert moved / took < 2 * MB * 1.25, f"{moved} bytes in {took:.1f} s"
    status = repl.status()
    assert status["workers"]["max_rate_bytes_per_second"] == 2 * MB
    assert 1.2 * MB < status["copy"]["rate_bytes_per_second"] < 2.6 * MB or SLOWER > 1
    left, lifted = 16 * MB - copied(repl), time.monotonic()
    assert "--max-rate unlimited" in repl.run("set", "--max-rate", "unlimited").out
    repl.wait_phase("indexing", "catching_up", "following")
    assert time.monotonic() - lifted < left / (2 * MB) * SLOWER, "nobody waits for the rate any more"
    repl.wait_phase("following")
    assert repl.status()["workers"]["max_rate_bytes_per_second"] is None
    equal()


def test_a_rate_holds_for_changes_and_for_tables_without_key(repl, src, equal):
    wide(src, 2)
    src.execute("create table loose(v text); alter table loose alter v set storage external")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.run("set", "--max-rate", "1MB")
    for change in ("update wide set n = n + 1", "insert into loose select v from wide"):
        began = time.monotonic()
        src.execute(change)
        repl.kick()
        assert time.monotonic() - began > 1.5, change
    equal()


def test_a_slow_rate_makes_no_long_transaction(repl, src, source, dst, equal):
    """The table is one chunk of five seconds; on the source it is many short transactions (I3)."""
    wide(src, 5)
    repl.init("--max-rate", "1MB", "--jobs", "1")
    repl.configure(slice_ms=300, chunk_min_bytes="16MB")
    sampler = Sampler(source)
    try:
        repl.start()
        repl.wait_phase("indexing", "catching_up", "following")
    finally:
        sampler.stop()
    assert chunks(dst) == 1
    assert sampler.seen and sampler.oldest < 2.2 * SLOWER, f"{sampler.oldest:.1f} s: {sampler.worst}"
    repl.wait_phase("following")
    equal()


def test_a_slow_wire_makes_no_long_transaction(repl, src, source, dst, equal):
    """Without any rate: each read takes 4 ms. What was measured by then cuts the chunks into transactions."""
    wide(src, 36)  # a socket holds some of it
    repl.init("--jobs", "1")
    repl.configure(slice_ms=300, chunk_min_bytes="12MB")
    sampler = Sampler(source)
    try:
        repl.start(pause_at="copier.rows:4")
        repl.wait_phase("indexing", "catching_up", "following")
    finally:
        sampler.stop()
    print(f"oldest {sampler.oldest:.2f} s, {chunks(dst)} chunks")
    took = sum(t["bytes_copied"] for t in repl.status()["tables"]) / chunks(dst) / MB
    assert took > 8, "the chunks were too small to prove anything"
    assert sampler.seen and sampler.oldest < 1.2 * SLOWER, f"{sampler.oldest:.1f} s: {sampler.worst}"
    repl.wait_phase("following")
    equal()


@pytest.mark.slow
def test_a_rate_lowered_in_a_transaction_cuts_it_short(repl, src, source, equal):
    """What was begun as one long read is given up when it takes too long, and read again in slices."""
    wide(src, 12)
    repl.init("--max-rate", "4MB", "--jobs", "1")
    repl.configure(slice_ms=1000)
    sampler = Sampler(source)
    try:
        repl.start()
        eventually(lambda: copied(repl) > MB, what="the first slices are under way")
        repl.run("set", "--max-rate", "200kB")
        src.execute("update wide set v = 'changed meanwhile' where id % 1000 = 0")
        slow = copied(repl)
        eventually(lambda: copied(repl) < slow, timeout=60, what="the chunk begins again")
        repl.run("set", "--max-rate", "unlimited")
        repl.wait_phase("following")
    finally:
        sampler.stop()
    assert sampler.oldest < (6 + 2) * SLOWER, f"{sampler.oldest:.1f} s: {sampler.worst}"
    equal()


def test_a_stop_does_not_wait_for_the_rate(repl, src, equal):
    wide(src, 20)
    repl.init("--max-rate", "64kB")
    repl.start()
    eventually(lambda: copied(repl) > 0, what="the copy is under way")
    began = time.monotonic()
    repl.stop()
    assert time.monotonic() - began < 5 * SLOWER
    repl.start("--max-rate", "unlimited")
    repl.wait_phase("following")
    src.execute("update wide set n = 1")
    repl.run("set", "--max-rate", "64kB")
    repl.run("kick")
    began = time.monotonic()
    repl.stop()
    assert time.monotonic() - began < 5 * SLOWER
    repl.run("set", "--max-rate", "unlimited")
    repl.run("kick", "--wait")
    equal()


def test_jobs_change_while_it_copies(repl, src, source, target, dst, equal):
    big(src)
    repl.init("--jobs", "1", "--max-rate", "400kB")  # slow, so that it still copies when it has been looked at
    repl.configure(**SMALL)
    repl.start()
    eventually(lambda: copied(repl) > 0, what="it copies")
    assert sessions(source) == sessions(target) == 1
    assert repl.run("set", "--jobs", "4").out.startswith("4 workers")
    assert sessions(source) == sessions(target) == 4
    eventually(lambda: repl.status()["workers"]["busy"] == 4, what="they have work")
    assert repl.phase() == "copying"
    repl.run("set", "-j", "2", "-r", "2MB")
    eventually(lambda: sessions(source) == sessions(target) == 2, what="two have gone")
    assert repl.status()["workers"]["wanted"] == 2
    eventually(lambda: repl.status()["workers"]["running"] == 2, what="status knows")
    repl.run("set", "--max-rate", "unlimited")
    repl.wait_phase("following")
    equal()
    repl.stop()
    repl.start()  # remembered
    repl.wait_phase("following")
    eventually(lambda: sessions(source) == 2, what="as it was set")


@pytest.fixture
def few_connections(source):
    def limit(n):
        with source.admin() as c:
            c.execute(f"alter role app connection limit {n}")
    yield limit
    limit(-1)


def test_more_jobs_than_connections(repl, src, source, dst, equal, few_connections):
    """The engine keeps what it got, at the start as well as later, and says so."""
    big(src)
    repl.init("--jobs", "6", "--max-rate", "300kB")
    repl.configure(**SMALL)
    few_connections(5)  # this test, the guard, and three workers
    repl.start()
    eventually(lambda: copied(repl) > 0, what="it copies with those that it has")
    status = eventually(lambda: repl.status() if repl.status()["workers"]["error"] else None, what="status says why")
    assert status["workers"]["wanted"] == 6 and status["workers"]["running"] < 6, status["workers"]
    assert "too many connections" in status["workers"]["error"] and not status["errors"], status
    assert re.search(r"workers +\d of 6, .*too many connections", repl.run("status").out)
    refused = repl.run("set", "--jobs", "8", code=3)
    assert re.search(r"\d of 8 workers.*too many connections", refused.all), refused
    assert repl.phase() == "copying"
    assert "goes on with" in repl.run("log").out
    few_connections(-1)
    assert repl.run("set", "--jobs", "5", "--max-rate", "unlimited").code == 0
    assert sessions(source) == 5 and repl.status()["workers"]["error"] is None
    repl.wait_phase("following")
    equal()


def test_a_pause_in_a_chunk_lets_go_of_the_source(repl, src, source, dst, equal):
    wide(src, 8)
    repl.init("--max-rate", "200kB", "--jobs", "2")
    repl.start()
    eventually(lambda: copied(repl) > 200 * 1000, what="a chunk is under way")
    repl.run("pause")
    eventually(lambda: not open_transactions(source), timeout=10, what="no transaction is open on the source")
    status = repl.status()
    assert status["phase"] == "paused" and status["reached"] == "copying"
    eventually(lambda: copied(repl) == 0, what="what was under way was put back")
    assert chunks(dst) == 0
    assert "paused while copying" in repl.run("status").out
    repl.run("set", "--max-rate", "unlimited")
    assert repl.phase() == "paused" and not open_transactions(source), "a pause is a pause"
    src.execute("delete from wide where id % 7 = 0; update wide set n = 5 where id % 5 = 0")
    repl.run("resume")
    repl.wait_phase("following")
    equal()


def test_a_paused_table_is_put_back_and_the_others_go_on(repl, src, source, dst, equal):
    wide(src, 8)
    wide(src, 1, "narrow")
    repl.init("--max-rate", "300kB", "--jobs", "2")
    repl.start()
    eventually(lambda: copied(repl) > 100 * 1000, what="chunks are under way")
    repl.run("pause", "wide")
    eventually(lambda: {t["name"]: t["phase"] for t in repl.status()["tables"]}["narrow"] == "copied", what="the other is copied")
    eventually(lambda: not open_transactions(source), timeout=10, what="no transaction is open on the source")
    repl.run("set", "--max-rate", "unlimited")
    repl.run("resume", "wide")
    repl.wait_phase("following")
    equal()


def test_set_without_an_engine_is_for_the_next(repl, src, source):
    wide(src, 1)
    repl.init()
    said = repl.run("set", "--jobs", "2", "--max-rate", "3MB").out
    assert "no engine" in said and "2 workers" in said and "3.0 MB/s" in said
    workers = repl.status()["workers"]
    assert workers == {"running": 0, "wanted": 2, "busy": 0, "error": None, "max_rate_bytes_per_second": 3 * MB}
    repl.start("--jobs", "3")
    repl.wait_phase("following")
    eventually(lambda: repl.status()["workers"]["running"] == 3, what="all have joined")
    assert sessions(source) == 3
    assert repl.status()["workers"]["max_rate_bytes_per_second"] == 3 * MB
    repl.stop()
    assert repl.status()["workers"]["wanted"] == 3


def test_a_pause_while_indexes_are_built(repl, src, source, target, equal):
    """The build under way is finished, and nothing begins behind it."""
    src.execute("create function slow(n int) returns int immutable language plpgsql as 'begin perform pg_catalog.pg_sleep(0.02); return n; end';"
                "create table parent(id int primary key); insert into parent select generate_series(1, 100);"
                "create table t(id int primary key references parent, n int); create index on t (slow(n));"
                "insert into t select g, g from generate_series(1, 100) g")
    repl.init()
    repl.start()
    repl.wait_phase("indexing")
    repl.run("pause")
    assert repl.status()["reached"] == "indexing"
    eventually(lambda: repl.status()["workers"]["busy"] == 0, what="the build has ended")
    eventually(lambda: not open_transactions(source), what="nothing is open on the source")
    status = repl.status()
    assert status["phase"] == "paused" and status["reached"] in ("indexing", "catching_up"), status
    with target.connect() as c:
        keys = c.execute("select conname from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace").fetchall()
    assert not keys, "they come after the pause"
    repl.run("resume")
    repl.wait_phase("following")
    equal()


def test_a_pause_while_it_catches_up(repl, src, dst, equal):
    big(src, rows=20000)
    repl.init()
    repl.configure(batch_rows=1000, step_rows=200)
    repl.start()
    repl.wait_phase("following")
    repl.stop()
    src.execute("update big set n = 1")
    repl.start(pause_at="apply.before_commit:30")
    came = "select count(*) from big where n = 1"
    eventually(lambda: repl.phase() == "catching_up" and dst.execute(came).fetchone()[0], what="a step of the pass is there")
    repl.run("pause")
    eventually(lambda: repl.status()["workers"]["busy"] == 0, what="the step under way has ended")
    there = dst.execute(came).fetchone()[0]
    status = repl.status()
    assert status["phase"] == "paused" and status["reached"] == "catching_up" and not status["consistent"]
    repl.run("kick")  # no reason to go on
    assert there == dst.execute(came).fetchone()[0] < 20000
    repl.run("resume")
    repl.kick()
    equal()
