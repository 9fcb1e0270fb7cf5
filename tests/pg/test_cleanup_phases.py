"""cleanup in every phase, with the state lost, on busy tables, interrupted, and in an emergency."""
import functools
import shutil
import time

import psycopg
import pytest

import compare
from background import Background
from fallback import HINDRANCES, without_repl
from program import ROOT
from test_copy import SMALL, big, chunks
from waiting import SLOWER, eventually

TRIGGERS = """select format('trigger %s on %s.%s', tgname, n.nspname, c.relname)
  from pg_trigger g join pg_class c on c.oid = tgrelid join pg_namespace n on n.oid = relnamespace
 where tgname like 'repl\\_%' and tgparentid = 0"""
SIDES = ("--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET")


def copying(repl, dst):
    repl.configure(**SMALL)
    repl.start("--jobs", "1", pause_at="chunk.before_commit:100")
    eventually(lambda: chunks(dst) > 1, what="some chunks are done")


def into(phase, repl, dst):
    if phase == "copying":
        copying(repl, dst)
        repl.kill()
    elif phase == "following":
        repl.start()
        repl.kick()
        repl.stop()
    elif phase == "fenced":
        repl.start()
        repl.kick()
        repl.run("cutover", "--yes", code=None, env={"REPL_FAIL_AT": "cutover.fenced"})
        repl.kill()
    elif phase in ("cut_over", "fallback", "back"):
        repl.start()
        repl.kick()
        repl.run("cutover", "--yes", *([] if phase == "cut_over" else ["--fallback"]))
        if phase == "back":
            repl.run("cutover", "--back", "--yes")
        repl.stop()


FENCED = {"fenced": 0, "cut_over": 0, "fallback": 0, "back": 1}  # the side that refuses writes


PHASES = ["initialized", "copying", "following", "fenced", "cut_over", "fallback", "back"]


@pytest.mark.parametrize("phase, lost", [*((p, True) for p in PHASES), ("initialized", False), ("copying", False),
                                         ("fallback", False)])
@pytest.mark.usefixtures("writers")
def test_complete_in_every_phase(repl, src, dst, src_admin, dst_admin, phase, lost):
    """Both catalogs, before and after; tables with all that a way back switches off at the source."""
    src.execute(HINDRANCES)
    big(src, rows=3000)
    src.execute("create table bare(n int); insert into bare values (1)")
    before = compare.catalog(src_admin)
    repl.init()
    into(phase, repl, dst)
    copied, rows = without_repl(compare.catalog(dst_admin)), dst.execute("select count(*) from big").fetchone()[0]
    if phase in FENCED:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            (src, dst)[FENCED[phase]].execute("update big set v = 'x' where id = 1")
    if lost:
        shutil.rmtree(repl.dir)
    how = SIDES if lost else ()
    installed = compare.catalog(src_admin), compare.catalog(dst_admin)
    listed = repl.run("cleanup", "--dry-run", *how).out.splitlines()
    for side, lines in zip(("source", "target"), installed):
        triggers = {name for (name,) in (src_admin, dst_admin)[side == "target"].execute(TRIGGERS).fetchall()}
        assert {f"{side}: {name}" for name in triggers} == {n for n in listed if n.startswith(f"{side}: trigger")}
        schemas = {line.split()[1] for line in lines if line.startswith("schema repl")}
        assert schemas and all(f"{side}: schema {name} with everything in it" in listed for name in schemas)
    assert any(line.startswith("here: ") for line in listed) == (not lost)
    assert (compare.catalog(src_admin), compare.catalog(dst_admin)) == installed, "listing removes nothing"
    repl.run("cleanup", "--yes", *how)
    assert compare.catalog(src_admin) == before
    assert compare.catalog(dst_admin) == copied
    assert dst.execute("select count(*) from big").fetchone()[0] == rows, "the copied rows stay"
    for side in (src, dst):
        side.execute("update big set v = 'free' where id = 1")
    again = repl.run("cleanup", "--yes", *SIDES).out
    assert again == "nothing of repl is there\n"
    assert (compare.catalog(src_admin), compare.catalog(dst_admin)) == (before, copied)


def test_before_anything_was_there(repl, src_admin, dst_admin):
    before = compare.catalog(src_admin), compare.catalog(dst_admin)
    assert "nothing of repl is there" in repl.run("cleanup", "--yes", *SIDES).out
    assert (compare.catalog(src_admin), compare.catalog(dst_admin)) == before


def test_killed_in_between(repl, src, src_admin, dst_admin):
    """Capture is off by then: no engine and no init takes it for one that works, and cleanup goes on."""
    src.execute("create table t(id int primary key)")
    before = compare.catalog(src_admin)
    repl.init()
    repl.run("cleanup", "--yes", code=-9, env={"REPL_FAIL_AT": "cleanup.disarmed"})
    src.execute("insert into t values (1)")
    assert src_admin.execute("select count(*) from repl.d1_a").fetchone()[0] == 0
    for command in ("start", "init"):
        said = repl.run(command, code=1).all
        assert "did not come to its end" in said and "repl cleanup" in said
    repl.run("cleanup", "--yes")
    assert compare.catalog(src_admin) == before
    assert not [line for line in compare.catalog(dst_admin) if "repl" in line]


class Writers(Background):
    """Short transactions on all tables; remembers the slowest."""

    def __init__(self, uri, tables, n=4):
        self.uri, self.tables, self.n = uri, tables, n
        self.slowest, self.errors, self.count = 0, [], 0
        super().__init__()

    def lives(self):
        return [functools.partial(self.write, i) for i in range(self.n)]

    def write(self, i):
        try:
            with psycopg.connect(self.uri, autocommit=True) as c:
                while not self.stopping.is_set():
                    i = (i * 7 + 3) % self.tables
                    began = time.monotonic()
                    c.execute(f"update t{i} set v = v + 1 where id = 1")
                    self.slowest = max(self.slowest, time.monotonic() - began)
                    self.count += 1
        except psycopg.Error as e:
            self.errors.append(e)


def test_emergency(repl, src, source, src_admin, dst_admin):
    """A hundred busy tables, one of them locked for good, an engine at work: the application is free at once."""
    for i in range(100):
        src.execute(f"create table t{i}(id int primary key, v int); insert into t{i} values (1, 0)")
    before = compare.catalog(src_admin)
    repl.init()
    repl.start()
    repl.wait_phase("following")
    with source.connect(autocommit=False) as holder, Writers(source.uri, 100) as w:
        holder.execute("update t50 set v = v + 1")
        eventually(lambda: w.count > 200, what="the application is at work")
        w.slowest = 0
        began = time.monotonic()
        process = repl.start_in_background("cleanup", "--emergency")
        log = repl.folder / "background-cleanup.log"
        eventually(lambda: "capture is off" in log.read_text(), every=0.01, what="the application is free")
        free = time.monotonic() - began
        assert process.wait(60 * SLOWER) == 1
        took, said = time.monotonic() - began, log.read_text()
        assert free < 1 * SLOWER, f"capture was off after {free:.2f} s"
        assert "capture is off" in said.splitlines()[0] and "the engine has stopped" in said
        assert "public.t50" in said and "repl cleanup" in said
        left = {t for (t,) in src_admin.execute("select distinct tgrelid::regclass::text from pg_trigger "
                                                "where tgname like 'repl%'").fetchall()}
        assert left == {"t50"}, "only the one that is locked keeps its triggers"
        written = src_admin.execute("select (pg_stat_get_tuples_inserted(c.oid)) from pg_class c "
                                    "where relname like 'd5%_a' order by 1").fetchall()
        at = w.count
        eventually(lambda: w.count > at + 200, what="the application goes on")
        assert src_admin.execute("select (pg_stat_get_tuples_inserted(c.oid)) from pg_class c "
                                 "where relname like 'd5%_a' order by 1").fetchall() == written
        holder.rollback()
        assert not w.errors, w.errors
        assert w.slowest < 1.5 * SLOWER, f"a statement of the application waited for {w.slowest:.1f} s"
        assert took < 40 * SLOWER
    assert repl.wait_exit() == 0
    repl.run("cleanup", "--emergency")
    assert compare.catalog(src_admin) == before
    assert not [line for line in compare.catalog(dst_admin) if "repl" in line]


def by_hand():
    """What docs/cleanup.md gives to type where no repl is at hand."""
    page = (ROOT / "docs/cleanup.md").read_text(encoding="utf-8")
    return page[page.index("DO $$"):page.index("END $$;") + len("END $$;")]


def test_without_repl_at_hand(repl, src, source, src_admin):
    src.execute("create table t(id int primary key)")
    before = compare.catalog(src_admin)
    repl.init()
    with source.connect() as c:
        c.execute(by_hand())
    src.execute("insert into t values (1)")
    assert src_admin.execute("select count(*) from repl.d1_a").fetchone()[0] == 0
    assert "did not come to its end" in repl.run("start", code=1).all
    repl.run("cleanup", "--yes")
    assert compare.catalog(src_admin) == before


@pytest.mark.parametrize("way", ["--yes", "--emergency"])
def test_a_hundred_busy_tables(repl, src, source, src_admin, way):
    """Within seconds; with the URL alone, since the machine that knew is gone."""
    for i in range(100):
        src.execute(f"create table t{i}(id int primary key, v int); insert into t{i} values (1, 0)")
    before = compare.catalog(src_admin)
    repl.init()
    shutil.rmtree(repl.dir)
    with Writers(source.uri, 100) as w:
        eventually(lambda: w.count > 200, what="the application is at work")
        w.slowest = 0
        began = time.monotonic()
        repl.run("cleanup", way, "--source", "env:REPL_TEST_SOURCE")
        took = time.monotonic() - began
    assert took < 10 * SLOWER, f"{took:.1f} s"
    assert not w.errors and w.slowest < 1.5 * SLOWER
    assert compare.catalog(src_admin) == before
