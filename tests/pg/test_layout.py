"""An installation that repl 0.1 made: refused on either side with what to do, and taken away by this version's cleanup."""
import pathlib
import subprocess

import pytest

HERE = pathlib.Path(__file__).parent
TABLES = "create table t(id int primary key, v text); create table keyless(v int)"
WHERE = ("--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET")


def restore(side, name):
    with open(HERE / f"layout_5_{name}.sql", encoding="utf-8") as f:
        subprocess.run(["psql", "-qX", "-v", "ON_ERROR_STOP=1", side.uri], stdin=f, stdout=subprocess.DEVNULL, check=True)


def says_what_to_do(text, side):
    assert f"schema repl on the {side} was made by another version of repl (layout 5, this one needs " in text, text
    assert "finish that move with the repl that made it; or repl cleanup" in text, text


@pytest.mark.parametrize("sides_of", [("source", "target"), ("source",), ("target",)])
def test_refused(repl, src, dst, source, target, equal, sides_of):
    src.execute(TABLES)
    if sides_of != ("source", "target"):
        repl.init()  # of this version, and one side of it is then replaced
        (src if "source" in sides_of else dst).execute("drop schema repl cascade")
    elif "target" in sides_of:
        dst.execute(TABLES)
    for name in sides_of:
        restore(source if name == "source" else target, name)
    says_what_to_do(repl.run("check", *WHERE, "--no-probe", code=1).out.replace("\n", " "), sides_of[0])
    refused = repl.run("init", *WHERE, code=1)
    says_what_to_do(refused.all, sides_of[0])
    if sides_of != ("source", "target"):
        for command in (("start",), ("kick",), ("verify",), ("cutover", "--yes"), ("add", "t")):
            says_what_to_do(repl.run(*command, code=1).err, sides_of[0])
        assert "layout 5" in repl.run("status").out
    listed = repl.run("cleanup", *WHERE, "--dry-run").out
    assert "source: schema repl with everything in it" in listed and "target: schema repl with everything in it" in listed
    repl.run("cleanup", *WHERE, "--yes")
    for c in (src, dst):
        assert c.execute("select count(*) from pg_namespace where nspname = 'repl'").fetchone() == (0,)
        assert c.execute("select count(*) from pg_trigger where tgname like 'repl%'").fetchone() == (0,)
    src.execute("insert into t values (1, 'x')")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    equal()
