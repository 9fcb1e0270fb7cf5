"""Small batches bring their rows as values; how they are written, how wide they are, and what is too much for one batch."""
import pathlib

import pytest

from waiting import SLOWER, eventually

MB = 1000 * 1000
ODD = ["", " ", "NULL", "null", "\\", "\\\\", '"', '""', '\\"', "'", "''", "\\'", "{", "}", "{}", "(,)", ",", ")", "(", "\t", "\n", "\r\n",
       "\\N", "\\.", "$1", "a\\", '"a",\'b\'', "ü漢🐘", "\u0001\u007f", "x" * 20000, "\\" * 3000, "'\"" * 3000]


def memory(repl):
    pid = repl.status()["engine"]["pid"]
    line = next(x for x in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def follow(repl, **settings):
    repl.init()
    repl.configure(**settings)
    repl.start()
    repl.wait_phase("following")


def test_odd_values_one_by_one_and_together(repl, src, equal):
    """As values, as keys, in arrays and rows; as few as each statement reads anew, and as many as go through the stage."""
    src.execute("""create type pair as (a text, b text); create table odd (k text primary key, v text, u text unique, a text[], p pair, b bytea);
        create table many (k text, n int, v text, primary key (k, n))""")
    follow(repl)
    for n, value in enumerate(ODD):
        src.execute("insert into odd values (%(v)s, %(v)s, md5(%(v)s::text), array[%(v)s::text, null, ''], row(%(v)s::text, null), %(b)s)",
                    {"v": value[:500], "b": value.encode()})
        if n % 4 == 0:
            repl.kick()
            equal()
    for n in range(200):
        src.execute("insert into many values (%s, %s, %s)", (ODD[n % len(ODD)][:500], n, ODD[-n % len(ODD)]))
    repl.kick()
    equal()
    src.execute("update odd set v = p::text, p = row(v, k), u = u || 'x' where length(k) < 3; update odd set k = k || '\\' where length(k) > 3;"
                "delete from odd where length(k) = 2; delete from many where n % 3 = 0; update many set v = v || v where n % 5 = 0")
    repl.kick()
    assert equal() > 100
    src.execute("delete from odd")  # nothing but deletes
    repl.kick()
    src.execute("truncate many")  # nothing at all
    repl.kick()
    assert equal() == 0


def test_more_tables_than_stages_are_kept(repl, src, equal, tables=40):
    """One after the other, and then again."""
    src.execute("".join(f"create table t{n} (id int primary key, v text);" for n in range(tables)))
    follow(repl)
    for again in range(2):
        for n in range(tables):
            src.execute(f"insert into t{n} values ({again}, 'v'); update t{n} set v = 'w'")
            if n % 8 == 7:
                repl.kick()
        equal()
    src.execute("".join(f"update t{n} set v = 'x';" for n in range(tables)))  # in one transaction
    repl.kick()
    assert equal() == 2 * tables
    assert not repl.status()["errors"]


def test_a_column_of_another_type(repl, src, dst, equal):
    """What a session keeps prepared is of the types that a table had; others come with the table's next shape."""
    src.execute("create table t (id int primary key, v int); insert into t values (1, 1)")
    follow(repl, survey_ms=100)
    for n in range(3):
        src.execute("update t set v = v + 1")
        repl.kick()
    for c in (src, dst):
        c.execute("alter table t alter v type text using v::text")
    src.execute("update t set v = 'text'")
    eventually(lambda: dst.execute("select v from t").fetchone() == ("text",), what="the table goes on")
    equal()


def test_rows_wider_than_the_catalogs_know(repl, src, equal):
    """Few rows are small, until they come: then they are streamed, and memory stays that of one row."""
    src.execute("create table wide (id int primary key, v text); create table narrow (id int primary key)")
    follow(repl)
    before = memory(repl)
    with src.transaction():
        src.execute("insert into wide select g, repeat('wide', 500000) from generate_series(1, 30) g; insert into narrow values (1)")
    repl.kick()
    assert equal() == 31
    assert repl.status()["last_batch"]["bytes"] > 60 * MB
    assert memory(repl) - before < 20 * MB or SLOWER > 1  # a sanitizer keeps what was freed
    assert not repl.status()["errors"]


@pytest.mark.parametrize("limit", [50000, 5 * MB])
def test_a_batch_is_bounded_in_bytes(repl, src, dst, equal, limit):
    """Few rows, but wide ones: in steps where they are more than batch_bytes, else at once."""
    src.execute("""create table wide (id int primary key, n int, v text); alter table wide alter v set storage external;
        insert into wide select g, 0, repeat(md5(g::text), 31) from generate_series(1, 2000) g; analyze wide""")
    follow(repl)
    repl.stop()
    repl.configure(batch_bytes=limit)
    src.execute("update wide set n = 1")
    repl.start(pause_at="apply.before_commit:20")
    seen = set()
    eventually(lambda: seen.add(dst.execute("select count(*) from wide where n = 1").fetchone()[0]) or 2000 in seen, every=0.005, what="all came")
    assert (len(seen - {0, 2000}) > 0) == (limit < 2 * MB), seen
    repl.kick()
    equal()
