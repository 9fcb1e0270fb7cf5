"""Drift where the engine does more than follow: in the middle of a backlog, and on the way back."""
import pytest

from test_drift import CHANGES, Beside, reach
from waiting import eventually

ROWS = 4000


def label(name, first_is_source):
    """What the table is called in the sync once that side has been altered."""
    return "arrives" if name == "leaves" and first_is_source else name


def next_line(repl):
    """As people see it."""
    return [line for line in repl.run("status").out.splitlines() if line.startswith("next")][-1]


def is_told(repl):
    """What to type comes from the error, and is no cutover."""
    return "repl cutover" not in next_line(repl)


def through(repl):
    s = repl.status()
    phases = {t["name"]: t["phase"] for t in s["tables"]}
    return s["phase"] == "following" and not s["catch_up"] and phases["plain"] == "following" and phases["retypes"] == "drifted"


@pytest.mark.parametrize("first", ["source", "target"])
def test_altered_in_the_middle_of_a_backlog(repl, src, dst, source, equal, first):
    """What waits does not hold the backlog of the others up, and its own is brought over when both sides agree."""
    src.execute("create table counter(id int generated always as identity primary key, n int);"
                "create table plain(id int primary key, v text, n int)")
    for name in [*CHANGES, "plain"]:
        if name != "plain":
            src.execute(f"create table {name}(id int primary key, v text, n int)")
        src.execute(f"insert into {name} select g, 'a', g from generate_series(1, {ROWS}) g")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.stop()
    repl.configure(batch_rows=500, step_rows=500, survey_ms=200)
    for name in [*CHANGES, "plain"]:
        src.execute(f"update {name} set n = n + 1; delete from {name} where id % 10 = 0")
    one, other = (src, dst) if first == "source" else (dst, src)
    repl.start(pause_at="apply.staged:50", wait=False)
    eventually(lambda: repl.status()["catch_up"], what="the backlog is caught up")
    for ddl, _ in CHANGES.values():
        one.execute(ddl)
    touch = [s.format(t) for t in [*CHANGES, "arrives", "plain"] for s in
             ("update {} set n = n + 1 where id % 997 = 0", "insert into {0}(id, n) select max(id) + 1, 0 from {0}")]
    with Beside(source, *touch, pace=.05) as mine:  # no more than a batch while a pass lasts, whose steps are held up
        for name, (_, waits) in CHANGES.items():
            if first in waits:
                reach(repl, label(name, first == "source"), "drifted")
        eventually(lambda: through(repl), timeout=60, what="the others are through, and what was altered waits")
        eventually(lambda: is_told(repl), what="status says what to do")
        rounds = mine.rounds
        eventually(lambda: mine.rounds > rounds + 2, what="changes are made meanwhile")
        if first == "source":
            repl.kill()
            repl.start()
        for ddl, _ in CHANGES.values():
            other.execute(ddl)
        for name in CHANGES:
            reach(repl, label(name, True), "following")
    repl.kick()
    equal()
    assert not repl.status()["errors"] and "repl cutover" in next_line(repl)


def turned(repl, src):
    src.execute("create table counter(id int generated always as identity primary key, n int);"
                "create table t(id int primary key, v text, n int); insert into t select g, 'a', g from generate_series(1, 100) g")
    repl.init()
    repl.configure(survey_ms=200, retry_max_ms=300)
    repl.start()
    repl.wait_phase("following")
    repl.run("cutover", "--fallback", "--yes")
    repl.wait_phase("following")


@pytest.mark.parametrize("ddl, waits", [
    ("alter table t add column more int not null default 7", "target"),
    ("alter table t drop column v", "source"),
    ("alter table t rename column v to w", "both"),
    ("alter table t alter column n type bigint", "both"),
])
@pytest.mark.parametrize("first", ["source", "target"])
def test_altered_on_the_way_back(repl, src, dst, target, same_back, ddl, waits, first):
    """The target is the one that takes writes. All tables wait with one, status says for what, and they go on by themselves."""
    turned(repl, src)
    one, other = (src, dst) if first == "source" else (dst, src)
    with Beside(target, "update t set n = n + 1 where id % 7 = 0", "insert into t(id, n) select max(id) + 1, 0 from t",
                "insert into counter(n) values (1)") as mine:
        one.execute(ddl)
        if waits in (first, "both"):
            eventually(lambda: any(e["table"] == "public.t" for e in repl.status()["errors"]), what="status says why")
            eventually(lambda: is_told(repl), what="status says what to do")
        assert mine.works(), mine.refused
        other.execute(ddl)
        eventually(lambda: not repl.status()["errors"] and repl.phase() == "following", timeout=60, what="it goes on by itself")
        n = dst.execute("select max(id) from counter").fetchone()[0]
        eventually(lambda: src.execute("select 1 from counter where id = %s", (n,)).fetchone(), what="changes come back")
        assert mine.works(), mine.refused
    repl.kick()
    same_back(with_sequences=False)
    repl.run("cutover", "--back", "--yes")
    src.execute("update t set n = -1 where id = 1")
    repl.kick()
    same_back(with_sequences=False)
