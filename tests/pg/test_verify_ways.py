"""verify: killed, interrupted, without an engine, paused, behind a fence, in front of locks."""
import os
import random
import re
import signal

from comparing import followed, found, plant, verify
from waiting import SLOWER, eventually, moment


# ---- killed, stopped, throttled

def test_killed_it_goes_on_where_it_was(repl, src, target):
    src.execute("create table big (id int primary key, v text)")
    src.execute("insert into big select g, md5(g::text) from generate_series(1, 20000) g")
    followed(repl)
    plant(target, "update big set v = 'x' where id in (1, 19999)", "delete from big where id = 10000")
    rnd, kills = random.Random(), 0
    while kills < 6:
        p = repl.start_in_background("verify", "--range-rows", "50", "--json", "--jobs", "2", "--max-rate", "2MB")
        moment(rnd.uniform(.1, .5))
        if p.poll() is None:
            p.send_signal(signal.SIGKILL)
        p.wait()
        kills += 1
    report = verify(repl, "--range-rows", 50, code=3)
    assert report["rows"] == 20000 and report["ranges"] == 401
    assert found(report) == [("public.big", "different", "id=1", "v"), ("public.big", "different", "id=19999", "v"),
                             ("public.big", "missing", "id=10000", None)]
    # At the worst moment: what was found is not saved yet; and a repair that was owed, but not seen through.
    for point in ("verify.before_save", "verify.before_save:150", "verify.buckets"):
        killed = repl.run("verify", "--repair", "--range-rows", 50, code=None, env={"REPL_FAIL_AT": point})
        assert killed.code == -signal.SIGKILL
    report = verify(repl, "--repair", "--range-rows", 50)
    assert report["rows"] == 20000 and report["repaired"] == 3 and len(report["differences"]) == 3
    assert verify(repl, "--last") == report, "the report is kept"


def test_stopped_engine_says_what_is_owed(repl, src, target):
    src.execute("create table t (id int primary key, v text); insert into t select g, 'v' from generate_series(1, 100) g")
    src.execute("create sequence s; select setval('s', 5)")
    followed(repl)
    repl.stop()
    src.execute("update t set v = 'w' where id <= 10; delete from t where id = 50; insert into t values (101, 'n')")
    src.execute("select setval('s', 500)")
    report = verify(repl, code=3)
    assert report["result"] == "incomplete" and report["unsettled"] == 12 and not report["differences"]
    assert ("sequences that are behind: no engine runs", 1) in {(n["what"], n["count"]) for n in report["not_compared"]}
    plant(target, "update t set v = 'x' where id in (5, 60)")
    report = verify(repl, code=3)
    assert found(report) == [("public.t", "different", "id=60", "v")] and report["unsettled"] == 12
    verify(repl, "--repair", code=3)
    repl.kick()
    assert verify(repl)["result"] == "equal"


def peak(repl, *options):
    """MB of memory that a comparison took at most; it finds differences."""
    p = repl.start_in_background("verify", "--again", *options)
    _, status, used = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    assert p.returncode == 3
    return used.ru_maxrss / 1000


def test_memory_does_not_grow_with_rows_or_differences(repl, src, dst, target):
    src.execute("create table big (id int primary key, v text); create table keyless (v text)")
    src.execute("insert into big select g, repeat('v', 100) from generate_series(1, 3000) g; insert into keyless select v from big")
    followed(repl)
    plant(target, "update big set v = 'x'", "update keyless set v = 'x'")
    few = peak(repl)
    src.execute("insert into big select g, repeat('v', 100) from generate_series(3001, 120000) g; insert into keyless select v from big")
    repl.kick()
    plant(target, "update big set v = repeat('x', 100)", "update keyless set v = repeat('x', 100)")
    many = peak(repl)
    report = verify(repl, "--last", code=3)
    assert report["different"] == 120000 and len(report["differences"]) == 2000, "counted are all of them"
    print(f"{few:.0f} MB, {many:.0f} MB")
    # A sanitizer keeps for a while what was freed.
    assert many < few + (40 if SLOWER == 1 else 500)


# ---- who looks, and who is in the way

def big_table(src, rows=20000):
    src.execute("create table big (id int primary key, v text)")
    src.execute("insert into big select g, repeat('v', 100) from generate_series(1, %s) g", (rows,))
    src.execute("analyze big")


def test_progress_and_eta_on_a_terminal(repl, src):
    big_table(src)
    followed(repl)
    code, shown = repl.run_in_terminal("verify", "--max-rate", "2MB", answer=None)
    assert code == 0
    lines = re.findall(r"(\d+) % +\S+ \wB of \S+ \wB +\S+ \wB/s +ETA (\S+)", shown.replace("\033[K", ""))
    assert len(lines) > 2 and lines[0][1] != "0s", shown
    percents = [int(percent) for percent, _ in lines]
    assert percents == sorted(percents) and percents[-1] > percents[0]
    assert "equal: 1 tables compared, 20000 rows" in shown.split("\033[J")[-1], "the frame of progress is gone at the end"


def test_interrupted_it_says_so_and_goes_on(repl, src, target):
    big_table(src)
    followed(repl)
    plant(target, "delete from big where id in (1, 20000)")
    for number in (signal.SIGINT, signal.SIGTERM):
        p = repl.start_in_background("verify", "--max-rate", "200kB")
        eventually(lambda: verifying(src), what="it compares")
        if number == signal.SIGINT:
            assert "another repl verify" in repl.run("verify", code=1).err
        p.send_signal(number)
        assert p.wait(10) == 1
        eventually(lambda: not verifying(src), what="its sessions end")
    said = (repl.folder / "background-verify.log").read_text()
    assert said.count("interrupted") == 2 and said.count("repl verify goes on where this one ended") == 2
    report = verify(repl, code=3)
    assert report["rows"] == 20000 and report["missing"] == 2


def verifying(src):
    return src.execute("select count(*) from pg_stat_activity where application_name = 'repl: verify' "
                       "and datname = current_database()").fetchone()[0] > 1


def opened(src):
    """It has read the catalogs, and rests at a fault point."""
    return src.execute("select count(*) from pg_stat_activity where application_name = 'repl: verify' and state = 'idle' "
                       "and datname = current_database() and query like '%pg_largeobject_metadata%'").fetchone()[0] == 1


def test_what_is_paused_is_not_called_equal(repl, src):
    src.execute("create table t (id int primary key, v text); create table u (id int primary key); create sequence s")
    followed(repl)
    repl.run("pause")
    src.execute("insert into t select g, 'v' from generate_series(1, 10) g; select setval('s', 500)")
    report = verify(repl, code=3)
    assert report["result"] == "incomplete" and report["unsettled"] == 10 and not report["differences"]
    assert ("sequences that are behind: the engine did not bring them", 1) in {
        (n["what"], n["count"]) for n in report["not_compared"]}
    repl.run("resume")
    assert verify(repl)["result"] == "equal"
    repl.run("pause", "public.t")
    src.execute("update t set v = 'w' where id < 4; insert into u values (1)")
    report = verify(repl, code=3)
    assert report["result"] == "incomplete" and report["unsettled"] == 3 and not report["differences"]
    repl.run("resume", "public.t")
    assert verify(repl)["result"] == "equal"


def test_behind_the_fence_nothing_is_repaired(repl, src, dst):
    src.execute("create table t (id int primary key, v text); insert into t values (1, 'a')")
    followed(repl)
    repl.run("cutover", "--yes")
    dst.execute("update t set v = 'of the application' where id = 1")
    report = verify(repl, code=3)
    assert found(report) == [("public.t", "different", "id=1", "v")]
    assert any("since the cutover" in n["what"] for n in report["not_compared"])
    refused = repl.run("verify", "--repair", code=1)
    assert "may be newer on the target" in refused.err and "cutover --abort" in refused.err
    repl.kick()
    assert dst.execute("select v from t").fetchone() == ("of the application",)


def test_a_table_that_cannot_be_read_is_said_and_the_others_are_compared(repl, src, source):
    big_table(src, 2000)
    src.execute("create table locked (id int primary key); insert into locked select generate_series(1, 2000)")
    src.execute("create table dropped (id int primary key)")
    followed(repl)
    with source.connect(autocommit=False) as c:
        p = repl.start_in_background("verify", "--range-rows", "100", env={"REPL_PAUSE_AT": "verify.opened:1500"})
        eventually(lambda: opened(src), what="it is about to begin")
        src.execute("drop table dropped")
        c.execute("lock table locked")
        assert p.wait(60) == 3
    report = repl.run("verify", "--last", "--json", code=3).json()
    states = {t["name"]: (t["state"], t["reason"]) for t in report["tables"]}
    assert report["result"] == "incomplete" and states["big"] == ("compared", None), states
    assert states["locked"][0] == "failed" and "lock" in states["locked"][1]
    assert states["dropped"][0] == "failed" and "does not exist" in states["dropped"][1]
