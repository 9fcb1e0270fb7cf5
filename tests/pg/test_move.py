"""One live database moves, end to end: init, start, follow, stop, cleanup."""
import pathlib
import re

import pytest

import compare

HERE = pathlib.Path(__file__).parent
OWN = re.compile(r"\brepl[._]|schema repl\b")


def everything(src):
    src.execute((HERE / "everything.sql").read_text(encoding="utf-8"))


def edit(src):
    for statement in (HERE / "edits.sql").read_text(encoding="utf-8").split(";\n"):
        if statement.strip():
            src.execute(statement)


def foreign(lines):
    """What is not repl's own."""
    return {line for line in lines if not OWN.search(line)}


def test_everything_moves(repl, src, dst, src_admin, dst_admin, equal):
    everything(src)
    before = foreign(compare.catalog(src_admin))
    # Versions describe the same table differently (18 has rows for NOT NULL); then only the rows are compared.
    same_major = src.info.server_version // 10000 == dst.info.server_version // 10000
    init = repl.init()
    assert "start" in init.all, "init does not say what to type next"
    repl.start()
    repl.wait_phase("following")
    assert equal() > 5000
    assert not same_major or foreign(compare.catalog(dst_admin)) == before, "the schema did not come over"
    assert not dst.execute("select relname from pg_class where relkind = 'r' and relnamespace = 'shop'::regnamespace "
                           "and reltuples < 0").fetchall(), "tables that were not analyzed"
    for view in ("shop.spending_now", "shop.count_now"):
        assert src.execute(f"select * from {view} order by 1").fetchall() == \
            dst.execute(f"select * from {view} order by 1").fetchall()
    edit(src)
    repl.kick()
    equal()
    # The user's own trigger did not fire on the target: the audit table is equal too, and so it stays.
    edit_again = "update shop.product set price = price + 1"
    src.execute(edit_again)
    repl.kick()
    equal()
    repl.stop()
    repl.run("cleanup", "--yes")
    equal()
    assert compare.catalog(src_admin) == before
    assert not same_major or compare.catalog(dst_admin) == before


def test_rows_come_after_the_engine_was_down(repl, src, equal):
    everything(src)
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.stop()
    edit(src)
    repl.start()
    repl.kick()
    equal()


def test_kick_copies_with_no_engine(repl, src, equal):
    """Everything works with one-shot commands alone."""
    everything(src)
    repl.init()
    repl.kick()
    equal()
    edit(src)
    repl.kick()
    equal()


def test_selected_tables(repl, src, dst):
    everything(src)
    repl.init("--tables", "shop.by_*,shop.only_key", "--exclude", "shop.by_enum")
    repl.kick()
    names = {t["name"] for t in repl.status()["tables"]}
    assert names == {"by_uuid", "by_text", "by_numeric", "by_time", "by_unique", "only_key"}
    edit(src)
    repl.kick()
    count = "select count(*) from shop."
    for name in sorted(names):
        assert dst.execute(count + name).fetchone() == src.execute(count + name).fetchone(), name
    for name in ("by_enum", "customer", "product"):
        assert dst.execute(count + name).fetchone()[0] == 0, f"{name} was not selected"


def test_other_schema_name(repl, src, dst, equal):
    everything(src)
    repl.init("--schema", "my sync")
    repl.kick()
    edit(src)
    repl.kick()
    own = ("my sync",)
    equal(own=own)
    assert not src.execute("select from pg_namespace where nspname = 'repl'").fetchall()
    repl.run("cleanup", "--yes")
    for c in (src, dst):
        assert not c.execute("select from pg_namespace where nspname = 'my sync'").fetchall()


def test_a_new_table_is_added_by_init(repl, src, dst, equal):
    src.execute("create table old(id int primary key); insert into old select generate_series(1, 10)")
    repl.init()
    repl.kick()
    for c in (src, dst):
        c.execute("create table added(id int primary key, v text)")
    src.execute("insert into added select g, 'v' from generate_series(1, 100) g")
    repl.init()
    repl.kick()
    src.execute("update added set v = 'w' where id < 50; delete from old where id = 1")
    repl.kick()
    assert equal() == 109


@pytest.mark.parametrize("jobs", ["1", "8"])
def test_jobs(repl, src, equal, jobs):
    everything(src)
    repl.init("--jobs", jobs)
    repl.kick()
    equal()
