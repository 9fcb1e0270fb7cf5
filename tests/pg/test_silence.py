"""A server, or the wire to it, that falls silent: it is noticed, named, and never waited for without an end."""
import signal
import time

import pytest

from waiting import SLOWER, eventually

TABLES = "create table t (id int primary key, n int); insert into t select g, 0 from generate_series(1, 100) g"
# Bounds of the test: a patience of 2 s, so a silent wire is noticed within some 10 s; the machine may be slow.
QUICK = {"answer_ms": 2000, "retry_max_ms": 1000}
NOTICED = 30


@pytest.fixture
def followed(repl, wires, src):
    src.execute(TABLES)
    repl.init("--jobs", "2")
    repl.configure(**QUICK)
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    return wires


def both_ways(wires):
    return pytest.mark.parametrize("side", [0, 1], ids=["source", "target"])(wires)


def errors(repl):
    return " ".join(f"{e['message']} {e['hint']}" for e in repl.status()["errors"])


@both_ways
def test_a_silent_wire_is_noticed_and_named(repl, followed, src, side, equal):
    name = ("source", "target")[side]
    followed[side].silent()
    src.execute("update t set n = 1")
    eventually(lambda: name in errors(repl), timeout=NOTICED, what="status says that a server is silent")
    assert any(word in errors(repl) for word in ("no answer", "no sign of life", "in time")), errors(repl)
    followed[side].heal()
    eventually(lambda: not repl.status()["errors"], timeout=NOTICED, what="the engine is back")
    repl.kick()
    equal()


def test_idle_connections_that_are_forgotten(repl, followed, src, equal):
    """A load balancer that drops them without a word; nothing was written meanwhile, so nobody rings."""
    for wire in followed:
        wire.forget()
    src.execute("update t set n = 2")
    repl.kick(timeout=NOTICED)
    equal()


@both_ways
def test_a_stop_ends_while_a_server_is_silent(repl, followed, src, side):
    followed[side].silent()
    src.execute("update t set n = 3")
    eventually(lambda: repl.status()["waits"], timeout=NOTICED, what="it waits")
    began = time.monotonic()
    repl.run("stop", timeout=NOTICED)
    assert time.monotonic() - began < NOTICED * SLOWER
    assert repl.wait_exit(NOTICED) == 0


def test_a_second_signal_ends_at_once(repl, wires, src):
    """With the default patience, far longer than the test."""
    src.execute(TABLES)
    repl.init("--jobs", "2")
    repl.start()
    repl.wait_phase("following")
    wires[1].silent()
    src.execute("update t set n = 4")
    eventually(lambda: repl.status()["waits"], what="it waits")
    engine = repl.engine
    engine.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    assert engine.poll() is None  # the step under way has its time
    began = time.monotonic()
    engine.send_signal(signal.SIGTERM)
    assert engine.wait(10 * SLOWER) is not None
    assert time.monotonic() - began < 5 * SLOWER
    repl.engine = None


def test_a_server_that_stands_still(repl, source_cluster, followed, src, equal):
    """SIGSTOP to all of its processes: connections are taken by the kernel, and nobody answers."""
    src.execute("update t set n = 5")
    pids = source_cluster.freeze()
    try:
        eventually(lambda: "source" in errors(repl), timeout=NOTICED, what="status says that a server is silent")
        repl.run("stop", timeout=NOTICED)
        assert repl.wait_exit(NOTICED) == 0
    finally:
        source_cluster.thaw(pids)
    repl.start()
    repl.kick()
    equal()


def test_a_long_statement_is_no_silence(repl, wires, src, dst, equal):
    """An index build that waits for a lock goes on for longer than every bound; status says for whom it waits."""
    src.execute(TABLES + "; create index on t (n)")
    repl.init("--jobs", "2")
    repl.configure(**QUICK)
    dst.autocommit = False
    repl.start(pause_at="unit.index:3000")
    repl.wait_phase("indexing")
    dst.execute("lock t in row exclusive mode")
    waits = eventually(lambda: [w for w in repl.status()["waits"] if w["blocker"]], timeout=NOTICED, what="the blocker is named")
    assert waits[0]["side"] == "target" and waits[0]["blocker"]["pid"] == dst.info.backend_pid
    eventually(lambda: [w for w in repl.status()["waits"] if w["seconds"] > 9], timeout=NOTICED, what="it waits for long")
    assert not any("no answer" in e["message"] for e in repl.status()["errors"])
    dst.rollback()
    repl.wait_phase("following")
    repl.kick()
    equal()


def test_the_session_of_an_engine_that_vanished_is_ended(repl, followed, src, source, equal):
    """Its host is gone without a word, or its packets are: the next engine of the directory is not refused by it."""
    for wire in followed:
        wire.forget()
    repl.kill()
    guards = "select pid from pg_stat_activity where datname = %s and application_name like 'repl: guard%%'"
    with source.admin() as c:
        old = c.execute(guards, (source.name,)).fetchall()
        assert old, "the server has noticed by itself; the test needs it not to"
        repl.start()
        repl.wait_phase("following")
        assert not set(old) & set(c.execute(guards, (source.name,)).fetchall())
    repl.kick()
    equal()


def test_a_foreign_engine_is_named(repl, followed, source, tmp_path_factory):
    """Another directory's engine is not ended; the message says how it could be."""
    other = type(repl)(tmp_path_factory.mktemp("other"), repl.environment["REPL_TEST_SOURCE"], repl.environment["REPL_TEST_TARGET"])
    other.init(code=None)
    with source.admin() as c:
        pid = c.execute("select pid from pg_stat_activity where datname = %s and application_name like 'repl: guard%%'",
                        (source.name,)).fetchone()[0]
    out = other.run("start", code=1, timeout=60)
    assert f"pg_terminate_backend({pid})" in out.err, out
    repl.wait_phase("following")


def test_sessions_see_to_it_that_a_dead_client_is_noticed(repl, source, target, src):
    """Settings on the servers' side, which nobody but the session itself can read: they are in the servers' logs."""
    src.execute(TABLES)
    for side in (source, target):
        side.cluster.configure(log_statement="all")
    try:
        repl.run("check", "--source", source.uri, "--target", target.uri, "--no-probe")
    finally:
        for side in (source, target):
            side.cluster.configure(log_statement=None)
    for side in (source, target):
        with open(side.cluster.log, encoding="utf-8") as f:
            log = f.read()
        for setting in ("tcp_keepalives_idle = 20", "tcp_keepalives_interval = 5", "tcp_keepalives_count = 5", "tcp_user_timeout = 45000",
                        "client_connection_check_interval"):
            assert setting in log, setting
