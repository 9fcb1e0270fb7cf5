"""What somebody has locked on the target for long: what waits says for whom, nothing of a batch is there before the whole of
it is, and all goes on by itself when the lock is gone."""
import pytest

from locks import holder, is_said, make_tables, never_bare, said, table
from waiting import eventually


@pytest.fixture(autouse=True)
def tables(src):
    make_tables(src)


@pytest.fixture
def taken(target):
    return holder(target)


@pytest.fixture
def follows(repl):
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.kick()


def comes(dst, query, row, what):
    eventually(lambda: dst.execute(query).fetchone() == row, what=what)


@pytest.mark.parametrize("how, statement", [
    ("is locked", "lock table held in access exclusive mode"),
    ("has rows locked", "select from held where id = 7 for update"),
])
def test_a_batch(repl, src, dst, taken, follows, equal, how, statement):
    """All waits, nothing of it is there, and it comes when the lock is gone."""
    with taken(statement) as c:
        src.execute("update calm set v = 'behind'; update held set n = n + 1 where id in (3, 7, 11)")
        error = is_said(repl, c, side="target", how=how)
        assert error["table"] == "public.held", error
        assert table(repl, "held")["error"] and f"pg_terminate_backend({c.info.backend_pid})" in repl.status()["next"]
        assert f"public.held: the table {how} on the target by pid {c.info.backend_pid} (" in repl.run("log").out
        assert dst.execute("select count(*) from calm where v = 'behind'").fetchone() == (0,), "no part of a snapshot"
        src.execute("update quiet set v = 'behind, too'")
        assert repl.phase() == "following" and said(repl, c, side="target", how=how)
    comes(dst, "select count(*) from quiet where v = 'behind, too'", (100,), "what was committed meanwhile")
    equal()
    eventually(lambda: not repl.status()["errors"], what="nobody is waited for")
    assert "public.held: the lock is gone; it goes on" in repl.run("log").out
    assert repl.engine_tail(10**6).count("warn  public.held: the table") == 1, "said once"
    never_bare(repl)


def test_a_truncate_and_a_reader(repl, src, dst, target, taken, follows, equal):
    """It wants the table for itself, and lets other readers pass meanwhile."""
    with taken("select count(*) from held") as c:
        src.execute("truncate held; insert into held (v, n) values ('anew', 1)")
        is_said(repl, c, side="target", how="is in use (a TRUNCATE waits)")
        for _ in range(3):
            with target.connect() as reader:
                reader.execute("set statement_timeout = '20s'")
                assert reader.execute("select count(*) from held").fetchone() == (400,)
    comes(dst, "select count(*) from held", (1,), "it was truncated")
    equal()
    never_bare(repl)


def test_stopped_while_a_batch_waits(repl, src, dst, taken, follows, equal):
    with taken("lock table held in access exclusive mode") as c:
        src.execute("update held set n = n + 1; update calm set v = 'behind'")
        is_said(repl, c, side="target")
        repl.stop()
        repl.start()
        is_said(repl, c, side="target")
        assert dst.execute("select count(*) from calm where v = 'behind'").fetchone() == (0,)
    comes(dst, "select count(*) from calm where v = 'behind'", (100,), "the batch")
    equal()


def test_one_sync_without_an_engine(repl, src, taken, equal):
    """It says who is in the way, and has an end."""
    repl.init()
    repl.kick()
    with taken("lock table held in access exclusive mode") as c:
        src.execute("update held set n = n + 1")
        said_to = repl.run("kick", "--wait", "--timeout", "6", code=3).all
        assert f"is locked on the target by pid {c.info.backend_pid} (" in said_to
        assert f"SELECT pg_terminate_backend({c.info.backend_pid})" in said_to
    repl.kick()
    equal()
