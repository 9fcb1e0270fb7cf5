"""Repl's mark, repl.origin: anybody can read the sync's id and set it, and only sessions of repl's own role are exempt by it."""
import psycopg
import pytest

import compare
import fallback
from waiting import eventually

SCHEMA = """
create table plain (id int primary key, v text);
create table nokey (v text);
create table parts (id int primary key, v text) partition by range (id);
create table parts_0 partition of parts for values from (0) to (50);
create table parts_1 partition of parts for values from (50) to (1000);
create table base (id int primary key, v text);
create table child (primary key (id)) inherits (base);
insert into plain select g, 'v' from generate_series(1, 100) g;
insert into parts select g, 'v' from generate_series(1, 100) g;
insert into base select g, 'v' from generate_series(1, 50) g;
insert into child select g, 'v' from generate_series(51, 100) g;
insert into nokey values ('v');
create table emptied (id int primary key);
insert into emptied select generate_series(1, 100);
"""

WRITES = ("update plain set v = 'SILENT' where id = 1", "delete from plain where id = 4", "insert into plain values (101, 'lost')",
          "update plain set id = 202 where id = 2", "update parts set v = 'SILENT' where id in (1, 60)", "delete from parts where id = 4",
          "insert into parts values (101, 'lost')", "update parts set id = 203 where id = 3", "update base set v = 'SILENT' where id in (7, 57)",
          "delete from base where id in (8, 58)", "insert into child values (101, 'lost')", "insert into nokey values ('lost')",
          "truncate emptied", "truncate parts_1")


@pytest.fixture
def clerk(source, src, src_admin):
    """A role with rights on the tables alone, marked as repl's sessions are."""
    src.execute(SCHEMA)
    src_admin.execute(f"create role clerk login nosuperuser password '{source.cluster.password}'; "
                      "grant select, insert, update, delete, truncate on all tables in schema public to clerk")
    uri = source.cluster.uri(source.name, role="clerk")

    def connect(origin=True, how="set"):
        c = psycopg.connect(uri, autocommit=True)
        if origin:
            # As he finds it: the functions' text is for everybody to read.
            sync, = c.execute("select distinct substring(prosrc from '[0-9a-f]{8}-[0-9a-f-]{27}') from pg_proc "
                              "where prosrc like '%repl.origin%' and prosrc ~ '[0-9a-f]{8}-[0-9a-f-]{27}'").fetchone()
            c.execute("select set_config('repl.origin', %s, false)", (sync,))
        return c
    yield connect
    src_admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'clerk'")
    src_admin.execute("drop owned by clerk; drop role clerk")


def test_others_writes_are_captured(repl, clerk, equal):
    """The attack as it was run: three changes were lost without a word."""
    repl.init()
    repl.start()
    repl.wait_phase("following")
    with clerk() as c:
        for write in WRITES:
            c.execute(write)
        repl.kick()
        equal()
        # Neither another role, where he is a member, nor a function of repl's own role makes him repl.
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            c.execute("set session authorization app")
    repl.kick()
    equal()


def test_a_function_of_repls_role_is_not_exempt(repl, clerk, src, equal):
    """session_user is who logged in, also within a SECURITY DEFINER function of the application's owner, and after SET ROLE."""
    repl.init()
    repl.start()
    repl.wait_phase("following")
    src.execute("create function save(i int) returns void security definer language sql as 'update plain set v = ''saved'' where id = i'")
    with clerk() as c:
        c.execute("select save(9)")
    repl.kick()
    equal(only=[("public", "plain")])


def test_another_role_or_a_new_name(repl, source, src, src_admin, clerk, equal):
    """Capture follows the role that repl's sessions log in as: a member of the owner, later under another name."""
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.stop()
    src_admin.execute(f"create role mover login password '{source.cluster.password}'; grant app to mover")
    try:
        for name in ("mover", "shaker"):
            if name == "shaker":
                repl.stop()
                src_admin.execute(f"alter role mover rename to shaker; alter role shaker password '{source.cluster.password}'")
            repl.environment["REPL_TEST_SOURCE"] = source.cluster.uri(source.name, role=name)
            if name == "mover":  # the schema has to be its own
                assert "REASSIGN OWNED BY" in repl.run("start", code=1).err
                src_admin.execute("reassign owned by app to mover")
            report = repl.run("check", "--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET", "--no-probe", "--json", code=None)
            assert "another role" in report.out
            repl.start()
            eventually(lambda name=name: f"capture takes {name} for repl's role" in repl.engine_tail(), what="it is said")
            repl.wait_phase("following")
            assert src_admin.execute("select role::text from repl.sync").fetchone() == (name,)
            sources = [r[0] for r in src_admin.execute("select prosrc from pg_proc p join pg_namespace n on n.oid = pronamespace and nspname = 'repl' "
                                                 "where prorettype = 'trigger'::regtype").fetchall()]
            assert sources and all(f"'{name}'" in s and "'app'" not in s for s in sources)
            with clerk() as c:
                c.execute("update parts set v = v || 'x'; update plain set v = v || 'x'")
            repl.kick()
            equal()
    finally:
        repl.stop()
        src_admin.execute("reassign owned by shaker to app; drop role shaker" if name == "shaker" else "reassign owned by mover to app; drop role mover")


def test_settings_that_mark_sessions_are_named(repl, src, src_admin, source, check):
    src.execute("create table plain (id int primary key)")
    repl.init()
    repl.configure(survey_ms=100)
    repl.start()
    repl.wait_phase("following")
    # Before PostgreSQL 15 any role may do so for itself, from then on whoever a superuser lets.
    src_admin.execute(f"alter role app in database {source.name} set repl.origin = 'x'; alter database {source.name} set repl.whatever = 'x'")
    try:
        eventually(lambda: f"ALTER DATABASE {source.name} SET repl.whatever; ALTER ROLE app IN DATABASE {source.name} SET repl.origin"
                   in repl.engine_tail(), what="the survey names them")
        report = check()
        report.one("exemption", f"ALTER ROLE app IN DATABASE {source.name} SET repl.origin", "RESET", side="source")
    finally:
        src_admin.execute(f"alter role app in database {source.name} reset repl.origin; alter database {source.name} reset repl.whatever")
    eventually(lambda: "gives repl's mark to sessions any more" in repl.engine_tail(), what="the survey says that they are gone")


def test_check_says_whether_the_application_is_repls_role(check, src, source):
    src.execute("create table t(id int primary key)")
    with source.connect(application_name="puma: web") as c:
        c.execute("select 1")
        check().one("exemption", "role app", "puma: web", "CREATE ROLE", side="source")


def switch_off(connection, table, triggers, writes):
    """As an owner may, in one transaction, after which all of capture's triggers are there and ENABLE ALWAYS."""
    with connection.transaction():
        for trigger in triggers:
            connection.execute(f"alter table {table} disable trigger {trigger}")
        connection.execute(writes)
        for trigger in triggers:
            connection.execute(f"alter table {table} enable always trigger {trigger}")


def test_capture_that_was_off_for_a_transaction_is_noticed(repl, src, src_admin, equal):
    """Nothing looks different afterwards, and rows differ: the table is copied again."""
    src.execute(SCHEMA)
    repl.init()
    repl.configure(survey_ms=100)
    repl.start()
    repl.wait_phase("following")
    marks = "select relname::text, triggers from repl.relation union all select relname, triggers from repl.leaf"
    before = dict(src.execute(marks).fetchall())
    assert len(before) == 8 and all(before.values())
    switch_off(src, "plain", ("repl_update", "repl_delete"), "update plain set v = 'unseen' where id = 1; delete from plain where id = 2")
    eventually(lambda: "public.plain has another key, or its capture was broken: it is copied anew" in repl.engine_tail(), what="it is noticed")
    switch_off(src, "parts_0", ("repl_row_update", "repl_row_delete"), "update parts_0 set v = 'unseen' where id = 1; delete from parts_0 where id = 2")
    eventually(lambda: "public.parts has another key, or its capture was broken: it is copied anew" in repl.engine_tail(), what="it is noticed of a partition, too")

    def all_equal():
        repl.kick()
        try:
            return equal()
        except AssertionError:
            return False
    eventually(all_equal, what="both are equal")
    after = dict(src.execute(marks).fetchall())
    assert {t for t in before if before[t] != after[t]} == {"plain", "parts", "parts_0", "parts_1"}
    said = repl.engine_tail(100000).count("copied anew")
    src.execute("alter table base add constraint c check (id > 0); create table parts_2 partition of parts for values from (2000) to (3000)")
    src.execute("vacuum full base")
    src_admin.execute("vacuum (full, freeze) pg_catalog.pg_trigger")
    repl.kick()
    assert repl.engine_tail(100000).count("copied anew") == said, "what is done to the table is no matter of its triggers"


def test_a_lock_that_somebody_has_taken(repl, src, dst_admin, source, target):
    """The keys of the engine's advisory locks can be read off pg_locks, and taken while none runs."""
    src.execute("create table t (id int primary key)")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    keys = [k for k, in dst_admin.execute("select distinct (classid::bigint << 32) | objid::bigint from pg_locks where locktype = 'advisory' and objsubid = 1").fetchall()]
    assert keys
    repl.stop()
    dst_admin.execute(f"create role clerk login password '{target.cluster.password}'")
    try:
        with psycopg.connect(target.cluster.uri(target.name, role="clerk"), autocommit=True, application_name="psql") as c:
            for key in keys:
                c.execute("select pg_advisory_lock(%s)", (key,))
            pid, = c.execute("select pg_backend_pid()").fetchone()
            repl.start(wait=False)
            assert repl.wait_exit() != 0
            assert f"session {pid}" in repl.engine_tail() and "role clerk" in repl.engine_tail(), repl.engine_tail()
            assert f"pg_terminate_backend({pid})" in repl.engine_tail()
        repl.start()
        repl.wait_phase("following")
    finally:
        dst_admin.execute("drop role clerk")


def test_a_flood_of_new_tables_is_one_line(repl, src):
    src.execute("create table t (id int primary key)")
    repl.init()
    repl.configure(survey_ms=100)
    repl.start()
    repl.wait_phase("following")
    src.execute("do $$ begin for i in 1..400 loop execute format('create table flood_%s (id int primary key)', i); end loop; end $$")
    eventually(lambda: "400 tables are new on the source and not replicated: public.flood_1" in repl.engine_tail(), what="it is said")
    assert "395 more" in repl.engine_tail() and repl.engine_tail(200000).count("flood_") <= 10
    errors = [e for e in repl.status()["errors"] if "new on the source" in e["message"]]
    assert len(errors) == 1 and "400 tables" in errors[0]["message"]
    src.execute("create table one_more (id int primary key)")
    eventually(lambda: "public.one_more is new on the source" in repl.engine_tail(), what="the one that came later is named")


def test_the_fence_refuses_who_marks_himself(repl, clerk, src, source, target, dst, dst_admin, equal):
    """The attack as it was run: a plain UPDATE failed with 25006, and with the mark it went through. On the way back, too."""
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.run("cutover", "--fallback", "--yes")
    for marked in (False, True):
        with clerk(origin=marked) as c:
            for write in WRITES:
                with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                    c.execute(write)
    dst_admin.execute(f"create role clerk login password '{target.cluster.password}'; "
                      "grant select, insert, update, delete, truncate on all tables in schema public to clerk")
    try:
        with psycopg.connect(target.cluster.uri(target.name, role="clerk"), autocommit=True) as c:
            sync, = src.execute("select sync_id::text from repl.sync").fetchone()
            c.execute("select set_config('repl.origin', %s, false)", (sync,))
            for write in WRITES:
                c.execute(write)
        repl.wait_phase("following")
        repl.kick()
        with source.admin() as a, target.admin() as b:
            compare.compare_all(a, b, own=fallback.OWN, with_sequences=False)
    finally:
        dst_admin.execute("drop owned by clerk; drop role clerk")
