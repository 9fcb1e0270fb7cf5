"""A switch that did not end, or should not have: killed at every step, by a signal, aborted. The source takes writes again."""
import os
import pathlib
import re
import signal

import pytest

import compare
from fence import fenced, functions, refused, state, writes
from waiting import eventually

BEFORE = ("cutover.prepared", "cutover.before_fence")
BEHIND = ("cutover.begun", "cutover.fenced", "cutover.writers", "cutover.drained", "cutover.moved", "cutover.checked", "cutover.switching",
          "cutover.sealed", "cutover.turned", "cutover.completed")
POINTS = BEFORE + BEHIND
# What the state is then.
STATES = ("none", "none", "fencing", "fenced", "fenced", "fenced", "fenced", "drained", "switching", "switching", "switching", "complete")
SOURCES = pathlib.Path(__file__).parents[2] / "replicator/cutover"


def test_every_step_has_a_name_here():
    """Those of the way back alone are in test_fallback_crash.py."""
    named = {n for f in SOURCES.glob("cutover*.c") for n in re.findall(r'fault_point\("([^"]+)"\)', f.read_text(encoding="utf-8"))}
    assert named == {*POINTS, "cutover.lifted", "cutover.awake"}


def test_abort_after_a_kill_at_every_step(repl, following, equal, src):
    following()
    before, catalog = functions(src), compare.catalog(src)
    for point, expected in zip(POINTS, STATES):
        repl.run("cutover", "--yes", env={"REPL_FAIL_AT": point}, code=-signal.SIGKILL)
        assert state(src) in (expected, "aborted" if point in BEFORE else expected), point
        if point in BEHIND[1:]:
            refused(src, "update acc set bal = 0 where id = 1")
        if point == "cutover.completed":
            assert "--yes" in repl.run("cutover", "--abort", code=2).err
            refused(src, "update acc set bal = 0 where id = 1")
        out = repl.run("cutover", "--abort", *["--yes"] * (point == "cutover.completed")).out
        assert ("is lifted" in out) == (point in BEHIND), (point, out)
        assert writes(src)
        assert before == functions(src) and catalog == compare.catalog(src), point
        repl.wait_phase("following")
    repl.kick()
    equal()


def test_abort_after_a_kill_of_the_switch_and_of_the_abort(repl, following, equal, src):
    """The command of --exec was running, or had ended; and --abort itself is killed."""
    following()
    p = repl.start_in_background("cutover", "--yes", "--exec", f"touch {repl.folder}/switching; exec sleep 60")
    eventually((repl.folder / "switching").exists, what="the switch")
    p.kill()
    p.wait()
    refused(src, "update acc set bal = 0 where id = 1")
    out = repl.run("cutover", "--abort").out
    assert "nothing was written" in out and "is lifted" in out
    assert writes(src)
    repl.run("cutover", "--yes", "--exec", "kill -9 $PPID", code=-signal.SIGKILL)
    refused(src, "update acc set bal = 0 where id = 1")
    repl.run("cutover", "--abort", env={"REPL_FAIL_AT": "cutover.lifted"}, code=-signal.SIGKILL)
    assert writes(src), "it was killed behind the lifting"
    assert "no fence stood" in repl.run("cutover", "--abort").out
    repl.wait_phase("following")
    repl.kick()
    equal()


def test_a_cutover_goes_on_after_a_kill(repl, following, equal, src):
    following()
    for point in ("cutover.begun", "cutover.drained", "cutover.checked"):
        repl.run("cutover", "--yes", env={"REPL_FAIL_AT": point}, code=-signal.SIGKILL)
        assert "did not end: this one begins again behind its fence" in repl.run("cutover", "--yes").out
        refused(src, "update acc set bal = 0 where id = 1")
        equal()
        repl.run("cutover", "--abort", "--yes")


def test_the_engine_is_killed_behind_the_fence(repl, following, src):
    """The command lifts the fence itself: without an engine nothing would come over."""
    following()
    p = repl.start_in_background("cutover", "--yes", env={"REPL_PAUSE_AT": "cutover.writers:1500"})
    eventually(lambda: fenced(src), what="the fence")
    repl.kill()
    assert p.wait(60) == 3
    assert writes(src)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lifts_the_fence(repl, following, src, source, number):
    following()
    with source.connect(autocommit=False) as c:
        c.execute("update acc set bal = bal + 1 where id = 7")
        p = repl.start_in_background("cutover", "--yes")
        eventually(lambda: fenced(src), what="the fence")
        os.kill(p.pid, number)
        assert p.wait(30) == 1
        c.rollback()
    assert writes(src)


def test_a_signal_at_every_step(repl, following, src, equal):
    """Before the fence is permanent it is lifted; behind that there is nothing left to undo, and the command ends as it would have."""
    following()
    for n, point in enumerate(POINTS):
        p = repl.start_in_background("cutover", "--yes", env={"REPL_PAUSE_AT": f"{point}:2500"})
        expected = STATES[n] if point in BEHIND else None
        if expected is None:
            eventually(lambda: "a sync takes" in (repl.folder / "background-cutover.log").read_text().rpartition("behind\n")[2], what=point)
        else:
            eventually(lambda e=expected: state(src) == e, what=point, every=.005)
        os.kill(p.pid, signal.SIGINT if n % 2 == 0 else signal.SIGHUP)
        code = p.wait(60)
        if state(src) == "complete":
            assert point in BEHIND[BEHIND.index("cutover.switching"):], point
            refused(src, "update acc set bal = 0 where id = 1")
            repl.run("cutover", "--abort", "--yes")
        else:
            assert code != 0 and state(src) in ("aborted", "none"), (point, code)
        assert writes(src), point
    repl.wait_phase("following")
    repl.kick()
    equal()


def test_abort_says_what_would_be_lost(repl, following, src, dst):
    """Rows of the sync's tables alone: not other tables, not what repl's own rehearsals and the autovacuum do."""
    dst.execute("create table beside(id int primary key)")
    following()
    repl.run("cutover", "--dry-run")
    repl.run("cutover", "--yes")
    dst.execute("insert into beside select generate_series(1, 100)")
    r = repl.run("cutover", "--abort", code=2)
    assert re.search(r"the cutover was completed at 20\d\d-", r.out) and "nothing was written in the sync's tables" in r.out
    dst.execute("update acc set bal = bal + 1 where id <= 3")
    dst.execute("vacuum analyze acc")
    r = repl.run("cutover", "--abort", code=2)
    assert "3 rows of the sync's tables were written on the target since, in 1 table, most of them in public.acc" in r.out, r
    dst.execute("delete from item where a <= 2; insert into note values (123456, 'new')")
    r = repl.run("cutover", "--abort", code=2)
    assert "6 rows of the sync's tables were written" in r.out and "in 3 tables" in r.out and "repl verify" in r.out, r
    refused(src, "update acc set bal = 0 where id = 1")
    repl.run("cutover", "--abort", "--yes")
    assert writes(src)
    assert "no fence stood" in repl.run("cutover", "--abort").out
