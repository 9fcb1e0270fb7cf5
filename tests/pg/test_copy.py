"""The first copy: no long transaction, any writer, rewritten tables, several workers."""
import time

import pytest

from background import Background
from waiting import eventually

# Chunks as small as they come, so that a copy of a few megabytes is made of many; each takes a while.
SMALL = {"chunk_min_bytes": "64kB", "chunk_max_bytes": "250kB"}
SLOWLY = "chunk.before_commit:40"


def big(src, name="big", rows=60000, width=100):
    src.execute(f"create table {name}(id int primary key, v text, n int default 0);"
                f"insert into {name} select g, repeat(md5(g::text), {width} / 32 + 1) from generate_series(1, {rows}) g")


def chunks(dst):
    return dst.execute("select count(*) from repl.chunk").fetchone()[0]


class Sampler(Background):
    """What repl's sessions on the source are doing, again and again."""

    def __init__(self, source):
        self.source, self.oldest, self.samples, self.seen, self.worst = source, 0.0, 0, 0, ""
        super().__init__()
        self.start()

    def live(self):
        with self.source.admin() as c:
            while not self.stopping.is_set():
                rows = c.execute("select extract(epoch from clock_timestamp() - xact_start)::float, application_name, query "
                                 "from pg_stat_activity where datname = current_database() and application_name like 'repl%' "
                                 "and (xact_start is not null or backend_xmin is not null)").fetchall()
                self.samples += 1
                for age, who, query in rows:
                    self.seen += 1
                    if age is not None and age > self.oldest:
                        self.oldest, self.worst = age, f"{who}: {query[:200]}"
                self.stopping.wait(0.01)


def test_no_transaction_is_longer_than_a_chunk(repl, src, source, equal):
    """A terabyte's copy must not hold back vacuum for hours: the source's snapshots live as long as a chunk."""
    big(src)
    repl.init()
    repl.configure(**SMALL)
    sampler = Sampler(source)
    try:
        started = time.monotonic()
        repl.start(pause_at=SLOWLY)
        repl.wait_phase("following")
        took = time.monotonic() - started
    finally:
        sampler.stop()
    print(f"the copy took {took:.1f} s, the oldest transaction {sampler.oldest:.3f} s ({sampler.worst}), "
          f"{sampler.seen} seen in {sampler.samples} samples")
    assert sampler.seen > 5, "no transaction of the copy was seen at all"
    assert took > 1, "the copy was too short to prove anything"
    assert sampler.oldest < took / 2  # one for all would be as old as the copy; a chunk is a twentieth, on a busy machine more
    equal()


def test_writers_throughout(repl, src, dst, writers, equal):
    with writers(writers=3) as w:
        big(src)
        repl.init()
        repl.configure(**SMALL)
        repl.start(pause_at=SLOWLY)
        eventually(lambda: chunks(dst) > 3, what="some chunks are done")
        src.execute("update big set n = n + 1, id = -id where id % 3 = 0")
        src.execute("delete from big where id % 7 = 0")
        src.execute("insert into big select g, 'new' from generate_series(100001, 103000) g")
        repl.wait_phase("following", timeout=90)
        before = w.committed
        eventually(lambda: w.committed > before + 20, what="the application goes on")
    repl.kick()
    equal()


@pytest.mark.parametrize("room, moved", [("45000 and 59000", "id < 9000"), ("2 and 15000", "id > 50000")],
                         ids=["forward", "back"])
def test_rows_that_move_between_chunks(repl, src, dst, equal, room, moved):
    """An UPDATE puts a row into a page with room, in a chunk that is still to come or in one that is done: it must come
    neither twice nor not at all. Rows that were touched are left to the first batch."""
    big(src)
    src.execute(f"alter table big set (autovacuum_enabled = off); delete from big where id between {room}")
    src.execute("vacuum big")
    repl.init()
    repl.configure(**SMALL)
    repl.start(pause_at=SLOWLY)
    eventually(lambda: chunks(dst) > 12, what="some chunks are done")
    pages = "select sum((ctid::text::point)[0]) from big"
    before = src.execute(pages).fetchone()[0]
    src.execute(f"update big set v = v || 'x' where {moved} and id % 3 = 0")
    assert abs(src.execute(pages).fetchone()[0] - before) > 10000, "the rows did not move"
    assert repl.phase() == "copying"
    repl.wait_phase("following")
    repl.kick()
    equal()


@pytest.mark.parametrize("rewrite", ["vacuum full big", "cluster big using big_pkey", "alter table big alter n type bigint using n"])
def test_rewritten_while_it_is_copied(repl, src, dst, equal, rewrite):
    """Block numbers mean nothing any more once the table is another file: its copy starts over."""
    big(src)
    src.execute("delete from big where id % 2 = 0")
    repl.init()
    repl.configure(**SMALL)
    repl.start(pause_at=SLOWLY)
    eventually(lambda: chunks(dst) > 3, what="some chunks are done")
    if "alter" in rewrite:
        dst.execute(rewrite)
    src.execute(rewrite)
    src.execute("update big set v = 'after' where id % 100 = 1")
    repl.wait_phase("following")
    repl.kick()
    assert equal() == 30000


def test_truncated_while_it_is_copied(repl, src, dst, equal):
    big(src)
    big(src, "other")
    repl.init()
    repl.configure(**SMALL)
    repl.start(pause_at=SLOWLY)
    eventually(lambda: chunks(dst) > 3, what="some chunks are done")
    src.execute("truncate big; insert into big select g, 'after' from generate_series(1, 500) g")
    with src.transaction():
        src.execute("truncate other")
        src.execute("insert into other select g, 'after' from generate_series(1, 500) g")
    repl.wait_phase("following")
    repl.kick()
    assert equal() == 1000


def test_killed_in_the_middle_nothing_is_copied_twice(repl, src, dst, equal):
    big(src)
    repl.init()
    repl.configure(**SMALL)
    for n in (3, 6, 9):
        repl.start(pause_at=SLOWLY)
        eventually(lambda least=n: chunks(dst) >= least, what=f"{n} chunks are done")
        repl.kill()
    done = {tuple(r) for r in dst.execute("select relation, heap, chunk, done_at::text from repl.chunk").fetchall()}
    repl.start()
    repl.wait_phase("following")
    now = {tuple(r) for r in dst.execute("select relation, heap, chunk, done_at::text from repl.chunk").fetchall()}
    assert not now or done <= now, "chunks that were done were copied again"
    assert equal() == 60000


def test_one_big_table_keeps_all_workers_busy(repl, src, source):
    big(src)
    repl.init("--jobs", "4")
    repl.configure(**SMALL)
    busy = 0
    with source.admin() as c:
        repl.start(pause_at="chunk.before_commit:100")

        def four():
            nonlocal busy
            busy = max(busy, c.execute(
                "select count(distinct pid) from pg_stat_activity where datname = current_database() and application_name "
                "like 'repl%' and query like '%big%' and query_start > now() - interval '1 second'").fetchone()[0])
            return busy >= 4
        eventually(four, timeout=20, what="4 workers on one table")
    repl.wait_phase("following")


def test_status_tells_how_far_it_is(repl, src, dst):
    big(src)
    repl.init()
    total = repl.status()["copy"]["bytes_total"]
    assert total >= 60000 * 100
    repl.configure(**SMALL)
    repl.start(pause_at=SLOWLY)
    eventually(lambda: chunks(dst) > 5, what="some chunks are done")
    during = repl.status()
    assert during["phase"] == "copying"
    assert 0 < during["copy"]["bytes_done"] < during["copy"]["bytes_total"]
    table = during["tables"][0]
    assert table["phase"] == "copying" and 0 < table["rows_copied"] < 60000
    repl.wait_phase("following")
    after = repl.status()
    assert after["copy"]["rows_done"] == 60000
    assert after["tables"][0]["rows_copied"] == 60000


def test_who_asks_how_far_it_is_meets_others_at_work(repl, src, target):
    """All that the target knows of the sync is of one moment, also where a table is cut while it is read."""
    src.execute("create table t(id int primary key)")
    repl.init()
    waits = ("select from pg_stat_activity where datname = %s and application_name like 'repl%%' and wait_event_type = 'Lock'")
    with target.connect(autocommit=False) as other:
        other.execute("lock table repl.cut in access exclusive mode")
        asks = repl.start_in_background("status", "--json")
        with target.admin() as c:
            eventually(lambda: c.execute(waits, (target.name,)).fetchall(), what="it is behind the heaps")
        other.execute("insert into repl.heap select id, 1, 1, 100, 819200 from repl.relation")
        other.execute("insert into repl.cut select id, 1, g, g * 10, null, 81920 from repl.relation, generate_series(0, 9) g")
        other.commit()
    log = repl.folder / "background-status.log"
    assert asks.wait(60) == 0, log.read_text(encoding="utf-8")
    assert "could not be asked" not in log.read_text(encoding="utf-8")
