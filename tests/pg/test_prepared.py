"""Two-phase commit: an application that prepares its transactions does so as if repl were not there, and what stays prepared
over batches, kills and restarts arrives when it is committed."""
import pytest

from waiting import eventually

TABLES = "create table t(id int primary key, v text); create table p(id int primary key, v text) partition by range (id);" \
         "create table p1 partition of p for values from (0) to (100000); create table keyless(v int);" \
         "insert into t select g, 'v' from generate_series(1, 100) g"


@pytest.fixture
def two_phase(restarted, source_cluster, source):
    """A source that can prepare transactions; its databases have none left at the end."""
    restarted(source_cluster, max_prepared_transactions=20)
    yield
    source_cluster.ensure_up()
    with source.admin() as c:
        for gid, in c.execute("select gid from pg_prepared_xacts where database = current_database()").fetchall():
            c.execute(f"rollback prepared '{gid}'")


def prepare(c, gid, statements):
    c.execute(f"begin; {statements}; prepare transaction '{gid}'")


def following(repl):
    repl.init()
    repl.configure(rotate_bytes=8192)
    repl.start()
    repl.wait_phase("following")


def test_an_application_that_prepares_everything(two_phase, repl, src, dst, equal):
    """Whatever the doorbell does: no PREPARE TRANSACTION fails, and each change arrives without being asked for."""
    src.execute(TABLES)
    following(repl)
    for n in range(1, 31):
        prepare(src, f"g{n}", f"update t set v = v || '.' where id = {n}; insert into p values ({n}, 'p'); delete from t where id = {n + 50}")
        src.execute(f"{'rollback' if n % 5 == 0 else 'commit'} prepared 'g{n}'")
        if n % 10 == 0:  # idle in between, which is when an engine would let itself be rung for
            eventually(lambda k=n - 1: dst.execute("select count(*) from p where id = %s", (k,)).fetchone()[0] == 1, timeout=10,
                       what="it arrives by itself")
            eventually(lambda: repl.status()["owed_rows"] == 0, what="nothing is owed")
    repl.kick()
    assert equal() == 100 - 24 + 24
    assert src.execute("select last_value from repl.bell").fetchone()[0] == 2


def test_prepared_over_batches_kills_and_restarts(two_phase, repl, source, src, equal, source_cluster):
    src.execute(TABLES)
    following(repl)
    prepare(src, "long", "update t set v = 'long' where id <= 10; update t set id = 1000 where id = 11; delete from t where id = 12; "
            "insert into p select g, 'long' from generate_series(1, 500) g; insert into keyless values (1)")
    prepare(src, "undone", "delete from t where id > 90; insert into keyless values (2)")
    for n in range(6):
        src.execute(f"update t set v = v || 'x' where id between 20 and 60; insert into p select {n} * 1000 + g, '' from generate_series(600, 900) g")
        repl.kick()
        equal()
    repl.kill()
    src.execute("update t set v = 'killed' where id = 30")
    repl.start()
    repl.wait_phase("following")
    source_cluster.crash()
    source_cluster.start()
    repl.wait_phase("following")
    repl.kick()
    with source.connect() as c:
        c.execute("insert into t values (2000, 'behind')")
        repl.kick()
        equal()
        c.execute("commit prepared 'long'")
        c.execute("rollback prepared 'undone'")
    repl.kick()
    assert equal() == 100 + 500 + 6 * 301 + 1


def test_init_waits_and_names_it(two_phase, repl, src, equal):
    """No session holds the lock, so no process can be named."""
    src.execute(TABLES)
    src.execute("begin; insert into t values (500, 'prepared'); prepare transaction 'it''s in the way'")
    process = repl.start_in_background("init", "--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET")
    log = repl.folder / "background-init.log"
    try:
        eventually(lambda: "COMMIT PREPARED 'it''s in the way'" in log.read_text(encoding="utf-8").split("public.t is locked")[-1] and
                   "public.t is locked" in log.read_text(encoding="utf-8"), what="the prepared transaction is named")
    finally:
        src.execute("commit prepared 'it''s in the way'")
    assert process.wait(60) == 0
    repl.kick()
    assert equal() == 101


def test_rung_anyway(two_phase, repl, src, dst, check):
    """Who knows that nothing is prepared has the doorbell back; check tells how."""
    src.execute(TABLES)
    assert "ring_anyway" in check().one("prepared transactions", "max_prepared_transactions", side="source")["hint"]
    repl.init()
    repl.configure(ring_anyway=1, poll_ms=60000)
    repl.start()
    repl.wait_phase("following")
    eventually(lambda: src.execute("select last_value from repl.bell").fetchone()[0] == 1, what="the doorbell is armed")
    src.execute("insert into t values (600, 'rung')")
    eventually(lambda: dst.execute("select from t where id = 600").fetchall(), what="it arrives")
    repl.stop()
    repl.configure()
    repl.start()
    repl.wait_phase("following")
    eventually(lambda: src.execute("select last_value from repl.bell").fetchone()[0] == 2, what="it is silent again")
