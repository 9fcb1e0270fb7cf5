"""repl check: one report of all that would fail later, in text and JSON, with what to type; it changes nothing."""
import os
import pathlib
import re
import subprocess

import psycopg
import pytest

import compare
from cluster import server_user
from test_errors import elsewhere
from test_move import everything
from waiting import eventually

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "check.md"


class Report:
    """What one check said: as JSON, and as text where the test asks for it."""

    def __init__(self, repl, *options, **how):
        self.run = repl.run("check", "--json", *options, code=None, **how)
        self.all = self.run.json()
        self.findings, self.summary, self.estimate = self.all["findings"], self.all["summary"], self.all["estimate"]
        levels = [f["level"] for f in self.findings]
        assert self.summary["blockers"] == levels.count("blocker")
        assert self.summary["warnings"] == levels.count("warning")
        assert self.summary["ok"] == levels.count("ok")
        assert self.run.code == (1 if self.summary["blockers"] else 0), self.run
        assert self.summary["passes"] == (self.run.code == 0)

    def of(self, topic, side=None, level=None):
        return [f for f in self.findings if f["topic"] == topic and (side is None or f["side"] == side) and
                (level is None or f["level"] == level)]

    def one(self, topic, *words, side=None, level="warning", table=None):
        """The one finding of that kind whose text or hint has all the words."""
        found = [f for f in self.of(topic, side, level) if all(w in f"{f['text']} {f['hint']}" for w in words) and
                 (table is None or f["table"] == table)]
        assert len(found) == 1, f"{topic} {words} {side} {level}: {found or self.of(topic)}"
        assert level == "ok" or found[0]["hint"], f"it does not say what to type: {found[0]}"
        return found[0]


@pytest.fixture
def check(repl):
    """Checks; without the probe unless asked."""
    def run(*options, probe=False, source="env:REPL_TEST_SOURCE", target="env:REPL_TEST_TARGET", **how):
        return Report(repl, "--source", source, "--target", target, *([] if probe else ["--no-probe"]), *options, **how)
    return run


@pytest.fixture
def text(repl):
    def run(*options, code=0):
        return repl.run("check", "--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET", "--no-probe",
                        *options, code=code).out
    return run


def settled(cluster):
    """What must not change, on a server as a whole."""
    with cluster.admin() as c:
        return c.execute("select array(select rolname || coalesce(rolconfig::text, '') from pg_roles order by 1), "
                         "array(select datname || coalesce(datacl::text, '') from pg_database order by 1)").fetchone()


def test_all_is_well(repl, check, text, src, src_admin, dst_admin, source_cluster, target_cluster):
    """Nothing to complain of: every topic has been looked at, nothing was changed, nothing was made."""
    src.execute("create table t(id int primary key, v text); insert into t select g, repeat('x', 500) "
                "from generate_series(1, 40000) g; analyze")
    before = [f(c) for f in (compare.catalog, compare.digest) for c in (src_admin, dst_admin)]
    servers = settled(source_cluster), settled(target_cluster)
    report = check(probe=True)
    assert report.summary == {"blockers": 0, "warnings": 0, "ok": report.summary["ok"], "passes": True}, report.run
    topics = {f["topic"] for f in report.findings}
    assert {"connection", "version", "encryption", "clock", "schema", "tables", "privileges", "rows", "extension",
            "encoding", "collation", "connections", "locks", "long transactions", "prepared transactions", "vacuum",
            "settings", "role settings", "sizes", "disk", "wire", "grants", "key"} <= topics
    t = report.estimate
    assert t["bytes"] > 20_000_000 and t["index_bytes"] > 500_000 and t["connections"] == 4
    assert t["source"]["bytes_per_second"] > 1e6 and t["target"]["bytes_per_second"] > 1e6
    assert t["index_bytes_per_second"] > 1e5
    slower = min(t["source"]["bytes_per_second"], t["target"]["bytes_per_second"])
    assert 0.2 * t["bytes"] / slower < t["copy_seconds"] < 5 * t["bytes"] / slower
    assert 0 < t["source"]["round_trip_seconds"] < 5
    assert not repl.dir.exists(), "check made a state directory"
    said = text()
    assert re.search(r"^0 blockers, 0 warnings, \d+ ok; next: repl init$", said, re.M), said
    assert re.search(r"^ok +version +PostgreSQL", said, re.M), said
    assert [f(c) for f in (compare.catalog, compare.digest) for c in (src_admin, dst_admin)] == before
    assert (settled(source_cluster), settled(target_cluster)) == servers
    assert not dst_admin.execute("select from pg_class where relname like 'repl%'").fetchall()


def test_the_page_lists_what_is_looked_at(check, src):
    everything(src)
    listed = set(re.findall(r"^\| ([a-z_ -]+) \| (?:source|target|each|both) \|", DOCS.read_text(encoding="utf-8"), re.M))
    said = {f["topic"] for f in check().findings}
    assert said <= listed, said - listed
    assert len(listed) > 25


def test_tables(check, text, src, src_admin):
    """Keys, kinds of columns and tables, what stays behind; of many tables the text names a few."""
    src.execute("create table plain(id int primary key); create unlogged table u(id int primary key); "
                "create table g(id int generated always as identity primary key, a int, "
                "  b int generated always as (a * 2) stored, r regclass); "
                "create table o(id int primary key) partition by range (id); "
                "create table o1 partition of o for values from (0) to (10); select lo_create(0)")
    for i in range(30):
        src.execute(f"create table bare_{i:02}(v int)")
    src_admin.execute("create extension postgres_fdw; create server elsewhere foreign data wrapper postgres_fdw; "
                      "create foreign table far(id int) server elsewhere; "
                      "create function ev() returns event_trigger language plpgsql as 'begin end'; "
                      "create event trigger watch on ddl_command_start execute function ev()")
    report = check()
    assert len(report.of("key", "source", "warning")) == 30
    report.one("key", "ADD PRIMARY KEY", table="public.bare_07")
    report.one("unlogged", "SET LOGGED", table="public.u")
    report.one("columns", "1 generated", level="ok")
    report.one("columns", "1 GENERATED ALWAYS AS IDENTITY", level="ok")
    report.one("columns", "copied as text", "everywhere: 1", level="ok")
    report.one("left behind", "large objects (1)", "pg_dump")
    report.one("left behind", "event triggers (1)")
    report.one("foreign tables", "foreign tables (1)")
    report.one("tables", "tables to replicate: 34", level="ok")
    said = text()
    assert said.count("no primary key") == 1 and "30 tables (public.bare_00, public.bare_01" in said, said
    assert "bare_20" not in said
    assert "each: ALTER TABLE public.bare_00 ADD PRIMARY KEY" in said
    assert re.search(r"^0 blockers, \d+ warnings, .*next: judge the warnings", said, re.M), said
    src_admin.execute("drop event trigger watch; drop server elsewhere cascade")


def test_nothing_stops_at_the_first(check, text, repl, src, dst, src_admin, dst_admin, source, target):
    """One run tells of everything that is wrong on both sides."""
    src.execute("create table t(id int primary key, v text); create table f(id int primary key); "
                "alter table f enable row level security, force row level security; "
                "create table w(id int primary key); create table p(id int primary key) partition by range (id); create schema shut; create table shut.s(id int primary key)")
    src_admin.execute("create table theirs(id int primary key); create sequence quiet; "
                      "create schema repl; create extension pg_trgm")
    src_admin.execute(f"revoke create on database {source.name} from app; alter database {source.name} owner to postgres")
    dst.execute("create table t(id int primary key); create table w(id int primary key); insert into w values (1); "
                "create function tr() returns trigger language plpgsql as 'begin return new; end'; "
                "create trigger always after insert on w for each row execute function tr(); "
                "alter table w enable always trigger always; "
                "create table p(id int primary key) partition by range (id); create table p1 partition of p default; "
                "create trigger quiet after insert on p for each row execute function tr(); "
                "create trigger there after insert on p1 for each row execute function tr(); "
                "alter table p1 enable replica trigger there")
    dst_admin.execute("create schema shut; revoke all on schema shut from rds; "
                      "create function ev() returns event_trigger language plpgsql as 'begin end'; "
                      "create event trigger guard on ddl_command_start execute function ev(); "
                      "revoke set on parameter session_replication_role from rds")
    try:
        report = check()
        said = text(code=1)
    finally:
        dst_admin.execute("grant set on parameter session_replication_role to rds; drop event trigger guard")
        src_admin.execute(f"alter database {source.name} owner to app")
    report.one("privileges", "GRANT CREATE ON DATABASE", side="source", level="blocker")
    report.one("privileges", "OWNER TO app", side="source", level="blocker", table="public.theirs")
    report.one("privileges", "public.quiet", "GRANT SELECT ON SEQUENCE", side="source")
    report.one("privileges", "session_replication_role", "GRANT SET ON PARAMETER", side="target", level="blocker")
    report.one("row-level security", "NO FORCE", side="source", level="blocker", table="public.f")
    report.one("schema", "not repl's", "--schema", side="source", level="blocker")
    report.one("columns", "v", side="target", level="blocker", table="public.t")
    report.one("rows", "--overwrite", side="target", level="blocker", table="public.w")
    report.one("triggers", "trigger always", side="target", table="public.w")
    report.one("triggers", "too: trigger there of public.p1", side="target", table="public.p")
    report.one("triggers", "event trigger guard", side="target")
    report.one("target schemas", "shut", "GRANT CREATE, USAGE", side="target", level="blocker")
    assert re.search(r"^8 blockers, \d+ warnings, \d+ ok; next: mend the blockers", said, re.M), said
    levels = re.findall(r"^(ok|warning|blocker) ", said, re.M)
    assert levels == sorted(levels, key=["ok", "warning", "blocker"].index), "the gravest come last"


def test_without_the_schema(check, src, dst):
    src.execute("create table t(id int primary key)")
    check("--no-schema").one("target tables", "--exclude", level="blocker", table="public.t")
    dst.execute("create table t(id int primary key)")
    assert check("--no-schema").summary["passes"]


def test_sides_that_cannot_be_reached(check, repl, src, source, target, pooler):
    """The other side is looked at all the same; a pooled URL is told from a server that is down."""
    src.execute("create table t(id int primary key)")
    repl.environment["REPL_TEST_POOLED"] = pooler.uri(source.name)
    report = check(source="env:REPL_TEST_POOLED")
    report.one("connection", "pooler", "direct URL", side="source", level="blocker")
    assert report.of("settings", "target") and not report.of("tables")
    repl.environment["REPL_TEST_DOWN"] = elsewhere(target.uri, port=1)
    report = check(target="env:REPL_TEST_DOWN")
    report.one("connection", "refused", side="target", level="blocker")
    report.one("tables", "1", side="source", level="ok")
    report = check(source="env:REPL_TEST_POOLED", target="env:REPL_TEST_DOWN")
    assert report.summary["blockers"] == 2
    assert not any(c.password in report.run.all for c in (source.cluster, target.cluster))


def test_connections(check, src, source, source_cluster, target, target_cluster):
    """Heroku's limit stands at the role, others' at the database; repl says how many workers fit."""
    src.execute("create table t(id int primary key)")
    report = check("--jobs", "3")
    report.one("connections", "of 117", "max_connections", side="source", level="ok")
    with source_cluster.admin() as a, target_cluster.admin() as b:
        a.execute("alter role app connection limit 7")
        b.execute(f"alter database {target.name} connection limit 6")
        try:
            report = check("--jobs", "4")
            few = report.one("connections", "role's CONNECTION LIMIT", side="source")
            assert "6 of 7" in few["text"] and "hardly any" in few["text"]
            short = report.one("connections", "database's CONNECTION LIMIT", side="target", level="blocker")
            assert "6 of 6" in short["text"] and "give --jobs 3" in short["hint"]
            holders = [source.connect() for _ in range(4)]
            none = check().one("connections", "2 of 7", side="source", level="blocker")
            assert "--jobs" not in none["hint"].split("free some")[0]
            for c in holders:
                c.close()
        finally:
            a.execute("alter role app connection limit -1")
            b.execute(f"alter database {target.name} connection limit -1")


def test_the_engine_itself_takes_no_seat_twice(check, repl, src, source_cluster):
    src.execute("create table t(id int primary key)")
    repl.init("--jobs", "2")
    repl.start()
    repl.wait_phase("following")
    free = check("--jobs", "2").one("connections", "max_connections", side="source", level="ok")
    taken = int(re.search(r"(\d+) of 117", free["text"])[1])
    assert taken >= 117 - 3, f"repl's own sessions were counted: {free}"
    repl.stop()


def test_open_transactions(check, src, source, source_cluster):
    """Long ones are named with their pid; those of other roles, whose age is hidden, are counted."""
    src.execute("create table t(id int primary key)")
    with source_cluster.admin() as c:
        c.execute("drop role if exists other; create role other login password 'other-secret'")
    try:
        with source.connect(autocommit=False, application_name="report of the day") as mine, \
                source.cluster.connect(source.name, autocommit=False) as idle:
            mine.execute("select 1")
            report = check()
            report.one("long transactions", "none", side="source", level="ok")
            report.one("long transactions", "none", side="target", level="ok")
            with source.admin() as c:
                c.execute("grant select on t to other")
            other = source_cluster.uri(source.name, role="other", password="other-secret")
            with psycopg.connect(other) as theirs:
                theirs.execute("select from t")
                hidden = check().one("long transactions", "1 sessions of other roles", side="source")
                assert "GRANT pg_read_all_stats TO app" in hidden["hint"]
            idle.execute("lock table t in share mode")
            eventually(lambda: check().of("long transactions", "source", "warning"), timeout=20, every=1,
                       what="a transaction is old enough")
            pid = mine.info.backend_pid
            found = check().one("long transactions", f"pid {pid},", side="source")
            assert "report of the day" in found["text"] and "idle in transaction" in found["text"]
            assert f"pg_terminate_backend({pid})" in found["hint"]
    finally:
        with source.admin() as c:
            c.execute("drop owned by other cascade")
        with source_cluster.admin() as c:
            c.execute("drop role other")


@pytest.fixture
def restarted(source_cluster, target_cluster):
    """Settings that take a restart; undone at the end."""
    changed = []

    def change(cluster, **settings):
        changed.append((cluster, settings))
        with cluster.admin() as c:
            for name, value in settings.items():
                c.execute(f"alter system set {name} = '{value}'")
        cluster.restart()
    yield change
    for cluster, settings in changed:
        with cluster.admin() as c:
            for name in settings:
                c.execute(f"alter system reset {name}")
        cluster.restart()


def test_prepared_transactions(check, source, target, source_cluster, target_cluster, restarted):
    restarted(source_cluster, max_prepared_transactions=10)
    with source.connect() as c:
        c.execute("create table t(id int primary key)")
        check().one("prepared transactions", "max_prepared_transactions is 10", "two-phase", side="source")
        c.execute("begin; insert into t values (1); prepare transaction 'it''s odd'")
        open_one = check().one("prepared transactions", "keeps its locks", side="source")
        assert "'it''s odd' of role app" in open_one["text"] and "ROLLBACK PREPARED 'it''s odd'" in open_one["hint"]
        c.execute("rollback prepared 'it''s odd'")


def test_locks(check, text, source, target, source_cluster, target_cluster, restarted):
    """Room for as many locks as the tables take, on both sides; pg_dump takes one for each partition, too."""
    def make(start, end):
        with source.connect() as c:
            c.execute("; ".join(f"create table t{i}(id int primary key)" for i in range(start, end)))
    make(0, 110)
    report = check()
    report.one("locks", "110 tables", side="source", level="ok")
    report.one("locks", "110 tables", side="target", level="ok")
    restarted(target_cluster, max_locks_per_transaction=10)
    report = check()
    small = report.one("locks", "max_locks_per_transaction = 64", "parameter group", side="target")
    assert "room for 1200 locks" in small["text"]
    report.one("locks", side="source", level="ok")
    restarted(source_cluster, max_locks_per_transaction=10, max_connections=20)
    with source.connect() as c:
        c.execute("create table p(id int) partition by range (id)")
        for i in range(0, 300, 100):
            c.execute("; ".join(f"create table p{k} partition of p for values from ({k}) to ({k + 1})"
                                for k in range(i, i + 100)))
    check("--jobs", "1").one("locks", "room for 200 locks", side="source", level="blocker")


def test_vacuum_against_wraparound(check, src, source, source_cluster):
    """One that is due, and one that runs: it gives way to nobody. The role cannot see what autovacuum does."""
    src.execute("create table t(id int primary key, v text) with (autovacuum_freeze_max_age = 100000, "
                "autovacuum_enabled = off); create table fine(id int primary key); "
                "insert into t select g, repeat('x', 400) from generate_series(1, 4000) g")
    check().one("vacuum", "no anti-wraparound", level="ok")
    with source_cluster.admin(source.name) as c:
        c.execute("set synchronous_commit = off")
        c.execute("create procedure burn(n int) language plpgsql as "
                  "'begin for i in 1..n loop perform pg_current_xact_id(); commit; end loop; end'")
        c.execute("call burn(92000)")
        due = check().one("vacuum", "due soon", table="public.t")
        assert "VACUUM (FREEZE) public.t" in due["hint"]
        c.execute("alter table t set (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)")
        c.execute("call burn(10000)")
        c.execute("drop procedure burn")
    source_cluster.configure(autovacuum_naptime=1)
    try:
        eventually(lambda: "at work" in str(check().of("vacuum")), timeout=60, every=0.5, what="autovacuum is at the table")
        check().one("vacuum", "at work", "pg_stat_progress_vacuum", table="public.t")
        with source_cluster.admin() as c:
            assert c.execute("select query from pg_stat_activity where backend_type = 'autovacuum worker' "
                             "and query like '%to prevent wraparound%'").fetchall(), "not what was simulated"
    finally:
        source_cluster.configure(autovacuum_naptime=None)
        with source_cluster.admin(source.name) as c:
            c.execute("select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'autovacuum worker'")


def recreate(cluster, side, how):
    cluster.drop_database(side.name)
    with cluster.admin() as c:
        c.execute(f'create database "{side.name}" owner "{cluster.role}" template template0 {how}')


def test_encoding_and_collation(check, repl, source, target, source_cluster, target_cluster):
    with source.connect() as c:
        c.execute("create table t(id int primary key)")
    recreate(target_cluster, target, "encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'")
    report = check()
    report.one("encoding", "LATIN1", "ENCODING 'UTF8'", side="target")
    report.one("collation", "ORDER BY", side="target")
    recreate(source_cluster, source, "encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'")
    recreate(target_cluster, target, "encoding 'UTF8' lc_collate 'C' lc_ctype 'C'")
    with source.connect() as c:
        c.execute("create table t(id int primary key)")
    report = check()
    report.one("encoding", "converted", level="ok")
    report.one("collation", "libc C on both sides", level="ok")
    recreate(source_cluster, source, "encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'")
    with source.connect() as c:
        c.execute("create table t(id int primary key)")
    check().one("encoding", "SQL_ASCII", side="source")


def test_collations_of_columns(check, src, src_admin, dst_admin):
    """One that the target's server lacks, one under which equality is a matter of opinion."""
    src_admin.execute("create collation pg_catalog.only_here (locale = 'C')")
    try:
        src.execute("create table t(id int primary key, v text collate pg_catalog.only_here); "
                    "create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false); "
                    "create table c(name text collate ci primary key)")
        report = check()
        report.one("collation", "only_here", side="target", level="blocker")
        report.one("collation", "nondeterministic", side="source", table="public.c")
        src.execute("drop table t")
    finally:
        src_admin.execute("drop collation pg_catalog.only_here")


def test_collation_version(check, src, source, source_cluster):
    src.execute("create table t(id int primary key)")
    if src.info.server_version < 150000:
        return  # it is recorded from 15 on
    with source_cluster.admin() as c:
        c.execute("update pg_database set datcollversion = '0.1' where datname = %s", (source.name,))
    with source_cluster.admin(source.name) as c:
        known = c.execute("select pg_database_collation_actual_version(oid) from pg_database "
                          "where datname = current_database()").fetchone()[0]
    report = check()
    if known is None:
        assert not report.of("collation", "source", "warning")
    else:
        report.one("collation", "version 0.1", "REINDEX DATABASE", side="source")


def test_settings_that_slow_a_load(check, src, target_cluster):
    src.execute("create table t(id int primary key, v text); insert into t select g, repeat('x', 900) "
                "from generate_series(1, 100000) g")
    target_cluster.configure(log_statement="all", max_wal_size=64, maintenance_work_mem=1024, fsync="off", autovacuum="off",
                             synchronous_standby_names="nobody", log_min_duration_statement=0)
    try:
        # A commit would wait for that standby: nothing here commits on the target.
        report = check("--jobs", "1")
        for name in ("log_statement is all", "max_wal_size is 64MB", "maintenance_work_mem is 1MB", "fsync is off",
                     "autovacuum is off", "synchronous_standby_names is nobody", "log_min_duration_statement is 0"):
            report.one("settings", name, side="target")
    finally:
        with target_cluster.admin(options="-c synchronous_commit=local") as c:
            c.execute("alter system reset all")
            c.execute("select pg_reload_conf()")


def test_settings_of_roles(check, repl, src, source, target, source_cluster, target_cluster):
    """Timeouts are overridden and told; a role that may only read would stop pg_restore."""
    src.execute("create table t(id int primary key)")
    with source_cluster.admin() as a, target_cluster.admin() as b:
        a.execute("alter role app set statement_timeout = '2s'")
        a.execute(f"alter role app in database {source.name} set idle_in_transaction_session_timeout = '1ms'")
        a.execute(f"alter database {source.name} set default_transaction_read_only = on")
        b.execute("alter role rds set default_transaction_read_only = on")
        try:
            report = check()
            report.one("role settings", "role app has statement_timeout = 2s, which repl's", side="source", level="ok")
            report.one("role settings", f"role app in database {source.name} has idle_in", side="source", level="ok")
            report.one("role settings", f"database {source.name} has default_transaction", side="source", level="ok")
            report.one("role settings", "repl's own sessions", side="source", level="ok")
            closed = report.one("role settings", "pg_restore", side="target", level="blocker")
            assert "ALTER ROLE rds RESET default_transaction_read_only" in closed["hint"]
            b.execute("alter role rds reset all")
            repl.init()  # so it is: pg_dump and all sessions of repl override them
        finally:
            a.execute("alter role app reset all")
            a.execute(f"alter role app in database {source.name} reset all")
            a.execute(f"alter database {source.name} reset all")
            b.execute("alter role rds reset all")


def test_grants_that_do_not_go_over(check, repl, src, src_admin, dst_admin, source_cluster, target_cluster):
    src.execute("create schema shop; create table shop.a(id serial primary key); create table shop.b(id int primary key); "
                "create view shop.v as select * from shop.a")
    both = (source_cluster, target_cluster)
    with source_cluster.admin() as c:
        c.execute("drop role if exists reader; drop role if exists \"Odd One\"; create role reader; create role \"Odd One\"")
    src.execute("grant usage on schema shop to reader; grant select on shop.a, shop.b, shop.v to reader; "
                "grant select, insert on shop.a to \"Odd One\"; grant usage on sequence shop.a_id_seq to \"Odd One\"")
    try:
        report = check()
        report.one("grants", "role reader", "is not there", "CREATE ROLE reader", side="target")
        report.one("grants", "schema shop", "GRANT USAGE ON SCHEMA shop TO reader")
        assert {f["table"] for f in report.of("grants", "target") if "reader may use this" in f["text"]} == \
            {"shop.a", "shop.b", "shop.v"}
        report.one("grants", 'GRANT INSERT, SELECT ON TABLE shop.a TO "Odd One"', table="shop.a")
        report.one("grants", 'GRANT USAGE ON SEQUENCE shop.a_id_seq TO "Odd One"')
        # What it says is enough.
        repl.init()
        for f in report.of("grants", "target", "warning"):
            dst_admin.execute(re.search(r"on the target: ([^(]*)", f["hint"])[1].replace("LOGIN PASSWORD '...'", ""))
        check().one("grants", "each may use", level="ok")
    finally:
        for cluster, c in zip(both, (src_admin, dst_admin)):
            for role in ("reader", '"Odd One"'):
                if c.execute("select from pg_roles where quote_ident(rolname) = %s", (role,)).fetchall():
                    c.execute(f"drop owned by {role} cascade; drop role {role}")


def test_disk(check, repl, src, target, target_cluster):
    """Where the target is on this machine and shows its folder, the room there is counted; else the need is told."""
    src.execute("create table t(id int primary key, v text)")
    check().one("disk", "needed there", side="target", level="ok")
    src.execute("insert into t select g, repeat('x', 900) from generate_series(1, 60000) g")
    report = check()
    report.one("disk", "cannot be asked through SQL", "FreeStorageSpace", side="target")
    report.one("disk", "the database has", side="source", level="ok")
    need = float(re.search(r"about ([0-9.]+) MB", report.of("disk", "target")[0]["text"])[1])
    assert 1.9 < need * 1e6 / (report.estimate["bytes"] + report.estimate["index_bytes"]) < 2.5
    if target_cluster.root:
        return  # another system: its folders are elsewhere
    with target_cluster.admin() as c:
        c.execute("grant pg_read_all_settings to rds")
        try:
            repl.environment["REPL_TEST_LOCAL"] = (f"host={target_cluster.folder} port={target_cluster.port} user=rds "
                                                   f"password={target_cluster.password} dbname={target.name}")
            assert "free on its disk" in check(target="env:REPL_TEST_LOCAL").of("disk", "target")[0]["text"]
        finally:
            c.execute("revoke pg_read_all_settings from rds")


def test_encryption(check, repl, src, source, source_cluster):
    """Over TLS the protocol is told; within one machine it need not be."""
    src.execute("create table t(id int primary key)")
    check().one("encryption", "does not leave this machine", side="source", level="ok")
    made = [os.path.join(source_cluster.data, name) for name in ("server.crt", "server.key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-out", made[0],
                    "-keyout", made[1]], check=True, capture_output=True)
    for path in made:
        os.chmod(path, 0o600)
        if os.geteuid() == 0:
            os.chown(path, *server_user(source_cluster.root))
    source_cluster.configure(ssl="on")
    try:
        eventually(lambda: "TLSv1" in check().of("encryption", "source")[0]["text"], what="the server speaks TLS")
        repl.environment["REPL_TEST_PLAIN"] = source.uri + "?sslmode=disable"
        check(source="env:REPL_TEST_PLAIN").one("encryption", "does not leave", side="source", level="ok")
    finally:
        source_cluster.configure(ssl=None)


def test_a_question_that_is_not_answered(check, src, source, source_cluster):
    """A view that is closed to the role makes one finding; everything else is still looked at."""
    src.execute("create table t(id int primary key)")
    with source.admin() as c:
        c.execute("revoke select on pg_prepared_xacts from public; revoke select on pg_locks from public")
    report = check()
    for topic in ("prepared transactions", "locks", "vacuum"):
        found = report.one(topic, "could not be asked", "permission denied", side="source")
        assert "grant" in found["hint"]
    assert report.of("wire") and report.summary["passes"]


def test_an_installed_sync(check, repl, src, dst_admin, src_admin):
    src.execute("create table t(id int primary key); insert into t values (1)")
    repl.init()
    repl.kick()
    before = compare.catalog(src_admin), compare.catalog(dst_admin)
    report = Report(repl, "--no-probe")  # it knows both sides from init
    report.one("schema", "is continued", level="ok")
    assert report.summary["passes"]
    assert (compare.catalog(src_admin), compare.catalog(dst_admin)) == before


def test_the_probe_of_odd_tables(check, src, dst_admin, src_admin):
    """Types that the target does not know yet, generated columns, partitions, rows that come as text."""
    src.execute("create type mood as enum ('fine', 'bad'); create domain size as int check (value > 0); "
                "create table odd(\"Id x\" int, m mood, s size, w int generated always as (\"Id x\" * 2) stored, j json, "
                "  r regclass, v text, primary key (\"Id x\", m)) partition by range (\"Id x\"); "
                "create table odd1 partition of odd for values from (0) to (20000); "
                "create table odd2 partition of odd default; "
                "insert into odd(\"Id x\", m, s, j, r, v) select g, 'bad', 1, '{}', 'pg_class', e'tab\\t\\\\ ' || repeat('y', 300) "
                "  from generate_series(1, 40000) g")
    before = compare.catalog(dst_admin)
    report = check("--jobs", "2", probe=True)
    assert report.estimate["target"]["bytes_per_second"] > 0 and report.estimate["index_bytes_per_second"] > 0, report.run
    report.one("wire", "over 2 connections", "for the copy of", level="ok")
    src.execute("alter table odd drop column r")
    report = check("--jobs", "2", probe=True)
    assert report.estimate["target"]["bytes_per_second"] > 0, report.run
    assert compare.catalog(dst_admin) == before
    assert not dst_admin.execute("select from pg_namespace where nspname like '%probe%'").fetchall()


def test_a_target_that_may_not_be_written(check, src, target, target_cluster):
    """Without the right to make a schema only the source is measured."""
    src.execute("create table t(id int primary key, v text); insert into t select g, repeat('x', 500) "
                "from generate_series(1, 20000) g")
    with target_cluster.admin() as c:
        c.execute(f"alter database {target.name} owner to postgres")
    report = check(probe=True)
    report.one("privileges", "GRANT CREATE ON DATABASE", side="target", level="blocker")
    assert report.estimate["source"]["bytes_per_second"] > 0 and report.estimate["target"]["bytes_per_second"] is None
    report.one("wire", "could not be measured", level="ok")


def test_init_begins_with_it(repl, src, dst):
    """init tells what check warns of, and refuses what check calls a blocker; it does not measure the wire."""
    src.execute("create table bare(v int); create table t(id int primary key)")
    dst.execute("create table t(id int primary key); insert into t values (1)")
    refused = repl.init(code=1)
    assert "warning: source: public.bare: no primary key" in refused.out
    assert "blocker: target: public.t: the table holds rows already" in refused.out
    dst.execute("truncate t")
    assert "MB/s" not in repl.init().all
