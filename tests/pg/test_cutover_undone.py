"""A switch that did not end, or should not have: killed at every step, by a signal, aborted. The source takes writes again."""
import os
import pathlib
import re
import signal

import pytest

import compare
from fence import fenced, functions, refused, writes
from waiting import eventually

POINTS = ("cutover.prepared", "cutover.before_fence", "cutover.fenced", "cutover.writers", "cutover.drained",
          "cutover.moved", "cutover.checked", "cutover.turned")
SOURCES = pathlib.Path(__file__).parents[2] / "replicator/cutover"


def test_every_step_has_a_name_here():
    """Those of the way back alone are in test_fallback_crash.py."""
    named = {n for f in SOURCES.glob("cutover*.c") for n in re.findall(r'fault_point\("([^"]+)"\)', f.read_text(encoding="utf-8"))}
    assert named == {*POINTS, "cutover.lifted", "cutover.awake"}


def test_abort_after_a_kill_at_every_step(repl, following, equal, src):
    following()
    before, catalog = functions(src), compare.catalog(src)
    for point in POINTS:
        r = repl.run("cutover", "--yes", env={"REPL_FAIL_AT": point}, code=-signal.SIGKILL)
        stands = point not in ("cutover.prepared", "cutover.before_fence")
        assert fenced(src) == stands, (point, r)
        if stands:
            refused(src, "update acc set bal = 0 where id = 1")
        out = repl.run("cutover", "--abort").out
        assert ("is lifted" in out) == stands
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
    assert "is lifted" in repl.run("cutover", "--abort").out
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
    repl.run("cutover", "--yes", env={"REPL_FAIL_AT": "cutover.drained"}, code=-signal.SIGKILL)
    assert "a fence stands already" in repl.run("cutover", "--yes").out
    refused(src, "update acc set bal = 0 where id = 1")
    equal()


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


def test_abort_after_the_switch_asks(repl, following, src, dst):
    following()
    repl.run("cutover", "--yes")
    dst.execute("update acc set bal = bal where id = 1")
    r = repl.run("cutover", "--abort", code=2)
    assert re.search(r"the target has begun [1-9]\d* transactions since", r.out)
    refused(src, "update acc set bal = 0 where id = 1")
    repl.run("cutover", "--abort", "--yes")
    assert writes(src)
    assert "no fence stood" in repl.run("cutover", "--abort").out
