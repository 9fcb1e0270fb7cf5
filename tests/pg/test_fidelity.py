"""Whatever a column can hold arrives as it was: every built-in type, and those that users make, in both formats of COPY,
by the first copy and by the batches after it, into tables whose columns stand otherwise."""
import pathlib

import psycopg
import pytest

from edges import NO_INPUT, builtin_columns
from program import ROOT

OWN_TYPES = """
create extension citext; create extension hstore; create extension ltree;
create type mood as enum ('sad', 'it''s "ok"', 'ünï');
create domain posint as int check (value > 0);
create domain label as varchar(20) collate "C";
create domain labels as label[];
create type pair as (a int, "b c" text, d numeric[]);
create type nested as (p pair, m mood, n pair[]);
create type textrange as range (subtype = text, collation = "C");
create domain moods as mood check (value <> 'sad');
create domain paired as pair check ((value).a > 0);
create domain said as citext;
create domain stretch as textrange;
create table kept (id int primary key, path text default 'C:\\new\\"it''s"', bytes bytea default '\\x00ff', price money default 1234.5,
                   at timestamptz default '2001-02-03 04:05:06+00', span interval default '-1 mons 2 days -03:00:00');
"""

# What a role may have as its own, in one database. Each would spoil values, their text, or the session.
ODD_SETTINGS = {
    "app": {"datestyle": "'SQL, DMY'", "intervalstyle": "sql_standard", "timezone": "'Asia/Kathmandu'", "extra_float_digits": "-15",
            "bytea_output": "escape", "xmloption": "document", "quote_all_identifiers": "on", "array_nulls": "off",
            "standard_conforming_strings": "off", "search_path": "'\"$user\"'", "client_encoding": "LATIN1",
            "default_transaction_read_only": "on", "default_transaction_isolation": "serializable",
            "default_transaction_deferrable": "on", "transform_null_equals": "on", "statement_timeout": "1",
            "lock_timeout": "1", "idle_in_transaction_session_timeout": "1"},
    "rds": {"datestyle": "'SQL, MDY'", "intervalstyle": "iso_8601", "timezone": "'America/St_Johns'", "extra_float_digits": "0",
            "bytea_output": "escape", "xmloption": "document", "quote_all_identifiers": "on", "array_nulls": "off",
            "standard_conforming_strings": "off", "search_path": "information_schema", "client_encoding": "SQL_ASCII",
            "default_transaction_read_only": "on", "default_transaction_isolation": "serializable",
            "transform_null_equals": "on", "statement_timeout": "1", "lock_timeout": "1",
            "idle_in_transaction_session_timeout": "1"},
}

# (name, type, values) of columns that COPY BINARY carries, and of those that it does not.
SAFE = [
    ("an enum", "mood", ["'sad'", "'it''s \"ok\"'", "'ünï'"]),
    ("a_domain", "posint", ["1", "2147483647"]),
    ("label", "label", ["''", "'é'"]),
    ("short", "varchar(5)", ["'abcde'", "''"]),
    ("padded", "char(5)", ["'a'", "''"]),
    ("amount", "numeric(10,2)", ["'NaN'", "-99999999.99", "1.50"]),
    ("bits", "bit(11)", ["'10101010101'"]),
    ("some_bits", "varbit(9)", ["''", "'101'"]),
    ("at", "timestamp(0)", ["'2000-01-01 00:00:00.6'", "'infinity'"]),
    ("span", "interval day to second(2)", ["'1 day 00:00:00.129'"]),
    ("collated", 'text collate "C"', ["'Z'", "'ä'"]),
    ("happier", "moods", ["'ünï'"]),
    ("Quoted \"name\"", "text", ["'x'"]),
]
UNSAFE = [
    ("moods", "mood[]", ["'{}'", "array['sad', null]::mood[]", "'[0:0][2:3]={{sad,ünï}}'"]),
    ("labels", "labels", ["'{}'", "'{a,NULL,\"\"}'"]),
    ("pair", "pair", ["row(null, null, null)::pair", "row(1, E'a\\\\\\n\"b', '{1.10,NaN}')::pair", "null::pair"]),
    ("pairs", "pair[]", ["'{}'", "array[row(1, '', null)::pair, null]"]),
    ("nested", "nested", ["row(row(1, ',', null), 'sad', array[row(2, '(', '{}')::pair])::nested", "row(null, null, null)::nested"]),
    ("texts", "textrange", ["'empty'", "'[a,\"b,c\"]'", "'(,)'"]),
    ("case", "citext", ["'MiXed'", "''"]),
    ("cases", "citext[]", ["'{A,a}'"]),
    ("pairs_of", "hstore", ["''", "hstore(array['a', 'NULL', '\"'], array[null, 'NULL', '=>'])"]),
    ("tree", "ltree", ["''", "'Top.Science.Astronomy'"]),
    ("trees", "ltree[]", ["'{a.b,a}'"]),
    ("query", "lquery", ["'Top.*{1,2}.!a@|b*'"]),
    ("both", "ltxtquery", ["'a & b@ | !c'"]),
    ("class_of", "regclass", ["'kept'"]),
    ("stretches", "textrange[]", ["'{}'", "'{empty,\"[a,b)\",\"(,)\",NULL}'"]),
    ("stretch", "stretch", ["'[a,b]'"]),
    ("paired", "paired", ["row(1, '', '{}')::pair"]),
    ("said", "said", ["'ÄÖ'"]),
    ("happy", "moods[]", ["'[2:3]={ünï,NULL}'"]),
    ("maps", "hstore[]", ["'{\"a=>NULL\"}'"]),
]
# From PostgreSQL 14 on.
MULTIRANGES = [("textses", "textmultirange", ["'{}'", "'{(,a],[\"b,\",c)}'"]),
               ("all_texts", "textmultirange[]", ["'{}'", "'{\"{(,a],[b,c)}\",NULL}'"])]


def refuses(connection, sql):
    try:
        connection.execute(f"select ''::{sql}")
    except psycopg.errors.FeatureNotSupported:
        return True
    return False


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def make(connection, table, columns, spare=True):
    """A table of those columns with a row for each edge value, all null in the first; and dropped columns between."""
    rows = max(len(c[2]) for c in columns) + 1
    listed = ", ".join(f"{quoted(n)} {t}" for n, t, _ in columns)
    connection.execute(f"create table {table} (dropped_1 text default 'x', id int primary key, dropped_2 int default 7, {listed})")
    if spare:
        connection.execute(f"alter table {table} drop dropped_1, drop dropped_2")
    for row in range(rows):
        values = [f"({c[2][row - 1]})::{c[1].split(' collate')[0]}" if 0 < row <= len(c[2]) else "null" for c in columns]
        connection.execute(f"insert into {table} values ({', '.join([str(row + 1), *values])})")
    return rows


def safe_columns(connection, table, columns):
    """Those that the program would send in binary, by its own query."""
    sql = pathlib.Path(ROOT / "sql/catalog/columns.sql").read_text(encoding="utf-8")
    oid = connection.execute("select %s::regclass::oid", (table,)).fetchone()[0]
    sql = "\n".join(line for line in sql.splitlines() if not line.lstrip().startswith("--"))
    found = connection.execute(sql.replace(":'oids'", f"'{{{oid}}}'").encode()).fetchall()
    name, binary_safe = 2, 9  # as the query's header counts its columns
    safe = {row[name]: row[binary_safe] for row in found}
    return [c for c in columns if safe[c[0]]], [c for c in columns if not safe[c[0]]]


def turn_around(target, table):
    """The same columns the other way round, with others that were dropped and one that only the target has."""
    columns = [r[0] for r in target.execute("select attname::text from pg_attribute where attrelid = %s::regclass and attnum > 0 and "
                                            "not attisdropped order by attnum desc", (table,)).fetchall()]
    gone = "null::text as gone_1, null::numeric as gone_2"
    target.execute(f"create table other as select {gone}, {', '.join(map(quoted, columns))}, null::int as of_the_target from {table} limit 0")
    target.execute(f"drop table {table}")
    target.execute(f"alter table other rename to {table}; alter table {table} drop gone_1, drop gone_2")


def be_odd(side):
    with side.admin() as c:
        for name, value in ODD_SETTINGS[side.cluster.role].items():
            c.execute(f"alter role {side.cluster.role} in database {side.name} set {name} = {value}")


def defaults(side):
    with side.admin() as c:
        c.execute("set timezone = 'UTC'")
        return c.execute("select a.attname::text, pg_get_expr(d.adbin, d.adrelid) from pg_attrdef d join pg_attribute a "
                         "on a.attrelid = d.adrelid and a.attnum = d.adnum where d.adrelid = 'kept'::regclass order by 1").fetchall()


def change(connection, table):
    """Every row gets the values of another, others come and go."""
    columns = [quoted(r[0]) for r in connection.execute(
        "select attname::text from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped and attname <> 'id'",
        (table,)).fetchall()]
    n = connection.execute(f"select count(*) from {table}").fetchone()[0]
    listed = ", ".join(columns)
    connection.execute(f"insert into {table} (id, {listed}) select id + 1000, {listed} from {table}")
    connection.execute(f"update {table} t set ({listed}) = (select {listed} from {table} o where o.id = 1000 + t.id %% {n} + 1) "
                       f"where id < 1000 and id % 4 > 0".replace("%%", "%"))
    connection.execute(f"delete from {table} where id % 4 = 0")


def texts(side, table, columns):
    """What the server writes of each value, with the settings that matter pinned: key -> COPY's text of each column."""
    with side.admin() as c:
        c.execute("set bytea_output = hex; set datestyle = 'ISO, YMD'; set intervalstyle = postgres; set timezone = 'UTC';"
                  "set extra_float_digits = 3; set xmloption = content; set lc_monetary = 'C'")
        listed = ", ".join(quoted(n) for n, _, _ in columns)
        with c.cursor().copy(f"copy (select id, {listed} from {table}) to stdout") as data:
            lines = b"".join(bytes(piece) for piece in data).decode().split("\n")[:-1]
        return {line.split("\t")[0]: line.split("\t")[1:] for line in lines}


def same(source, target, table, columns):
    a, b = texts(source, table, columns), texts(target, table, columns)
    assert a.keys() == b.keys()
    for key, row in a.items():
        for column, here, there in zip(columns, row, b[key]):
            assert here == there, f"{table}, row {key}, {column[0]} {column[1]}: {here!r} on the source, {there!r} on the target"
    return len(a)


# Tiny tables go together, as INSERTs of COPY's text; where nothing is tiny, each goes by COPY in its own format.
@pytest.mark.parametrize("around, settings", [(False, {}), (True, {"chunk_min_bytes": 8192})], ids=["together", "turned_around"])
def test_every_type(repl, source, target, src, dst, src_admin, around, settings):
    version = min(src.info.server_version, dst.info.server_version)
    src_admin.execute("set lc_monetary = 'C'")
    src.execute(OWN_TYPES)
    src.execute("set timezone = 'UTC'; set lc_monetary = 'C'; set xmloption = content")
    columns = builtin_columns(src, version)
    for name in NO_INPUT:
        if [c for c in columns if c[0] == f"c_{name}"]:
            assert refuses(src, name), f"{name} takes values: it belongs into EDGES"
    make(src, "every_type", columns)
    safe, unsafe = safe_columns(src, "every_type", columns)
    assert len(safe) > 60 and len(unsafe) > 60, (len(safe), len(unsafe))
    make(src, "every_safe", safe)
    own = SAFE + UNSAFE + (MULTIRANGES if version >= 140000 else [])
    make(src, "own_unsafe", own)
    assert safe_columns(src, "own_unsafe", own) == (SAFE, own[len(SAFE):])
    make(src, "own_safe", SAFE)
    tables = {"every_type": columns, "every_safe": safe, "own_unsafe": own, "own_safe": SAFE}

    for side in (source, target) if around else ():
        be_odd(side)
    repl.init()
    assert defaults(source) == defaults(target)
    repl.configure(**settings)
    for table in tables if around else ():
        turn_around(dst, table)
    repl.start()
    repl.wait_phase("following")
    for table, listed in tables.items():
        assert same(source, target, table, listed) > 3
    for table in tables:
        change(src, table)
    repl.kick()
    for table, listed in tables.items():
        assert same(source, target, table, listed) > 5


def test_a_domain_of_one_name_over_another_type(repl, src, dst):
    """Eight bytes would be received as eight bytes of something else: such a column goes as text."""
    for c, base in ((src, "bigint"), (dst, "float8")):
        c.execute(f"create domain amount as {base}; create table paid (id int primary key, a amount)")
    src.execute("insert into paid select g, g * 3 from generate_series(1, 100) g")
    repl.init("--no-schema")
    repl.configure(chunk_min_bytes=8192)
    repl.start()
    repl.wait_phase("following")
    src.execute("update paid set a = a * 5 where id > 50")
    repl.kick()
    rows = "select id, a::text from paid order by id"
    assert dst.execute(rows).fetchall() == src.execute(rows).fetchall()
