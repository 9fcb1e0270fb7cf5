"""Tables that nobody writes to sleep: they are not looked at, and nothing of them is missed when they wake. What is asked
each time is whether a transaction over a busy table and one that slept arrives whole."""
import pytest

from waiting import eventually

TABLES = 12
ASLEEP = "select count(*) from repl.relation where pg_sequence_last_value(bell) = 3"


@pytest.fixture
def asleep(repl, src, equal):
    """Follows, and all tables sleep but busy, to which somebody writes."""
    for name in ("busy", *(f"calm_{n}" for n in range(TABLES))):
        src.execute(f"create table {name} (id int primary key, v int); insert into {name} values (1, 0)")
    repl.init()
    repl.configure(sleep_ms=200, sleep_tables=0, rotate_bytes=8192)
    repl.start()
    repl.wait_phase("following")
    tick = [0]

    def sleeps(calm=TABLES):
        def look():
            tick[0] += 1
            src.execute("update busy set v = %s", (tick[0],))
            return src.execute(ASLEEP).fetchone()[0] >= calm
        eventually(look, what=f"{calm} tables sleep")
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
    for n in range(TABLES):
        with src.transaction():
            both(src, asleep, f"calm_{n}")
        arrives(dst, asleep, f"calm_{n}")
    repl.tables_sleep()


def test_a_writer_from_before(repl, src, dst, source, asleep):
    """It rang while its table was awake; nobody may take that for sleep until it has ended."""
    for n in range(6):
        table = f"calm_{n}"
        with source.connect(autocommit=False) as other:
            other.execute(f"insert into {table} values (100, 0)")  # wakes it; and is in flight from now on
            repl.tables_sleep(TABLES - 1)  # maybe its own, too, unless that is what waits for it
            tick = asleep[0] = asleep[0] + 1
            other.execute(f"update {table} set v = {tick} where id = 1")
            other.execute(f"update busy set v = {tick}")
            other.commit()
        arrives(dst, asleep, f"{table} where id = 1")


def test_one_wakes_and_rolls_back(repl, src, dst, source, asleep):
    """The bell stays rung and nobody says so: who comes behind is silent."""
    for n in range(8):
        table = f"calm_{n}"
        with source.connect(autocommit=False) as other:
            other.execute(f"update {table} set v = -1")
            other.rollback()
        with src.transaction():
            both(src, asleep, table)
        arrives(dst, asleep, table)
    repl.tables_sleep()


def test_one_is_woken_by_a_savepoint_alone(repl, src, dst, source, asleep):
    with source.connect(autocommit=False) as other:
        other.execute("savepoint s; update calm_0 set v = -1; rollback to s")
        repl.tables_sleep(TABLES - 1)
        both(other, asleep, "calm_0")
        other.commit()
    arrives(dst, asleep, "calm_0")


def test_truncate_wakes(repl, src, dst, asleep):
    with src.transaction():
        src.execute("truncate calm_3")
        src.execute(f"insert into calm_3 values (1, {asleep[0] + 1})")
        asleep[0] += 1
        src.execute(f"update busy set v = {asleep[0]}")
    arrives(dst, asleep, "calm_3")


def test_an_engine_that_is_killed_begins_with_all(repl, src, dst, asleep):
    """What it knew is gone; the bells are as it left them."""
    for n in range(3):
        repl.kill()
        with src.transaction():
            both(src, asleep, f"calm_{n}")
        repl.start()
        arrives(dst, asleep, f"calm_{n}")
        with src.transaction():
            both(src, asleep, f"calm_{6 + n}")
        arrives(dst, asleep, f"calm_{6 + n}")
    repl.tables_sleep()


def test_the_source_crashes(dst, source, asleep):
    source.cluster.stop("immediate")
    source.cluster.start()
    with source.connect() as c:
        for n in range(5):
            with c.transaction():
                both(c, asleep, f"calm_{n}")
            arrives(dst, asleep, f"calm_{n}")


def test_repairs_wake(repl, src, dst, asleep):
    """What verify owes is written to the deltas by repl itself."""
    dst.execute("set session_replication_role = replica; update calm_7 set v = -7; delete from calm_8")
    repl.run("verify", "--repair", code=None)
    repl.kick()
    repl.run("verify")


def test_a_new_table_sleeps_until_it_is_written_to(repl, src, dst, asleep):
    for side in (src, dst):
        side.execute("create table late (id int primary key, v int)")
    repl.run("add", "late", timeout=60)
    eventually(lambda: [t["name"] for t in repl.status()["tables"] if t["name"] == "late"], what="it has joined")
    repl.kick()
    repl.tables_sleep(TABLES + 1)
    tick = asleep[0] = asleep[0] + 1
    with src.transaction():
        src.execute(f"insert into late values (1, {tick})")
        src.execute(f"update busy set v = {tick}")
    arrives(dst, asleep, "late")
