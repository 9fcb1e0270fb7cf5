"""How the engine looks for what is owed: the tables of the last batch first, all the others as surely."""
from test_rotation import SIZES
from waiting import eventually


def prepare(repl, src):
    for name in ("busy", "calm"):
        src.execute(f"create table {name}(id int primary key, v int); insert into {name} select g, 0 from generate_series(1, 100) g")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    src.execute("update busy set v = 1")
    repl.kick()
    eventually(lambda: src.execute(SIZES).fetchone()[0] == 0, what="no delta row is left")


def arrives(dst, table, value):
    eventually(lambda: dst.execute(f"select min(v) from {table}").fetchone()[0] == value, what=f"{table} has {value}")


def test_a_lock_on_a_table_that_was_busy(repl, src, dst, source, equal):
    """It would be locked by the next look, though it owes nothing: nobody else waits for whoever holds it."""
    prepare(repl, src)
    with source.connect(autocommit=False) as other:
        other.execute("lock table busy in access exclusive mode")
        for n in range(2, 5):
            src.execute("update calm set v = %s", (n,))
            arrives(dst, "calm", n)
        other.rollback()
    assert repl.phase() == "following" and not repl.status()["errors"]
    src.execute("update busy set v = 5")
    arrives(dst, "busy", 5)
    equal()


def test_a_busy_table_is_dropped(repl, src, dst, equal):
    prepare(repl, src)
    src.execute("drop table busy")
    dst.execute("drop table busy")
    src.execute("update calm set v = 2")
    arrives(dst, "calm", 2)
    eventually(lambda: [t["name"] for t in repl.status()["tables"]] == ["calm"], what="it has left the sync")
    equal()


def test_transactions_over_several_tables_arrive_whole(repl, src, dst, equal):
    """One table is busy, the other joins it now and then; a reader of the target never sees half a transaction."""
    prepare(repl, src)
    src.execute("update calm set v = 1")
    repl.kick()
    for n in range(2, 40):
        with src.transaction():
            src.execute("update busy set v = %s", (n,))
            if n % 3 == 0:
                src.execute("update calm set v = %s", (n,))
        low, high = dst.execute("select (select min(v) from calm), (select max(v) from busy)").fetchone()
        assert low == high // 3 * 3 or high < 3, f"calm has {low}, busy {high}"
    arrives(dst, "busy", 39)
    arrives(dst, "calm", 39)
    equal()
