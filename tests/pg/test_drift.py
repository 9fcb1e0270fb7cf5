"""Tables that are altered on either side while everybody writes: the table waits and comes back by itself, the others go
on, and nothing is lost."""

import psycopg
import pytest

from background import Background
from test_bank import Reader
from waiting import eventually


class Beside(Background):
    """Writes to the tables of a test the whole time, whatever they look like just now."""

    def __init__(self, source, *statements, pace=.005):
        self.source, self.statements, self.pace = source, statements, pace
        self.rounds, self.refused = 0, []
        super().__init__()

    def works(self):
        """No statement of the next rounds is refused."""
        self.refused.clear()
        rounds = self.rounds
        eventually(lambda: self.rounds > rounds + 2, what="the application writes")
        return not self.refused

    def live(self):
        with self.source.connect() as c:
            while not self.stopping.wait(self.pace):
                for s in self.statements:
                    try:
                        c.execute(s)
                    except Exception as e:  # told to the test, which knows what an application may see
                        self.refused.append(repr(e))
                self.rounds += 1


def phase_of(repl, name):
    found = [t["phase"] for t in repl.status()["tables"] if t["name"] == name]
    return found[0] if found else None


def reach(repl, name, *phases):
    try:
        eventually(lambda: phase_of(repl, name) in phases, timeout=60, what=f"{name} is {' or '.join(phases)}")
    except AssertionError as e:
        raise AssertionError(f"{e}; it is {phase_of(repl, name)}; {repl.status()['errors']}") from None


def refused_to_inherit(src, ddl):
    """Whether that server is one of those that take statement-level triggers with transition tables for row-level ones, and so
    refuse to make a captured table a partition or a child of another."""
    major, minor = divmod(src.info.server_version, 10000)
    if minor >= {13: 22, 14: 19, 15: 14, 16: 10, 17: 6}.get(major, 0):
        return False
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="transition tables"):
        src.execute(ddl)
    return True


def others_go_on(src, dst):
    """A change of another table comes over, although one waits."""
    n = src.execute("insert into counter(n) values (1) returning id").fetchone()[0]
    eventually(lambda: dst.execute("select 1 from counter where id = %s", (n,)).fetchone(), what="the others go on")


# What is done to a table on one side and then on the other, and which side must be first for it to wait in between: the
# other way round both sides agree enough all the time.
CHANGES = {
    "adds": ("alter table adds add column more text default 'd'", {"source"}),
    "must": ("alter table must add column more int not null default 3", {"source"}),
    "drops": ("alter table drops drop column v", {"target"}),
    "renames": ("alter table renames rename column v to w", {"source", "target"}),
    "retypes": ("alter table retypes alter column n type bigint", {"source", "target"}),
    "leaves": ("alter table leaves rename to arrives", {"source", "target"}),
}


@pytest.mark.parametrize("first", ["source", "target"])
def test_altered_on_both_sides(repl, src, dst, writers, source, target, equal, first):
    """One side after the other, under writers of these tables and of the others."""
    for name in CHANGES:
        src.execute(f"create table {name}(id int primary key, v text, n int);"
                    f"insert into {name} select g, 'a', g from generate_series(1, 300) g")
    one, other = (src, dst) if first == "source" else (dst, src)
    touch = [s.format(t) for t in [*CHANGES, "arrives"] for s in
             ("update {} set n = n + 1 where id % 7 = 0", "insert into {0}(id, n) select max(id) + 1, 0 from {0}")]
    with writers(writers=1, hold=.05, pace=.01) as w, Beside(source, *touch) as mine:
        repl.init()
        repl.configure(survey_ms=200)
        repl.start()
        repl.wait_phase("following")
        reader = Reader(target)
        try:
            for ddl, _ in CHANGES.values():
                one.execute(ddl)
            for name, (_, waits) in CHANGES.items():
                if first in waits:
                    reach(repl, "arrives" if name == "leaves" and first == "source" else name, "drifted")
            repl.wait_phase("following")
            rounds = mine.rounds
            eventually(lambda: mine.rounds > rounds + 2, what="changes are made meanwhile")
            others_go_on(src, dst)
            for ddl, _ in CHANGES.values():
                other.execute(ddl)
            for name in CHANGES:
                reach(repl, "arrives" if name == "leaves" else name, "following")
            others_go_on(src, dst)
        finally:
            reader.stop()
        assert not reader.wrong, f"the target showed what the source never was: {reader.wrong[:5]}"
        assert w.committed > 0
    repl.kick()
    equal()
    assert not repl.status()["errors"]


def test_rows_that_the_target_refuses(repl, src, dst, equal):
    """A constraint that only the target has: its table waits with the server's words, and is tried again by itself."""
    src.execute("create table t(id int primary key, n int); create table counter(id int generated always as identity, n int);"
                "insert into t values (1, 1)")
    repl.init()
    repl.configure(retry_max_ms=300)
    repl.start()
    repl.wait_phase("following")
    dst.execute("alter table t add constraint small check (n < 10)")
    src.execute("insert into t values (2, 20)")
    reach(repl, "t", "failed")
    assert any("small" in e["message"] and e["table"] == "public.t" for e in repl.status()["errors"])
    repl.wait_phase("following")
    others_go_on(src, dst)
    assert "public.t" in repl.run("kick", "--wait", code=3).all
    dst.execute("alter table t drop constraint small")
    reach(repl, "t", "following")
    repl.kick()
    equal()


def test_a_table_is_added(repl, src, dst, writers, target, source, equal):
    """While the engine runs: its schema, its rows and its foreign key come over beside the others."""
    with writers(writers=1, hold=.05, pace=.01):
        repl.init()
        repl.configure(survey_ms=200)
        repl.start()
        repl.wait_phase("following")
        reader = Reader(target)
        try:
            src.execute("create table t(id int primary key, parent int references parent on delete cascade, v text unique);"
                        "insert into t select g, null, 'v' || g from generate_series(1, 20000) g")
            eventually(lambda: any(e["table"] == "public.t" and e["hint"] == "repl add public.t"
                                   for e in repl.status()["errors"]), what="status tells of the new table")
            repl.wait_phase("following")
            assert "did you mean" in repl.run("add", "public.tt", code=1).all
            with Beside(source, "update t set v = 'w' || id where id % 99 = 0", "insert into t select max(id) + 1 from t"):
                repl.run("add", "t")
                assert "in the sync already" in repl.run("add", "t", code=1).all
                reach(repl, "t", "following")
                others_go_on(src, dst)
        finally:
            reader.stop()
        assert not reader.wrong, f"the target showed what the source never was: {reader.wrong[:5]}"
    eventually(lambda: dst.execute("select count(*) from pg_constraint where conrelid = 't'::regclass and contype <> 'n'").fetchone()[0] == 3,
               what="key, unique constraint and foreign key are there")
    repl.kick()
    equal()
    assert not repl.status()["errors"]


def test_a_table_is_added_without_an_engine(repl, src, dst, equal):
    src.execute("create table t(id int primary key); insert into t values (1); create table hidden(id int primary key)")
    repl.init("--tables", "public.t")
    repl.kick()
    src.execute("create table u(id int primary key); insert into u values (1)")
    assert "public.u" in repl.run("add", "u").all
    repl.kick()
    assert dst.execute("select count(*) from u").fetchone()[0] == 1
    assert [t["name"] for t in repl.status()["tables"]] == ["t", "u"]


def test_tables_that_add_themselves(repl, src, dst, equal):
    """--auto-add: once the target has the table; one that holds rows there is left alone, and said."""
    src.execute("create table t(id int primary key); insert into t values (1)")
    repl.init("--auto-add")
    repl.configure(survey_ms=200)
    repl.start()
    repl.wait_phase("following")
    src.execute("create table u(id int primary key, v int); insert into u values (1); create table x(id int primary key)")
    eventually(lambda: len([e for e in repl.status()["errors"] if "new on the source" in e["message"]]) == 2,
               what="status tells of the new tables")
    dst.execute("create table x(id int primary key); insert into x values (3); create table u(id int primary key, v int)")
    reach(repl, "u", "following")
    eventually(lambda: "public.x is not added" in repl.run("log").out, what="the log tells why x is not added")
    dst.execute("truncate x; alter table x add c int")
    reach(repl, "x", "following")
    src.execute("insert into x values (4); update u set v = 2")
    dst.execute("alter table x drop c")
    repl.kick()
    equal()


def test_renamed_while_a_table_adds_itself(repl, src, dst, target, equal):
    """--auto-add makes no table on the target, also where the one that was there has another name by now."""
    src.execute("create table t(id int primary key)")
    repl.init("--auto-add")
    repl.configure(survey_ms=200)
    repl.start(pause_at="add.chosen:1500")
    repl.wait_phase("following")
    dst.execute("create table u(id int primary key)")
    src.execute("create table u(id int primary key); insert into u values (1)")
    with target.admin() as c:
        eventually(lambda: c.execute("select 1 from pg_stat_activity where datname = current_database() and "
                                     "application_name like 'repl%%init%%' and state = 'idle'").fetchone(), what="u is being added")
    dst.execute("alter table u rename to w")
    eventually(lambda: "public.u is not added: the target has no such table" in repl.run("log").out, what="the log tells why")
    assert [row[0] for row in dst.execute("select tablename from pg_tables where schemaname = 'public' order by 1")] == ["t", "w"]
    src.execute("alter table u rename to v")
    dst.execute("alter table w rename to v")
    reach(repl, "v", "following")
    repl.kick()
    equal()


def test_a_partition_that_the_target_lacks(repl, src, dst, source, equal):
    """Its table waits, with what to do, the others go on, and once the partition is there it goes on by itself."""
    src.execute("create table t(id int, at int, primary key (id, at)) partition by range (at);"
                "create table t1 partition of t for values from (0) to (10);"
                "create table counter(id int generated always as identity, n int); insert into t values (1, 1)")
    repl.init()
    repl.configure(survey_ms=200)
    repl.start()
    repl.wait_phase("following")
    ddl = "create table t2 partition of t for values from (10) to (20)"
    with Beside(source, "insert into t select max(id) + 1, 5 from t"):
        src.execute(ddl)
        src.execute("insert into t values (2, 15)")
        reach(repl, "t", "failed")
        assert any("create the partition" in e["hint"] for e in repl.status()["errors"] if e["table"] == "public.t")
        repl.wait_phase("following")
        others_go_on(src, dst)
        dst.execute(ddl)
        reach(repl, "t", "following")
    repl.kick()
    equal()
