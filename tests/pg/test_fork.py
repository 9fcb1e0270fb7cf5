"""The first copy from a fork: the source is written to before, while and after the fork is made; wrong forks are refused."""
import pytest

from waiting import eventually

SMALL = {"chunk_min_bytes": "64kB", "chunk_max_bytes": "256kB"}
SLOWLY = ("--jobs", "1")
PAUSE = "chunk.before_commit:150"  # a chunk, so that what a test does in the middle is done in the middle


def table(c, name, rows=20000):
    c.execute(f"create table {name}(id int primary key, v text, code int unique);"
              f"insert into {name} select g, repeat(md5(g::text), 4), g from generate_series(1, {rows}) g")


def chunks(dst):
    return dst.execute("select count(*) from repl.chunk").fetchone()[0]


def origins(dst):
    return dict(dst.execute("select relname::text, origin from repl.relation").fetchall())


def reads(c, name):
    return c.execute("select seq_scan + coalesce(idx_scan, 0) + coalesce(seq_tup_read, 0) from pg_stat_user_tables "
                     "where relname = %s", (name,)).fetchone()[0]


@pytest.fixture
def forked(repl, source):
    """Tells repl where a fork is; gives the option for it."""
    def give(fork, name=None):
        repl.environment["REPL_TEST_FORK"] = fork.uri(name or source.name)
        return ("--copy-from", "env:REPL_TEST_FORK")
    return give


@pytest.fixture
def half_copied(repl, src, dst, make_fork, forked):
    """Tables of so many rows, of which some chunks have come from a fork, and more are coming; gives the fork."""
    def begin(**tables):
        for name, rows in tables.items():
            table(src, name, rows)
        repl.init()
        fork = make_fork()
        repl.init(*forked(fork))
        repl.configure(retry_max_ms=500, **SMALL)
        repl.start(*SLOWLY, pause_at=PAUSE)
        eventually(lambda: chunks(dst) > 3, what="some chunks are done")
        return fork
    return begin


def test_copied_from_a_fork(repl, src, dst, source, make_fork, forked, writers, equal):
    with writers(writers=3):
        for name in ("quiet", "big", "gone", "emptied"):
            table(src, name)
        src.execute("create table bare(n int); insert into bare select generate_series(1, 500)")
        repl.init()
        src.execute("update big set v = 'before', code = -code where id % 9 = 0; delete from gone where id % 5 = 0")
        src.execute("insert into bare values (0)")
        fork = make_fork()
        # What the fork does not know: values that change places, keys that move, deletes, truncations, another file.
        src.execute("update big set code = case id when 1 then 2 else 1 end + 1000000 where id in (1, 2)")
        src.execute("update big set code = 3 - id where id in (1, 2); update big set id = -id where id % 4 = 1")
        src.execute("delete from big where id % 11 = 0; delete from gone where id % 3 = 0")
        src.execute("insert into big select g, 'after', g from generate_series(100001, 101000) g")
        src.execute("truncate emptied; insert into emptied select g, 'again', -g from generate_series(1, 100) g")
        src.execute("vacuum full big")
        src.execute("delete from bare where n % 2 = 0")
        found = repl.run("check", "-v", *forked(fork)).all
        assert "it was made after capture: tables that are copied from it: 13" in found and "from the source: 0" in found
        said = repl.init(*forked(fork)).all
        assert "its rows" not in said, "every table comes from the fork"
        repl.configure(**SMALL)
        seen = reads(src, "quiet")
        repl.start(*SLOWLY, pause_at=PAUSE)
        eventually(lambda: chunks(dst) > 3, what="some chunks are done")
        assert f":{fork.port}/" in repl.status()["copy"]["from"]
        src.execute("update big set v = v || '!' where id % 7 = 0")
        src.execute("vacuum full gone")
        repl.kill()
        repl.start()
        repl.wait_phase("following", timeout=90)
        fork.stop()  # from here on nobody needs it
        assert repl.status()["copy"]["from"] is None
        src.execute("update quiet set v = 'last' where id = 1")
        assert reads(src, "quiet") <= seen + 2
    repl.kick()
    equal()
    assert "may be destroyed" in repl.run("log").out
    assert set(origins(dst).values()) == {"fork"}
    repl.stop()
    src.execute("create table later(id int primary key); insert into later values (1)")
    repl.init()  # does not ask for the fork any more
    repl.start()
    repl.kick()
    equal()


def test_what_the_fork_cannot_give_comes_from_the_source(repl, src, dst, make_fork, forked, equal):
    for name in ("kept", "altered", "indexed"):
        table(src, name, 2000)
    src.execute("create unlogged table volatile(id int primary key); insert into volatile values (1), (2)")
    src.execute("create table parted(id int primary key) partition by range (id);"
                "create unlogged table parted_1 partition of parted for values from (0) to (10);"
                "create table parted_2 partition of parted for values from (10) to (20); insert into parted values (1), (11)")
    repl.init()
    fork = make_fork()
    table(src, "made", 2000)
    src.execute("alter table altered add more int default 7; create unique index on indexed(v)")
    dst.execute("alter table altered add more int default 7")
    said = repl.init(*forked(fork)).all
    for text in ("made after the fork", "altered after the fork", "unlogged tables"):
        assert text in said
    assert {k for k, v in origins(dst).items() if v == "fork"} == {"kept"}
    repl.start()
    repl.kick()
    assert equal() == 8004


def test_check_measures_the_fork(repl, src, source, make_fork, forked):
    """The rate of the copy is that of the fork, which is read; the source is not, and the fork's limits are looked at."""
    table(src, "big", 60000)
    repl.init()
    fork = make_fork()
    seen = reads(src, "big")
    report = repl.run("check", "--json", *forked(fork)).json()
    assert reads(src, "big") <= seen + 2  # the statistics of its making may come late
    assert report["estimate"]["rows_from"] == "fork" and report["estimate"]["source"]["bytes_per_second"] > 0
    assert report["estimate"]["copy_seconds"] > 0
    with fork.admin() as c:
        c.execute(f'alter database "{source.name}" connection limit 3')
    report = repl.run("check", "--json", "--no-probe", *forked(fork), code=1).json()
    short = [f for f in report["findings"] if f["side"] == "fork" and f["level"] == "blocker"]
    assert [f["topic"] for f in short] == ["connections"] and "--jobs 2" in short[0]["hint"]


def test_check_waits_for_no_partition(repl, src, source, make_fork, forked):
    """What a fork has of a partitioned table is told without the locks of its partitions."""
    src.execute("create table p (id int primary key, v text) partition by range (id);"
                "create table p_low partition of p for values from (0) to (1000); insert into p select g, 'v' from generate_series(1, 99) g")
    repl.init()
    fork = make_fork()
    with source.connect(autocommit=False) as c:
        c.execute("lock table p_low in access exclusive mode")
        report = repl.run("check", "--json", "--no-probe", *forked(fork)).json()
        assert report["summary"]["passes"], report
        assert "lock" not in str([f for f in report["findings"] if f["level"] != "ok"]), report
        assert "copied from it: 1" in str(report["findings"]), report


def test_wrong_forks_are_refused(repl, src, dst, source, target, make_fork, forked):
    table(src, "t", 100)
    table(src, "later", 100)

    def refused(option, *texts):
        before = origins(dst)
        for command in ("check", "init"):
            result = repl.run(command, *option, code=1)
            assert all(text in result.all for text in texts), result
            assert fork.password not in result.all
        assert origins(dst) == before

    fork = make_fork()  # before init
    result = repl.init(*forked(fork), code=1)
    assert "made before capture was installed" in result.all
    assert src.execute("select to_regnamespace('repl')").fetchone()[0] is None, "it was refused and yet installed"
    repl.init("--exclude", "later")
    refused(forked(fork), "made before capture was installed", "make a new fork")
    refused(("--copy-from", source.uri), "this is the source itself")
    refused(("--copy-from", target.uri), "no fork of the source")

    fork = make_fork()  # before capture of one table
    repl.run("init", "--exclude", "nothing*")
    refused(forked(fork), "public.later", "made before this table was captured")

    fork = make_fork()  # somebody writes to it
    with fork.connect(source.name) as c:
        c.execute("update t set v = 'stray' where id = 5")
    refused(forked(fork), "public.t", "somebody wrote to it")

    follower = make_fork(follow=True)
    refused(("--copy-from", follower.uri(source.name)), "a follower", "unfollow")

    repl.run("cleanup", "--yes")  # another sync
    fork.stop()
    repl.init("--overwrite", "--target", "env:REPL_TEST_TARGET")
    follower.stop()
    fork.start()
    refused(forked(fork), "another sync")


def test_a_failover_of_the_source_makes_the_fork_worthless(repl, src, source, make_fork, forked, dst):
    """The fork may hold transactions that the server which took over never received."""
    table(src, "t", 100)
    repl.init()
    fork, standby = make_fork(), make_fork()
    repl.environment["REPL_TEST_SOURCE"] = standby.uri(source.name)
    result = repl.run("init", *forked(fork), code=1)
    assert "failed over" in result.all and "make a new fork" in result.all
    repl.run("init")
    again = make_fork()
    result = repl.run("init", *forked(again), code=1)
    assert "failed over" in result.all


def test_writes_to_the_fork_while_it_is_copied_are_noticed(repl, source, half_copied):
    fork = half_copied(t=20000, u=100)
    with fork.connect(source.name) as c:
        c.execute("truncate u")
    repl.wait_phase("failed")
    error = repl.status()["errors"][0]
    assert "somebody wrote to it" in error["message"] and error["table"] == "public.u"
    assert "repl init --overwrite" in error["hint"]


def alter(*sides):
    """Rewrites the values without a delta; as the documents say, the source first."""
    for c in sides:
        c.execute("alter table t alter v type varchar(200) using upper(v)")


def test_altered_on_both_sides_while_the_fork_is_copied(repl, src, dst, half_copied, equal):
    """Chunks behind the ALTER bring values of before it: no such table passes for copied."""
    half_copied(t=20000, u=5000)
    alter(src, dst)
    def waits():
        errors = [e for e in repl.status()["errors"] if e["table"] == "public.t"]
        return errors and "altered on the source" in errors[0]["message"] and "repl init" in errors[0]["hint"]
    eventually(waits, what="the table waits, with its reason")
    eventually(lambda: dst.execute("select copied from repl.relation where relname = 'u'").fetchone()[0],
               what="the other table is copied")
    for _ in range(2):  # a start says the same
        assert waits() and not dst.execute("select copied from repl.relation where relname = 't'").fetchone()[0]
        repl.stop()
        repl.start()
        eventually(waits, what="the table waits still")
    repl.stop()
    said = repl.run("init").all
    assert "altered after the fork" in said
    assert origins(dst) == {"t": "source", "u": "fork"}
    repl.start()
    repl.kick()
    assert equal() == 25000


def test_altered_when_its_rows_are_here(repl, src, dst, make_fork, forked, equal):
    """Then the target's ALTER has changed all of them."""
    table(src, "t")
    table(src, "u", 5000)
    repl.init()
    fork = make_fork()
    repl.init(*forked(fork))
    repl.configure(**SMALL)
    repl.start(*SLOWLY, pause_at=PAUSE)
    eventually(lambda: dst.execute("select copied from repl.relation where relname = 't'").fetchone()[0],
               what="the larger table is copied")
    alter(src, dst)
    repl.kick()
    assert origins(dst) == {"t": "fork", "u": "fork"}
    assert equal() == 25000


def test_killed_in_the_copy_from_a_fork(repl, src, dst, make_fork, forked, equal):
    """Before, in and behind the commit of a chunk, and at the end of the copy: no row is lost or doubled."""
    table(src, "t", 12000)
    repl.init()
    src.execute("update t set v = 'before' where id % 10 = 0")
    fork = make_fork()
    src.execute("update t set v = 'after' where id % 7 = 0")
    repl.init(*forked(fork))
    repl.configure(**SMALL)
    for point in ("chunk.copied:2", "chunk.before_commit:2", "chunk.after_commit:2", "chunk.after_commit:3"):
        repl.start(*SLOWLY, fail_at=point, wait=False)
        assert repl.wait_exit() == -9
        assert origins(dst) == {"t": "fork"}
    assert chunks(dst) > 3 and not dst.execute("select copied from repl.relation").fetchone()[0]
    repl.start()
    repl.wait_phase("following")
    assert dst.execute("select sum(rows) from repl.chunk").fetchone()[0] == 12000 - 1200
    repl.kick()
    assert equal() == 12000


def test_the_fork_is_lost_in_the_middle(repl, src, dst, half_copied, equal):
    fork = half_copied(t=40000)
    fork.crash()
    eventually(lambda: any("fork" in e["message"] or "connect" in e["message"] for e in repl.status()["errors"]),
               what="the engine says that the fork is gone")
    assert fork.password not in repl.run("log").all
    fork.start()
    before = chunks(dst)
    eventually(lambda: chunks(dst) > before, what="it goes on")
    repl.stop()
    fork.stop()
    (repl.dir / "state.db").unlink()
    result = repl.init(code=1)
    assert "being copied from a fork" in result.all and "--copy-from" in result.all
    said = repl.init("--copy-from", "source").all
    assert "starts over, from the source" in said
    src.execute("update t set v = 'now' where id % 3 = 0")
    repl.start()
    repl.kick()
    assert equal() == 40000
