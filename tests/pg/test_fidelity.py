"""Whatever a column can hold arrives as it was: every built-in type, and those that users make, in both formats of COPY,
by the first copy and by the batches after it, into tables whose columns stand otherwise."""
import pathlib

import psycopg
import pytest

from edges import COLUMN_TYPES, NO_INPUT, array_edges, edges
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
create table kept (id int primary key);
"""

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
]


def builtin_columns(connection, version):
    """(name, type, values) for every type of the server that a column can have."""
    columns, unknown = [], []
    for _, schema, name, sql, element, element_sql, is_array in connection.execute(COLUMN_TYPES).fetchall():
        try:
            values = array_edges(element, element_sql, version) if is_array else edges(name, version)
        except KeyError:
            unknown.append(f"{schema}.{name}")
            continue
        columns.append((f"c_{name}", sql, values))
    assert not unknown, f"types of this server that edges.py has no values for: {unknown}"
    return columns


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
    safe = {name: is_safe for _, _, name, *_, is_safe, _, _ in found}
    return [c for c in columns if safe[c[0]]], [c for c in columns if not safe[c[0]]]


def turn_around(target, table):
    """The same columns the other way round, with others that were dropped and one that only the target has."""
    columns = [r[0] for r in target.execute("select attname::text from pg_attribute where attrelid = %s::regclass and attnum > 0 and "
                                            "not attisdropped order by attnum desc", (table,)).fetchall()]
    gone = "null::text as gone_1, null::numeric as gone_2"
    target.execute(f"create table other as select {gone}, {', '.join(map(quoted, columns))}, null::int as of_the_target from {table} limit 0")
    target.execute(f"drop table {table}")
    target.execute(f"alter table other rename to {table}; alter table {table} drop gone_1, drop gone_2")


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
    make(src, "own_unsafe", SAFE + UNSAFE)
    assert safe_columns(src, "own_unsafe", SAFE + UNSAFE) == (SAFE, UNSAFE)
    make(src, "own_safe", SAFE)
    tables = {"every_type": columns, "every_safe": safe, "own_unsafe": SAFE + UNSAFE, "own_safe": SAFE}

    repl.init()
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
