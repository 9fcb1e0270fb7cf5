"""cleanup under an application that writes to a hundred tables, and in an emergency."""
import functools
import shutil
import time

import psycopg
import pytest

import compare
from background import Background
from waiting import SLOWER, eventually


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
