"""Tables that leave the sync, and tables that have only half joined it."""
from waiting import eventually


def test_a_dropped_table_leaves(repl, src, dst, equal):
    """By itself, also where changes of it were owed: its capture goes, its rows stay, and the rest goes on."""
    src.execute("create table t(id int primary key); create table u(id int primary key);"
                "insert into t values (1); insert into u values (1)")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    src.execute("begin; delete from u; drop table u; commit; insert into t values (2)")
    eventually(lambda: len(repl.status()["tables"]) == 1, what="the engine notices")
    repl.kick()
    assert "public.u was dropped on the source" in repl.run("log").out
    assert dst.execute("select count(*) from u").fetchone()[0] == 1
    assert dst.execute("select count(*) from t").fetchone()[0] == 2
    assert [t["name"] for t in repl.status()["tables"]] == ["t"]
    assert src.execute("select count(*) from pg_tables where schemaname = 'repl' and tablename like 'd%'").fetchone()[0] == 2
    eventually(lambda: not repl.status()["errors"], what="status forgets what is over")


def test_a_first_init_that_was_killed_is_asked_for_again(repl, src):
    src.execute("create table t(id int primary key)")
    repl.init(code=-9, env={"REPL_FAIL_AT": "init.captured"})
    assert "repl init" in repl.run("start", code=1).all


def test_an_init_that_was_killed_is_told_of(repl, src, dst):
    """A table that is captured and not yet part of the sync is not passed over without a word, and the others go on."""
    src.execute("create table t(id int primary key)")
    repl.init()
    repl.kick()
    src.execute("create table u(id int primary key)")
    repl.init(code=-9, env={"REPL_FAIL_AT": "init.captured"})
    src.execute("insert into u values (1)")
    repl.start()
    repl.wait_phase("following")
    assert [(e["table"], e["hint"]) for e in repl.status()["errors"]] == [("public.u", "repl add public.u")]
    src.execute("insert into t values (1)")
    repl.kick()
    assert dst.execute("select count(*) from t").fetchone()[0] == 1
    repl.run("add", "u")
    eventually(lambda: dst.execute("select count(*) from u").fetchone()[0] == 1, what="it has joined")
    repl.kick()
    assert not repl.status()["errors"]


def test_killed_while_a_table_adds_itself(repl, src, dst, equal):
    src.execute("create table t(id int primary key)")
    repl.init("--auto-add")
    repl.configure(survey_ms=200)
    repl.start(fail_at="init.captured")
    repl.wait_phase("following")
    for side in (src, dst):
        side.execute("create table u(id int primary key)")
    src.execute("insert into u values (1)")
    assert repl.wait_exit() == -9
    repl.start()
    eventually(lambda: [t["phase"] for t in repl.status()["tables"]] == ["following"] * 2, what="it has joined")
    repl.kick()
    equal()
    assert not repl.status()["errors"]


def test_init_from_elsewhere_waits_for_no_engine(repl, src, dst, tmp_path, equal):
    """An engine at work keeps an init from another state directory out, which could empty tables under its copy."""
    src.execute("create table t(id int primary key); insert into t select generate_series(1, 100)")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    before = repl.dir
    repl.dir = tmp_path / "other"
    refused = repl.init("--overwrite", code=1)
    repl.dir = before
    assert "another engine" in refused.all and "pg_terminate_backend" in refused.all
    repl.kick()
    equal()
