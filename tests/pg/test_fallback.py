"""There and back: what the application writes at the target comes back to the source, and nothing is lost or done twice."""
import threading

import psycopg

import compare
from background import Background
from fallback import REFUSED, refused, swap_chapters, without_repl
from waiting import eventually
from workload import TOTAL, Workload, total


class Ledger(Background):
    """An application that knows what was committed: each transaction is one row, with the sum of all before it."""

    def __init__(self, here, there):
        self.sides, self.at, self.committed = [here, there], 0, []
        self.working = threading.Lock()
        super().__init__()

    def live(self):
        while not self.stopping.is_set():
            side = self.sides[self.at]
            try:
                with side.connect(application_name="ledger") as c:
                    while not self.stopping.is_set() and side is self.sides[self.at]:
                        with self.working:
                            n = c.execute("insert into entry(side) values (%s) returning id", (self.at,)).fetchone()[0]
                            self.committed.append(n)
                        self.stopping.wait(0.002)
            except psycopg.errors.ReadOnlySqlTransaction:
                self.stopping.wait(0.005)


def test_three_times_there_and_back_under_writers(repl, following_back, source, target, src, dst, same_back):
    src.execute("create table entry(id bigint generated always as identity primary key, side int not null)")
    following_back()
    before = without_repl(compare.catalog(src))
    with Ledger(source, target) as ledger:
        for turn in range(6):
            here, there = (source, target) if turn % 2 == 0 else (target, source)
            with Workload(here.uri, writers=3, expected=REFUSED) as w:
                eventually(lambda: w.committed > 100, what="the writers are at it")
                with here.connect() as c:
                    swap_chapters(c, 1 + turn, 2 + turn)
                out = repl.run("cutover", "--fallback" if turn % 2 == 0 else "--back", "--yes", "--terminate").out
                ledger.at = 1 - ledger.at
                committed = w.committed
                eventually(lambda: w.failed > 20, what="the writers are refused")
                assert w.committed <= committed + 3, "somebody wrote past the fence"
            assert "nothing is owed" in out
            with there.connect() as c, ledger.working:
                refused(here, "update acc set bal = 0 where id = 1")
                c.execute("update acc set bal = bal where id = 1")
                repl.kick()
                same_back(with_sequences=False)
    repl.kick()
    same_back(with_sequences=False)
    for side in (src, dst):
        ids = [r[0] for r in side.execute("select id from entry order by id").fetchall()]
        assert ids == sorted(ledger.committed), "what the application was told is there, each once"
    assert {r[0] for r in src.execute("select distinct side from entry").fetchall()} == {0, 1}
    assert before == without_repl(compare.catalog(src))


def test_readers_at_the_old_source_never_see_half_a_transaction(repl, following_back, target, src, dst):
    following_back()
    repl.run("cutover", "--fallback", "--yes")
    looks = 0
    with Workload(target.uri, writers=3) as w:
        while w.committed < 300:
            assert total(src) == TOTAL
            looks += 1
    assert looks > 10
    repl.kick()
    assert total(src) == total(dst) == TOTAL
