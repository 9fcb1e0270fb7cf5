"""Random histories (model.py) with the engine killed and the servers restarted in between; every row is compared, and no
reader of the target ever sees half a transaction. Each round is a pair of databases of its own and has a seed, which it
prints; `pytest test_model.py --seed N` plays that round alone."""
import functools
import random
import time

import pytest

import compare
import model
from program import Repl
from waiting import SLOWER, eventually, moment

SMALL = {"chunk_min_bytes": 8192, "chunk_max_bytes": 100000, "batch_rows": 150, "step_rows": 100, "fan_out_rows": 30, "rotate_bytes": 8192,
         "sleep_ms": 20, "sleep_tables": 0}
LARGE = {"rotate_bytes": 8192, "sleep_ms": 20, "sleep_tables": 0}


class World:
    """What a history breaks: the engine, connections, servers. It never waits for what may not come."""

    def __init__(self, rnd, repl, source, target, schema="repl"):
        self.repl, self.source, self.target, self.schema, self.dies = repl, source, target, schema, False
        self.happenings = [self.kill, self.kill, self.killed_somewhere, self.stop, self.restart_source, self.crash_source, self.restart_target,
                           self.crash_target, self.terminate, self.moment]
        rnd.shuffle(self.happenings)

    def start(self, **how):
        if self.repl.engine is not None and self.repl.engine.poll() is not None:
            self.repl.engine = None
        if self.repl.engine is None:
            self.repl.start(wait=False, **how)
            self.dies = "fail_at" in how

    def start_for_good(self):
        """What still runs may go on, unless it is to die by itself."""
        if self.dies:
            self.repl.kill()
        self.start()

    def kill(self, rnd):
        self.repl.kill()
        if rnd.random() < .7:
            self.start()

    def killed_somewhere(self, rnd):
        """It dies by itself at a point of the protocol, when it comes by there."""
        self.repl.kill()
        self.start(fail_at=rnd.choice(("apply.before_commit", "apply.after_commit", "chunk.before_commit", "rotate.before_trim", "apply.staged", "apply.durable", "engine.opened")))

    def stop(self, rnd):
        if self.repl.engine is not None and self.repl.engine.poll() is None:
            self.repl.engine.terminate()
            self.repl.engine.wait(60 * SLOWER)
        self.start()

    def _down(self, cluster, how):
        cluster.stop(how)
        cluster.start()
        self.start()

    def restart_source(self, rnd):
        self._down(self.source.cluster, "fast")

    def crash_source(self, rnd):
        self._down(self.source.cluster, "immediate")

    def restart_target(self, rnd):
        self._down(self.target.cluster, "fast")

    def crash_target(self, rnd):
        self._down(self.target.cluster, "immediate")

    def terminate(self, rnd):
        rnd.choice((self.source, self.target)).terminate()
        self.start()

    def moment(self, rnd):
        self.start()
        moment(rnd.uniform(0, .5))

    def _within(self, condition, seconds):
        """Whether it came true; an engine that is down or behind is none of the history's business."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition():
                return True
            moment(.005)
        return False

    def batch_goes_by(self):
        with self.target.admin() as c:
            batch = f"select max(batch) from {self.schema}.position"
            before = c.execute(batch).fetchone()[0]
            self._within(lambda: c.execute(batch).fetchone()[0] != before, .5)

    def armed(self):
        with self.source.admin() as c:
            self._within(lambda: c.execute(f"select last_value from {self.schema}.bell").fetchone()[0] == 1, .5)


def settled(repl, source, target, **how):
    """Nobody asks for it: what is committed comes by itself, within seconds of the last one."""
    failed = []

    def same():
        assert repl.engine.poll() is None, f"the engine ended:\n{repl.engine_tail()}"
        with source.admin() as a, target.admin() as b:
            try:
                return compare.compare_all(a, b, **how) + 1
            except AssertionError as e:
                failed[:] = [e]
                return 0
    try:
        return eventually(same, timeout=45, every=.2, what="both sides are equal") - 1
    except AssertionError:
        raise failed[0] from None


def play(seed, folder, sides, steps=300):
    rnd = random.Random(seed)
    source, target = sides()
    folder.mkdir()
    repl = Repl(folder, source.uri, target.uri)
    small = rnd.random() < .5  # with steps, while which the target is not consistent; or without
    print(f"seed {seed}, {'small' if small else 'large'} batches: pytest test_model.py --seed {seed}", flush=True)
    watcher = None
    with source.connect() as c:
        c.execute(model.TABLES)
    world = World(rnd, repl, source, target)
    history = model.History(seed, source, folder / "history.log", world)
    try:
        repl.init()
        repl.configure(**(SMALL if small else LARGE), retry_max_ms=1000)
        history.run(20)  # into the first copy
        world.start()
        history.run(30)
        if not small:
            history.let_in()
            world.start_for_good()
            repl.wait_phase("following")
            watcher = model.Watcher(target)
        history.run(steps)
        repl.kill()
        world.start()
        history.run(20)
        history.finish()
        world.start_for_good()
        repl.wait_phase("following", timeout=90)
        rows = settled(repl, source, target)
        if watcher is not None:
            watcher.stop()
            assert not watcher.halves, f"half of a transaction stood on the target: {watcher.halves[:3]}"
        print(f"{rows} rows, {history.twins} transactions, {watcher.looks if watcher else 0} looks")
        repl.run("verify")
    finally:
        if watcher is not None:
            watcher.stop()
        history.close()
        repl.kill()
        repl.close()


def test_histories(request, tmp_path, sides):
    model.rounds(request, tmp_path, .35, functools.partial(play, sides=sides))


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_histories_for_long(request, tmp_path, sides):
    model.rounds(request, tmp_path, request.config.getoption("--minutes") or 30, functools.partial(play, sides=sides))
