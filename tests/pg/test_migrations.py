"""Random migrations (migrations.py) on both sides, in any order and at any time, under writers, with the engine killed now and
then: no statement of the application fails for repl, what no migration touches stays consistent, every table comes back by
itself once both sides agree, and every row is compared. Each round prints its seed; `pytest test_migrations.py --seed N`
plays it again, as far as threads let it."""
import functools
import random

import pytest

import compare
import model
from background import Background
from migrations import ALONE, TABLES, Application, Migrations
from program import Repl
from waiting import SLOWER, eventually, moment


class Looker(Background):
    """A reader of the target: the two tables that every transaction writes alike are alike at any time."""

    def __init__(self, side):
        self.side, self.wrong, self.looks = side, [], 0
        super().__init__()

    def live(self):
        with self.side.connect() as c:
            while not self.stopping.wait(.01):
                both = c.execute("select (select max(n) from give), (select max(n) from take)").fetchone()
                self.looks += 1
                if both[0] != both[1]:
                    self.wrong.append(both)


def begin(repl):
    if repl.engine is not None and repl.engine.poll() is not None:
        repl.engine = None
    if repl.engine is None:
        repl.start(wait=False)


def break_something(rnd, repl, source, target):
    what = rnd.random()
    if what < .5:
        repl.kill()
    elif what < .7 and repl.engine is not None and repl.engine.poll() is None:
        repl.engine.terminate()
        repl.engine.wait(60 * SLOWER)
    else:
        rnd.choice((source, target)).terminate()
    if rnd.random() < .8:
        begin(repl)


def migrate(rnd, m, repl, sides, steps, breaks):
    """Invents migrations and makes them on a side, not more than a few at a time that only one side has."""
    connections = {name: side.connect() for name, side in sides.items()}
    try:
        for _ in range(steps):
            what, pending = rnd.random(), m.pending()
            if what < .35 and len(pending) < 8:
                m.invent()
            elif what < .85 and pending:
                t, side = rnd.choice(pending)
                m.advance(t, side, connections[side])
            elif what < .90 and breaks:
                break_something(rnd, repl, sides["source"], sides["target"])
            else:
                moment(rnd.uniform(0, .3))
    finally:
        for c in connections.values():
            c.close()


def heal(rnd, m, sides):
    connections = {name: side.connect() for name, side in sides.items()}
    while m.pending():
        t, side = rnd.choice(m.pending())
        m.advance(t, side, connections[side])
    for c in connections.values():
        c.close()


def all_follow(repl, count):
    """Every table is there and follows; the reason why not, for the one who waits in vain."""
    assert repl.engine.poll() is None, f"the engine ended:\n{repl.engine_tail()}"
    s = repl.status()
    assert "tables" in s, f"status says {s}:\n{repl.engine_tail()}"
    phases = {t["name"]: t["phase"] for t in s["tables"]}
    all_follow.seen = (s["phase"], phases, s["errors"])
    return s["phase"] == "following" and len(phases) == count and set(phases.values()) == {"following"}


def wait_until_all_follow(repl, count):
    all_follow.seen = None
    try:
        eventually(lambda: all_follow(repl, count), timeout=60, every=.1, what="every table follows again")
    except AssertionError as e:
        raise AssertionError(f"{e}: {all_follow.seen}\n{repl.engine_tail()}") from None


def stop(applications, looker):
    for a in applications:
        a.stop()
    if looker is not None:
        looker.stop()


def play(seed, folder, sides, steps, breaks):
    rnd = random.Random(seed)
    print(f"seed {seed}: pytest test_migrations.py --seed {seed}", flush=True)
    source, target = sides()
    both = {"source": source, "target": target}
    folder.mkdir()
    repl = Repl(folder, source.uri, target.uri)
    with source.connect() as c:
        c.execute(TABLES)
    looker, applications = None, []
    with open(folder / "migrations.log", "w", encoding="utf-8") as log:
        m = Migrations(rnd, log)
        try:
            repl.init("--auto-add")
            repl.configure(survey_ms=200, retry_max_ms=1000, sleep_ms=20, sleep_tables=0)
            applications = [Application(source, random.Random(seed + i)).start() for i in (1, 2)]
            if rnd.random() < .5:  # into the first copy
                migrate(rnd, m, repl, both, steps // 4, breaks)
                heal(rnd, m, both)
            begin(repl)
            repl.wait_phase("following", timeout=60)
            looker, m.copied = Looker(target).start(), True
            migrate(rnd, m, repl, both, steps, breaks)
            heal(rnd, m, both)
            begin(repl)
            wait_until_all_follow(repl, len([t for t in m.tables if not t.gone]) + len(ALONE))
            stop(applications, looker)
            wrong = [w for a in applications for w in a.wrong]
            assert not wrong, f"the application's statements failed: {wrong[:3]}"
            assert not looker.wrong, f"half of a transaction stood on the target: {looker.wrong[:3]}"
            repl.kick()
            with source.admin() as a, target.admin() as b:
                rows = compare.compare_all(a, b)
            print(f"{m.number} names, {rows} rows, {sum(a.count for a in applications)} writes, {looker.looks} looks")
        finally:
            stop(applications, looker)
            repl.kill()
            repl.close()


def test_migrations(tmp_path, sides):
    """One short round, always the same, that nobody kills."""
    play(1, tmp_path / "1", sides, 60, breaks=False)


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_migrations_for_long(request, tmp_path, sides):
    model.rounds(request, tmp_path, request.config.getoption("--minutes") or 30, functools.partial(play, sides=sides, steps=150, breaks=True))
