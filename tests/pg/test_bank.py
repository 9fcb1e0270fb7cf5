"""Snapshot consistency: a reader of the target never sees half a transaction of the source."""
import random

import psycopg
import pytest

import workload
from background import Background
from waiting import eventually, moment


class Reader(Background):
    """Looks at the target all the while, in single statements and in longer transactions."""

    def __init__(self, target):
        self.target, self.reads, self.states, self.wrong = target, 0, set(), []
        super().__init__()
        self.start()

    def lives(self):
        return self.single, self.repeatable

    def note(self, money, state):
        self.reads += 1
        self.states.add(state)
        if money != workload.TOTAL:
            self.wrong.append((money, state))

    def single(self):
        with self.target.connect() as c:
            while not self.stopping.is_set():
                row = c.execute("select (select sum(bal) from acc) + (select sum(bal) from purse), "
                                "(select md5(string_agg(bal::text, ',' order by id)) from acc)").fetchone()
                self.note(*row)

    def repeatable(self):
        with self.target.connect(autocommit=False) as c:
            c.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            while not self.stopping.is_set():
                acc = c.execute("select sum(bal), md5(string_agg(bal::text, ',' order by id)) from acc").fetchone()
                purse = c.execute("select sum(bal) from purse").fetchone()[0]
                self.note(acc[0] + purse, acc[1])
                # The order and its lines: a child never without its parent.
                orphans = c.execute("select count(*) from child c left join parent p on p.id = c.parent "
                                    "where p.id is null and c.parent is not null").fetchone()[0]
                if orphans:
                    self.wrong.append(("orphans", orphans))
                c.commit()

    def stop(self):
        super().stop()
        print(f"reads {self.reads}, states {len(self.states)}, wrong {len(self.wrong)}")


def bank(repl, writers, target, equal, seed, kills, between):
    rnd = random.Random(seed)
    print(f"kills by seed {seed}")
    with writers(seed=seed, writers=3, hold=.3) as w:
        repl.init()
        repl.start()
        repl.wait_phase("following")
        reader = Reader(target)
        try:
            for _ in range(kills):
                moment(rnd.uniform(*between))
                repl.kill()
                seen = w.committed
                eventually(lambda n=seen: w.committed > n or w.unexpected, what="the application goes on")
                repl.start()
            before = len(reader.states)
            eventually(lambda: len(reader.states) > before + 3, what="the target moves on after the last kill")
        finally:
            reader.stop()
        assert not reader.wrong, f"the target showed what the source never was: {reader.wrong[:5]}"
        assert reader.reads > 100 and len(reader.states) > 20, "too little was seen to say anything"
    repl.kick()
    equal()
    repl.stop()


def test_bank(repl, writers, target, equal):
    bank(repl, writers, target, equal, seed=random.randrange(10**6), kills=6, between=(.3, 2.5))


@pytest.mark.slow
def test_bank_long(repl, writers, target, equal):
    bank(repl, writers, target, equal, seed=random.randrange(10**6), kills=120, between=(.2, 4))
