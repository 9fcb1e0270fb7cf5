"""A table can be cut by a key of any type that has an order."""
import psycopg

from edges import builtin_columns
from waiting import eventually


def fill(src, name, values):
    """Each value many times; False where the type turns out to have no order, as arrays of such."""
    for i, value in enumerate(values):
        try:
            src.execute(f"insert into {name} values ({value}, {i})")
        except psycopg.errors.ProgramLimitExceeded:
            pass  # too long for any index
        except psycopg.errors.UndefinedFunction as e:
            assert "comparison function" in str(e), e
            return False
    return src.execute(f"insert into {name} select k, id + 1000 * g, g, repeat('x', 200) from {name}, "
                       f"generate_series(1, 600 / greatest((select count(*) from {name}), 1)) g").rowcount > 0


def ordered_tables(src):
    """One a built-in type that has an order: its edge values, many times each."""
    src.execute("create type mood as enum ('sad', 'ok'); create table kept (id int primary key); set timezone = 'UTC'")
    names = []
    for column, sql, values in builtin_columns(src, src.info.server_version):
        name = "k" + column[1:]
        try:
            src.execute(f"create table {name} (k {sql}, id int, n int default 0, pad text, primary key (k, id))")
        except psycopg.errors.UndefinedObject as e:
            assert "operator class" in str(e), e
            continue
        if fill(src, name, values):
            names.append(name)
        else:
            src.execute(f"drop table {name}")
    src.execute("analyze")
    return names


def test_every_type_that_has_an_order(repl, src, dst, equal):
    """The bounds of a range are literals of the key's type: they mean the same value again, whatever it is."""
    names = ordered_tables(src)
    assert len(names) > 90, names
    repl.init()
    repl.configure(chunk_by_key=1, chunk_min_bytes="16kB", chunk_max_bytes="32kB")
    repl.start(pause_at="chunk.before_commit:10")
    eventually(lambda: dst.execute("select count(*) from repl.chunk").fetchone()[0] > 100, what="some chunks are done")
    for name in names:
        src.execute(f"update {name} set n = -n where id % 7 = 1; delete from {name} where id % 7 = 2; "
                    f"update {name} set id = id + 1 where id % 1000 = 0 and id > 0 and n % 5 = 0")
    repl.wait_phase("following", timeout=90)
    sizes = dict(dst.execute("select r.relname::text, count(*) from repl.relation r join repl.cut c on c.relation = r.id group by 1").fetchall())
    assert [n for n in names if sizes[n] < 3] == []
    repl.kick()
    assert equal() > 40000
