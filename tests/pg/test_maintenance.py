"""Maintenance that works on a table for hours: autovacuum gives way to repl's locks, and what does not give way is named and
waited for while other tables go on. The application's writers never wait for it."""
import contextlib

import pytest

from background import Background
from waiting import eventually

SLOW = "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_threshold = 0, " \
       "autovacuum_vacuum_scale_factor = 0, autovacuum_analyze_threshold = 1000000000"


class Writer(Background):
    """Small transactions on one table. A lock that it would have to wait for longer than repl may hold it up is an error."""

    def __init__(self, side, table):
        super().__init__()
        self.side, self.table, self.committed = side, table, 0

    def live(self):
        with self.side.connect() as c:
            c.execute("set lock_timeout = '5s'")
            while not self.stopping.is_set():
                c.execute(f"update {self.table} set n = n + 1 where id = 1")
                self.committed += 1


@pytest.fixture
def vacuumed(source, source_cluster):
    """vacuumed(table): an autovacuum worker is at work on it, for minutes unless it is canceled. Gives how many were."""
    source_cluster.configure(autovacuum_naptime=1)

    def begin(table):
        with source_cluster.admin(source.name) as c:
            c.execute(f"alter table {table} set ({SLOW})")
            c.execute(f"delete from {table} where id % 2 = 0 and id > 1")
            eventually(lambda: c.execute("select count(*) from pg_stat_progress_vacuum p join pg_stat_activity a using (pid) "
                                         "where a.backend_type = 'autovacuum worker' and p.relid = %s::regclass", (table,)).fetchone()[0],
                       timeout=60, every=0.1, what=f"autovacuum is at {table}")

        def canceled():
            with open(source_cluster.log, encoding="utf-8", errors="replace") as f:
                return sum("canceling autovacuum task" in line for line in f)
        before = canceled()
        return lambda: canceled() - before
    yield begin
    source_cluster.configure(autovacuum_naptime=None)
    with source_cluster.admin(source.name) as c:
        c.execute("select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'autovacuum worker'")


def fill(src, *tables):
    for table in tables:
        src.execute(f"create table {table} (id int primary key, n int, v text) with (autovacuum_enabled = on); "
                    f"insert into {table} select g, 0, repeat('x', 500) from generate_series(1, 4000) g")


def triggers(c, table):
    return c.execute("select count(*) from pg_trigger where tgrelid = %s::regclass and tgname like 'repl%%'", (table,)).fetchone()[0]


def test_autovacuum_gives_way_to_capture_and_to_cleanup(repl, src, source, vacuumed, equal):
    fill(src, "big")
    canceled = vacuumed("big")
    with Writer(source, "big") as writer:
        repl.init("--lock-wait", "60")
        assert canceled() == 1
        repl.start()
        repl.wait_phase("following")
        repl.stop()
        src.execute("insert into big select g, 0, repeat('x', 500) from generate_series(10000, 14000) g")
        canceled = vacuumed("big")
        repl.run("cleanup", "--yes", "--lock-wait", "60")
        assert canceled() == 1
        assert triggers(src, "big") == 0
        assert writer.committed > 0


def test_autovacuum_gives_way_to_a_table_that_joins_and_to_a_partition(repl, src, dst, vacuumed, equal):
    src.execute("create table part (id int primary key, n int, v text) partition by range (id); "
                "create table part_low partition of part for values from (100000) to (200000)")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    fill(src, "later", "part_high")
    canceled = vacuumed("later")
    repl.run("add", "later")
    assert canceled() == 1
    dst.execute("create table if not exists part_high (like later including all); "
                "alter table part attach partition part_high for values from (0) to (100000)")
    canceled = vacuumed("part_high")
    src.execute("alter table part attach partition part_high for values from (0) to (100000)")
    repl.kick()
    eventually(lambda: triggers(src, "part_high") == 4, what="its TRUNCATE is captured")
    repl.kick()
    equal()


@contextlib.contextmanager
def slow_vacuum(side, table):
    """VACUUM as a person types it, which gives way to nobody."""
    class Vacuum(Background):
        def live(self):
            with side.connect() as c:
                c.execute("set vacuum_cost_delay = 100; set vacuum_cost_limit = 1")
                with contextlib.suppress(Exception):
                    c.execute(f"vacuum {table}")
    with side.connect() as c, Vacuum():
        eventually(lambda: c.execute("select count(*) from pg_stat_progress_vacuum where relid = %s::regclass", (table,)).fetchone()[0],
                   what="VACUUM is at work")
        try:
            yield
        finally:
            c.execute("select pg_cancel_backend(pid) from pg_stat_progress_vacuum")


def test_what_does_not_give_way_is_named_and_waited_for(repl, src, source, equal):
    fill(src, "big", "zebra")
    with Writer(source, "big"):
        with slow_vacuum(source, "big"):
            r = repl.init("--lock-wait", "1", code=1)
            assert "public.big" in r.err and "VACUUM, " in r.err and " %" in r.err, r
            assert triggers(src, "zebra") == 4, "the other table went on"
            again = repl.start_in_background("init")
            log = repl.folder / "background-init.log"
            eventually(lambda: "public.big is locked by pid" in log.read_text() and "VACUUM, " in log.read_text(),
                       what="the wait is said")
            assert again.poll() is None
        assert again.wait(60) == 0, log.read_text()
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    equal()
