"""Nobody's command, nobody's fence: what does not reach the switch ends by itself, whatever ended the command; and what was written then
is captured like anything else. A lease lasts ten seconds."""
import os
import signal

import psycopg
import pytest

from fence import fenced, functions, refused, state
from proxy import Proxy
from waiting import eventually

WRITE = "update acc set bal = bal + 1 where id = 1"


def takes(side):
    try:
        with side.connect(connect_timeout=5) as c:
            c.execute(WRITE)
        return True
    except (psycopg.errors.ReadOnlySqlTransaction, psycopg.OperationalError):
        return False


@pytest.mark.parametrize("engine", ["runs", pytest.param("killed", marks=pytest.mark.slow)])
def test_the_lease_of_a_killed_command_ends(repl, following, source, src, equal, engine):
    following()
    before = functions(src)
    if engine == "killed":
        p = repl.start_in_background("cutover", "--yes", env={"REPL_PAUSE_AT": "cutover.writers:20000"})
        eventually(lambda: state(src) == "fenced", what="the fence")
        repl.kill()
        p.kill()
        p.wait()
    else:
        repl.run("cutover", "--yes", env={"REPL_FAIL_AT": "cutover.checked"}, code=-signal.SIGKILL)
    refused(src, WRITE)
    status = repl.status()
    assert status["phase"] == "fenced" and "switch the application" not in status["next"], status["next"]
    eventually(lambda: takes(source), timeout=20, every=.2, what="writes come back")
    if engine == "runs":
        repl.wait_phase("following")
        assert state(src) == "aborted" and functions(src) == before, "the engine has taken the fence away"
        assert "a cutover ended before the switch" in repl.run("log").out
    else:
        assert functions(src) != before, "nobody was there to take it away"
    status = repl.status()
    assert status["cutover"]["state"] == "aborted" and "lease" in status["cutover"]["why"]
    if engine == "killed":
        assert status["phase"] == "stopped"
        repl.start()
        repl.wait_phase("following")
    repl.kick()
    equal()
    out = repl.run("cutover", "--yes").out
    assert "writes to the source have been off for" in out
    equal()


def test_a_command_that_slept_past_its_lease_does_not_complete(repl, following, writers, source, src, dst, equal):
    """It is stopped, writers come back meanwhile, and it goes on where it was: the very last step finds out."""
    following()
    with writers(writers=2, expected=[psycopg.errors.ReadOnlySqlTransaction]) as w:
        p = repl.start_in_background("cutover", "--yes", env={"REPL_PAUSE_AT": "cutover.checked:1000"})
        eventually(lambda: state(src) == "drained", what="everything is over, by what it knows")
        os.kill(p.pid, signal.SIGSTOP)
        committed = w.committed
        eventually(lambda: w.committed > committed + 20, timeout=30, what="writes come back")
        os.kill(p.pid, signal.SIGCONT)
        assert p.wait(60) != 0
        assert state(src) == "aborted"
        committed = w.committed
        eventually(lambda: w.committed > committed + 20, what="the writers go on")
    repl.wait_phase("following")
    repl.kick()
    equal()


def test_the_lease_by_the_letter(repl, following, src, source):
    """What the functions on the source promise: over is over, and a writer that went through is found at the last step."""
    following()
    known = src.execute("select sync_id from repl.sync").fetchone()[0]
    with source.connect() as c:
        def ask(sql):
            return c.execute(f"select repl.{sql}").fetchone()[0]
        c.execute(f"set repl.origin = '{known}'")
        own = ask("move_cutover(null, '{none,aborted}', 'fencing', null, null, 60000)")
        assert ask(f"move_cutover({own}, '{{fencing}}', 'fenced', null, null, 0)") == own
        refused(src, WRITE)
        assert ask(f"renew_fence({own}, 60000)")
        assert not ask(f"renew_fence({own + 1}, 60000)") and ask("fence_holds()"), "another's attempt"
        c.execute("select setval('repl.fence_until', 1)")  # its time is over
        src.execute(WRITE)
        assert not ask(f"renew_fence({own}, 60000)")
        assert ask(f"move_cutover({own}, '{{fenced}}', 'drained', null, null, 0)") is None
        # Its time is over, a write goes through, and it is prolonged all the same, by whatever clock: still found.
        c.execute("select setval('repl.fence_until', repl.fence_clock() + 60000000)")
        refused(src, WRITE)
        assert not ask("fence_holds()")
        assert ask(f"move_cutover({own}, '{{fenced}}', 'drained', null, null, 0)") is None
        assert not ask(f"seal_fence({own})")
        assert c.execute("select count(*) from repl.fence").fetchone()[0] > 0
    assert "its lease is over" in repl.run("cutover", "--yes").out
    refused(src, WRITE)


@pytest.mark.parametrize("mode", ["fast", pytest.param("immediate", marks=pytest.mark.slow)])
def test_the_source_goes_away_behind_the_fence(repl, following, source, source_cluster, src, equal, mode):
    following()
    p = repl.start_in_background("cutover", "--yes", env={"REPL_PAUSE_AT": "cutover.drained:1500"})
    eventually(lambda: state(src) == "fenced", what="the fence")
    source_cluster.stop(mode)
    try:
        assert p.wait(90) in (1, 3)
    finally:
        source_cluster.start()
    said = (repl.folder / "background-cutover.log").read_text()
    assert "WRITES TO THE SOURCE MAY STILL BE OFF" in said and "repl cutover --abort" in said, said
    last = said.strip().splitlines()[-2:]
    assert last[0].startswith("repl: WRITES TO THE SOURCE MAY STILL BE OFF") or "MAY STILL BE OFF" in last[0] + last[1], last
    eventually(lambda: takes(source), timeout=25, every=.2, what="writes come back by themselves")
    repl.wait_phase("following", timeout=90)
    status = repl.status()
    assert "switch the application to" not in status["next"], status["next"]
    repl.kick()
    equal()


@pytest.mark.slow
def test_the_source_is_restarted_behind_the_fence(repl, following, source, source_cluster, src, equal):
    following()
    p = repl.start_in_background("cutover", "--yes", env={"REPL_PAUSE_AT": "cutover.drained:3000"})
    eventually(lambda: state(src) == "fenced", what="the fence")
    source_cluster.restart("immediate")
    assert p.wait(90) != 0
    eventually(lambda: takes(source), timeout=25, every=.2, what="writes come back")
    with source.connect() as c:
        assert state(c) == "aborted" or not fenced(c)
    repl.wait_phase("following", timeout=90)
    repl.kick()
    equal()


@pytest.mark.slow
def test_a_complete_one_outlives_the_server(repl, following, source, source_cluster, src):
    following()
    repl.run("cutover", "--yes")
    source_cluster.restart("immediate")
    with source.connect() as c:
        refused(c, WRITE)
        assert state(c) == "complete"
        eventually(lambda: c.execute("select clock_timestamp() - since > '12 s' from repl.cutover").fetchone()[0], timeout=30, every=.5,
                   what="longer than any lease")
        refused(c, WRITE)
    assert "complete since" in repl.run("cutover", "--yes").out


@pytest.mark.parametrize("ended", ["timeout", pytest.param("interrupt", marks=pytest.mark.slow)])
def test_the_source_falls_silent_behind_the_fence(repl, following, source, source_cluster, src, equal, ended):
    """The wire takes everything and gives nothing: --timeout and Ctrl-C hold, and writes come back without anybody's help."""
    wire = Proxy(source_cluster.port)
    repl.environment["REPL_TEST_SOURCE"] = wire.uri(source)
    try:
        following()
        p = repl.start_in_background("cutover", "--yes", "--timeout", "4" if ended == "timeout" else "600",
                                     env={"REPL_PAUSE_AT": "cutover.writers:500"})
        eventually(lambda: state(src) == "fenced", what="the fence", every=.005)
        wire.silent()
        if ended == "interrupt":
            os.kill(p.pid, signal.SIGINT)
        assert p.wait(60) != 0
        said = (repl.folder / "background-cutover.log").read_text().strip().splitlines()
        assert any("WRITES TO THE SOURCE MAY STILL BE OFF" in line for line in said[:-2]), said
        assert said[-2].startswith("repl: WRITES TO THE SOURCE MAY STILL BE OFF"), said
        assert "MAY STILL BE OFF" in said[-1] and "repl cutover --abort" in said[-1], said
        eventually(lambda: takes(source), timeout=25, every=.2, what="writes come back by themselves")
        wire.heal()
        repl.wait_phase("following", timeout=120)
        assert "switch the application to" not in repl.status()["next"]
        repl.kick()
        equal()
    finally:
        repl.kill()
        wire.close()


def test_the_lease_on_the_way_back(repl, following_back, source, target, src, dst, same_back):
    """There and back: the side that the application was on takes writes again, and the changes go the way they went."""
    following_back()
    repl.run("cutover", "--fallback", "--yes", env={"REPL_FAIL_AT": "cutover.checked"}, code=-signal.SIGKILL)
    eventually(lambda: takes(source), timeout=20, every=.2, what="the source takes writes")
    refused(dst, WRITE)
    repl.wait_phase("following")
    repl.run("cutover", "--fallback", "--yes")
    assert (state(src), state(dst, "repl_back")) == ("complete", "none")
    repl.run("cutover", "--back", "--yes", env={"REPL_FAIL_AT": "cutover.checked"}, code=-signal.SIGKILL)
    refused(src, WRITE)
    eventually(lambda: takes(target), timeout=20, every=.2, what="the target takes writes")
    repl.wait_phase("following")
    assert repl.status()["direction"] == "back"
    repl.kick()
    same_back()
    repl.run("cutover", "--back", "--yes")
    assert (state(src), state(dst, "repl_back")) == ("none", "complete")
    refused(dst, WRITE)
    src.execute(WRITE)
    repl.kick()
    same_back()


@pytest.mark.parametrize("point", [pytest.param("cutover.switching", marks=pytest.mark.slow), "cutover.sealed"])
def test_killed_in_the_moment_of_the_switch(repl, following_back, source, src, dst, same_back, point):
    """Before the fence is permanent the lease ends it; behind that the switch waits for the same command, or for --abort."""
    following_back()
    repl.run("cutover", "--fallback", "--yes", env={"REPL_FAIL_AT": point}, code=-signal.SIGKILL)
    assert state(src) == "switching"
    refused(dst, WRITE)
    if point == "cutover.switching":
        eventually(lambda: takes(source), timeout=20, every=.2, what="the source takes writes")
        repl.wait_phase("following")
        assert state(src) == "aborted"
    else:
        refused(src, WRITE)
        assert "--fallback" in repl.status()["next"]
    repl.run("cutover", "--fallback", "--yes")
    refused(src, WRITE)
    dst.execute(WRITE)
    repl.kick()
    same_back()
