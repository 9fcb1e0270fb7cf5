"""Keys that change under writers. Capture records keys, so it notices and follows, and never fails a statement of the
application; what it could not record comes over with a new copy of the table."""
import pytest

from test_bank import Reader
from test_drift import Beside, others_go_on, reach, refused_to_inherit
from waiting import eventually

COUNTER = "create table counter(id int generated always as identity, n int);"

# Tables of every kind of trigger, with the key behind other columns, so that no place tells it.
KINDS = {
    "plain": "create table t(n int, id int, k text, primary key (k, id))",
    "partitioned": "create table t(n int, id int, k text, primary key (k, id)) partition by hash (k);"
                   "create table t0 partition of t for values with (modulus 2, remainder 0);"
                   "create table t1(k text not null, gone int, n int, id int not null); alter table t1 drop column gone;"
                   "alter table t attach partition t1 for values with (modulus 2, remainder 1)",
    "inherited": "create table t(n int, id int, k text, primary key (k, id)); create table child(unique (k, id)) inherits (t);"
                 "insert into child select 0, g, 'c' || g from generate_series(1, 300) g",
}


def write(c, id_, k):
    """One of each, in a session that keeps its plans."""
    c.execute(f"insert into t({id_}, {k}, n) select g, 'k' || g, 0 from generate_series(1001, 1020) g")
    c.execute(f"update t set n = n + 1 where {id_} % 3 = 0")
    c.execute(f"update t set {id_} = {id_} + 100000 where {id_} % 97 = 5")
    c.execute(f"delete from t where {id_} between 1001 and 1010 or {id_} % 89 = 3")


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_writes_go_on_whatever_the_key_is_called(repl, src, dst, source, equal, kind, running):
    """Columns of the key are renamed, in the writer's own transaction too, and trade their names; with and without an
    engine, and in a transaction whose snapshot is older than that."""
    src.execute(f"{KINDS[kind]}; {COUNTER} insert into t select 0, g, 'k' || g from generate_series(1, 1000) g")
    repl.init()
    repl.configure(survey_ms=200)
    repl.start()
    repl.wait_phase("following")
    if not running:
        repl.kick()
        repl.stop()
    first, then = ("alter table t rename column id to key", "alter table t rename column key to was;"
                   "alter table t rename column k to key; alter table t rename column was to k")
    with source.connect() as old, source.connect() as c:
        write(c, "id", "k")
        c.execute("delete from t where id > 1000 and id < 100000")
        old.execute("begin isolation level repeatable read; select 1 from counter")
        c.execute(f"begin; {first}; insert into t(key, k, n) values (2001, 'in the same transaction', 1); commit")
        write(c, "key", "k")
        old.execute("insert into t(key, k, n) values (2002, 'an older snapshot', 1); commit")
        c.execute("delete from t where key > 1000 and key < 2000")
        c.execute(then)
        write(c, "k", "key")
    if running:
        reach(repl, "t", "drifted")
        others_go_on(src, dst)
    dst.execute(f"{first}; {then}")
    if not running:
        repl.start()
    reach(repl, "t", "following")
    repl.kick()
    equal()


@pytest.mark.parametrize("kind", KINDS)
def test_writes_go_on_whatever_the_key_is(repl, src, dst, source, equal, kind):
    """Without an engine: the key's column gets another type, and back again, values that its old type cannot hold, nulls,
    and is gone. The rows are there when the engine is."""
    src.execute(f"{KINDS[kind]}; insert into t select 0, g, 'k' || g from generate_series(1, 1000) g; create table u(like t including all)")
    src.execute("create domain small as varchar(10) check (value <> 'x'); create table d(id small primary key, n int)")
    repl.init()
    repl.kick()
    with source.connect() as c:
        write(c, "id", "k")
        c.execute("alter table t alter column id type bigint")
        c.execute("insert into t(n, id, k) values (1, 5000000000, 'large'); update t set n = 7 where id % 5 = 0;"
                  "update t set id = id + 6000000000 where id % 7 = 0; delete from t where id > 4000000000;"
                  "alter table t alter column id type int")
        c.execute("alter table u drop constraint u_pkey, alter id drop not null, alter k drop not null;"
                  "insert into u values (1, null, null), (1, 1, 'one'), (1, 1, 'one'); update u set n = 2")
        c.execute("insert into d values ('x1', 1); delete from d; alter domain small add check (value <> 'x1')")
        c.execute("alter table d alter column id type text;"
                  "insert into d values ('longer than ten letters', 1)")
    dst.execute("alter table u drop constraint u_pkey, alter id drop not null, alter k drop not null;"
                "alter table d alter column id type text")
    repl.start()
    for name in "tud":
        reach(repl, name, "following")
    repl.kick()
    equal()


@pytest.mark.parametrize("ddl", [
    "alter table t drop constraint t_pkey, add primary key (other)",
    "alter table t drop column id, add primary key (other)",
    "alter table t alter column id type bigint using id + 5000000000",
    "alter table t drop constraint t_pkey, drop constraint t_other_key, alter other drop not null",
])
def test_another_key(repl, src, dst, writers, target, source, equal, ddl):
    """The table is captured and copied anew once the target has that key too, while the others go on."""
    src.execute("create table t(id int primary key, other int not null unique, n int);"
                "insert into t select g, g, 0 from generate_series(1, 2000) g;"
                "create table refers(id int primary key, t int references t (other)); insert into refers values (1, 5)")
    if "drop" in ddl:
        src.execute("alter table refers drop constraint refers_t_fkey")
    with writers(writers=1, hold=.05, pace=.01), Beside(source, "update t set n = n + 1 where other % 9 = 0") as mine:
        repl.init()
        repl.configure(survey_ms=200)
        repl.start()
        repl.wait_phase("following")
        reader = Reader(target)
        try:
            src.execute(ddl)
            reach(repl, "t", "drifted")
            others_go_on(src, dst)
            assert mine.works()
            src.execute("insert into t(other) values (100001); delete from t where other = 17" if "drop column" in ddl else
                        "insert into t values (100001, 100001, 0); delete from t where other = 17")
            dst.execute(ddl)
            reach(repl, "t", "following")
            others_go_on(src, dst)
        finally:
            reader.stop()
        assert not reader.wrong, f"the target showed what the source never was: {reader.wrong[:5]}"
    assert not mine.refused
    repl.kick()
    equal()


def test_killed_as_a_key_changes(repl, src, dst, equal):
    """Between the mark on the target, that the table is to be copied anew, and its capture, which is made anew."""
    src.execute("create table t(id int primary key, other int not null); insert into t select g, g from generate_series(1, 100) g;"
                "create table counter(id int generated always as identity, n int)")
    repl.init()
    repl.configure(survey_ms=200)
    repl.start(wait=False, fail_at="mend.marked")
    repl.wait_phase("following")
    ddl = "alter table t drop constraint t_pkey, add primary key (other)"
    src.execute(ddl)
    dst.execute(ddl)
    assert repl.wait_exit() == -9, repl.engine_tail()
    src.execute("delete from t where id < 10; update t set id = 0 where id = 50")
    repl.start()
    reach(repl, "t", "following")
    repl.kick()
    equal()


def test_altered_while_some_of_its_keys_are_there(repl, src, dst, equal):
    """In the first copy, between one index on the target and the next: what is there is not yet the target's key."""
    src.execute("create table t(id int not null unique, other int not null unique, n int, primary key (other, id));"
                "insert into t select g, g, g from generate_series(1, 100) g")
    repl.init()
    dst.execute("create unique index t_id_key on t (id)")  # as an engine leaves it that is killed while it builds them
    for side in (src, dst):
        side.execute("alter table t alter id type bigint")
    src.execute("insert into t values (5000000000, 200, 1)")
    repl.start(wait=False)
    repl.wait_phase("following")
    repl.kick()
    equal()


def test_a_trigger_is_taken_away(repl, src, dst, equal):
    """What was not captured meanwhile comes over all the same."""
    src.execute("create table t(id int primary key, n int); insert into t select g, 0 from generate_series(1, 100) g;"
                "create table counter(id int generated always as identity, n int);"
                "create table p(id int primary key) partition by range (id); create table p1 partition of p for values from (0) to (100)")
    repl.init()
    repl.configure(survey_ms=200)
    repl.start()
    repl.wait_phase("following")
    src.execute("drop trigger repl_update on t; update t set n = 7")
    eventually(lambda: dst.execute("select min(n) from t").fetchone()[0] == 7, what="the table is copied anew")
    src.execute("alter table t disable trigger repl_delete; delete from t where id < 10")
    eventually(lambda: dst.execute("select count(*) from t").fetchone()[0] == 91, what="the table is copied anew")
    if src.info.server_version >= 150000:  # before, only a superuser could do that to one partition
        name = src.execute("select tgname from pg_trigger where tgrelid = 'p1'::regclass and tgname like '%%insert%%'").fetchone()[0]
        src.execute(f"alter table p1 disable trigger {name}; insert into p values (7)")
        eventually(lambda: dst.execute("select count(*) from p").fetchone()[0] == 1, what="the table is copied anew")
        src.execute("insert into p values (8)")
    repl.kick()
    equal()


def test_truncated_before_its_key_changed(repl, src, dst, equal):
    """The TRUNCATE is older than what is copied anew, and does not empty that."""
    src.execute("create table t(id int primary key, other int not null); insert into t select g, g from generate_series(1, 100) g")
    repl.init()
    repl.kick()
    src.execute("truncate t; insert into t select g, g from generate_series(1, 50) g")
    for side in (src, dst):
        side.execute("alter table t drop constraint t_pkey, add primary key (other)")
    repl.start()
    reach(repl, "t", "following")
    repl.kick()
    equal()


def test_it_comes_to_inherit(repl, src, dst, equal):
    """Statements on its new parent fire no trigger of it but those by row: what came before those comes over too."""
    src.execute("create table t(id int primary key, n int); insert into t select g, 0 from generate_series(1, 100) g;"
                "create table parent(id int not null, n int)")
    repl.init()
    repl.configure(survey_ms=200)
    repl.start()
    repl.wait_phase("following")
    ddl = "alter table t inherit parent"
    if refused_to_inherit(src, ddl):
        src.execute("update t set n = 1")
        repl.kick()
        equal()
        return
    for side in (src, dst):
        side.execute(ddl)
    src.execute("update parent set n = 1 where id < 20")
    eventually(lambda: dst.execute("select count(*) from t where n = 1").fetchone()[0] == 19, what="what no trigger saw is there")
    src.execute("update parent set n = 2 where id < 10; delete from parent where id = 50")
    repl.kick()
    equal()


HALF = {
    "another type": ("create table t(id int primary key, k text not null, n int)", "alter table t alter id type numeric"),
    "another key": ("create table t(id int primary key, k text not null, n int)",
                    "alter table t drop constraint t_pkey, add primary key (k, id)"),
    "a key at last": ("create table t(id int not null, k text not null, n int)", "alter table t add primary key (k)"),
    "no key": ("create table t(id int primary key, k text not null, n int)", "alter table t drop constraint t_pkey"),
}


@pytest.mark.parametrize("how", HALF)
def test_an_init_that_was_killed_while_it_waited_knew_another_key(repl, src, dst, source, equal, how):
    """What it had made by then is of the table as it was."""
    table, migration = HALF[how]
    src.execute(f"{table}; insert into t select g, 'k' || g, 0 from generate_series(1, 100) g")
    with source.connect(autocommit=False) as other:
        other.execute("lock table t in row exclusive mode")
        process = repl.start_in_background("init", "--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET")
        log = repl.folder / "background-init.log"
        eventually(lambda: "public.t is locked by " in log.read_text(encoding="utf-8"), what="init waits for the writer")
        process.kill()
        process.wait()
        other.execute(migration)
        if how == "another type":  # which init has made there; keys come later
            dst.execute(migration)
        with source.admin() as c:
            eventually(lambda: not c.execute("select from pg_stat_activity where datname = %s and application_name like 'repl%%'",
                                             (source.name,)).fetchall(), what="its sessions are gone")
        other.commit()
    repl.init("--overwrite")
    for id_ in (1000, 5 * 10**9 if how == "another type" else 1001):
        src.execute("insert into t values (%s, 'l' || %s::text, 1)", (id_, id_))
    repl.start()
    repl.wait_phase("following")
    src.execute("update t set n = n + 1 where id % 3 = 1; delete from t where id % 7 = 1")
    repl.kick()
    equal()
    repl.run("verify")
