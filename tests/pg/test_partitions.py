"""Partitions that come and go on either side while everybody writes and while no engine runs, with the rows that they bring;
and TRUNCATE of any of them."""
import signal

import pytest

from test_drift import Beside, others_go_on, phase_of, reach, refused_to_inherit
from waiting import eventually

SCHEMA = ("create table t(id int, at int, v text, primary key (id, at)) partition by range (at);"
          "create table t1 partition of t for values from (0) to (10);"
          "create table t2 partition of t for values from (10) to (20);"
          "create table counter(id int generated always as identity, n int);"
          "insert into t select g, g % 20, 'v' from generate_series(1, 2000) g")
WRITES = ("insert into t select max(id) + 1, 5 from t", "update t set v = v || 'x' where at < 10 and id % 11 = 0",
          "delete from t where at < 10 and id % 97 = 13")


def start(repl, src, schema=SCHEMA):
    src.execute(schema)
    repl.init()
    repl.configure(survey_ms=200)
    repl.start()
    repl.wait_phase("following")


def both(src, dst, ddl):
    src.execute(ddl)
    dst.execute(ddl)


def here(dst, condition):
    return lambda: dst.execute(f"select count(*) from t where {condition}").fetchone()[0]


def taken(src, n):
    """The source has so many partitions, and all are watched for TRUNCATE."""
    eventually(lambda: src.execute("select count(*) from pg_trigger where tgname = 'repl_row_truncate'").fetchone()[0] == n + 1,
               what=f"{n} partitions are taken in")


def test_one_is_attached_with_rows_and_truncated(repl, src, dst, source, equal):
    """Its rows come over although no trigger saw them, and go again; one that is a tree of its own too."""
    start(repl, src)
    with Beside(source, *WRITES) as mine:
        dst.execute("create table t3(id int not null, at int not null, v text) partition by list (at);"
                    "create table t3a partition of t3 for values in (25); create table t3b partition of t3 default;"
                    "alter table t attach partition t3 for values from (20) to (30)")
        src.execute("create table t3(id int not null, at int not null, v text) partition by list (at);"
                    "create table t3a partition of t3 for values in (25); create table t3b partition of t3 default;"
                    "insert into t3 select g, 20 + g % 10, 'brought' from generate_series(1, 5000) g;"
                    "alter table t attach partition t3 for values from (20) to (30)")
        eventually(lambda: here(dst, "v = 'brought'")() == 5000, what="the rows that it brought are there")
        taken(src, 4)
        src.execute("insert into t values (1, 25, 'x'); truncate t3a")
        eventually(lambda: here(dst, "at = 25")() == 0, what="TRUNCATE of a partition comes over")
        src.execute("truncate t3b, t1")
        eventually(lambda: here(dst, "at >= 20")() == 0, what="TRUNCATE of the others comes over")
    assert not mine.refused
    repl.kick()
    equal()


def test_one_that_is_truncated_before_anybody_looks(repl, src, dst, equal):
    """Its first rows are on the target when it is emptied, and no trigger of it was there."""
    src.execute(SCHEMA)
    repl.init()
    repl.configure(survey_ms=3600000)
    repl.start()
    repl.wait_phase("following")
    both(src, dst, "create table t3 partition of t for values from (20) to (30)")
    src.execute("insert into t select g, 25, 'early' from generate_series(1, 100) g")
    eventually(lambda: here(dst, "at = 25")() == 100, what="its rows are there")
    src.execute("truncate t3; insert into t values (7, 25, 'late')")
    repl.stop()
    repl.start()
    eventually(lambda: here(dst, "at = 25")() == 1, what="they are gone again")
    repl.kick()
    equal()


@pytest.mark.parametrize("how", ["alter table t detach partition t2", "drop table t2"])
@pytest.mark.parametrize("first", ["source", "target"])
def test_one_goes(repl, src, dst, source, equal, how, first):
    """The table waits until both sides agree, the others go on; what is written meanwhile comes over."""
    start(repl, src)
    with Beside(source, *WRITES) as mine:
        one, other = (src, dst) if first == "source" else (dst, src)
        one.execute(how)
        if first == "source":
            reach(repl, "t", "drifted")
            assert any("t2" in e["message"] and "DETACH PARTITION" in e["hint"] for e in repl.status()["errors"])
        else:
            src.execute("update t set v = 'no place for it' where at = 11")
            reach(repl, "t", "failed")
        repl.wait_phase("following")
        others_go_on(src, dst)
        other.execute(how)
        reach(repl, "t", "following")
        eventually(lambda: src.execute("select count(*) from pg_trigger where tgrelid = to_regclass('t2') and not tgisinternal")
                   .fetchone()[0] == 0, what="nothing of repl is left on it")
    assert not mine.refused
    for c in (src, dst):
        c.execute("drop table if exists t2")
    repl.kick()
    equal()


def test_one_comes_back_changed(repl, src, dst, equal):
    """Detached, written to where nobody records it, and attached again before and after the engine has noticed."""
    start(repl, src)
    src.execute("alter table t detach partition t2; update t2 set v = 'apart' where id % 2 = 0; delete from t2 where id % 5 = 0;"
                "insert into t2 values (5000, 15, 'apart'); alter table t attach partition t2 for values from (10) to (20)")
    eventually(lambda: here(dst, "id = 5000")() == 1 and here(dst, "at >= 10 and id % 5 = 0 and id < 5000")() == 0, what="as it came back")
    src.execute("alter table t detach partition t2; truncate t2; insert into t2 values (6000, 15, 'apart')")
    reach(repl, "t", "drifted")
    src.execute("alter table t attach partition t2 for values from (10) to (20)")
    reach(repl, "t", "following")
    eventually(lambda: here(dst, "at >= 10")() == 1, what="as it came back")
    repl.kick()
    equal()


def test_while_no_engine_runs(repl, src, dst, equal):
    """Created, attached with rows, emptied, detached and dropped: the next engine finds it all."""
    start(repl, src)
    repl.kick()
    repl.stop()
    src.execute("create table t3 partition of t for values from (20) to (30); insert into t select g, 25, 'c' from generate_series(1, 500) g;"
                "create table t4(like t); insert into t4 select g, 35, 'a' from generate_series(1, 500) g;"
                "alter table t attach partition t4 for values from (30) to (40);"
                "create table t5 partition of t for values from (40) to (50); insert into t values (1, 45, 'gone'); truncate t5;"
                "drop table t1; alter table t detach partition t2; update t set v = 'late' where at = 35 and id % 3 = 0")
    dst.execute("create table t3 partition of t for values from (20) to (30); create table t4 partition of t for values from (30) to (40);"
                "create table t5 partition of t for values from (40) to (50); drop table t1; drop table t2")
    src.execute("drop table t2")
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    equal()


def test_a_table_of_the_sync_becomes_a_partition(repl, src, dst, equal):
    """It leaves the sync as a table of its own, and its rows belong to the other."""
    start(repl, src, f"{SCHEMA}; create table t3(id int not null, at int not null, v text, primary key (id, at));"
                     "insert into t3 select g, 25, 'own' from generate_series(1, 300) g")
    ddl = "alter table t attach partition t3 for values from (20) to (30)"
    src.execute("update t3 set v = 'late' where id = 1; delete from t3 where id = 3")
    if refused_to_inherit(src, ddl):
        repl.kick()
        equal()
        return
    src.execute(f"{ddl}; insert into t values (1000, 25, 'new'); delete from t3 where id = 2")
    eventually(lambda: phase_of(repl, "t3") is None, what="it has left")
    dst.execute(ddl)
    reach(repl, "t", "following")
    eventually(lambda: here(dst, "v in ('late', 'new')")() == 2, what="its changes are there")
    repl.kick()
    equal()


NEXT = ("create table t{0}(id int not null, at int not null, v text, primary key (id, at));{1}"
        "alter table t attach partition t{0} for values from ({0}0) to ({0}9)")


def attach(src, dst, n, brings=""):
    """One more partition on both sides; the source's with rows."""
    src.execute(NEXT.format(n, f"insert into t{n} select g, {n}5, 'brought' from generate_series(1, 100) g;"))
    dst.execute(NEXT.format(n, brings))


def test_one_that_comes_at_the_last_moment(repl, src, dst, equal):
    """Whoever asks for everything gets what it brought, also when no survey is due: kick, and a cutover before and behind
    its fence."""
    src.execute(SCHEMA)
    repl.init()
    repl.configure(survey_ms=3600000)
    repl.start()
    repl.wait_phase("following")
    attach(src, dst, 3)
    repl.kick()
    equal()
    attach(src, dst, 4, brings="insert into t4 values (1, 45, 'only here');")
    repl.run("cutover", "--yes", env={"REPL_FAIL_AT": "cutover.fenced"}, code=-signal.SIGKILL)
    equal()
    attach(src, dst, 5)
    assert "made, altered or dropped" in repl.run("cutover", "--yes", code=3).all
    repl.run("cutover", "--yes")
    equal()
    assert here(dst, "v = 'brought'")() == 300


def test_one_that_others_hold(repl, src, dst, source, equal):
    """It cannot be taken in: nobody is told that all is there."""
    src.execute(SCHEMA)
    repl.init()
    repl.configure(survey_ms=200)
    repl.start()
    repl.wait_phase("following")
    with source.connect(autocommit=False) as c:
        both(src, dst, "create table t3 partition of t for values from (20) to (30)")
        c.execute("insert into t3 values (1, 25, 'open')")
        said = repl.run("kick", "--wait", code=3).all
        assert "t3" in said and "others hold it" in said
        others_go_on(src, dst)
        c.commit()
    reach(repl, "t", "following")
    repl.kick()
    equal()


def test_a_leaf_under_a_policy_is_truncated(repl, src, equal):
    """The policy is forced on the owner, too, and hides rows: those go from the target as well."""
    start(repl, src)
    src.execute("alter table t1 enable row level security; alter table t1 force row level security; create policy few on t1 using (id % 2 = 0)")
    src.execute("begin; truncate t1; select count(*) from t; commit")
    repl.kick()
    equal()
    src.execute("insert into t values (4, 4, 'after')")
    repl.kick()
    equal()


UNIQUE = "create table ev (id int, at date, token text, n int, primary key (id, at)) partition by range (at);"


@pytest.mark.parametrize("schema", [
    UNIQUE + "create table ev_1 partition of ev default; create unique index on ev_1 (token)",
    # another order of columns, an index that hangs on an expression, and one on a tree within the tree
    UNIQUE + "create table ev_1 (gone int, n int, token text, at date not null, id int not null); alter table ev_1 drop gone;"
             "alter table ev attach partition ev_1 default; create unique index on ev_1 (lower(token))",
    UNIQUE + "create table ev_1 partition of ev default partition by list (id); create table ev_2 partition of ev_1 default;"
             "alter table ev_2 add unique (token) deferrable",
    UNIQUE + "create table ev_1 partition of ev default; create function whole(ev_1) returns text language sql immutable as 'select $1.token';"
             "create unique index on ev_1 (whole(ev_1))"])
def test_values_swap_that_are_unique_in_a_partition_alone(repl, src, equal, schema):
    start(repl, src, schema + "; create table other (id int primary key); insert into ev values (1, '2024-01-01', 'a', 0), (2, '2024-01-01', 'b', 0)")
    for one, two in [("b", "a"), ("a", "b"), ("b", "a")]:
        with src.transaction():
            src.execute("update ev set token = 'x' where id = 1")
            src.execute("update ev set token = %s where id = 2", (two,))
            src.execute("update ev set token = %s where id = 1", (one,))
        src.execute("insert into other select coalesce(max(id), 0) + 1 from other")
        repl.kick(timeout=20)
        assert not repl.status()["errors"]
    equal()


def test_values_swap_that_are_unique_by_a_function_of_the_row(repl, src, equal):
    start(repl, src, """create table u (id int primary key, a text, b text);
        create function full_name(u) returns text language sql immutable as 'select $1.a || $1.b'; create unique index on u (full_name(u));
        create table p (id int primary key, a text); create function is_open(p) returns boolean language sql immutable as 'select $1.a = $$open$$';
        create unique index on p ((1)) where is_open(p); insert into u values (1, 'x', 'a'), (2, 'x', 'b'); insert into p values (1, ''), (2, 'open')""")
    with src.transaction():
        src.execute("update u set b = 'c' where id = 1; update u set b = 'a' where id = 2; update u set b = 'b' where id = 1")
        src.execute("update p set a = '' where id = 2; update p set a = 'open' where id = 1")
    repl.kick(timeout=20)
    equal()


def test_a_unique_index_comes_to_a_partition(repl, src, dst, equal):
    """It belongs to what the table looks like: both sides are read again before a row of it moves."""
    start(repl, src, UNIQUE + "create table ev_1 partition of ev default; insert into ev values (1, '2024-01-01', 'a', 0), (2, '2024-01-01', 'b', 0)")
    repl.stop()
    repl.configure()
    repl.start()
    repl.wait_phase("following")
    both(src, dst, "create unique index on ev_1 (token)")
    with src.transaction():
        src.execute("update ev set token = 'x' where id = 1; update ev set token = 'a' where id = 2; update ev set token = 'b' where id = 1")
    repl.kick(timeout=20)
    assert "duplicate key" not in repl.run("log").all
    equal()


KEYED = """create table ev (token text, id bigint not null, v int, at date not null, kind text not null) partition by range (at);
    create table ev_1 (kind text not null, at date not null, id bigint not null, v int, token text, primary key (id));
    alter table ev attach partition ev_1 for values from ('2024-01-01') to ('2024-02-01');
    create table ev_2 partition of ev for values from ('2024-02-01') to ('2024-03-01') partition by list (lower(kind));
    create table ev_2a partition of ev_2 (primary key (id)) for values in ('a'); create table ev_2b partition of ev_2 (primary key (id)) default;
    insert into ev select 't' || g, g, 0, date '2024-01-01' + g % 60, (array['a', 'A', 'b'])[1 + g % 3] from generate_series(1, 6000) g"""


def test_the_key_stands_on_the_partitions_alone(repl, src, dst, equal):
    """As pg_partman makes them: with what chooses the partition it is the key of all, and rows come one by one."""
    start(repl, src, KEYED)
    assert "public.ev:" not in repl.run("check", "--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET", code=None, at=False).all
    src.execute("""insert into ev values ('same id elsewhere', 1, 1, '2024-02-01', 'b'); update ev set v = 1 where id between 10 and 12;
        delete from ev where id = 20; update ev set at = at + 31 where id = 60; update ev set id = 100000 where id = 31; update ev set kind = 'c' where id = 40""")
    repl.kick()
    assert repl.status()["last_batch"]["rows_upserted"] < 20
    equal()
    both(src, dst, "create table ev_3 partition of ev (primary key (id)) for values from ('2024-03-01') to ('2024-04-01')")
    src.execute("insert into ev select 'new', g, 0, '2024-03-05', 'k' from generate_series(1, 100) g; truncate ev_2b; update ev set v = v + 1 where id % 7 = 0")
    repl.kick()
    equal()
    assert repl.run("verify", "--wait", code=None, timeout=60).code in (0, 2)
    src.execute("update ev set v = v + 1; delete from ev where id % 5 = 0")
    repl.kick()
    equal()
    assert not repl.status()["errors"]


@pytest.mark.parametrize("schema", [
    # a partition that a row without the column belongs to; another key; none
    KEYED.replace("at date not null, kind", "at date, kind").replace("kind text not null, at date not null, id", "kind text not null, at date, id"),
    KEYED.replace("create table ev_2b partition of ev_2 (primary key (id)) default", "create table ev_2b partition of ev_2 (primary key (id, at)) default"),
    KEYED.replace("create table ev_2b partition of ev_2 (primary key (id)) default", "create table ev_2b partition of ev_2 default")])
def test_partitions_that_have_no_key_in_common(repl, src, equal, schema):
    start(repl, src, schema)
    src.execute("update ev set v = 1 where id between 10 and 12; insert into ev values ('x', 7000, 1, '2024-02-01', 'b')")
    repl.kick()
    assert repl.status()["last_batch"]["rows_upserted"] > 6000
    equal()
