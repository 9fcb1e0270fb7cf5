"""A server goes back to an older copy of itself: same system identifier, same timeline. What the other one remembers of it is
then of a history that never was; or what it has truncated since is missing. Nothing of that is silent, nothing is lost for
good, and every row is compared at the end."""
import pytest

import restored
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
    """Until both sides are equal."""
    repl.run("verify", "--repair")
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
        repl.run("verify", "--repair")
        repl.wait_phase("following")
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
