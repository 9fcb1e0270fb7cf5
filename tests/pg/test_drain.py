"""A backlog larger than a batch goes over in steps that each commit."""
import random

import pytest

from background import Background
from waiting import eventually, moment

LIMIT = 500


def prepare(repl, src, rows):
    """Unique values beside the key, which swap among rows that lie far apart, in different steps."""
    src.execute(f"""create table t(id int primary key, u int not null unique, v int);
        insert into t select g, g, 0 from generate_series(1, {rows}) g;
        create table plain(id int primary key, v int); insert into plain select g, 0 from generate_series(1, {rows}) g;
        create table parent(id int primary key); create table child(id int primary key, parent int references parent);
        insert into parent select generate_series(1, 100); insert into child select g, 1 + g % 100 from generate_series(1, {rows}) g""")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.stop()
    repl.configure(batch_rows=LIMIT, step_rows=LIMIT)


def backlog(src, rows, rnd):
    with src.transaction():
        src.execute("update t set u = -u")
        src.execute(f"update t set u = {rows} + 1 + u, v = v + 1")  # the first takes the last one's value, and so on
    for _ in range(5):
        a, b = rnd.randint(1, rows), rnd.randint(1, rows)
        with src.transaction():
            ua, ub = (src.execute("select u from t where id = %s", (x,)).fetchone()[0] for x in (a, b))
            if a != b:
                src.execute("update t set u = -1 where id = %s", (a,))
                src.execute("update t set u = %s where id = %s", (ua, b))
                src.execute("update t set u = %s where id = %s", (ub, a))
    src.execute("""update child set parent = (select max(id) from parent) where parent % 2 = 0;
        delete from child where id % 30 = 0; delete from parent where id not in (select parent from child); insert into parent select max(id) + 1 from parent;
        insert into child select max(c.id) + 1, max(p.id) from child c, parent p; update plain set v = v + 1""")


class Steps(Background):
    """What the target shows on the way: how many rows of "plain" have come so far."""

    def __init__(self, target):
        self.target, self.seen = target, set()
        super().__init__()
        self.start()

    def live(self):
        with self.target.connect() as c:
            while not self.stopping.is_set():
                self.seen.add(c.execute("select count(*) from plain where v > 0").fetchone()[0])
                self.stopping.wait(0.001)


def test_a_large_backlog_goes_in_steps(repl, src, target, equal):
    """Progress is never lost: not one transaction that starts over for ever."""
    prepare(repl, src, 20000)
    backlog(src, 20000, random.Random(1))
    assert repl.status()["owed_rows"] >= 20000
    steps = Steps(target)
    try:
        repl.start()
        repl.kick()
        repl.wait_phase("following")
    finally:
        steps.stop()
    assert [n for n in steps.seen if 0 < n < 20000], f"it came in one piece: {sorted(steps.seen)}"
    assert repl.status()["owed_rows"] == 0
    equal()


def test_catching_up_says_how_far_it_is(repl, src, target, equal, rows=60000):
    """In status, as JSON and for people, and in the lines of the engine; a pass that was killed goes on where it was."""
    src.execute(f"create table t(id int primary key, v int); insert into t select g, 0 from generate_series(1, {rows}) g")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.stop()
    repl.configure(batch_rows=LIMIT, step_rows=1000)
    src.execute("update t set v = v + 1")
    seen, text = [], ""
    for killed in (False, True):
        repl.start(pause_at="apply.staged:100", wait=False)

        def goes_on():
            status = repl.status()
            if status["catch_up"] is not None:
                seen.append(status["catch_up"])
                assert status["phase"] == "catching_up" and not status["consistent"]
                return status["catch_up"]["eta_seconds"] and status["catch_up"]["rows_done"]
            return False
        eventually(goes_on, what="it knows how long it takes")
        text = repl.run("status").out
        if not killed:
            done = seen[-1]["bytes_done"]
            repl.kill()
    first, last = seen[0], seen[-1]
    assert (first["tables_total"], first["bytes_total"]) == (1, last["bytes_total"])
    assert 0 < done < last["bytes_done"] <= last["bytes_total"] and last["rate_rows_per_second"] > 0
    assert "backlog   [" in text and "rows/s, ETA" in text, text
    repl.kill()
    repl.start()
    repl.kick()
    assert repl.status()["catch_up"] is None
    equal()


def test_killed_in_the_middle_of_a_backlog(repl, src, dst, equal, rows=6000, kills=6):
    prepare(repl, src, rows)
    rnd = random.Random(2)
    for n in range(kills):
        backlog(src, rows, rnd)
        repl.start(wait=False)
        moment(rnd.uniform(.05, 1))
        repl.kill()
    repl.start()
    repl.kick()
    equal()


def test_truncated_before_its_pass_begins(repl, src, dst, equal):
    """Behind the look that found the backlog, where the TRUNCATE is not yet: the pass brings the table past it."""
    src.execute("create table t(id int primary key, v int); insert into t select g, 0 from generate_series(1, 3000) g")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.stop()
    repl.configure(batch_rows=LIMIT, step_rows=LIMIT)
    src.execute("update t set v = 1 where id > 1000")
    repl.start(pause_at="catchup.begin:1500", wait=False)
    eventually(lambda: repl.status()["catch_up"], what="the pass is about to begin")
    src.execute("truncate t; insert into t select g, 2 from generate_series(2001, 2100) g")
    repl.wait_phase("following")
    repl.kick()
    assert dst.execute("select count(*), min(v) from t").fetchone() == (100, 2)
    equal()


def test_writers_go_on_while_it_catches_up(repl, src, dst, writers, equal):
    with writers(writers=2) as w:
        repl.init()
        repl.start()
        repl.wait_phase("following")
        repl.stop()
        repl.configure(batch_rows=LIMIT, step_rows=LIMIT)
        # Locked first: the application's own sessions hold rows of it in any order, and would deadlock with this one.
        src.execute("lock table note in exclusive mode; update note set v = 'all'; insert into item select g, 'x', -g from generate_series(1000000, 1003000) g")
        repl.start()
        before = w.committed
        eventually(lambda: w.committed > before + 30, what="the application goes on")
        repl.wait_phase("following")
    repl.kick()
    equal()


@pytest.mark.slow
def test_a_very_large_backlog(repl, src, dst, equal):
    test_killed_in_the_middle_of_a_backlog(repl, src, dst, equal, rows=200000, kills=12)
