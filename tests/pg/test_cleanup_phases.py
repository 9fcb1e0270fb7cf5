"""cleanup in every phase, with the state lost, interrupted, and by hand."""
import shutil

import psycopg
import pytest

import compare
from fallback import HINDRANCES, without_repl
from program import ROOT
from test_copy import SMALL, big, chunks
from waiting import eventually

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
    repl.run("cleanup", "--yes", *how, *["--reopen-source"] * (phase in ("cut_over", "fallback")))
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
        assert "cleanup that did not end" in said and "repl cleanup" in said
    repl.run("cleanup", "--yes")
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
    assert "cleanup that did not end" in repl.run("start", code=1).all
    repl.run("cleanup", "--yes")
    assert compare.catalog(src_admin) == before
