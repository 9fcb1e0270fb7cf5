"""What stands on the source after init, and what it records."""
import re
import time

import pytest

from background import Background
from waiting import SLOWER, eventually, moment


def ids(src):
    """table name -> number of its delta tables"""
    return dict(src.execute("select relid::regclass::text, id from repl.relation").fetchall())


def deltas(c, number, keys=1):
    columns = ", ".join(f"k{i + 1}" for i in range(keys))
    return c.execute(f"select xid, {columns} from repl.d{number}_a union all "
                     f"select xid, {columns} from repl.d{number}_b").fetchall()


def truncations(c, number):
    return c.execute("select count(*) from (select * from repl.truncation_a union all select * from repl.truncation_b) t "
                     "where relation = %s", (number,)).fetchone()[0]


def keys_of(c, number, keys=1):
    return sorted(row[1:] for row in deltas(c, number, keys))


@pytest.fixture
def captured(src, repl):
    """A table t(id, v) with three rows, captured; gives the number of its delta tables."""
    src.execute("create table t(id int primary key, v text); insert into t values (1, 'a'), (2, 'b'), (3, 'c')")
    repl.init()
    return ids(src)["t"]


def test_delta_tables(src, repl):
    src.execute("create table t(b numeric(10, 2), a uuid, v text, primary key (a, b)); create table nokey(v int)")
    repl.init()
    number = ids(src)["t"]
    for side in "ab":
        table = f"repl.d{number}_{side}"
        kind, indexed, options = src.execute(
            "select relpersistence, relhasindex, reloptions from pg_class where oid = %s::regclass", (table,)).fetchone()
        assert kind == "p", "an unlogged delta table loses changes when the source fails over"
        assert not indexed
        assert any(o in ("autovacuum_enabled=false", "autovacuum_enabled=off") for o in options)
        columns = src.execute("select attname, format_type(atttypid, atttypmod) from pg_attribute where attrelid = "
                              "%s::regclass and attnum > 0 order by attnum", (table,)).fetchall()
        assert [t for _, t in columns] == ["bigint", "uuid", "numeric"]


def test_triggers(src, repl):
    src.execute("create table t(id int primary key); create table nokey(v int); "
                "create table p(id int primary key) partition by range (id); "
                "create table p1 partition of p for values from (0) to (100)")
    repl.init()
    rows = src.execute("select tgrelid::regclass::text, tgname, tgenabled, tgtype & 1 = 1, "
                       "pg_get_triggerdef(oid) || pg_get_functiondef(tgfoid) "
                       "from pg_trigger where tgname like 'repl%' order by 1, 2").fetchall()
    assert all(enabled == "A" for _, _, enabled, _, _ in rows), "sessions in replica mode would not be captured"
    # Each writes to a guard: repl's own sessions are not captured again.
    assert {r[0] for r in rows if r[1] == "repl_truncate"} == {"t", "nokey"}
    assert {r[0] for r in rows if r[1] == "repl_row_truncate"} == {"p", "p1"}
    assert all("repl.origin" in definition for *_, definition in rows)
    row_level = {(table, name) for table, name, _, per_row, _ in rows if per_row}
    assert {t for t, n in row_level if n in ("repl_row_insert", "repl_row_delete")} == {"p", "p1"}
    assert not {n for t, n in row_level if t not in ("p", "p1")}
    names = {n for t, n, *_ in rows if t == "t"}
    assert {"repl_insert", "repl_update", "repl_delete", "repl_truncate"} <= names


def test_no_search_path_changes_what_a_function_does(src, captured):
    """They run with their owner's rights and without a search_path of their own: whoever writes may have any."""
    src.execute("""
        create schema evil;
        create function evil.never(bigint, integer) returns boolean language sql immutable as 'select false';
        create function evil.never(text, text) returns boolean language sql immutable as 'select true';
        create operator evil.= (function = evil.never, leftarg = bigint, rightarg = integer);
        create operator evil.= (function = evil.never, leftarg = text, rightarg = text);
        create function evil.txid_current() returns bigint language sql as 'select -1::bigint';
        create function evil.current_setting(text, boolean) returns text language sql as $$select 'stolen'$$;
        create function evil.pg_sequence_last_value(regclass) returns bigint language sql as 'select 2::bigint';
        create temp table changed (id int, a int, b int)""")
    src.execute("set search_path = evil, pg_temp, pg_catalog, public")
    src.execute("insert into public.t values (70, 'x'); update public.t set id = 71 where id = 70; delete from public.t where id = 3")
    src.execute("reset search_path")
    assert keys_of(src, captured) == [(3,), (70,), (70,), (71,)]
    assert all(xid > 0 for xid, *_ in deltas(src, captured))


def test_functions_run_with_their_owners_rights(src, captured):
    rows = src.execute("select p.oid::regprocedure::text, prosecdef, l.lanname, prosrc from pg_proc p "
                       "join pg_language l on l.oid = prolang join pg_trigger g on g.tgfoid = p.oid "
                       "where g.tgname like 'repl%'").fetchall()
    assert rows
    for name, definer, language, body in rows:
        assert language == "plpgsql"
        assert definer, f"{name} must write deltas whoever the writer is"
        assert not re.search(r"\s[=<>]+\s", re.sub(r":=", "", body)), f"{name}: an operator that is not qualified"


def test_every_change_leaves_its_key(src, captured):
    src.execute("insert into t values (10, 'x'), (11, 'y')")
    assert keys_of(src, captured) == [(10,), (11,)]
    src.execute("update t set v = 'z' where id = 1")
    assert keys_of(src, captured) == [(1,), (10,), (11,)]
    src.execute("delete from t where id = 2")
    assert keys_of(src, captured) == [(1,), (2,), (10,), (11,)]
    src.execute("update t set v = 'none' where id = 99; delete from t where id = 99; insert into t select 1, '' where false")
    assert len(deltas(src, captured)) == 4, "statements that touched no row"
    src.execute("insert into t values (3, 'c') on conflict (id) do update set v = 'conflict'")
    src.execute("insert into t values (3, 'c') on conflict do nothing")
    assert keys_of(src, captured) == [(1,), (2,), (3,), (10,), (11,)]


def test_a_changed_key_leaves_both(src, captured):
    src.execute("update t set id = id + 100 where id > 1")
    assert set(keys_of(src, captured)) == {(2,), (3,), (102,), (103,)}


def test_rolled_back_leaves_nothing(src, source, captured):
    with source.connect(autocommit=False) as c:
        c.execute("insert into t values (5, '')")
        c.execute("savepoint s")
        c.execute("delete from t")
        c.execute("rollback to s")
        c.commit()
        c.execute("truncate t")
        c.rollback()
    assert keys_of(src, captured) == [(5,)]
    assert truncations(src, captured) == 0


def test_xid_is_the_top_transaction(src, source, captured):
    """A savepoint has its own transaction id, which no snapshot of positions would contain."""
    with source.connect(autocommit=False) as c:
        c.execute("savepoint s")
        c.execute("insert into t values (5, '')")
        c.execute("savepoint s2")
        c.execute("insert into t values (6, '')")
        xid = c.execute("select txid_current()").fetchone()[0]
        c.commit()
    assert {row[0] for row in deltas(src, captured)} == {xid}


def test_sessions_in_replica_mode_are_captured(src, src_admin, captured):
    src_admin.execute("set session_replication_role = replica")
    src_admin.execute("insert into t values (7, '')")
    src_admin.execute("truncate t")
    assert keys_of(src, captured) == [(7,)]
    assert truncations(src, captured) == 1


def test_only_repl_itself_is_not_captured(src, source, captured):
    sync, = src.execute("select sync_id::text from repl.sync").fetchone()
    with source.connect() as c:
        c.execute("select set_config('repl.origin', %s, false)", (sync,))
        c.execute("insert into t values (5, ''); update t set id = 6 where id = 5; delete from t; truncate t")
        assert deltas(src, captured) == [] and truncations(src, captured) == 0
        c.execute("select set_config('repl.origin', 'another', false)")
        c.execute("insert into t values (5, '')")
    assert keys_of(src, captured) == [(5,)]


def test_cascades_and_partitions(src, repl):
    src.execute("""create table parent(id int primary key);
        create table child(id int primary key, parent int references parent on delete cascade on update cascade);
        create table p(id int, at int, primary key (id, at)) partition by range (at);
        create table p1 partition of p for values from (0) to (10);
        create table p2 partition of p for values from (10) to (20);
        create table a(id int primary key); create table b(primary key (id)) inherits (a);
        insert into parent values (1), (2); insert into child values (10, 1), (20, 2)""")
    repl.init()
    number = ids(src)
    src.execute("delete from parent where id = 1")
    assert keys_of(src, number["child"]) == [(10,)]
    src.execute("update parent set id = 3 where id = 2")
    assert keys_of(src, number["child"]) == [(10,), (20,)]
    src.execute("insert into p values (1, 5); insert into p2 values (2, 15); update p set at = 16 where id = 1; delete from p1")
    assert set(keys_of(src, number["p"], 2)) == {(1, 5), (1, 16), (2, 15)}
    src.execute("create table p3 partition of p for values from (20) to (30); insert into p3 values (3, 25)")
    assert (3, 25) in keys_of(src, number["p"], 2), "a partition made later"
    src.execute("insert into b values (1); update a set id = 2; delete from a")
    assert set(keys_of(src, number["b"])) == {(1,), (2,)}


def test_key_types(src, repl, equal):
    """Any type that can be a key: inserted, updated, moved and deleted."""
    src.execute("create type mood as enum ('sad', 'ok'); create domain dom as text; create type pair as (a int, b text); "
                "create extension citext")
    kinds = {"int": ("1", "2"), "bigint": ("1", "2"), "smallint": ("1", "2"), "text": ("'a'", "'B b'"), "dom": ("'a'", "'b'"),
             "citext": ("'A'", "'b'"), "varchar(10)": ("'a'", "'b'"), "char(5)": ("'a'", "'b'"), "uuid": (
                 "'00000000-0000-0000-0000-00000000000a'", "'00000000-0000-0000-0000-00000000000b'"),
             "numeric": ("1.50", "'NaN'"), "numeric(8,3)": ("1.5", "2"), "timestamptz": ("'infinity'", "'2024-03-31 01:00Z'"),
             "timestamp": ("'2024-03-31 02:30'", "'0044-03-15 BC'"), "date": ("'-infinity'", "'2024-02-29'"),
             "bytea": ("'\\x00ff'", "'\\x'"), "inet": ("'10.0.0.1/8'", "'::1'"), "mood": ("'sad'", "'ok'"), "boolean": ("true", "false"),
             "double precision": ("'-0'", "'NaN'"), "interval": ("'1 mon'", "'31 days'"), "int4range": ("'[1,3)'", "'empty'"),
             "int[]": ("'{1,null}'", "'[0:1]={1,2}'"), "jsonb": ("'{\"a\": 1}'", "'null'"), "pair": ("'(1,\"x y\")'::pair", "'(,)'::pair"),
             "name": ("'a'", "'b'"), "oid": ("1", "2"), "macaddr": ("'08:00:2b:01:02:03'", "'08:00:2b:01:02:04'"),
             "bit(3)": ("b'101'", "b'111'"), "time": ("'24:00'", "'00:00'"), "tsvector": ("'a'", "'b'")}
    for n, kind in enumerate(kinds):
        src.execute(f"create table k{n}(k {kind}, j {kind}, v int, primary key (k, j))")
        src.execute(f"insert into k{n} values ({kinds[kind][0]}, {kinds[kind][0]}, 1)")
    repl.init()
    repl.kick()
    for change in ("insert into {t} values ({b}, {b}, 2)", "update {t} set v = 3", "update {t} set k = {b} where k = {a}",
                   "delete from {t} where j = {a}", "update {t} set j = {a}, k = {a}"):
        for n, (a, b) in enumerate(kinds.values()):
            src.execute(change.format(t=f"k{n}", a=a, b=b))
        repl.kick()
        assert equal() == len(kinds) * (1 if "j = {a}" in change else 2)


class Latency(Background):
    """An application on one connection: what it does, again and again, and the longest that it ever took."""

    def __init__(self, source, statement):
        self.statement, self.slowest, self.count, self.error = statement, 0.0, 0, None
        self.connection = source.connect()
        super().__init__()
        self.start()

    def live(self):
        try:
            while not self.stopping.is_set():
                started = time.monotonic()
                self.connection.execute(self.statement)
                self.slowest = max(self.slowest, time.monotonic() - started)
                self.count += 1
                self.stopping.wait(0.005)
        except Exception as e:  # the test must hear of it
            self.error = e

    def stop(self):
        super().stop()
        self.connection.close()
        assert self.error is None, self.error
        assert self.count > 10
        return self.slowest


# The lock_timeout with which repl asks for locks is well under a second; the rest is the margin of a busy machine.
LONGEST = 1.0 * SLOWER


def under_locks(source, action, hold):
    """Runs action (a process) while a transaction holds a row lock in each of three tables, and the application goes on
    in these and in others. Returns the longest that a statement of the application took."""
    with source.connect(autocommit=False) as holder:
        for n in (1, 2, 3):
            holder.execute(f"update t{n} set v = v + 1 where id = 1")
        latencies = [Latency(source, f"update t{n} set v = v + 1 where id = {10 + n}") for n in (1, 2, 3, 4)]
        latencies += [Latency(source, "select count(*) from t1"), Latency(source, "insert into t5(v) values (1)")]
        try:
            process = action()
            moment(hold)
            assert process.poll() is None, f"it did not wait for the locks: exit {process.poll()}"
            holder.commit()
            assert process.wait(60 * SLOWER) == 0
        finally:
            holder.rollback()
            slowest = max([x.stop() for x in latencies])
    return slowest


def test_the_application_never_waits_for_repl(src, source, repl, equal):
    for n in range(1, 6):
        src.execute(f"create table t{n}(id serial primary key, v int); insert into t{n}(v) select 0 from generate_series(1, 50)")
    slowest = under_locks(source, lambda: repl.start_in_background(
        "init", "--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET"), hold=5)
    print(f"longest statement of the application during init: {slowest:.3f} s")
    assert slowest < LONGEST
    repl.kick()
    equal()
    slowest = under_locks(source, lambda: repl.start_in_background("cleanup", "--yes"), hold=5)
    print(f"longest statement of the application during cleanup: {slowest:.3f} s")
    assert slowest < LONGEST


def test_locked_tables_come_last_and_init_names_the_blocker(src, source, repl):
    src.execute("create table a(id int primary key); create table b(id int primary key); insert into a values (1)")
    with source.connect(autocommit=False) as holder:
        holder.execute("delete from a")
        process = repl.start_in_background("init", "--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET")
        eventually(lambda: src.execute("select from pg_trigger where tgrelid = 'b'::regclass").fetchall(),
                   what="the other table is captured")
        log = repl.folder / "background-init.log"
        eventually(lambda: str(holder.info.backend_pid) in log.read_text(encoding="utf-8"), what="the blocker is named")
        holder.rollback()
        assert process.wait(60 * SLOWER) == 0


def test_notify_rings_at_most_once_a_drain(src, source, captured):
    """A NOTIFY in every transaction would make all commits queue behind one lock."""
    with source.connect() as listener:
        rung = []
        listener.add_notify_handler(rung.append)
        listener.execute("listen repl")
        src.execute("select setval('repl.bell', 1)")  # armed, as the engine leaves it when it found nothing
        for n in range(20):
            src.execute(f"insert into t values ({100 + n}, '')")
        eventually(lambda: (listener.execute("select 1"), rung)[-1], what="the doorbell")
        listener.execute("select 1")
        assert [n.channel for n in rung] == ["repl"]
        src.execute("insert into t values (200, '')")
        listener.execute("select 1")
        assert len(rung) == 1, "nobody armed it again"
