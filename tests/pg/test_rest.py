"""While changes come without end the engine rests between batches."""
import time

from waiting import eventually

PAUSE = .3  # seconds each batch takes at the least, by its fault point
REST = 2    # a rest is as many times what the batch took


def batches(dst):
    return dst.execute("select batch from repl.position").fetchone()[0]


def test_steady_changes(repl, src, dst, writers, equal):
    with writers(writers=2) as w:
        repl.init()
        repl.configure(rest_ms=10000)
        repl.start(pause_at=f"apply.before_commit:{int(PAUSE * 1000)}")
        repl.wait_phase("following")
        first, began = batches(dst), time.monotonic()
        eventually(lambda: batches(dst) >= first + 6, what="batches go on")
        # No machine is too slow for this: however long it took, only so many batches fit. The first two follow at once.
        fit = 3 + (time.monotonic() - began) / (PAUSE * (1 + REST))
        assert batches(dst) - first <= fit, "they came one upon the other"
        w.stop()
        repl.kick()
        equal()


def test_no_rest_when_told_so(repl, src, dst, writers, equal):
    with writers(writers=2) as w:
        repl.init()
        repl.configure(rest_ms=0)
        repl.start()
        repl.wait_phase("following")
        then = batches(dst)
        eventually(lambda: batches(dst) > then + 20, what="batches go on")
        w.stop()
        repl.kick()
        equal()
