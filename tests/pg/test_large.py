"""Large batches: several workers read and stage them under one snapshot, and still they are there all at once."""
import threading

import pytest

from background import Background
from waiting import eventually

ROWS, MONEY = 12_000, 100
FAN = {"fan_out_rows": 1000}
# Points of a batch that fans out; the parts are staged by four workers, in no order.
POINTS = ["fan.part:1", "fan.part:4", "fan.staged", "apply.durable", "apply.before_commit"]
SESSIONS = r"""select backend_xmin::text, count(*) from pg_stat_activity where application_name = 'repl: worker'
    and datname = current_database() and xact_start is not null and query ~ '(^|;)\s*COPY' group by 1"""
STAGES = "select count(*) from pg_tables where schemaname = 'repl' and tablename like 'stage%'"


class Reader(Background):
    """Adds the money up on the target all the while; every sum that it saw, and every state."""

    def __init__(self, target):
        self.target, self.sums, self.states = target, set(), set()
        super().__init__()

    def live(self):
        with self.target.connect() as c:
            while not self.stopping.is_set():
                a, b = c.execute("select (select sum(bal) from acc), (select sum(bal) from purse)").fetchone()
                self.sums.add(a + b)
                self.states.add(a)


@pytest.fixture
def bank(repl, src):
    """Two tables of which every row has the same money; a sync that follows, and fans out early."""
    src.execute(f"""create table acc(id int primary key, bal int not null, note text);
        create table purse(owner uuid, number numeric, bal int not null, primary key (owner, number));
        create table small(id int primary key, v int); create table bare(v int);
        insert into acc select g, {MONEY}, 'x' from generate_series(1, {ROWS}) g;
        insert into purse select md5(g::text)::uuid, g::numeric(10, 1), {MONEY} from generate_series(1, {ROWS}) g;
        insert into small select g, 0 from generate_series(1, 10) g; insert into bare select g from generate_series(1, 10) g;
        analyze acc, purse""")
    repl.init("--jobs", 4)
    repl.configure(**FAN)


def move(src, n=1):
    """Every row changes, and in the middle the sum is wrong; small tables change, too."""
    with src.transaction():
        src.execute(f"update acc set bal = bal - {n}, note = note || {n}")
        src.execute(f"update purse set bal = bal + {n}, number = number + 0.00")
        src.execute("delete from small where id = (select min(id) from small); update small set v = v + 1; update bare set v = v + 1")


def test_several_read_one_snapshot(repl, bank, src, src_admin, dst, dst_admin, target, equal):
    repl.start(pause_at="fan.part:500")
    repl.wait_phase("following")
    seen = {}
    with Reader(target) as reader:
        move(src)

        def all_at_once():
            seen.update(src_admin.execute(SESSIONS).fetchall())
            return [n for xmin, n in seen.items() if n == 4]
        eventually(all_at_once, what="four sessions of repl read at the same time", every=0.01)
        repl.kick()
        eventually(lambda: len(reader.states) > 1, what="the reader sees the batch")
    assert len(seen) == 1, f"they read under several snapshots: {seen}"
    assert reader.sums == {2 * ROWS * MONEY}, "half a transaction was seen"
    assert reader.states == {ROWS * MONEY, ROWS * (MONEY - 1)}, f"it did not come at once: {reader.states}"
    assert repl.status()["last_batch"]["rows_upserted"] == 2 * ROWS + 9 + 10
    assert dst_admin.execute(STAGES).fetchone() == (0,)
    equal()


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(repl, bank, src, dst_admin, target, equal, point):
    repl.start()
    repl.wait_phase("following")
    repl.stop()
    move(src)
    with Reader(target) as reader:
        repl.start(fail_at=point, wait=False)
        assert repl.wait_exit() == -9
        move(src, 2)
        repl.start()
        repl.kick()
        eventually(lambda: ROWS * (MONEY - 3) in reader.states, what="the reader sees the last batch")
    assert reader.sums == {2 * ROWS * MONEY}, "half a transaction was seen"
    assert dst_admin.execute(STAGES).fetchone() == (0,), "a stage was left behind"
    equal()


def test_those_that_cannot_help_are_not_needed(repl, bank, src, source, equal):
    """Somebody's ALTER TABLE waits behind the batch's first session; the others would wait behind that, and step back."""
    repl.start(pause_at="batch.looked:1000")
    repl.wait_phase("following")
    move(src)
    with source.connect() as other, source.connect() as look:
        altered = threading.Thread(target=other.execute, args=("alter table acc alter note set statistics 50",))
        eventually(lambda: look.execute("select 1 from pg_locks where relation = 'acc'::regclass and mode = 'AccessShareLock'"
                                        " and pid <> pg_backend_pid()").fetchone(), what="repl has locked the table", every=0.005)
        altered.start()
        repl.kick()
        altered.join()
    equal()
    assert repl.status()["errors"] == []


def test_equal_keys_stay_together(repl, src, dst, equal):
    """Values that are equal and written differently are one key, whichever worker brings it."""
    src.execute("""create table n(k numeric primary key, v int); create table c(k varchar(20), d date, v int, primary key (d, k));
        create table e(k char(4) primary key, v int); create table nc(k text, v int);
        create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        alter table nc alter k type text collate ci; alter table nc add primary key (k);
        insert into n select g, 0 from generate_series(1, 1000) g; insert into c select g, date '2024-01-01' + g, 0 from generate_series(1, 1000) g;
        insert into e select g, 0 from generate_series(1, 1000) g; insert into nc select 'Key' || g, 0 from generate_series(1, 1000) g""")
    repl.init("--jobs", 4)
    repl.configure(fan_out_rows=100)
    repl.start()
    repl.wait_phase("following")
    repl.stop()
    src.execute("update n set v = 1; update n set k = k + 0.00, v = 2; update c set v = 1; update e set v = 1; update nc set v = 1")
    src.execute("update nc set k = upper(k); delete from nc where v = 1 and right(k, 1) = '7'; update n set k = k + 0.000 where k < 500")
    repl.start()
    repl.kick()
    equal()


def test_a_hundred_thousand_updates_of_a_row_travel_once(repl, src, equal):
    src.execute("create table counter(id int primary key, v int); insert into counter select g, 0 from generate_series(1, 100) g")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.stop()
    src.execute("set synchronous_commit = off")
    src.execute("""do $$ begin for i in 1..100000 loop
        update counter set v = v + 1 where id = 7; commit; end loop; end $$""")
    assert repl.status()["owed_rows"] >= 100_000
    repl.start()
    repl.kick()
    last = repl.status()["last_batch"]
    assert (last["tables"], last["rows_upserted"], last["rows_deleted"]) == (1, 1, 0)
    assert last["bytes"] < 200
    equal()


@pytest.mark.parametrize("rows", [700, 100_000])
def test_into_a_table_that_was_analyzed_empty(repl, src, dst, equal, rows):
    """The planner thinks of it as empty still; a plan that reads it again for each row would take minutes."""
    src.execute("create table t(id int primary key, v text)")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    assert dst.execute("select reltuples from pg_class where oid = 't'::regclass").fetchone() == (0,)
    src.execute(f"insert into t select g, repeat('x', 200) from generate_series(1, {rows}) g")
    repl.kick(timeout=20)
    equal()


def peak_memory(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM"))


class Sizes:
    """What the catch-up takes on both sides while it goes on: stages on the target, spills to disk on the source."""

    def __init__(self, repl, src_admin, dst_admin):
        self.repl, self.source, self.target = repl, src_admin, dst_admin
        self.stages, self.spilled, self.kept = 0, self.temp(), set()

    def temp(self):
        return self.source.execute("select temp_bytes from pg_stat_database where datname = current_database()").fetchone()[0]

    def through(self):
        size, = self.target.execute("select coalesce(sum(pg_total_relation_size(c.oid)), 0) from pg_class c join pg_namespace n"
                                    " on n.oid = c.relnamespace where relname ~ '^(stage_|repl_)[0-9]' and relkind = 'r'").fetchone()
        self.stages = max(self.stages, int(size))
        status = self.repl.status()
        if status["catch_up"]:
            self.kept.add(status["catch_up"]["bytes_done"])
        return status["phase"] == "following" and status["owed_rows"] == 0


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_memory_with_a_backlog_of_20_million_keys(repl, src, src_admin, dst, dst_admin, keys=20_000_000):
    src.execute("create table t(id int primary key, v int)")
    repl.init("--jobs", 2)
    repl.start()
    repl.wait_phase("following")
    repl.stop()
    for part in range(20):
        src.execute(f"insert into t select g, g % 7 from generate_series({part} * {keys} / 20 + 1, ({part} + 1) * {keys} / 20) g")
    repl.start()
    peaks, sizes = [], Sizes(repl, src_admin, dst_admin)
    for moments in (40, None):  # killed once in the middle
        eventually(lambda n=moments: sizes.through() or n and len(sizes.kept) > n, timeout=2400, every=0.5, what="the backlog is through")
        peaks.append(peak_memory(repl.engine.pid))
        if moments is not None:
            repl.kill()
            repl.start()
    wanted = src.execute("select count(*), sum(v), sum(id::bigint) from t").fetchone()
    assert dst.execute("select count(*), sum(v), sum(id::bigint) from t").fetchone() == wanted
    print(f"peak memory of the engine {max(peaks) / 1e6:.1f} MB; stages {sizes.stages / 1e6:.1f} MB; "
          f"spilled on the source {(sizes.temp() - sizes.spilled) / 1e6:.1f} MB; seen at {len(sizes.kept)} steps")
    assert max(peaks) < 64_000_000, "memory grows with the backlog"
    assert sizes.stages < 100_000_000, "a stage holds more than a step"
    assert len(sizes.kept) > 50, "it came in few steps"
