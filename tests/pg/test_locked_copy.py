"""What somebody has locked on the target while tables are copied, indexes built, or a backlog is caught up: that table alone
waits, what waits says for whom, and goes on by itself when the lock is gone."""
import pytest

from locks import OTHERS, are_copied, holder, is_brought, is_said, leave_behind, make_tables, never_bare, said, table
from waiting import eventually


@pytest.fixture(autouse=True)
def tables(src):
    make_tables(src)


@pytest.fixture
def taken(target):
    return holder(target)


def test_the_first_copy(repl, taken, equal):
    """The table that is locked waits, and the others are copied."""
    repl.init()
    with taken("lock table held in access exclusive mode") as c, taken("lock table part_high in share mode") as d:
        repl.start()
        are_copied(repl, *OTHERS)
        is_said(repl, c, side="target")
        assert is_said(repl, d, table="public.part", side="target")["message"].startswith("public.part_high is locked")
        assert repl.phase() == "copying" and table(repl, "held")["error"] and table(repl, "part")["error"]
    repl.wait_phase("following")
    repl.kick()
    equal()
    assert not repl.status()["errors"]
    never_bare(repl)


def test_a_copy_that_starts_over(repl, src, taken, equal):
    """What is there of the table is emptied first, which waits for whoever reads it."""
    src.execute("insert into held (v, n) select repeat(md5(g::text), 100), g from generate_series(1, 3000) g")
    repl.init()
    repl.configure(chunk_min_bytes=8192, chunk_max_bytes=100000)
    repl.start("--jobs", "2", "--max-rate", "1MB")
    eventually(lambda: (table(repl, "held") or {"rows_copied": 0})["rows_copied"] > 0, what="some rows of it are there")
    with taken("select count(*) from held") as c:
        src.execute("vacuum full held")
        is_said(repl, c, side="target", how="is in use (a TRUNCATE waits)")
        repl.run("set", "--max-rate", "unlimited")
        are_copied(repl, *OTHERS, "part")
        assert repl.phase() == "copying" and said(repl, c, side="target", how="is in use (a TRUNCATE waits)")
    repl.wait_phase("following")
    repl.kick()
    equal()
    never_bare(repl)


def test_a_backlog(repl, src, dst, taken, equal):
    """Table by table the others go on."""
    leave_behind(repl, src)
    with taken("select from held where id = 7 for update") as c:
        repl.start()
        is_said(repl, c, side="target", how="has rows locked")
        is_brought(dst)
        assert said(repl, c, side="target", how="has rows locked")
    repl.wait_phase("following")
    repl.kick()
    equal()
    assert not repl.status()["errors"]
    never_bare(repl)


def test_init_empties_a_table(repl, dst, taken):
    """It gives up soon, and says who reads it."""
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.stop()
    repl.run("cleanup", "--yes")
    with taken("select count(*) from held") as c:
        said_to = repl.init("--overwrite", code=1).all
        assert f"on the target by pid {c.info.backend_pid} (" in said_to and f"pg_terminate_backend({c.info.backend_pid})" in said_to
    repl.init("--overwrite")
    assert dst.execute("select count(*) from held").fetchone() == (0,)


def test_indexes(repl, src, dst, taken, equal):
    """A build waits for whoever wrote to its table, and says so; it begins by itself when he is gone."""
    src.execute("create index held_n on held (n)")
    repl.init()
    with taken("lock table held in row exclusive mode") as c:
        repl.start()
        is_said(repl, c, side="target")
        assert repl.phase() == "indexing"
        assert repl.status()["step"]["running"][0]["phase"] == "waits for a lock", repl.status()["step"]
    repl.wait_phase("following")
    assert dst.execute("select count(*) from pg_indexes where tablename = 'held'").fetchone() == (2,)
    repl.kick()
    equal()
    assert not repl.status()["errors"]
    assert "the lock is gone; it goes on" in repl.run("log").out
    never_bare(repl)
