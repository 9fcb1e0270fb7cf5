"""A foreign table as a partition: its rows are another server's, which repl neither reads nor writes; and statistics that
cannot be gathered."""
import pytest

from test_small import follow
from waiting import eventually

MIXED = """create table mixed (id int, k int, v text) partition by list (k); create table m1 partition of mixed for values in (1);
    create foreign table m2 partition of mixed for values in (2) server far options (table_name 'm2');
    create table m3 partition of mixed for values in (3, 4) partition by list (k);
    create table m3a partition of m3 (primary key (id)) for values in (3); create table m3b partition of m3 for values in (4);
    create table plain (id int primary key, v text)"""


@pytest.fixture
def far(sides, source, target, src_admin, dst_admin, src):
    """A third database, reached from both sides, that counts what is done to its rows."""
    third, _ = sides()
    with third.connect() as c:
        c.execute("""create table m2 (id int, k int, v text); insert into m2 select g, 2, 'far' from generate_series(1, 100) g;
            create table done (what text, at int); create function note() returns trigger language plpgsql as $$
            begin insert into done select tg_op, txid_current(); return null; end $$;
            create trigger note after insert or update or delete on m2 for each row execute function note();
            create trigger note_all after truncate on m2 for each statement execute function note()""")
    for admin, role in ((src_admin, "app"), (dst_admin, "rds")):
        admin.execute(f"create extension postgres_fdw; grant usage on foreign data wrapper postgres_fdw to {role}")
    with third.connect() as c:
        where = c.info
        src.execute(f"create server far foreign data wrapper postgres_fdw options (host '{where.host}', port '{where.port}', dbname '{where.dbname}')")
    return third


def mapping(c, far):
    c.execute(f"create user mapping for current_user server far options (user 'app', password '{far.cluster.password}')")


def rows(c, *tables):
    return [c.execute(f"select t::text from only {t} t order by 1").fetchall() for t in tables]


def same(src, dst):
    tables = ("m1", "m3a", "m3b", "plain")
    assert rows(src, *tables) == rows(dst, *tables)


def test_its_rows_are_left_alone(repl, src, dst, far):
    mapping(src, far)
    src.execute(MIXED)
    src.execute("insert into mixed select g, 1 + g % 4, 'v' from generate_series(1, 400) g where g % 4 <> 1; insert into plain values (1, 'v')")
    repl.init()
    mapping(dst, far)
    with far.connect() as c:
        c.execute("truncate done")
    repl.start()
    repl.wait_phase("following")
    src.execute("update mixed set v = 'changed' where id < 40 and k <> 2; insert into mixed values (1000, 1, 'new'), (1001, 3, 'new'), (1002, 4, 'new')")
    src.execute("delete from m3a where id = 2; update mixed set k = 4 where id = 1000; update mixed set k = 1 where id = 1001; update plain set v = 'x'")
    repl.kick()
    same(src, dst)
    assert dst.execute("select count(*) from only m1").fetchone()[0] > 90
    src.execute("truncate m3b")
    repl.kick()
    same(src, dst)
    verified = repl.run("verify", "--json", timeout=60).json()
    assert verified["result"] == "equal", verified
    with far.connect() as c:
        assert c.execute("select count(*) from done").fetchone()[0] == 0
    assert not repl.status()["errors"]
    both = repl.run("check", "--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET", code=None, at=False).all
    assert both.count("partitions of its table that are foreign tables are not replicated: m2") <= 1
    repl.run("cutover", "--fallback", "--yes")
    dst.execute("insert into m1 values (2000, 1, 'back'); delete from m3a where id = 6")
    repl.kick()
    same(src, dst)
    with far.connect() as c:
        assert c.execute("select count(*) from done").fetchone()[0] == 0


def test_one_comes_to_a_table_that_is_replicated(repl, src, dst, far):
    """It leaves the sync, and its other partitions can be added; nothing goes to the far server."""
    mapping(src, far)
    src.execute("""create table mixed (id int, k int, v text) partition by list (k); create table m1 partition of mixed for values in (1);
        create table plain (id int primary key, v text); insert into mixed values (1, 1, 'v')""")
    follow(repl, survey_ms=200)
    mapping(dst, far)
    attach = "create foreign table m2 partition of mixed for values in (2) server far"
    dst.execute(attach)
    src.execute(attach)
    with far.connect() as c:
        c.execute("truncate done")
    eventually(lambda: "leaves the sync" in repl.run("log").all, what="it leaves")
    src.execute("insert into mixed values (2, 1, 'v'); insert into plain values (1, 'x')")
    eventually(lambda: dst.execute("select count(*) from plain").fetchone()[0] == 1, what="others go on")
    assert [e for e in repl.status()["errors"] if e["table"] == "public.m1" and "repl add" in e["hint"]]
    with far.connect() as c:
        assert c.execute("select count(*) from done").fetchone()[0] == 0


def test_statistics_that_cannot_be_gathered_hold_nothing(repl, src, equal):
    src.execute("""create table st (id int primary key, c int); insert into st values (1, 1), (2, 2000000000);
        create statistics odd on (c * 2), c from st; create table ok (id int primary key); insert into ok values (1)""")
    follow(repl)
    assert "could not be gathered" in repl.run("log").all
    src.execute("update st set c = 5 where id = 1")
    repl.kick()
    equal()
