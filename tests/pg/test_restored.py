"""A server goes back to an older copy of itself: same system identifier, same timeline. What the other one remembers of it is
then of a history that never was; or what it has truncated since is missing. Nothing of that is silent, nothing is lost for
good, and every row is compared at the end."""
import pytest

import compare
import restored
from background import Background
from waiting import eventually

SIZES = "select coalesce(sum(pg_relation_size(delta_a) + pg_relation_size(delta_b)), 0) from repl.relation"


def prepare(repl, source, rows=400, **settings):
    with source.connect() as c:
        c.execute("create table t(id int primary key, v text); create table u(id int primary key, v text)")
        c.execute("insert into t select g, 'first' from generate_series(1, %s) g", (rows,))
        c.execute("insert into u select g, 'first' from generate_series(1, 20) g")
    repl.init()
    repl.configure(retry_max_ms=500, survey_ms=1000, **settings)
    repl.start()
    repl.wait_phase("following")


def change(repl, source, value, ids="id %% 4 = 0", times=3):
    with source.connect() as c:
        for n in range(times):
            c.execute(f"update t set v = %s where {ids}", (f"{value} {n}",))
            repl.kick()


def truncated(source):
    with source.connect() as c:
        eventually(lambda: c.execute(SIZES).fetchone()[0] == 0, what="the deltas are truncated")


def new_ids(source, count):
    """Transactions that write to no table of the sync."""
    with source.connect() as c:
        c.execute("do $$ begin for i in 1..%d loop perform txid_current(); commit; end loop; end $$" % count)


def next_id(source):
    with source.connect() as c:
        return c.execute("select txid_snapshot_xmax(txid_current_snapshot())").fetchone()[0]


def in_doubt(repl, words, tables=2):
    status = repl.status()
    assert status["consistent"] is False, status
    assert words in status["doubt"]["reason"] and status["doubt"]["tables"] == tables
    assert any(words in e["message"] and "verify --repair" in e["hint"] for e in status["errors"]), status["errors"]
    return status


def settled(repl):
    def done():
        s = repl.status()
        return s["consistent"] and s["doubt"] is None and not s["errors"]
    eventually(done, what="nothing is in doubt any more")


def repair(repl, equal):
    """Until both sides are equal; under load it may take more than one try until what is owed has come."""
    eventually(lambda: repl.run("verify", "--repair", code=None).code == 0, what="both sides are equal")
    settled(repl)
    equal()


@pytest.mark.parametrize("running, passed", [(True, False), (False, True)], ids=["running", "ids-passed"])
def test_the_source_goes_back(repl, source, target, source_cluster, equal, passed, running):
    prepare(repl, source)
    kept = restored.keep(source_cluster)
    repl.kick()
    change(repl, source, "lost", "id <= 40", times=12)
    truncated(source)
    with target.connect() as c:
        position = c.execute("select snapshot from repl.position").fetchone()[0]
    if not running:
        repl.stop()
    restored.put_back(source_cluster, kept)
    if passed:
        new_ids(source, 400)
        assert next_id(source) > int(position.split(":")[1])
    with source.connect() as c:
        c.execute("update t set v = 'after' where id between 30 and 60; delete from t where id = 100")
        c.execute("insert into t values (1001, 'after')")
    if not running:
        repl.start()
    repl.kick()
    # What was written since is there; what the lost changes had written is, too, and that is said.
    with target.connect() as c:
        assert c.execute("select count(*) from t where v = 'after'").fetchone()[0] == 32
        assert c.execute("select count(*) from t where v like 'lost%'").fetchone()[0] == 29
    in_doubt(repl, "went back to an older copy")
    # Rotation goes on by the new history, and what is written then comes over.
    change(repl, source, "again", "id = 7", times=2)
    truncated(source)
    blocked = repl.run("cutover", "--dry-run", code=None)
    assert "went back to an older copy" in blocked.all and "verify --repair" in blocked.all, blocked
    assert blocked.code == 3
    # A restart forgets nothing.
    repl.stop()
    assert repl.status()["doubt"]["tables"] == 2 and not repl.status()["consistent"]
    repl.start()
    repl.wait_phase("following")
    in_doubt(repl, "went back to an older copy")
    repair(repl, equal)
    assert "verified" in repl.run("cutover", "--dry-run").all


def test_verify_repairs_before_any_engine_has_looked(repl, source, source_cluster, equal):
    """The keys that a repair owes get ids that the lost position covers."""
    prepare(repl, source)
    kept = restored.keep(source_cluster)
    repl.kick()
    change(repl, source, "lost", "id <= 40", times=12)
    repl.stop()
    restored.put_back(source_cluster, kept)
    with source.connect() as c:
        c.execute("update t set v = 'after' where id = 3")
    assert repl.run("verify", code=3).code == 3  # a comparison alone changes nothing
    repl.run("verify", "--repair", code=3)       # nobody brings what it puts into the deltas
    repl.start()
    repl.kick()
    equal()
    in_doubt(repl, "went back to an older copy", tables=1)  # until somebody has compared; the other one was equal
    repair(repl, equal)


def test_the_target_goes_back_and_nothing_was_truncated(repl, source, target_cluster, equal):
    """What it lacks is in the deltas: it goes again, and nobody has to do anything."""
    prepare(repl, source, rotate_bytes=10**9)
    with source.connect() as holder:
        # Writers of both sides stay open, so that no side is ever truncated.
        repl.kick()
        kept = restored.keep(target_cluster)
        repl.kick()
        number = holder.execute("select id from repl.relation where relname = 't'").fetchone()[0]
        holder.execute(f"begin; lock table repl.d{number}_a, repl.d{number}_b in access share mode")
        change(repl, source, "later", times=5)
        holder.execute("commit")
        repl.stop()
        applied = holder.execute("select last_value from repl.slot_1_applied").fetchone()[0]
    restored.put_back(target_cluster, kept)
    repl.start()
    repl.kick()
    equal()
    status = repl.status()
    assert status["consistent"] and status["doubt"] is None and not status["errors"], (status, applied)


@pytest.mark.parametrize("running", [False, True], ids=["stopped", "running"])
def test_the_target_goes_back_behind_a_truncation(repl, source, target_cluster, equal, running):
    prepare(repl, source)
    change(repl, source, "before")
    kept = restored.keep(target_cluster)
    repl.kick()
    change(repl, source, "lost", "id <= 40", times=2)
    truncated(source)
    with source.connect() as c:
        c.execute("update t set v = 'after' where id = 200")
    if not running:
        repl.stop()
    restored.put_back(target_cluster, kept)
    if running:
        eventually(lambda: repl.phase() == "failed", what="the engine refuses it")
        error = repl.status()["errors"][0]
    else:
        refused = repl.run("start", code=1)
        error = {"message": refused.all, "hint": refused.all}
    assert "gone back in time" in error["message"] and "verify --repair" in error["hint"], error
    if running:
        repl.run("verify", "--repair", code=None)  # from then on the engine takes it
        repl.wait_phase("following")
        repl.kick()
    else:
        repl.run("verify", "--repair", code=3)
        repl.start()
        repl.kick()
        equal()
        in_doubt(repl, "gone back in time", tables=1)
    repair(repl, equal)
    change(repl, source, "going on")
    truncated(source)
    equal()


def test_a_crash_of_the_source_is_no_doubt(repl, source, source_cluster, equal, src_admin):
    """Also where the application, and repl's role by default, commit without waiting for the disk."""
    src_admin.execute("alter role app set synchronous_commit = off")
    try:
        prepare(repl, source)
        for n in range(3):
            change(repl, source, f"round {n}")
            source_cluster.crash()
            source_cluster.start()
            repl.kick()
            equal()
        status = repl.status()
        assert status["consistent"] and status["doubt"] is None, status
        assert "older copy" not in repl.run("log").out
    finally:
        with source.admin() as c:
            c.execute("alter role app reset synchronous_commit")


def test_a_standby_that_lagged_takes_over(repl, source, target, source_cluster, make_fork):
    """What was compared before says nothing of what the new source lacks."""
    prepare(repl, source)
    standby = make_fork(follow=True)
    try:
        change(repl, source, "both have it")
        here = next_id(source)
        with standby.connect(source.name) as c:
            eventually(lambda: c.execute("select txid_snapshot_xmax(txid_current_snapshot())").fetchone()[0] >= here,
                       what="the standby is there")
        standby.stop()
        change(repl, source, "lost", "id <= 40")
        repl.run("verify")
        repl.stop()
        source_cluster.crash()
        standby.start()
        with standby.admin() as c:
            c.execute("select pg_promote()")
            eventually(lambda: not c.execute("select pg_is_in_recovery()").fetchone()[0], what="the standby is the primary")
        repl.environment["REPL_TEST_SOURCE"] = standby.uri(source.name)
        with standby.connect(source.name) as c:
            c.execute("update t set v = 'after' where id between 30 and 60")
        repl.start()
        repl.kick()
        in_doubt(repl, "failed over")
        blocked = repl.run("cutover", "--dry-run", code=3)
        assert "failed over" in blocked.all and "verify --repair" in blocked.all, blocked
        assert "equal" not in blocked.out, blocked
        eventually(lambda: repl.run("verify", "--repair", code=None).code == 0, what="both sides are equal")
        settled(repl)
        with standby.admin(source.name) as a, target.admin() as b:
            compare.compare_all(a, b)
        assert "verified" in repl.run("cutover", "--dry-run").out
    finally:
        source_cluster.ensure_up()


class Marks(Background):
    """What the source remembers of the target, over and over."""

    def __init__(self, source):
        self.source, self.seen = source, []
        super().__init__()

    def live(self):
        with self.source.connect() as c:
            while not self.stopping.is_set():
                self.seen.append(c.execute("select w.last_value, a.last_value, b.last_value from repl.slot_1_written w, "
                                           "repl.slot_1_applied a, repl.slot_1_batch b").fetchone())
                self.stopping.wait(0.002)


def test_the_marks_never_fall(repl, source, equal):
    """Steps of a pass beside small batches and truncations, of several workers at the same time."""
    prepare(repl, source, rows=20000, rotate_bytes=8192, step_rows=200, batch_rows=500)
    repl.run("pause", "public.t")
    with source.connect() as c:
        for n in range(3):
            c.execute("update t set v = %s", (f"paused {n}",))
        with Marks(source) as marks:
            repl.run("resume", "public.t")
            for n in range(60):
                c.execute("update u set v = %s", (f"beside {n}",))
                eventually(lambda k=len(marks.seen): len(marks.seen) > k + 3, what="the marks are seen")
            repl.kick()
    equal()
    truncated(source)
    assert len(marks.seen) > 150
    for before, after in zip(marks.seen, marks.seen[1:]):
        assert all(b <= a for b, a in zip(before, after)), (before, after)
    assert marks.seen[-1][0] > marks.seen[0][0] + 20, "steps were written"


def test_a_table_that_has_not_joined_keeps_its_deltas(repl, source, target, equal):
    """Captured by an init that was killed, and not in the target's list: nothing of it is applied, whatever the position of
    the sync covers."""
    prepare(repl, source)
    repl.stop()
    for side in (source, target):
        with side.connect() as c:
            c.execute("create table later(id int primary key, v int)")
    killed = repl.init(code=None, env={"REPL_FAIL_AT": "init.captured"})
    assert killed.code == -9, killed
    repl.start()
    with source.connect() as c:
        c.execute("insert into later select g, 0 from generate_series(1, 300) g")
        number = c.execute("select id from repl.relation where relname = 'later'").fetchone()[0]

        def kept():
            return c.execute(f"select count(*) from (select from repl.d{number}_a union all select from repl.d{number}_b) d"
                             ).fetchone()[0]
        for n in range(3):  # the sides change, and what is covered is truncated
            change(repl, source, f"round {n}", times=1)
            eventually(lambda: c.execute("select sum(pg_relation_size(delta_a) + pg_relation_size(delta_b)) "
                                         "from repl.relation where relname <> 'later'").fetchone()[0] == 0,
                       what="the deltas of the others are truncated")
        assert kept() == 300
    repl.stop()
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    equal()


def test_on_the_way_back(repl, following_back, source, target, target_cluster, same_back):
    """There the target is the source."""
    following_back()
    repl.run("cutover", "--fallback", "--yes")
    with target.connect() as c:
        c.execute("update acc set bal = bal where id <= 10")
    repl.kick()
    kept = restored.keep(target_cluster)
    repl.kick()
    with target.connect() as c:
        for n in range(8):
            c.execute("update note set v = %s where k <= 20", (f"lost {n}",))
            repl.kick()
    repl.stop()
    restored.put_back(target_cluster, kept)
    new_ids(target, 300)
    with target.connect() as c:
        c.execute("update note set v = 'after' where k between 10 and 30")
    repl.start()
    repl.kick()
    with source.connect() as c:
        assert c.execute("select count(*) from note where v = 'after'").fetchone()[0] > 0
        assert c.execute("select count(*) from note where v like 'lost%'").fetchone()[0] > 0
    status = repl.status()
    assert not status["consistent"] and "went back" in status["doubt"]["reason"], status
    eventually(lambda: repl.run("verify", "--repair", code=None).code == 0, what="both sides are equal")
    settled(repl)
    same_back()
