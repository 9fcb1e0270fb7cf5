"""The way back beside the road: what is restored, what is refused, what is cleaned up."""
import re
import shutil
import signal

import psycopg
import pytest

import compare
from fallback import HINDRANCES, swap_chapters, without_repl

AUDITED = "select count(*) from audit where what = 'UPDATE acc'"


def test_what_would_fire_or_stand_in_the_way_is_as_it_was(repl, following_back, src, dst, same_back):
    """While the changes come back nothing fires at the old source; when it takes writes again everything does."""
    following_back()
    before = without_repl(compare.catalog(src))
    repl.run("cutover", "--fallback", "--yes")
    audited = src.execute(AUDITED).fetchone()[0]
    off = dict(src.execute("select kind, count(*) from repl_back.silenced where off group by 1").fetchall())
    assert off == {"trigger": 4, "rule": 1, "deferred": 2, "dropped": 5}
    dst.execute("update acc set bal = bal + 1 where id < 10")
    swap_chapters(dst, 1, 2)
    dst.execute("update measure set at = at + 50, v = v + 1 where id between 80 and 89; truncate measure_2")
    dst.execute("delete from remark where page = 7; delete from page where id = 7")
    repl.kick()
    same_back()
    assert audited + 9 == src.execute(AUDITED).fetchone()[0], "what fired there came over, once"
    repl.run("cutover", "--back", "--yes")
    assert before == without_repl(compare.catalog(src))
    assert src.execute("select obj_description(oid, 'pg_constraint') from pg_constraint where conname = 'strict'"
                       ).fetchone() == ("a page has a chapter",)
    src.execute("update acc set bal = bal + 1 where id < 10")
    assert audited + 18 == src.execute(AUDITED).fetchone()[0]
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        src.execute("delete from chapter where id = 1")


def test_what_comes_back_is_verified_and_steered(repl, following_back, dst, src, same_back):
    following_back()
    repl.run("cutover", "--fallback", "--yes")
    status = repl.status()
    assert status["direction"] == "back" and "cutover --back" in status["next"]
    assert "direction back" in repl.run("status").out
    assert "all tables come together" in repl.run("pause", "public.acc", code=1).err
    repl.run("pause")
    dst.execute("update acc set bal = bal + 1")
    assert "paused" in repl.run("cutover", "--back", "--yes", code=3).err
    repl.run("resume")
    repl.wait_phase("following")
    repl.kick()
    assert repl.run("verify").code == 0
    for refuse in (("--yes",), ("--abort",)):
        assert "cutover --back" in repl.run("cutover", *refuse, code=1).err
    repl.stop()
    assert repl.status()["direction"] == "back"
    assert "cutover --back" in repl.run("init", code=1).err
    assert "cutover --back" in repl.run("add", "public.acc", code=1).err
    repl.start()
    repl.wait_phase("following")
    assert "been made already" in repl.run("cutover", "--fallback", "--yes").out
    off = src.execute("select * from repl_back.silenced order by 1, 2, 3").fetchall()
    out = repl.run("cutover", "--back", "--dry-run").out
    assert "restoring foreign keys and triggers would take" in out and re.search(r"expected pause: .*, turn [0-9.]+\)", out)
    assert "nothing was changed; next: repl cutover --back" in out
    assert off == src.execute("select * from repl_back.silenced order by 1, 2, 3").fetchall()
    repl.run("cutover", "--back", "--yes")
    assert "been made already" in repl.run("cutover", "--back", "--yes").out
    assert "--fallback" in repl.run("cutover", "--yes", code=1).err
    assert "no fence stood" in repl.run("cutover", "--abort").out
    dst.execute("select 1 from acc")
    assert dst.execute("select count(*) from pg_namespace where nspname = 'repl_back'").fetchone() == (0,)
    repl.run("cutover", "--yes")
    assert "--abort" in repl.run("cutover", "--fallback", "--yes", code=1).err


def test_the_state_directory_is_lost_on_the_way_back(repl, following_back, src, dst, same_back):
    following_back()
    repl.run("cutover", "--fallback", "--yes")
    repl.kill()
    shutil.rmtree(repl.dir)
    dst.execute("update acc set bal = bal + 1")
    assert "continued" in repl.init().out
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    same_back()
    repl.run("cutover", "--back", "--yes")
    src.execute("update acc set bal = bal + 1")
    repl.kick()
    same_back()


def test_a_large_backlog_comes_back_as_one_batch(repl, following_back, dst, src, same_back):
    following_back()
    repl.configure(batch_rows=100)
    repl.run("cutover", "--fallback", "--yes")
    repl.stop()
    dst.execute("truncate note; insert into note select g, 'x' from generate_series(1, 3000) g; update item set v = v + 1; "
                "insert into remark select g, null, null, nullif(g - 1, 399) from generate_series(400, 900) g order by g")
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    same_back()


def test_exec_that_fails_leaves_a_way(repl, following_back, src, dst):
    following_back()
    r = repl.run("cutover", "--fallback", "--yes", "--exec", "exit 7", code=1)
    assert "exit code 7" in r.err and "cutover --back" in r.err
    dst.execute("update acc set bal = bal + 1 where id = 1")
    repl.wait_phase("following")
    repl.run("cutover", "--back", "--yes", "--exec", "test -n \"$REPL_TARGET_URL\"")
    assert src.execute("select bal from acc where id = 1").fetchone() == (101,)


def test_tables_of_other_roles(repl, following_back, src, dst, source, target, same_back):
    """The source's role must be a member of their owners; the target's too, which is said before anything is done."""
    with source.admin() as a, target.admin() as b:
        a.execute("create role keeper nologin; grant keeper to app")
        b.execute("create role holder nologin")
        try:
            following_back()
            for table in ("page", "measure", "measure_1"):
                a.execute(f"alter table {table} owner to keeper")
            b.execute("grant all on measure_2 to rds; alter table measure_2 owner to holder")
            before, copied = without_repl(compare.catalog(src)), compare.catalog(dst)
            for option in ("--dry-run", "--yes"):
                r = repl.run("cutover", "--fallback", option, code=1)
                assert "public.measure_2 on the target: the table is holder's" in r.err and "GRANT holder TO rds" in r.err
            assert compare.catalog(dst) == copied, "nothing was begun"
            b.execute("grant holder to rds")
            repl.run("cutover", "--fallback", "--yes")
            dst.execute("update page set text = 'of a page', chapter = 3 where id < 9; update measure set at = at + 60, v = 7 where id > 90; "
                        "delete from remark where page = 11; delete from measure where page = 11; delete from page where id = 11")
            repl.kick()
            same_back()
            repl.run("cutover", "--back", "--yes")
            assert before == without_repl(compare.catalog(src))
            src.execute("update measure set v = 8")
            repl.kick()
            same_back()
            b.execute("alter table measure_2 owner to rds")
        finally:
            repl.kill()
            a.execute("reassign owned by keeper to app; drop owned by keeper; drop role keeper")
            b.execute("reassign owned by holder to rds; drop owned by holder; drop role holder")


@pytest.mark.parametrize("way", ["prepared", "there", "back"])
def test_cleanup_leaves_no_trace(repl, writers, src, dst, source, target, way):
    src.execute(HINDRANCES)
    before = compare.catalog(src)
    repl.init()
    repl.start()
    repl.wait_phase("following")
    copied = without_repl(compare.catalog(dst))
    if way == "prepared":
        repl.run("cutover", "--fallback", "--yes", env={"REPL_FAIL_AT": "cutover.prepared"}, code=-signal.SIGKILL)
    else:
        repl.run("cutover", "--fallback", "--yes")
    if way == "back":
        repl.run("cutover", "--back", "--yes")
    repl.stop()
    listed = repl.run("cleanup", "--dry-run").out
    assert "repl_back" in listed
    if way == "there":
        assert "--reopen-source" in repl.run("cleanup", "--yes", code=2).err
    repl.run("cleanup", "--yes", *["--reopen-source"] * (way == "there"))
    assert compare.catalog(src) == before
    assert compare.catalog(dst) == copied
    for side in (src, dst):
        side.execute("update acc set bal = bal where id = 1")
