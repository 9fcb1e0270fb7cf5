"""Names that nobody would give, in every place a name can stand: through the schema, the copy and the batches behind it."""
from urllib.parse import quote

import psycopg
import pytest

import compare
from program import Repl

# Each a name of its own kind; what breaks with one of them is quoting, folding, or cutting at the wrong byte.
NAMES = ['we"ird', "it's", "do.t.ted", "sp ace ", " ", "Mixed Case", "ünïcödé ß", "日本語", "🐘", "%s %I %(x)s", ":name :'x' :\"y\"", "$1 $$ $body$",
         "back\\slash \\n", "new\nline\ttab", "semi;colon--", "/* comment */", "a,b", "(a)", "{a}", "[1]", "*", "?", "@", "#", "select", "user",
         "table", "new", "old", "found", "tg_op", "tg_argv", "changed", "xid", "k1", "c1", "s", "t", "d", "present", "v", "n", "public.x",
         "null", "\\N", "=", "0", "-", "ı", "e\u0301", "x" * 63, "é" * 31 + "x", "日" * 21, "🐘" * 15 + "xyz"]


def q(name):
    return '"' + name.replace('"', '""') + '"'


def lit(text):
    return "'" + text.replace("'", "''") + "'"


def cut(name, suffix=""):
    """Like name, and no longer than a name can be."""
    short = name.encode()[:63 - len(suffix)].decode(errors="ignore")
    return short + suffix


def make(src, name):
    """A schema of that name, and everything that can stand in one: a table, a type, a sequence, an index, constraints, a
    function, triggers, rules, policies, a partitioned table, a table without key."""
    s, t, other, seq, idx = q(name), q(name), q(cut(name, "2")), q(cut(name, "3")), q(cut(name, "4"))
    parts, part, keyless, kind, dom = q(cut(name, "5")), q(cut(name, "6")), q(cut(name, "7")), q(cut(name, "8")), q(cut(name, "9"))
    label = lit(name)
    src.execute(f"""
        create schema {s};
        create type {s}.{kind} as enum ({label}, 'other');
        create domain {s}.{dom} as text constraint {t} check (value is distinct from 'never');
        create sequence {s}.{seq};
        create function {s}.{t}() returns trigger language plpgsql as 'begin return null; end';
        create table {s}.{t} ({t} {s}.{dom}, {idx} {s}.{kind} default {label}, {seq} bigint default nextval({lit(f"{s}.{seq}")}),
            {other} int generated always as identity, constraint {t} check ({t} <> 'no'), constraint {kind} primary key ({t}, {idx}),
            constraint {dom} unique ({seq}));
        create index {idx} on {s}.{t} ({other});
        create trigger {t} after insert on {s}.{t} for each row execute function {s}.{t}();
        create rule {t} as on delete to {s}.{t} do also select 1;
        create table {s}.{other} ({t} {s}.{dom}, {idx} {s}.{kind}, "the v" text, "the id" int primary key,
            constraint {t} foreign key ({t}, {idx}) references {s}.{t} on update cascade on delete cascade);
        alter table {s}.{other} enable row level security;
        create policy {t} on {s}.{other} using (true);
        create table {s}.{parts} ({t} int, "the v" text, primary key ({t})) partition by range ({t});
        create table {s}.{part} partition of {s}.{parts} for values from (0) to (1000);
        create table {s}.{keyless} ({t} text);
        insert into {s}.{t} ({t}) values ('a'), ('b'), ({label});
        insert into {s}.{other} select {t}, {idx}, 'v', row_number() over () from {s}.{t};
        insert into {s}.{parts} select g, {label} from generate_series(1, 5) g;
        insert into {s}.{keyless} values ({label}), ({label})""")


def change(src, name, n):
    s, t, other, idx = q(name), q(name), q(cut(name, "2")), q(cut(name, "4"))
    parts, part, keyless = q(cut(name, "5")), q(cut(name, "6")), q(cut(name, "7"))
    with src.transaction():
        src.execute(f"""
            insert into {s}.{t} ({t}, {idx}) values ('new {n}', 'other');
            insert into {s}.{other} values ('new {n}', 'other', {lit(name)}, {100 + n});
            update {s}.{t} set {t} = {t} || '{n}' where {t} = 'a' or {t} = {lit(name)};
            delete from {s}.{t} where {t} = 'b';
            update {s}.{parts} set {t} = {t} + 10 where {t} % 2 = {n} % 2;
            insert into {s}.{part} values ({500 + n}, 'direct');
            insert into {s}.{keyless} values ('{n}')""")


def test_everywhere(repl, src, src_admin, dst_admin, equal):
    for name in NAMES:
        make(src, name)
    repl.init()
    for name in NAMES:
        change(src, name, 1)
    repl.start()
    repl.wait_phase("following")
    equal()
    if src_admin.info.server_version // 10000 == dst_admin.info.server_version // 10000:
        theirs = [set(line for line in compare.catalog(c) if "repl_" not in line and "repl." not in line) for c in (src_admin, dst_admin)]
        assert theirs[0] ^ theirs[1] == set()
    for name in NAMES:
        change(src, name, 2)
        src.execute(f"truncate {q(name)}.{q(cut(name, '5'))}")
    repl.kick()
    assert equal() > len(NAMES) * 8
    named = {(t["schema"], t["name"]) for t in repl.status()["tables"]}
    assert named == {(n, t) for n in NAMES for t in (n, cut(n, "2"), cut(n, "5"), cut(n, "7"))}
    repl.run("verify")
    repl.stop()
    repl.run("cleanup", "--yes")
    assert not src.execute("select from pg_namespace where nspname = 'repl'").fetchall()


@pytest.mark.parametrize("name", ["My \"sync's\" ü.1 %s :x $$", "s" * 63, "日" * 21, "found"], ids=["odd", "long", "wide", "found"])
def test_of_repls_own_schema(repl, src, dst, equal, name):
    """63 bytes leave no room for what repl would put behind them."""
    src.execute("create table t(id int primary key, v text); insert into t values (1, 'a'), (2, 'b');"
                "create table p(id int primary key) partition by range (id); create table p1 partition of p for values from (0) to (9);"
                "create table keyless(v text)")
    repl.init("--schema", name)
    repl.start()
    repl.wait_phase("following")
    equal(own=(name,))
    src.execute("insert into t values (3, 'c'); update t set id = 4 where id = 1; delete from t where id = 2;"
                "insert into p values (1), (2); delete from p1 where id = 1; insert into keyless values ('x')")
    repl.kick()
    assert equal(own=(name,)) == 4
    src.execute("truncate p1, t")
    repl.kick()
    assert equal(own=(name,)) == 1
    repl.run("verify")
    repl.stop()
    repl.run("cleanup", "--yes")
    for c in (src, dst):
        assert not c.execute("select from pg_trigger where not tgisinternal").fetchall()
        assert not c.execute("select from pg_namespace where nspname = %s", (name,)).fetchall()


@pytest.mark.parametrize("name", ["My \"data's\" ü.1/x?y=z&%41@:#", "d" * 63, "日" * 21])
def test_of_databases_and_roles(tmp_path, source_cluster, target_cluster, name):
    """In the URI they are percent-encoded; everywhere else they are as they are."""
    clusters = ((source_cluster, "repl's \"source\" ü"), (target_cluster, cut(name)))
    uris = []
    program = None
    for cluster, role in clusters:
        cluster.ensure_up()
        with cluster.admin() as c:
            c.execute(f"create role {q(role)} login nosuperuser password {lit(name)}")
            if cluster is target_cluster:
                c.execute(f"grant set on parameter session_replication_role to {q(role)}")
            c.execute(f"create database {q(name)} owner {q(role)} template template0")
        uris.append(f"postgresql://{quote(role, '')}:{quote(name, '')}@127.0.0.1:{cluster.port}/{quote(name, '')}")
    try:
        with psycopg.connect(uris[0], autocommit=True) as src:
            src.execute("create table t(id int primary key, v text); insert into t values (1, 'a'), (2, 'b')")
            program = Repl(tmp_path, *uris)
            program.init()
            program.start()
            program.wait_phase("following")
            src.execute("insert into t values (3, 'c'); delete from t where id = 1")
            program.kick()
            with psycopg.connect(uris[1], autocommit=True) as dst:
                assert dst.execute("select array_agg(id order by id) from t").fetchone()[0] == [2, 3]
        program.run("verify")
        program.stop()
        program.run("cleanup", "--yes")
    finally:
        if program is not None:
            program.close()
        for cluster, role in clusters:
            with cluster.admin() as c:
                c.execute(f"drop database {q(name)} with (force)")
                c.execute(f"drop owned by {q(role)}; drop role {q(role)}")
