"""The deltas do not grow: covered sides are truncated, whoever holds an old snapshot."""
import psycopg

from waiting import eventually, moment

SIZES = "select coalesce(sum(pg_relation_size(delta_a) + pg_relation_size(delta_b)), 0) from repl.relation"


def prepare(repl, src, **how):
    src.execute("create table t(id int primary key, v int); insert into t select g, 0 from generate_series(1, 1000) g")
    repl.init()
    repl.configure(rotate_bytes=8192)
    repl.start(**how)
    repl.wait_phase("following")


def write(src, repl, rounds=10):
    for n in range(rounds):
        src.execute("update t set v = v + 1")
        if n % 3 == 0:
            repl.kick()
    repl.kick()


def test_delta_tables_are_truncated(repl, src, equal):
    prepare(repl, src)
    write(src, repl)
    eventually(lambda: src.execute(SIZES).fetchone()[0] == 0, what="no delta row is left")
    equal()


def test_a_held_snapshot_does_not_stop_it(repl, src, source, equal):
    """Queue tables with DELETE die here: vacuum cannot remove what the old snapshot may see."""
    with source.connect(autocommit=False) as old:
        old.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        old.execute("select count(*) from pg_class")
        prepare(repl, src)
        write(src, repl)
        eventually(lambda: src.execute(SIZES).fetchone()[0] == 0, what="no delta row is left")
        old.rollback()
    equal()


def test_a_late_writer_is_late_but_not_lost(repl, src, source, equal):
    """A transaction that wrote to a side before the change of sides, and commits long after."""
    prepare(repl, src)
    with source.connect(autocommit=False) as slow:
        slow.execute("update t set v = -1 where id = 1")
        sizes = set()
        for _ in range(12):
            src.execute("update t set v = v + 1 where id > 1")
            repl.kick()
            sizes.add(src.execute(SIZES).fetchone()[0])
        slow.commit()
    repl.kick()
    equal()
    assert src.execute("select v from t where id = 1").fetchone()[0] == -1
    write(src, repl, 3)
    eventually(lambda: src.execute(SIZES).fetchone()[0] == 0, what="no delta row is left")


def test_an_open_writer_keeps_its_own_table_only(repl, src, source, equal):
    """It has written to one table and stays open over many batches: the deltas of the others are truncated."""
    src.execute("create table other(id int primary key, v int); insert into other select g, 0 from generate_series(1, 1000) g")
    prepare(repl, src)

    def size(table):
        return src.execute("select pg_relation_size(delta_a) + pg_relation_size(delta_b) from repl.relation where relname = %s",
                           (table,)).fetchone()[0]

    with source.connect(autocommit=False) as slow:
        slow.execute("update other set v = -1")
        for _ in range(3):
            write(src, repl, 4)
            eventually(lambda: size("t") == 0, what="no delta row of the other table is left")
            assert size("other") > 0
        slow.commit()
    repl.kick()
    eventually(lambda: size("other") == 0, what="then its own")
    equal()


def test_what_is_committed_just_before_a_truncation(repl, src, dst, source, equal):
    """A transaction wrote to the side that is inactive by now, and commits when its truncation is about to begin."""
    prepare(repl, src, pause_at="rotate.before_trim:700")

    def side():
        return src.execute("select last_value from repl.side").fetchone()[0]

    def batch():
        return dst.execute("select batch from repl.position").fetchone()[0]

    def truncation_begins():
        """A change that comes does not come over: the engine is at the point."""
        before = batch()
        src.execute("update t set v = v + 1 where id > 900")
        moment(.15)
        return batch() == before

    for n in range(2):
        with source.connect(autocommit=False) as slow:
            written = side()
            slow.execute("update t set v = -1 where id = %s", (n + 1,))
            src.execute("update t set v = v + 1 where id > 900")
            eventually(lambda s=written: side() != s, what="the writers are sent to the other side")
            eventually(truncation_begins, what="a truncation begins")
            slow.commit()
        repl.kick()
        equal()


def test_a_reader_of_the_deltas_is_not_waited_for(repl, src, source, equal):
    """Rotation asks for its lock NOWAIT: neither it nor the application behind it waits."""
    prepare(repl, src)
    number = src.execute("select id from repl.relation").fetchone()[0]
    with source.connect(autocommit=False) as reader:
        reader.execute(f"lock table repl.d{number}_a, repl.d{number}_b in access share mode")
        src.execute("set statement_timeout = '5s'")
        write(src, repl)
        reader.rollback()
    write(src, repl, 2)
    eventually(lambda: src.execute(SIZES).fetchone()[0] == 0, what="no delta row is left")
    equal()


def test_a_target_that_lost_a_batch_is_refused(repl, src, dst, equal):
    """Once deltas are truncated, a target that goes back to before the batch that brought them has lost changes: also
    when it is the last batch, as after a failover to a standby that was behind."""
    prepare(repl, src)
    write(src, repl, 2)
    row = dst.execute("select batch, snapshot from repl.position").fetchone()
    src.execute("update t set v = -1 where id = 1")
    repl.kick()
    assert dst.execute("select batch from repl.position").fetchone()[0] == row[0] + 1
    eventually(lambda: src.execute(SIZES).fetchone()[0] == 0, what="the deltas are truncated")
    repl.stop()
    dst.execute("update repl.position set batch = %s, snapshot = %s", row)
    dst.execute("update t set v = 2 where id = 1")
    refused = repl.run("start", code=1)
    assert "gone back in time" in refused.all and "repl cleanup" in refused.all
