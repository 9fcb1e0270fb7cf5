"""Whatever crashes, and whenever: at the end both sides are equal in every row."""
import os
import random
import re
import shutil

import pytest

import workload
from program import ROOT
from test_copy import SMALL, big, chunks
from waiting import SLOWER, eventually, moment

# Other stories have those that need more than the workload, or are of their commands.
POINT = re.compile(r'fault_point\("((?!unit\.|step\.|recreate\.|add\.|cutover\.|verify\.|mend\.|back\.|seed\.|cleanup\.|fan\.|catchup\.)[a-z_.]+)"\)')


def points():
    """Every named fault point of the program."""
    return sorted({m for path in (ROOT / "replicator").rglob("*.c")
                   for m in POINT.findall(path.read_text(encoding="utf-8"))})


def settle(repl, equal, w=None):
    """The writers end, what they committed comes over, and every row is compared."""
    if w is not None:
        w.stop()
    repl.kick(timeout=120)
    equal()


def random_kills(repl, src, writers, equal, seed, kills, items=20000):
    rnd = random.Random(seed)
    print(f"kills by seed {seed}")
    with writers(seed=seed, writers=3) as w:
        big(src, rows=items)
        repl.init()
        repl.configure(**SMALL)
        phases = {}
        for n in range(kills):
            repl.start(wait=False, pause_at=rnd.choice((None, "chunk.before_commit:20")))
            # Short lives die in the copy, longer ones in what comes after.
            moment(rnd.uniform(0, .6 if n < kills / 2 else 2) * SLOWER, w.stopping)
            assert repl.engine.poll() is None, f"the engine ended by itself:\n{repl.engine_tail()}"
            repl.kill()
            phase = repl.status()["tables"][0]["phase"]
            phases[phase] = phases.get(phase, 0) + 1
            src.execute("update big set n = n + 1 where id between %s and %s", (n * 100, n * 100 + 50))
        print(f"killed in {phases}")
        repl.start()
        repl.wait_phase("following", timeout=120)
        before = w.committed
        eventually(lambda: w.committed > before + 10, what="the application goes on")
        settle(repl, equal, w)


def test_20_random_kills(repl, src, writers, equal):
    random_kills(repl, src, writers, equal, random.randrange(10**6), kills=20)


@pytest.mark.slow
@pytest.mark.parametrize("round_", range(8))
def test_many_random_kills(repl, src, writers, equal, round_):
    random_kills(repl, src, writers, equal, random.randrange(10**6), kills=60, items=60000)


def of_init(point):
    """The points that init passes; the others are the engine's."""
    return point.startswith("init.") or point == "schema.pre_data"


@pytest.mark.parametrize("point", [p for p in points() if of_init(p)])
def test_init_is_killed_at(repl, src, writers, equal, point):
    with writers(writers=2, hold=.1) as w:
        repl.init(code=-9, env={"REPL_FAIL_AT": point})
        repl.init()
        repl.start()
        repl.wait_phase("following")
        settle(repl, equal, w)


@pytest.mark.parametrize("point", [p for p in points() if not of_init(p)])
def test_killed_at(repl, src, writers, equal, point):
    """Dies at each named point, once in the copy or the follow that passes it, and goes on."""
    with writers(writers=2, hold=.1) as w:
        repl.init()
        repl.start(wait=False, fail_at=point)
        eventually(lambda: repl.engine.poll() is not None or w.unexpected, timeout=60, what=f"it passes {point}")
        assert repl.wait_exit() == -9, repl.engine_tail()
        repl.start()
        repl.wait_phase("following")
        settle(repl, equal, w)


def anything_crashes(repl, src, source, target, writers, equal, clusters, seed, rounds):
    """The engine, either server, connections, in any order, under writers that do not wait for their commits."""
    rnd = random.Random(seed)
    print(f"crashes by seed {seed}")
    with writers(seed=seed, writers=3, lossy=True, asynchronous=True) as w:
        big(src, rows=20000)
        repl.init()
        repl.configure(**SMALL, batch_rows=2000, step_rows=500, fan_out_rows=200, rotate_bytes=8192)
        happened = []
        for _ in range(rounds):
            if repl.engine is None:
                repl.start(wait=False, pause_at=rnd.choice((None, "chunk.before_commit:10", "apply.before_commit:50")))
            moment(rnd.uniform(0, 1.5) * SLOWER, w.stopping)
            what = rnd.choice(("kill", "kill", "kill", "crash", "restart", "terminate", "nothing"))
            if what == "kill":
                repl.kill()
            elif what == "terminate":
                rnd.choice((source, target)).terminate()
            elif what != "nothing":
                cluster = rnd.choice(clusters)
                cluster.stop("immediate" if what == "crash" else "fast")
                moment(rnd.uniform(0, .5), w.stopping)
                cluster.start()
            if repl.engine is not None and repl.engine.poll() is not None:
                repl.engine = None  # a start that met a server that was down says so and ends
            happened.append(what)
        print(f"{happened}")
        repl.kill()
        repl.start()
        repl.wait_phase("following", timeout=120)
        settle(repl, equal, w)
    with target.admin() as c:
        assert workload.total(c) == workload.TOTAL


def test_anything_crashes(repl, src, source, target, writers, equal, source_cluster, target_cluster):
    anything_crashes(repl, src, source, target, writers, equal, (source_cluster, target_cluster),
                     random.randrange(10**6), rounds=15)


@pytest.mark.slow
@pytest.mark.parametrize("round_", range(10))
def test_anything_crashes_for_long(repl, src, source, target, writers, equal, source_cluster, target_cluster, round_):
    anything_crashes(repl, src, source, target, writers, equal, (source_cluster, target_cluster),
                     random.randrange(10**6), rounds=80)


def following(repl):
    repl.init()
    repl.start()
    repl.wait_phase("following")


@pytest.mark.parametrize("which", ["source", "target"])
@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_a_server_restarts(repl, writers, equal, source_cluster, target_cluster, which, how):
    """The engine waits for the server and goes on by itself."""
    cluster = source_cluster if which == "source" else target_cluster
    with writers(lossy=True) as w:
        following(repl)
        for _ in range(2):
            cluster.stop(how)
            eventually(lambda: repl.status()["errors"], what="status tells of the server that is away")
            cluster.start()
            before = w.committed
            eventually(lambda n=before: w.committed > n + 10, what="the application goes on")
        repl.wait_phase("following")
        settle(repl, equal, w)
    assert repl.engine.poll() is None, "the engine did not survive"
    eventually(lambda: not repl.status()["errors"], what="status forgets errors that are over")
    assert "\nWARNING" not in repl.engine_tail(10**6), "a server's notice stands raw in the log"


def test_the_source_crashes_in_the_copy(repl, src, source, writers, equal, dst, source_cluster):
    with writers(lossy=True) as w:
        big(src)
        repl.init()
        repl.configure(**SMALL)
        repl.start(pause_at="chunk.before_commit:40")
        eventually(lambda: chunks(dst) > 3, what="some chunks are done")
        source_cluster.crash()
        source_cluster.start()
        repl.wait_phase("following", timeout=90)
        settle(repl, equal, w)


def test_the_source_loses_commits_that_were_not_flushed(repl, source, writers, equal, source_cluster, target):
    """With synchronous_commit = off a crash takes back what was committed, and its transaction ids are used again. What
    is on the target must not be ahead of what the source has kept, and the new owner of an id must not be taken for
    the old one."""
    source_cluster.configure(wal_writer_delay="10000")  # the longest: as much as possible is lost
    try:
        with writers(lossy=True, asynchronous=True, truncate=False) as w:
            following(repl)
            for _ in range(4):
                before = w.committed
                eventually(lambda n=before: w.committed > n + 50, what="the application writes")
                source_cluster.crash()
                source_cluster.start()
            settle(repl, equal, w)
        with target.admin() as c:
            assert workload.total(c) == workload.TOTAL
    finally:
        source_cluster.ensure_up()
        source_cluster.configure(wal_writer_delay=None)


def test_the_source_takes_back_what_a_chunk_left_out(repl, src, equal, source_cluster):
    """A chunk leaves out a row whose key is in the deltas. When the source crashes before that change was flushed, the
    row is as it was and the delta is gone: nothing would bring the row."""
    source_cluster.configure(wal_writer_delay="10000")
    try:
        src.execute("create table t(id int primary key, v text); insert into t select g, 'a' from generate_series(1, 500) g")
        repl.init()
        src.execute("set synchronous_commit = off; update t set v = 'b' where id = 7")
        repl.start(wait=False, fail_at="unit.index")
        assert repl.wait_exit() == -9, repl.engine_tail()
        source_cluster.crash()
        source_cluster.start()
        repl.start()
        repl.wait_phase("following")
        settle(repl, equal)
    finally:
        source_cluster.ensure_up()
        source_cluster.configure(wal_writer_delay=None)


def test_the_target_is_never_ahead_of_what_the_source_keeps(repl, source, src, dst, equal, source_cluster):
    """The same, step by step: what the target shows was made durable on the source before."""
    source_cluster.configure(wal_writer_delay="10000")
    try:
        src.execute("create table t(id int primary key, v int); insert into t select g, 0 from generate_series(1, 100) g")
        following(repl)
        with source.connect() as c:
            c.execute("set synchronous_commit = off")
            for n in range(1, 21):
                c.execute("update t set v = v + 1 where id = %s", (n,))
                eventually(lambda k=n: dst.execute("select v from t where id = %s", (k,)).fetchone()[0] == 1, every=.001,
                           what="the change is on the target")
        source_cluster.crash()
        source_cluster.start()
        with source.connect() as c:
            assert c.execute("select sum(v) from t").fetchone()[0] == 20, "the source lost what the target had shown"
            for n in range(21, 41):  # with ids that the lost transactions would have had
                c.execute("update t set v = v + 1 where id = %s", (n,))
        repl.kick()
        equal()
    finally:
        source_cluster.ensure_up()
        source_cluster.configure(wal_writer_delay=None)


def test_connections_are_terminated(repl, source, target, writers, equal):
    """Administrators, load balancers, idle timeouts: sessions end, repl opens new ones."""
    rnd = random.Random(3)
    with writers() as w:
        following(repl)
        ended = 0
        for _ in range(8):
            ended += (source if rnd.random() < .5 else target).terminate()
            before = w.committed
            eventually(lambda n=before: w.committed > n + 5, what="the application goes on")
        assert ended > 4
        repl.wait_phase("following")
        settle(repl, equal, w)
    assert repl.engine.poll() is None, "the engine did not survive"


def test_the_state_file_is_deleted_between_two_runs(repl, src, dst, writers, equal):
    """It is a convenience: the truth stands on the servers."""
    with writers() as w:
        following(repl)
        position = dst.execute("select batch from repl.position").fetchone()[0]
        repl.stop()
        shutil.rmtree(repl.dir)
        repl.run("start", code=1)
        adopted = repl.init()
        assert dst.execute("select batch from repl.position").fetchone()[0] >= position, adopted
        repl.start()
        repl.wait_phase("following")
        settle(repl, equal, w)
    assert dst.execute("select count(*) from repl.relation where copied").fetchone()[0] == 8


def test_the_state_file_is_deleted_in_the_copy(repl, src, dst, equal):
    big(src)
    repl.init()
    repl.configure(**SMALL)
    repl.start(pause_at="chunk.before_commit:40")
    eventually(lambda: chunks(dst) > 3, what="some chunks are done")
    repl.kill()
    src.execute("update big set n = 5 where id % 10 = 0")
    for name in os.listdir(repl.dir):
        os.unlink(repl.dir / name)
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    assert equal() == 60000


def test_init_is_killed_and_run_again(repl, src, source, equal):
    for n in range(30):
        src.execute(f"create table t{n}(id int primary key, v text); insert into t{n} select g, 'v' from generate_series(1, 20) g")
    rnd = random.Random(7)
    options = ("--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET")
    for _ in range(5):
        process = repl.start_in_background("init", *options)
        moment(rnd.uniform(.05, 1))
        process.kill()
        process.wait()
    repl.init()
    repl.kick()
    assert equal() == 600


def test_a_source_that_failed_over_owes_everything(repl, src, dst, equal):
    """On another timeline the ids of transactions may be used again: the position says nothing any more."""
    src.execute("create table t(id int primary key, v int); insert into t select g, 0 from generate_series(1, 100) g")
    following(repl)
    src.execute("update t set v = 1 where id <= 10")
    repl.kick()
    repl.stop()
    # As the target would find it: its position was taken on another timeline, and it has not all of the last batch.
    dst.execute("update repl.position set timeline = timeline + 1; update t set v = 0 where id = 5")
    src.execute("update t set v = 2 where id = 50")
    repl.start()
    repl.kick()
    equal()
    assert "failed over" in repl.run("log").out
    assert dst.execute("select timeline from repl.position").fetchone()[0] == 1
