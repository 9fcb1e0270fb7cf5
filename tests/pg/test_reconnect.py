"""Connections that a server has ended: made again, without an error where nothing was under way; and a cutover waits for what
mends itself."""
import pytest

from waiting import eventually

TABLES = "create table t (id int primary key, n int); insert into t select g, 0 from generate_series(1, 100) g"


def sessions(side):
    """Those of the engine's workers that have been idle for a while: the looks behind a batch come at ever longer intervals, so
    that none is about to come."""
    with side.admin() as c:
        return [r[0] for r in c.execute("select pid from pg_stat_activity where datname = %s and application_name = 'repl: worker' "
                                        "and state = 'idle' and state_change < clock_timestamp() - interval '2 s'", (side.name,))]


def end(side, pids):
    """They are gone from the server, so their sockets are closed."""
    with side.admin() as c:
        c.execute("select pg_terminate_backend(p) from unnest(%s::int[]) p", (pids,))
        eventually(lambda: not c.execute("select from pg_stat_activity where pid = any(%s)", (pids,)).fetchall(), what="they are gone")


def said(repl):
    return repl.engine_tail(10**7).count("trying again")


@pytest.fixture
def rare(repl, src):
    """An engine with four workers that follows, and does next to nothing by itself."""
    src.execute(TABLES)
    repl.init("--jobs", "4")
    repl.configure(poll_ms=60000, watch_ms=3600000, survey_ms=3600000, retry_max_ms=60000)
    repl.start()
    repl.wait_phase("following")
    eventually(lambda: repl.status()["workers"]["running"] == 4, what="all workers are there")


def test_idle_connections_that_were_ended_are_no_error(repl, rare, source, target, src, equal):
    """Each worker has connections of its own, and some time passes before all of them are used again."""
    repl.kick()
    before = said(repl)
    for side in (source, target):
        eventually(lambda s=side: len(sessions(s)) == 4, what="all are idle")
        end(side, sessions(side))
    for n in range(12):
        src.execute("update t set n = n + 1 where id <= 3")
        repl.kick()
        assert not repl.status()["errors"], n
    assert said(repl) == before, repl.engine_tail()
    equal()


@pytest.fixture
def in_the_way(repl, rare, source, src):
    """A transaction of the application that has the one table locked to which something is owed, until it is rolled back."""
    repl.run("pause")
    src.execute("update t set n = n + 1")
    with source.connect() as other:
        other.execute("begin; lock t in access exclusive mode")
        repl.run("resume")
        yield other


def test_a_cutover_waits_for_what_mends_itself(repl, in_the_way, equal):
    """An error whose cause is gone, and that the engine would try again only after a while."""
    eventually(lambda: repl.status()["errors"], what="the lock is in the way")
    repl.wait_phase("following")
    cutover = repl.start_in_background("cutover", "--yes")
    log = repl.folder / "background-cutover.log"
    waits = "an error is not over yet, waiting for it up to 10 s: "
    eventually(lambda: waits in log.read_text(encoding="utf-8"), what="the cutover waits for it")
    in_the_way.execute("rollback")
    assert cutover.wait(60) == 0, log.read_text(encoding="utf-8")
    assert "lock" in log.read_text(encoding="utf-8")
    equal()


def test_a_cutover_does_not_wait_for_ever(repl, in_the_way, src):
    eventually(lambda: repl.status()["errors"], what="the lock is in the way")
    out = repl.run("cutover", "--yes", code=3)
    assert "there are errors that are not over" in out.err and "lock" in out.err
    assert not src.execute("select from repl.fence").fetchall()
