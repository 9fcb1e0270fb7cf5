"""Batch or passes: a backlog arrives whatever the file of its table looks like, and catching up ends under a steady load."""
import signal

import pytest

from background import Load
from test_small import follow
from waiting import eventually, moment

BLOATED = """create table jobs (id serial primary key, p text) with (autovacuum_enabled = off);
    insert into jobs (p) select repeat('x', 1000) from generate_series(1, 30000);
    delete from jobs where id > 5; analyze jobs"""
WIDE = """create table wide (id int primary key, n int, v text); alter table wide alter v set storage external;
    insert into wide select g, 0, repeat(md5(g::text), 31) from generate_series(1, 4000) g; analyze wide"""


def counted(side, table):
    return side.execute(f"select count(*) from {table}").fetchone()[0]


def test_few_rows_of_a_bloated_table_are_few(repl, src, dst, equal):
    """At default settings: the file says that a row weighs megabytes."""
    src.execute(BLOATED)
    follow(repl)
    src.execute("insert into jobs (p) select 'job' from generate_series(1, 60)")
    eventually(lambda: counted(dst, "jobs") == 65, timeout=15, what="the rows arrive")
    repl.wait_phase("following")
    src.execute("insert into jobs (p) select 'job' from generate_series(1, 1000)")
    repl.kick(timeout=15)
    assert "large backlog" not in repl.run("log").all
    equal()


@pytest.mark.parametrize("limit", [8192, 100000])
def test_a_backlog_above_batch_bytes_met_while_it_follows(repl, src, equal, limit):
    src.execute(WIDE)
    follow(repl, batch_bytes=limit)
    src.execute("update wide set n = 1")
    repl.kick(timeout=30)
    eventually(lambda: repl.status()["consistent"], what="consistent")
    assert "large backlog" in repl.run("log").all
    equal()


def test_the_width_is_what_was_moved(repl, src, equal):
    """Statistics of a table that was never analyzed are none: its first copy tells, and then what is moved."""
    src.execute(WIDE.replace("analyze wide", "") + "; create table later (id int primary key, v text)")
    follow(repl, batch_bytes=1000000)
    src.execute("update wide set n = 1")
    repl.kick(timeout=30)
    assert repl.run("log").all.count("large backlog") == 1
    src.execute("insert into later select g, 'x' from generate_series(1, 400) g")
    repl.kick(timeout=30)
    src.execute("update later set v = repeat('x', 1000)")
    repl.kick(timeout=30)  # it was taken for a batch, and shows how wide the rows are now
    assert repl.run("log").all.count("large backlog") == 1
    src.execute("insert into later select g, repeat('x', 1000) from generate_series(1001, 6000) g")
    repl.kick(timeout=30)
    assert repl.run("log").all.count("large backlog") == 2
    equal()


@pytest.mark.parametrize("limit, rows", [(8192, 60), (1000000, 300)])
def test_catching_up_ends_under_a_steady_load(repl, source, src, equal, limit, rows):
    src.execute(BLOATED + ";" + WIDE)
    repl.init()
    repl.configure(batch_bytes=limit)
    sql = f"insert into jobs (p) select 'job' from generate_series(1, {rows}); update wide set n = n + 1 where id % 400 = 0"
    with Load(source, sql) as load:
        repl.start()
        repl.wait_phase("following", timeout=40)
        repl.stop()
        src.execute("update wide set n = n + 1")
        repl.start()
        repl.wait_phase("following", timeout=40)
        before = load.done
        eventually(lambda: load.done > before + 20, what="the load goes on")
        assert repl.status()["consistent"]
    repl.kick()
    equal()


def test_a_limit_that_every_batch_would_exceed(repl, source, src, equal):
    """The source writes more than a batch while a round of passes lasts: the limits widen, and the log says so."""
    src.execute("create table a (id serial primary key); create table b (id serial primary key)")
    follow(repl, batch_rows=1)
    with Load(source, "insert into a select; insert into a select; insert into b select; insert into b select", pause=0) as load:
        eventually(lambda: "times as large as batch_rows" in repl.run("log").all, what="it is said")
        repl.wait_phase("following", timeout=40)
        before = load.done
        eventually(lambda: load.done > before + 200, what="the load goes on")
        repl.wait_phase("following", timeout=40)
    repl.kick()
    equal()


def test_a_batch_that_overtakes_a_pass_ends_it(repl, src, dst, equal):
    """The limits are raised while a pass is under way: its goal does not stay behind, where a later pass would meet it."""
    src.execute("create table t (id int primary key, v int); insert into t select g, 0 from generate_series(1, 3000) g")
    follow(repl)
    repl.stop()
    repl.configure(batch_rows=500, step_rows=500)
    src.execute("update t set v = 1")
    repl.start(fail_at="apply.after_commit:2")
    repl.wait_exit()
    assert dst.execute("select count(*) from repl.relation where goal is not null").fetchone()[0] == 1
    repl.configure()
    repl.start()
    repl.kick()
    assert dst.execute("select count(*) from repl.relation where goal is not null").fetchone()[0] == 0
    repl.stop()
    repl.configure(batch_rows=500, step_rows=500)
    src.execute("update t set v = 2")
    repl.start()
    repl.kick()
    assert "another engine" not in repl.run("log").all
    equal()


@pytest.mark.slow
def test_an_engine_that_was_frozen_under_load(repl, source, src, equal):
    """75 s without the engine's process, of whose snapshot nothing could be vacuumed: it goes on by itself."""
    src.execute("create table tally (id int primary key, n bigint); insert into tally values (1, 0); create table jobs (id serial primary key, p text)")
    follow(repl)
    with Load(source, "update tally set n = n + 1; insert into jobs (p) values ('x')", pause=0.005) as load:
        eventually(lambda: load.done > 100, what="the load goes on")
        repl.engine.send_signal(signal.SIGSTOP)
        moment(75)
        repl.engine.send_signal(signal.SIGCONT)
        repl.kick(timeout=60)
        repl.wait_phase("following")
    repl.kick()
    equal()
