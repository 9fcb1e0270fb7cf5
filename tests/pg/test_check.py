"""repl check: one report of all that would fail later, in text and JSON, with what to type; it changes nothing."""
import pathlib
import re

import compare
from report import Report
from test_errors import elsewhere
from test_move import everything

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "check.md"


def settled(cluster):
    """What must not change, on a server as a whole."""
    with cluster.admin() as c:
        return c.execute("select array(select rolname || coalesce(rolconfig::text, '') from pg_roles order by 1), "
                         "array(select datname || coalesce(datacl::text, '') from pg_database order by 1)").fetchone()


def test_all_is_well(repl, check, text, src, src_admin, dst_admin, source_cluster, target_cluster):
    """Nothing to complain of: every topic has been looked at, nothing was changed, nothing was made."""
    src.execute("create table t(id int primary key, v text); insert into t select g, repeat('x', 500) "
                "from generate_series(1, 40000) g; analyze")
    src.close()  # a session of repl's own role is warned of
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
    said = text("-v")
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
    assert re.search(r"^8 blockers, \d+ warnings, \d+ ok; next: fix the blockers", said, re.M), said
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


def test_grants_that_do_not_go_over(check, repl, src, src_admin, dst_admin, source_cluster, target_cluster):
    src.execute("create schema shop; create table shop.a(id serial primary key); create table shop.b(id int primary key); "
                "create view shop.v as select * from shop.a; "
                "create function shop.f(n int, text default 'x') returns int language sql security definer as 'select 1'; "
                "create procedure shop.\"P\"() language sql as 'select 1'; create function shop.open_() returns int language sql as 'select 1'")
    both = (source_cluster, target_cluster)
    with source_cluster.admin() as c:
        c.execute("drop role if exists reader; drop role if exists \"Odd One\"; create role reader; create role \"Odd One\"")
    src.execute("grant usage on schema shop to reader; grant select on shop.a, shop.b, shop.v to reader; "
                "grant select, insert on shop.a to \"Odd One\"; grant usage on sequence shop.a_id_seq to \"Odd One\"; "
                "grant select (id), references (id) on shop.b to \"Odd One\"; grant update (id) on shop.b to \"Odd One\"; "
                "revoke execute on function shop.f(int, text), shop.open_() from public; revoke execute on procedure shop.\"P\"() from public; "
                "grant execute on function shop.open_() to public; grant execute on function shop.f(int, text) to \"Odd One\", reader")
    try:
        report = check()
        report.one("grants", "role reader", "is not there", "CREATE ROLE reader", side="target")
        report.one("grants", "schema shop", "GRANT USAGE ON SCHEMA shop TO reader")
        assert {f["table"] for f in report.of("grants", "target") if "reader may use this" in f["text"]} == \
            {"shop.a", "shop.b", "shop.v"}
        report.one("grants", 'GRANT INSERT, SELECT ON TABLE shop.a TO "Odd One"', table="shop.a")
        report.one("grants", 'GRANT USAGE ON SEQUENCE shop.a_id_seq TO "Odd One"')
        report.one("grants", 'GRANT REFERENCES (id), SELECT (id), UPDATE (id) ON TABLE shop.b TO "Odd One"', table="shop.b")
        report.one("grants", "everybody may execute shop.f(n integer, text)", "REVOKE EXECUTE ON ROUTINE shop.f(n integer, text) FROM PUBLIC; "
                   'GRANT EXECUTE ON ROUTINE shop.f(n integer, text) TO "Odd One", reader')
        assert report.one("grants", 'shop."P"()')["hint"].endswith('FROM PUBLIC')
        # What it says is enough.
        repl.init()
        for f in report.of("grants", "target", "warning"):
            dst_admin.execute(re.search(r"on the target: (.*?)(?: LOGIN PASSWORD|$)", f["hint"])[1])
        check().one("grants", "each may use", level="ok")
    finally:
        for cluster, c in zip(both, (src_admin, dst_admin)):
            for role in ("reader", '"Odd One"'):
                if c.execute("select from pg_roles where quote_ident(rolname) = %s", (role,)).fetchall():
                    c.execute(f"drop owned by {role} cascade; drop role {role}")


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
    assert "target: public.t: the table holds rows already" in refused.err
    dst.execute("truncate t")
    assert "MB/s" not in repl.init().all
