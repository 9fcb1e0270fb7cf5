"""A target that was restored by other means from a fork: its rows are taken, what changed since is brought."""
import os
import subprocess

import psycopg
import pytest

import compare


def table(c, name, rows=2000):
    c.execute(f"create table {name}(id int primary key, v text, code int unique);"
              f"insert into {name} select g, repeat(md5(g::text), 4), g from generate_series(1, {rows}) g")


@pytest.fixture
def restore(source, target):
    """pg_dump of one database into the target, as its role would do it."""
    def run(fork, *options, errors=False):
        def tool(name):
            return os.path.join(fork.bin, name)
        dump = subprocess.run([tool("pg_dump"), "-Fc", "-O", "-x", *options, fork.uri(source.name)], check=True,
                              capture_output=True)
        done = subprocess.run([tool("pg_restore"), "-O", "-x", "-d", target.uri], input=dump.stdout, check=False,
                              capture_output=True)
        assert errors or done.returncode == 0, done.stderr.decode()
    return run


def test_a_seed_is_taken(repl, src, dst, make_fork, restore, writers, equal):
    with writers(writers=3):
        for name in ("big", "gone", "emptied"):
            table(src, name)
        src.execute("create table bare(n int); insert into bare select generate_series(1, 500)")
        src.execute("create unlogged table volatile(id int primary key); insert into volatile values (1), (2)")
        said = repl.init("--seeded").all
        assert "make a fork" in said and "init --seeded" in said
        repl.run("init", "--seeded")  # nobody restored it yet
        assert "repl init" in repl.run("start", code=1).all
        assert dst.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone()[0] == 0
        src.execute("update big set v = 'before' where id % 9 = 0; delete from gone where id % 5 = 0")
        fork = make_fork()
        src.execute("update big set code = case id when 1 then 2 else 1 end + 1000000 where id in (1, 2)")
        src.execute("update big set code = 3 - id where id in (1, 2); update big set id = -id where id % 4 = 1")
        src.execute("delete from gone where id % 3 = 0; insert into volatile values (3)")
        src.execute("truncate emptied; insert into emptied select g, 'again', -g from generate_series(1, 100) g")
        src.execute("vacuum full big")
        src.execute("delete from bare where n % 2 = 0; create table made(id int primary key); insert into made values (1)")
        restore(fork)
        fork.stop()
        refused = repl.run("init", code=1).all
        assert "--seeded" in refused and "came along" in refused
        repl.run("init", "--seeded", code=None, env={"REPL_FAIL_AT": "seed.before_swap"})
        assert dst.execute("select to_regclass('repl.position')").fetchone()[0] is None
        said = repl.run("init", "--seeded").all
        assert "public.volatile" in said and "copied from the source" in said
        left = dst.execute("select count(*) from pg_trigger where tgname like 'repl%'").fetchone()[0]
        assert left == 0, "repl's triggers are still on the target's tables"
        origins = dict(dst.execute("select relname::text, origin from repl.relation").fetchall())
        assert {origins.pop("volatile"), origins.pop("made")} == {"source"}
        assert origins["big"] == origins["bare"] == origins["emptied"] == "seed"
        repl.run("init", "--seeded")  # again: nothing more to take
        repl.start()
        repl.wait_phase("following", timeout=90)
        assert dst.execute("select count(*) from repl.chunk c join repl.relation r on r.id = c.relation "
                           "where r.origin = 'seed'").fetchone()[0] == 0
        src.execute("update big set v = 'last' where id = 2")
    repl.kick()
    equal(with_sequences=False)
    for name in ("ticket", "child_id_seq"):  # a fork's stands a little further on: PostgreSQL logs numbers ahead
        values = [c.execute("select pg_sequence_last_value(%s::regclass)", (name,)).fetchone()[0] for c in (src, dst)]
        assert values[0] <= values[1] <= values[0] + 3 * 33, f"{name}: {values}"


def clean(target):
    with psycopg.connect(target.uri, autocommit=True) as c:
        c.execute("drop owned by current_user cascade")


@pytest.fixture
def refused(repl):
    def check(*texts):
        for command in ("check", "init"):
            result = repl.run(command, "--seeded", "--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET",
                              code=1)
            assert all(text in result.all for text in texts), result
    return check


def test_wrong_seeds_are_refused(repl, src, source, target, make_fork, restore, refused):
    table(src, "t", 100)
    table(src, "later", 100)
    fork = make_fork()  # before init
    restore(fork)
    refused("copied before capture was installed on the source", "an empty target")
    clean(target)

    repl.init("--exclude", "later")
    fork = make_fork()  # before capture of one table
    clean(target)
    restore(fork)
    with source.connect() as c:  # as an init for all tables would
        assert c.execute("select count(*) from repl.relation").fetchone()[0] == 1
    repl.environment["REPL_TEST_TARGET"], kept = target.cluster.uri("postgres"), target.uri
    repl.run("cleanup", "--yes", "--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET")
    repl.environment["REPL_TEST_TARGET"] = kept
    refused("made before capture was installed on the source")  # nothing is there any more
    with source.connect() as c:
        assert c.execute("select to_regnamespace('repl')").fetchone()[0] is None


def test_a_seed_from_before_one_table_was_captured(repl, src, dst, target, make_fork, restore, refused, equal):
    table(src, "t", 100)
    table(src, "later", 100)
    repl.init("--exclude", "later")
    fork = make_fork()
    repl.run("init", "--exclude", "nothing*")
    clean(target)
    restore(fork)
    refused("public.later", "before this table was captured", "TRUNCATE")
    dst.execute("truncate later")
    src.execute("update later set v = 'x' where id < 5; update t set v = 'y' where id < 5")
    repl.run("init", "--seeded")
    repl.start()
    repl.kick()
    assert equal() == 200


def test_a_seed_from_a_fork_that_was_written_to(repl, src, source, target, make_fork, restore, refused):
    table(src, "t", 100)
    repl.init()
    fork = make_fork()
    with fork.connect(source.name) as c:
        c.execute("delete from t where id = 7")
    clean(target)
    restore(fork)
    refused("public.t", "somebody wrote to it")


def test_the_proof_may_come_later(repl, src, dst, target, make_fork, restore, refused, equal):
    table(src, "t", 100)
    repl.init()
    fork = make_fork()
    src.execute("update t set v = 'after' where id > 90")
    clean(target)
    restore(fork, "-N", "repl", errors=True)  # the triggers' functions are not there
    refused("did not come along")
    restore(fork, "-n", "repl")
    repl.run("init", "--seeded")
    repl.start()
    repl.kick()
    assert equal() == 100


def test_cleanup_takes_what_came_with_the_rows(repl, src, dst, target, make_fork, restore):
    table(src, "t", 100)
    before = compare.catalog(src)
    repl.init()
    fork = make_fork()
    clean(target)
    restore(fork)
    assert dst.execute("select count(*) from pg_trigger where tgname like 'repl%'").fetchone()[0] > 0
    listed = repl.run("cleanup", "--dry-run").out
    assert "target: trigger repl_insert on public.t" in listed
    repl.run("cleanup", "--yes")
    assert compare.catalog(src) == before and compare.catalog(dst) == before
    repl.run("cleanup", "--yes", "--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET")
    dst.execute("update t set v = 'free'")
    assert dst.execute("select count(*) from t").fetchone()[0] == 100
