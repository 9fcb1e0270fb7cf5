"""What the application has locked for long: only the table that it has waits, what waits says for whom, and all comes by
itself when the lock is gone."""
import pytest

from background import Load
from locks import OTHERS, are_copied, holder, is_brought, is_said, leave_behind, make_tables, never_bare, said, table
from waiting import eventually


@pytest.fixture
def tables(src):
    make_tables(src)


@pytest.fixture
def held(source, tables):
    return holder(source)


def test_before_the_first_copy(repl, src, held, equal):
    """The table cannot be cut; the others are copied, also those that share a transaction with a locked partition."""
    repl.init()
    with held("truncate held restart identity") as c, held("lock table part_high in access exclusive mode") as d:
        repl.start()
        are_copied(repl, *OTHERS)
        is_said(repl, c)
        assert is_said(repl, d, table="public.part")["message"].startswith("public.part_high is locked")
        assert repl.phase() == "copying" and table(repl, "held")["error"] and table(repl, "part")["error"]
        assert f"pg_terminate_backend({c.info.backend_pid})" in repl.status()["next"] or f"pg_terminate_backend({d.info.backend_pid})" in repl.status()["next"]
        text = repl.run("status").out
        assert f"pg_terminate_backend({c.info.backend_pid})" in text and "public.held" in text, text
    repl.wait_phase("following")
    assert repl.engine_tail(10**6).count("warn  public.held: the table is locked") == 1, "said once"
    repl.kick()
    equal()
    assert not repl.status()["errors"]
    never_bare(repl)


def test_while_it_is_copied(repl, src, held, equal):
    """Between two chunks somebody takes the table away; the rest of it comes when he has let it go, or anew where he
    truncated it."""
    src.execute("insert into held (v, n) select repeat(md5(g::text), 100), g from generate_series(1, 3000) g")
    repl.init()
    repl.configure(chunk_min_bytes=8192, chunk_max_bytes=100000)
    repl.start("--jobs", "2", "--max-rate", "1MB")
    eventually(lambda: (table(repl, "held") or {"rows_copied": 0})["rows_copied"] > 0, what="some rows of it are there")
    with held("lock table held in access exclusive mode") as c:
        is_said(repl, c)
        repl.run("set", "--max-rate", "unlimited")
        are_copied(repl, *OTHERS, "part")
        assert table(repl, "held")["rows_copied"] < 3400 and repl.phase() == "copying" and said(repl, c)
        c.execute("truncate held")
        c.execute("insert into held (v, n) values ('anew', 1)")
        c.commit()
    repl.wait_phase("following")
    equal()
    never_bare(repl)


def test_an_engine_starts_while_it_follows(repl, src, dst, held, equal):
    """What nobody changed needs no lock: the opening, batches of the others and the comparison of the catalogs go on."""
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    with held("truncate held restart identity", "lock table part_low in access exclusive mode", "alter sequence held_id_seq cache 2"):
        repl.kill()
        repl.start()
        repl.wait_phase("following")
        src.execute("update calm set v = 'meanwhile'")
        behind = repl.run("kick", "--wait", code=3).err
        assert "on the target, but for public.held_id_seq: the sequence is locked on the source by pid " in behind, behind
        assert "is locked on the source" in repl.status()["errors"][0]["message"] and repl.status()["errors"][0]["table"] == "public.held_id_seq"
        assert dst.execute("select distinct v from calm").fetchall() == [("meanwhile",)]
        for c in (dst, src):
            c.execute("alter table quiet add w int default 7")
        src.execute("update quiet set w = 8")
        repl.run("kick", "--wait", code=3)
        assert dst.execute("select distinct w from quiet").fetchall() == [(8,)]
        repl.wait_phase("following")
    src.execute("insert into held (n) values (1)")
    repl.kick()
    equal()
    never_bare(repl)


def test_a_batch_that_wants_its_rows(repl, src, dst, held, equal):
    """A batch is all of a snapshot or nothing, so everything waits, and says for whom."""
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    repl.kill()
    src.execute("update held set n = n + 1; update calm set v = 'behind'")
    with held("lock table held in access exclusive mode") as c:
        repl.start()
        is_said(repl, c)
        assert dst.execute("select distinct v from calm").fetchall() == [("v",)], "no part of a snapshot"
        assert repl.phase() == "catching_up"
        c.execute("select 1")
    repl.wait_phase("following")
    equal()
    assert not repl.status()["errors"]
    never_bare(repl)


def test_a_long_migration(repl, src, dst, held, equal):
    """It alters a table and writes to it, and is not through: nothing of that is owed yet, and the others' batches go on."""
    repl.init()
    repl.start()
    repl.wait_phase("following")
    with held("update held set n = n + 1", "alter table held add w int", "update held set w = 1 where id < 3") as c:
        for n in range(5):
            src.execute(f"update calm set v = '{n}'; update part set v = '{n}' where id % 20 = 0")
            eventually(lambda: dst.execute("select distinct v from calm").fetchall() == [(str(n),)], what="the others' changes arrive")
        assert repl.phase() == "following" and not repl.status()["errors"]
        dst.execute("alter table held add w int")
        c.commit()
    repl.kick()
    equal()
    never_bare(repl)


def test_a_backlog(repl, src, dst, held, equal):
    """Table by table the others go on."""
    leave_behind(repl, src)
    with held("lock table held in access exclusive mode") as c:
        repl.start()
        is_said(repl, c)
        is_brought(dst)
        assert said(repl, c) and dst.execute("select count(*) from held where n > 400").fetchone()[0] == 0
    repl.wait_phase("following")
    equal()
    assert not repl.status()["errors"]
    never_bare(repl)


def test_what_is_made_after_the_rows(repl, src, dst, held, equal):
    """Definitions and sizes are asked of the source without its tables' locks."""
    src.execute("insert into held (v, n) select repeat(md5(g::text), 100), g from generate_series(1, 6000) g;"
                "create index held_n on held (n); create index part_v on part (v);"
                "create table child (id int primary key, held int references held); create materialized view seen as select count(*) from held")
    repl.init()
    repl.start(fail_at="unit.index")
    repl.wait_exit()
    with held("lock table held, part_low in access exclusive mode") as c:
        repl.start()
        repl.wait_phase("following")
        assert not repl.status()["errors"] and c.execute("select 1").fetchone() == (1,)
    indexes = "select indexname, indexdef from pg_indexes where schemaname = 'public' order by 1"
    assert dst.execute(indexes).fetchall() == src.execute(indexes).fetchall()
    repl.kick()
    equal()
    never_bare(repl)


def test_check(held, check):
    """Sizes are what statistics say, everything else is asked without the table."""
    with held("truncate held restart identity", "lock table part_low in access exclusive mode"):
        report = check()
        assert report.summary["passes"], report.findings
        assert "lock" not in str([f for f in report.findings if f["level"] != "ok"]), report.findings
        assert report.of("sizes", level="ok")


def test_init(repl, src, held, equal):
    """pg_dump and the triggers need the table: init waits for it, and says who has it."""
    with held("truncate held") as c:
        process = repl.start_in_background("init", "--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET")
        log = repl.folder / "background-init.log"
        eventually(lambda: f"public.held: the table is locked on the source by pid {c.info.backend_pid} (" in log.read_text(encoding="utf-8"),
                   what="init names who has it")
        assert process.poll() is None
    assert process.wait(60) == 0, log.read_text(encoding="utf-8")
    repl.start()
    repl.wait_phase("following")
    equal()


def test_a_table_joins_while_another_is_locked(repl, source, src, dst, equal):
    """A look that waits for the lock meets a table that was captured since the catalogs were read: the engine reads them again."""
    src.execute("create table held (id int primary key, n int); insert into held select g, 0 from generate_series(1, 10) g")
    repl.init()
    repl.configure(lock_timeout_ms=1000)
    repl.start()
    repl.wait_phase("following")
    for side in (src, dst):
        side.execute("create table joins (id serial primary key, n int)")
    with source.connect() as other, Load(source, "insert into joins (n) values (1)") as writer:
        other.execute("begin; lock table held in access exclusive mode; update held set n = 1")
        src.execute("begin; insert into joins (n) values (1); commit")
        added = repl.start_in_background("add", "public.joins")
        eventually(lambda: src.execute("select 1 from repl.relation where relname = 'joins' and installed_at is not null").fetchone(), what="it is captured")
        before = writer.done
        eventually(lambda: writer.done > before + 50, what="it is written to, and captured")
        other.execute("commit")
        assert added.wait(30) == 0, repl.engine_tail()
    assert repl.engine.poll() is None, repl.engine_tail()
    repl.kick()
    repl.wait_phase("following")
    equal()
