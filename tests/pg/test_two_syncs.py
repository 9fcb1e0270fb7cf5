"""Two applications of repl: two syncs from one source, into one target or two, in a chain; and two engines for one sync."""
import pytest

import compare
from program import Repl
from waiting import eventually

TABLES = "create table a(id int primary key, v text); create table b(id serial primary key, a int references a); create table keyless(v int);" \
         "create table p(id int primary key, v text) partition by range (id); create table p1 partition of p for values from (0) to (100000);" \
         "insert into a select g, 'v' from generate_series(1, 200) g; insert into b(a) select id from a; insert into keyless values (1), (1)"


def change(c, n):
    c.execute(f"update a set v = v || '{n}' where id % 3 = 0; insert into a values ({1000 + n}, 'new'); insert into b(a) values ({1000 + n});"
              f"delete from b where id = {n}; insert into p select {n} * 1000 + g, 'p' from generate_series(1, 20) g; delete from p1 where id % 1000 = 7;"
              f"insert into keyless values ({n})")


def same(source, target, **options):
    with source.admin() as a, target.admin() as b:
        return compare.compare_all(a, b, own=("repl", "second"), **options)


def traces(c, schema):
    """What a sync of that name left in a database."""
    return c.execute("select nspname::text from pg_namespace where nspname = %s union all select tgname::text from pg_trigger "
                     "where not tgisinternal and tgname like %s", (schema, schema + "\\_%")).fetchall()


@pytest.fixture
def another(tmp_path):
    """Another state directory, as another person's would be."""
    made = []

    def make(source, target):
        folder = tmp_path / f"another{len(made)}"
        folder.mkdir()
        made.append(Repl(folder, source.uri, target.uri))
        return made[-1]
    yield make
    for program in made:
        program.close()


def begin(program, *options):
    program.init(*options)
    program.start()
    program.wait_phase("following")


def test_from_one_source(repl, another, sides, source, target, src):
    """Each has triggers, deltas and a position of its own; neither sees, copies or removes what the other made."""
    src.execute(TABLES)
    _, elsewhere = sides()
    second = another(source, elsewhere)
    begin(repl)
    change(src, 1)
    begin(second, "--schema", "second")
    assert {t["name"] for t in second.status()["tables"]} == {"a", "b", "keyless", "p"}
    for side, program, foreign in ((target, repl, "second"), (elsewhere, second, "repl")):
        program.kick()
        assert same(source, side) > 400
        with side.connect() as c:
            assert not traces(c, foreign)
    repl.run("stop")
    repl.wait_exit()
    change(src, 2)
    src.execute("truncate keyless, p1")
    second.kick()
    same(source, elsewhere)
    second.kill()
    change(src, 3)
    repl.start()
    second.start()
    for program, side in ((repl, target), (second, elsewhere)):
        program.kick()
        same(source, side)
        program.run("verify")
    assert "second" not in repl.run("cutover", "--dry-run", code=None).all
    repl.stop()
    repl.init()  # again, as for new tables: it finds nothing of the other's
    assert len(repl.status()["tables"]) == 4
    repl.run("cleanup", "--yes")
    assert not traces(src, "repl") and len(traces(src, "second")) > 10
    change(src, 4)
    second.kick()
    same(source, elsewhere)
    second.stop()
    second.run("cleanup", "--yes")
    assert not traces(src, "second")


def test_into_one_target(repl, another, source, target, src, dst):
    """Each moves its own tables of one database to one database."""
    src.execute(TABLES)
    second = another(source, target)
    begin(repl, "--tables", "a,b")
    begin(second, "--schema", "second", "--tables", "keyless,p")
    assert [{t["name"] for t in p.status()["tables"]} for p in (repl, second)] == [{"a", "b"}, {"keyless", "p"}]
    for n in (1, 2):
        change(src, n)
        for program in (repl, second):
            program.kick()
        assert same(source, target) > 400
    repl.stop()
    repl.run("cleanup", "--yes")
    assert not traces(dst, "repl") and traces(dst, "second")
    change(src, 3)
    second.kick()
    with source.admin() as a, target.admin() as b:
        compare.compare_all(a, b, only=[("public", "p"), ("public", "keyless")], with_sequences=False)


def test_in_a_chain(repl, another, sides, source, target, src, dst):
    """What the first one writes to its target is a change like any other to the second, which reads there."""
    src.execute(TABLES)
    begin(repl)
    _, last = sides()
    second = another(target, last)
    begin(second, "--schema", "second")
    assert {t["name"] for t in second.status()["tables"]} == {"a", "b", "keyless", "p"}
    for n in (1, 2, 3):
        change(src, n)
        repl.kick()
        second.kick()
        same(source, target)
        assert same(target, last) > 400
    src.execute("truncate p; truncate keyless; insert into p values (1, 'x')")
    eventually(lambda: dst.execute("select count(*) from p").fetchone()[0] == 1, what="it came to the first target")
    second.kick()
    same(source, last)
    with last.connect() as c:
        assert not traces(c, "repl")
    for program in (repl, second):
        program.stop()
        program.run("cleanup", "--yes")
    for c in (src, dst):
        assert not traces(c, "repl") and not traces(c, "second")


def test_one_sync_has_one_engine(repl, another, source, target, src):
    """From one directory, and from two: the second is refused, says why, and harms nothing."""
    src.execute(TABLES)
    other = another(source, target)
    repl.init()
    other.init()
    repl.start()
    repl.wait_phase("following")
    assert str(repl.engine.pid) in repl.run("start", code=1).all
    assert "another engine" in other.init(code=1).all
    assert "another engine" in other.run("start", code=1, timeout=60).all
    change(src, 1)
    repl.kick()
    assert same(source, target) > 400
    repl.kill()
    other.start()
    other.wait_phase("following")
    assert "another engine" in repl.run("start", code=1, timeout=60).all
    change(src, 2)
    other.kick()
    same(source, target)


def test_what_another_sync_makes_changes_nothing(repl, src, dst, equal):
    """The tables that it makes and drops in a schema of its own on the target, for each large batch: both sides look the same
    to this one, which reads nothing again and can cut over."""
    src.execute(TABLES)
    repl.init()
    repl.configure(survey_ms=200)
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    opened = repl.engine_tail(10**6).count("looking at what changed")
    dst.execute("create schema second; comment on schema second is 'made by repl, removed by repl cleanup'")
    for n in range(5):
        dst.execute("create table second.stage_1 (id int primary key)")
        src.execute(f"insert into a values ({5000 + n}, 'x')")
        repl.kick()
        dst.execute("drop table second.stage_1")
        repl.kick()
    assert repl.engine_tail(10**6).count("looking at what changed") == opened
    dst.execute("create table second.stage_1 (id int primary key)")
    assert repl.run("cutover", "--yes", timeout=60).code == 0
