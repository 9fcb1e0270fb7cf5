"""Killed at every step on the way there and back: what is typed again goes on, and --abort undoes."""
import signal

import pytest

import compare
from fallback import refused, without_repl
from waiting import eventually
from workload import Workload

BEFORE = ("back.schema", "back.captured", "cutover.prepared", "cutover.before_fence")
BEHIND = ("cutover.fenced", "cutover.writers", "cutover.drained", "cutover.moved", "cutover.checked", "cutover.awake")
THERE = BEFORE + BEHIND
BACK = ("cutover.prepared", "cutover.before_fence") + BEHIND + ("back.step",)
WRITE = "update acc set bal = bal + 1 where id = 1"


def killed(repl, way, point):
    repl.run("cutover", way, "--yes", env={"REPL_FAIL_AT": point}, code=-signal.SIGKILL)


def writes(repl, connection, same):
    connection.execute(WRITE)
    repl.kick()
    same()


def test_aborted_after_a_kill_on_the_way_there(repl, following_back, src, dst, source, same_back):
    following_back()
    before, copied = compare.catalog(src), compare.catalog(dst)
    for point in THERE:
        killed(repl, "--fallback", point)
        if point in BEHIND:
            refused(source, WRITE)
            assert repl.status()["phase"] == "fenced", point
            assert "--fallback" in repl.status()["next"], point
        assert "the source takes writes" in repl.run("cutover", "--abort").out, point
        assert compare.catalog(src) == before, point
        assert compare.catalog(dst) == copied, point
        writes(repl, src, same_back)
        dst.execute("select 1")


def test_aborted_after_a_kill_on_the_way_back(repl, following_back, src, dst, source, target, same_back):
    following_back()
    repl.run("cutover", "--fallback", "--yes")
    quiet = without_repl(compare.catalog(src))
    for point in BACK:
        killed(repl, "--back", point)
        refused(source, WRITE)
        if point not in BEFORE:
            refused(target, WRITE)
            assert "--back" in repl.status()["next"], point
            repl.run("cutover", "--abort")
        writes(repl, dst, same_back)
        assert without_repl(compare.catalog(src)) == quiet, point
    repl.run("cutover", "--back", "--yes")
    writes(repl, src, same_back)


@pytest.mark.parametrize("half", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_it_goes_on_after_a_kill(repl, following_back, src, dst, source, target, same_back, half):
    """The same command again; also where the kill came behind the turn."""
    following_back()
    before = without_repl(compare.catalog(src))
    for point in (THERE + ("cutover.turned",))[half::2]:
        killed(repl, "--fallback", point)
        out = repl.run("cutover", "--fallback", "--yes").out
        assert ("been made already" in out) == (point == "cutover.turned")
        refused(source, WRITE)
        writes(repl, dst, same_back)
        point = point if point in BACK + ("cutover.turned",) else "back.step"
        killed(repl, "--back", point)
        out = repl.run("cutover", "--back", "--yes").out
        assert ("been made already" in out) == (point == "cutover.turned")
        refused(target, WRITE)
        writes(repl, src, same_back)
        assert without_repl(compare.catalog(src)) == before, point


def test_the_engine_that_was_not_told_finds_out(repl, following_back, dst, source, same_back):
    following_back()
    killed(repl, "--fallback", "cutover.turned")
    dst.execute(WRITE)  # the target takes writes, and nobody follows yet
    repl.stop()
    repl.start()
    repl.wait_phase("following")
    assert repl.status()["direction"] == "back"
    repl.kick()
    same_back()


def test_another_command_than_the_one_that_was_killed(repl, following_back, src, dst, source, target, same_back):
    """Behind the turn the engine was not told, and still goes the other way."""
    following_back()
    killed(repl, "--fallback", "cutover.turned")
    assert "the switch is complete" in repl.run("cutover", "--abort", code=1).err
    dst.execute(WRITE)
    repl.run("cutover", "--back", "--yes")
    same_back()
    writes(repl, src, same_back)
    refused(target, WRITE)
    repl.run("cutover", "--fallback", "--yes")
    writes(repl, dst, same_back)
    refused(source, WRITE)
    killed(repl, "--back", "cutover.turned")
    src.execute(WRITE)
    assert "taken away" in repl.run("cutover", "--abort").out
    writes(repl, src, same_back)
    repl.run("cutover", "--fallback", "--yes")
    writes(repl, dst, same_back)


def test_the_engine_is_killed_while_the_old_source_becomes_quiet(repl, following_back, writers, src, dst, target, same_back):
    following_back()
    repl.stop()
    repl.start(fail_at="back.step")
    repl.wait_phase("following")
    command = repl.start_in_background("cutover", "--fallback", "--yes")
    assert repl.wait_exit() == -signal.SIGKILL
    eventually(lambda: src.execute("select closed from repl.cutover_now()").fetchone()[0], what="the switch")
    dst.execute(WRITE)
    repl.start()
    repl.wait_phase("following")
    assert command.wait(90) == 0
    repl.kick()
    same_back()


def test_the_engine_is_killed_again_and_again_on_the_way_back(repl, following_back, src, dst, target, same_back):
    following_back()
    repl.run("cutover", "--fallback", "--yes")
    with Workload(target.uri, writers=3) as w:
        for point in ("apply.staged", "apply.durable", "apply.before_commit", "apply.after_commit", None):
            repl.kill()
            repl.start(fail_at=point, wait=point is None)
            if point is not None:
                assert repl.wait_exit() == -signal.SIGKILL, point
        committed = w.committed
        eventually(lambda: w.committed > committed + 100, what="the writers go on")
    repl.wait_phase("following")
    repl.kick()
    same_back()
