"""Tables that nobody writes to sleep, eight to a bell: they are not looked at, and nothing of them is missed when they wake. What is asked
each time is whether a transaction over a busy table and one that slept arrives whole."""
import pytest

from waiting import eventually

TABLES = 16  # and busy: three bells
ASLEEP = "select count(distinct bell) from repl.relation where pg_sequence_last_value(bell) = 3"
CALM = [f"calm_{n:02d}" for n in range(7, 16)]  # of other bells than busy's


@pytest.fixture
def asleep(repl, src, equal):
    """Follows, and all tables sleep but busy, to which somebody writes."""
    for name in ("busy", *(f"calm_{n:02d}" for n in range(TABLES))):
        src.execute(f"create table {name} (id int primary key, v int); insert into {name} values (1, 0)")
    repl.init()
    repl.configure(sleep_ms=200, sleep_tables=0, rotate_bytes=8192)
    repl.start()
    repl.wait_phase("following")
    tick = [0]

    def sleeps(bells=2):
        def look():
            tick[0] += 1
            src.execute("update busy set v = %s", (tick[0],))
            return src.execute(ASLEEP).fetchone()[0] >= bells
        eventually(look, what=f"{bells} bells sleep")
    sleeps()
    repl.tables_sleep = sleeps
    yield tick
    repl.kick()


def arrives(dst, tick, table):
    eventually(lambda: dst.execute("select v from busy").fetchone()[0] == tick[0], what="the busy table is there")
    assert dst.execute(f"select v from {table}").fetchone()[0] == tick[0], f"{table} is behind busy"


def both(connection, tick, table):
    tick[0] += 1
    connection.execute(f"update {table} set v = {tick[0]}")
    connection.execute(f"update busy set v = {tick[0]}")


def test_one_wakes(repl, src, dst, asleep):
    for table in CALM:
        with src.transaction():
            both(src, asleep, table)
        arrives(dst, asleep, table)
    repl.tables_sleep()


def test_a_writer_from_before(repl, src, dst, source, asleep):
    """It rang while its table was awake; nobody may take that for sleep until it has ended."""
    for table in CALM[::2]:
        with source.connect(autocommit=False) as other:
            other.execute(f"insert into {table} values (100, 0)")  # wakes it; and is in flight from now on
            repl.tables_sleep(1)  # maybe its own, too, unless that is what waits for it
            tick = asleep[0] = asleep[0] + 1
            other.execute(f"update {table} set v = {tick} where id = 1")
            other.execute(f"update busy set v = {tick}")
            other.commit()
        arrives(dst, asleep, f"{table} where id = 1")


def test_one_wakes_and_rolls_back(repl, src, dst, source, asleep):
    """The bell stays rung and nobody says so: who comes behind is silent."""
    for table in CALM:
        with source.connect(autocommit=False) as other:
            other.execute(f"update {table} set v = -1")
            other.rollback()
        with src.transaction():
            both(src, asleep, table)
        arrives(dst, asleep, table)
    repl.tables_sleep()


def test_one_is_woken_by_a_savepoint_alone(repl, src, dst, source, asleep):
    with source.connect(autocommit=False) as other:
        other.execute("savepoint s; update calm_08 set v = -1; rollback to s")
        repl.tables_sleep(1)
        both(other, asleep, "calm_08")
        other.commit()
    arrives(dst, asleep, "calm_08")


def test_truncate_wakes(repl, src, dst, asleep):
    with src.transaction():
        src.execute("truncate calm_09")
        src.execute(f"insert into calm_09 values (1, {asleep[0] + 1})")
        asleep[0] += 1
        src.execute(f"update busy set v = {asleep[0]}")
    arrives(dst, asleep, "calm_09")


def test_an_engine_that_is_killed_begins_with_all(repl, src, dst, asleep):
    """What it knew is gone; the bells are as it left them."""
    for down, up in zip(CALM[:3], CALM[-3:]):
        repl.kill()
        with src.transaction():
            both(src, asleep, down)
        repl.start()
        arrives(dst, asleep, down)
        with src.transaction():
            both(src, asleep, up)
        arrives(dst, asleep, up)
    repl.tables_sleep()


def test_the_source_crashes(dst, source, asleep):
    source.cluster.stop("immediate")
    source.cluster.start()
    with source.connect() as c:
        for table in CALM:
            with c.transaction():
                both(c, asleep, table)
            arrives(dst, asleep, table)


def test_repairs_wake(repl, src, dst, asleep):
    """What verify owes is written to the deltas by repl itself."""
    dst.execute("set session_replication_role = replica; update calm_10 set v = -7; delete from calm_15")
    repl.run("verify", "--repair", code=None)
    repl.kick()
    repl.run("verify")


@pytest.mark.parametrize("awake", (False, True))
def test_a_new_table(repl, src, dst, asleep, awake):
    """Its bell may be rung already by those that share it: whom a look asks has to be found out anew."""
    for side in (src, dst):
        side.execute("create table late (id int primary key, v int)")
    if awake:
        src.execute("update calm_15 set v = -1")
    repl.run("add", "late", timeout=60)
    eventually(lambda: [t["name"] for t in repl.status()["tables"] if t["name"] == "late"], what="it has joined")
    repl.kick()
    for n in range(3):
        repl.tables_sleep(1 if awake else 2)
        tick = asleep[0] = asleep[0] + 1
        with src.transaction():
            if awake:
                src.execute("update calm_15 set v = -1")
            src.execute(f"insert into late values (1, {tick}) on conflict (id) do update set v = excluded.v")
            src.execute(f"update busy set v = {tick}")
        arrives(dst, asleep, "late")
