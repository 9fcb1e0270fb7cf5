"""An error belongs to a table, however the server names what it was writing to: that table is in trouble, the others go on."""
import pytest

from test_drift import reach
from waiting import eventually

SCHEMA = ("create table part(id int, at int, v int, primary key (id, at)) partition by range (at);"
          "create table part_1 partition of part for values from (0) to (10);"
          "create table part_2 partition of part for values from (10) to (20);"
          "create table other(id int primary key, v text);"
          "insert into part select g, g % 20, 1 from generate_series(1, 100) g; insert into other values (1, 'a')")


def start(repl, src, schema=SCHEMA):
    src.execute(schema)
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.kick()


def error_of(repl, name):
    return next(t["error"] for t in repl.status()["tables"] if t["name"] == name)


@pytest.mark.parametrize("ddl, undo", [
    ("alter table part_1 add constraint c check (v < 1000)", "alter table part_1 drop constraint c"),
    ("create unique index u on part_1((v % 7)) where v >= 1000", "drop index u"),
])
def test_of_a_partition(repl, src, dst, equal, ddl, undo):
    """The server names the leaf; the table is put aside and shown in trouble, and a row of another table comes."""
    start(repl, src)
    dst.execute(ddl)
    src.execute("update part set v = 1000 where at < 10")
    reach(repl, "part", "failed")
    assert "part_1" in error_of(repl, "part")
    src.execute("insert into other values (2, 'b')")
    repl.run("kick", "--wait", code=3)
    assert dst.execute("select count(*) from other").fetchone()[0] == 2
    repl.wait_phase("following")
    assert [e["table"] for e in repl.status()["errors"]] == ["public.part"]
    dst.execute(undo)
    repl.run("kick")
    reach(repl, "part", "following")
    repl.kick()
    equal()


def test_during_the_copy(repl, src, dst, equal):
    """The same while rows are copied: the other tables arrive, and the copy ends when the partition takes its rows."""
    src.execute(SCHEMA)
    repl.init()
    dst.execute("alter table part_1 add constraint c check (v <> 1)")
    repl.start()
    reach(repl, "part", "failed")
    reach(repl, "other", "copied")
    assert "part_1" in error_of(repl, "part")
    dst.execute("alter table part_1 drop constraint c")
    repl.run("kick")
    repl.wait_phase("following")
    repl.kick()
    equal()


def test_names_that_read_alike(repl, src, dst, equal):
    """"a.b"."c" and "a"."b.c" are two tables, though both are written a.b.c."""
    start(repl, src, 'create schema a; create schema "a.b"; create table "a.b".c(id int primary key, v int);'
                     'create table a."b.c"(id int primary key, v int); create table other(id int primary key)')
    dst.execute('alter table a."b.c" add constraint c check (v < 10)')
    src.execute('insert into a."b.c" values (1, 10); insert into "a.b".c values (1, 10)')
    reach(repl, "b.c", "failed")
    repl.run("kick", "--wait", code=3)
    assert dst.execute('select count(*) from "a.b".c').fetchone()[0] == 1
    phases = {(t["schema"], t["name"]): t["phase"] for t in repl.status()["tables"]}
    assert phases[("a", "b.c")] == "failed" and phases[("a.b", "c")] == "following"
    dst.execute('alter table a."b.c" drop constraint c')
    repl.run("kick")
    reach(repl, "b.c", "following")
    repl.kick()
    equal()


def test_a_trigger_that_fails_elsewhere(repl, src, dst):
    """What fails is a merge of part; the server names the table that a trigger of the target writes to, and that one is well."""
    start(repl, src)
    dst.execute("alter table other add constraint c check (id < 1000);"
                "create function copy_it() returns trigger language plpgsql as "
                "$$ begin insert into other values (new.id + 1000, 'x'); return new; end $$;"
                "create trigger t before insert on part_1 for each row execute function copy_it();"
                "alter table part_1 enable always trigger t")
    src.execute("insert into part values (5000, 5, 1)")
    reach(repl, "part", "failed")
    src.execute("insert into other values (3, 'c')")
    repl.run("kick", "--wait", code=3)
    assert dst.execute("select count(*) from other").fetchone()[0] == 2


def test_the_hint_goes_by_what_happened_not_by_words(repl, src, dst):
    """A constraint may be called anything; a row that fits no partition says so without any text being read."""
    start(repl, src)
    dst.execute('alter table part add constraint "no partition of relation" check (v < 1000)')
    src.execute("update part set v = 1000 where at < 10")
    reach(repl, "part", "failed")
    hint = repl.status()["errors"][0]["hint"]
    assert "create the partition" not in hint, hint
    dst.execute('alter table part drop constraint "no partition of relation"; alter table part detach partition part_2')
    src.execute("update part set v = 2 where at >= 10")
    repl.run("kick")
    reach(repl, "part", "failed", "drifted")
    others_go_on_with(src, dst)


def others_go_on_with(src, dst):
    src.execute("insert into other values (77, 'z')")
    eventually(lambda: dst.execute("select count(*) from other where id = 77").fetchone()[0], what="another table's row comes")
