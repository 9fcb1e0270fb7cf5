"""Values as large as PostgreSQL can send them, and those that it cannot."""
import pytest

MB = 1000 * 1000


def sums(side):
    with side.admin() as c:
        return c.execute("select id, octet_length(v), md5(v), octet_length(b), md5(b) from wide union all "
                         "select -id, octet_length(v), md5(v::text), 0, '' from wide_text order by 1").fetchall()


def move_values(repl, src, source, target, largest):
    """By the first copy and by a batch, in binary (text and bytea are) and as text (citext is not)."""
    src.execute("create extension citext; create table wide (id int primary key, v text, b bytea); "
                "create table wide_text (id int primary key, v citext)")
    src.execute(f"insert into wide values (1, repeat('0123456789abcde\n', {largest * 5 // 6} / 16), null)")
    src.execute(f"insert into wide values (2, 'small', decode(repeat('00ff', {largest // 6}), 'hex'))")
    src.execute(f"insert into wide_text values (1, repeat('0123456789abcdef', {largest * 2 // 3} / 16))")
    repl.init("--jobs", "1")
    repl.start()
    repl.wait_phase("following", timeout=1200)
    assert sums(source) == sums(target)
    src.execute(f"update wide set v = repeat('x', {largest}), b = null where id = 2")
    src.execute("update wide_text set v = v || 'y'")
    repl.kick(timeout=1200)
    assert sums(source) == sums(target)


def test_values_wider_than_every_buffer(repl, src, source, target):
    move_values(repl, src, source, target, 12 * MB)


@pytest.mark.slow
@pytest.mark.timeout(2000)
def test_values_near_a_gigabyte(repl, src, source, target):
    move_values(repl, src, source, target, 600 * MB)


@pytest.mark.slow
@pytest.mark.timeout(2000)
def test_a_row_that_cannot_be_sent(repl, src, dst):
    """Each of its values can be stored, the row cannot be read in one piece: that is said, and which table it is."""
    src.execute(f"create table broad (id int primary key, a text, b text); create table other (id int primary key);"
                f"insert into broad values (1, repeat('a', {600 * MB})); insert into other values (1)")
    src.execute(f"update broad set b = repeat('b', {600 * MB})")
    repl.init("--jobs", "1")
    repl.start()
    repl.wait_phase("failed", timeout=600)
    failed = [t for t in repl.status()["tables"] if t["phase"] == "failed"]
    assert [t["name"] for t in failed] == ["broad"]
    said = repl.run("status").out
    assert "1 GB" in said and "--exclude" in said, said


@pytest.mark.parametrize("columns, keys", [(1598, 1), (1600, 32)])
def test_tables_of_as_many_columns_as_there_can_be(repl, src, equal, columns, keys):
    """A stage has no room for so many beside those of the key; few rows go as values, many through a stream."""
    names = ", ".join(f"c{n} {('int', 'text', 'bool')[n % 3]}" for n in range(keys + 1, columns + 1))
    key = ", ".join(f"k{n}" for n in range(1, keys + 1))
    src.execute(f"create table many ({', '.join(f'k{n} int' for n in range(1, keys + 1))}, {names}, primary key ({key}));"
                "create table beside (id int primary key, v text)")
    src.execute(f"insert into many ({key}, c{columns}, c52, c51) select {', '.join(['g'] * keys)}, null, 't', g from generate_series(1, 1100) g")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    src.execute("""update many set c52 = case when k1 % 3 = 0 then 'a "quoted", \\ (text)' when k1 % 3 = 1 then '' end, c51 = c51 + 1 where k1 < 10;
        delete from many where k1 = 20; insert into beside values (1, 'x')""")
    src.execute("update many set k1 = 5000 where k1 = 30")
    repl.kick()
    equal()
    src.execute("update many set c51 = null, c50 = true; delete from many where k1 % 7 = 0")
    repl.kick()
    equal()
    assert repl.status()["phase"] == "following" and not repl.status()["errors"]
