"""No screen shows the last good answer as if it were the present: while a server is away, an error is open or a table waits,
status, kick and --wait say what is known, since when, and what to do."""
import os
import signal

import pytest

from waiting import eventually

SCHEMA = ("create table t(id int primary key, v int); create table other(id int primary key);"
          "insert into t select g, 1 from generate_series(1, 100) g")


@pytest.fixture
def follows(repl, src):
    src.execute(SCHEMA)
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    return repl


def second_line(repl):
    return repl.run("status").out.splitlines()[1]


def assert_all_is_well(repl):
    status = eventually(lambda: (s := repl.status())["phase"] == "following" and s["state"] == "ok" and s, what="all is well again")
    assert status["consistent"] is True and status["errors"] == []
    assert status["owed_rows"] == 0 and status["unknown_seconds"] is None and status["lag_seconds"] is not None
    assert "cutover" in status["next"]


@pytest.mark.parametrize("side", ["source", "target"])
def test_while_a_server_is_down(follows, source_cluster, target_cluster, side):
    repl, cluster = follows, source_cluster if side == "source" else target_cluster
    cluster.stop()
    status = eventually(lambda: (s := repl.status())["phase"] == "retrying" and s["errors"][0]["hint"] and s, what="phase retrying")
    assert status["state"] == "retrying" and status["reached"] == "following"
    assert status["lag_seconds"] is None and status["owed_rows"] is None and status["consistent"] is None
    assert status["unknown_seconds"] > 0 and status["known_at"]
    assert status[side]["error"] and status[{"source": "target", "target": "source"}[side]]["error"] is None
    hint = status["errors"][0]["hint"]
    assert hint and hint in status["next"] and "ready to switch" not in status["next"]
    text = repl.run("status").out
    assert "phase     retrying while following\n" in text
    assert "lag       not known since" in text and "owed      not known since" in text and "snapshot  not known" in text
    told = second_line(repl)  # its words may be others by now: first it shuts down, then nothing listens
    assert told.startswith("error     cannot connect to ") and "; hint: " in told
    waited = repl.run("status", "--wait", "following", "--timeout", "0.5", code=3)
    assert "retrying" in waited.err
    late = repl.run("kick", "--wait", "--timeout", "2", code=3)
    assert side in late.err and "not everything was on the target" in late.err
    cluster.start()
    repl.run("kick")
    assert_all_is_well(repl)


def test_while_a_password_is_refused(repl, src, source, tmp_path):
    """It is known at once, and stays: no try in between makes the screen look well."""
    src.execute(SCHEMA)
    url = tmp_path / "url"
    url.write_text(source.uri)
    repl.init(source=f"file:{url}")
    repl.start()
    repl.wait_phase("following")
    wrong = source.uri.replace(source.cluster.password, "wrong")
    url.write_text(wrong)
    source.terminate()
    eventually(lambda: any("password" in e["message"] for e in repl.status()["errors"][:1]), what="it is told")
    for _ in range(20):
        status = repl.status()
        assert status["phase"] in ("retrying", "failed") and status["errors"] and status["owed_rows"] is None
        assert status["consistent"] is None and "password" in status["errors"][0]["message"]
    assert "wrong" not in repl.run("status").all.replace("wrong password", "")
    url.write_text(source.uri)
    repl.run("kick")
    assert_all_is_well(repl)


def test_a_server_that_falls_silent(follows, source, source_cluster):
    """It neither answers nor hangs up: how long it has not answered is shown, and nothing of before is claimed."""
    repl = follows
    repl.stop()
    repl.configure(answer_ms=3000)
    repl.start()
    repl.wait_phase("following")
    with open(os.path.join(source_cluster.data, "postmaster.pid"), encoding="utf-8") as f:
        postmaster = int(f.readline())
    with source_cluster.admin() as c:
        pids = [postmaster] + [r[0] for r in c.execute("select pid from pg_stat_activity where datname = %s", (source.name,)).fetchall()]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        status = eventually(lambda: (s := repl.status())["state"] != "ok" and s, timeout=40, what="the silence is shown")
        assert status["owed_rows"] is None and status["lag_seconds"] is None and status["consistent"] is None
        assert status["source"]["silent_seconds"] or status["source"]["error"]
        assert "source" in second_line(repl)
    finally:
        for pid in reversed(pids):
            os.kill(pid, signal.SIGCONT)
    repl.run("kick")
    assert_all_is_well(repl)


def test_without_an_engine(follows, src, source_cluster):
    """What the engine last learned has its time; what no server says is not known."""
    repl = follows
    repl.stop()
    source_cluster.stop()
    status = repl.status()
    assert status["phase"] == "stopped" and status["state"] == "degraded"
    assert status["owed_rows"] is None and status["unknown_seconds"] > 0 and status["source"]["error"]
    assert status["consistent"] is True, "the target was asked"
    text = repl.run("status").out
    assert "owed      not known since" in text
    source_cluster.start()
    status = repl.status()
    assert status["state"] == "ok" and status["owed_rows"] == 0 and status["unknown_seconds"] is None


def test_without_an_engine_and_a_target(follows, target_cluster):
    repl = follows
    repl.stop()
    target_cluster.stop()
    status = repl.status()
    assert status["consistent"] is None and status["owed_rows"] is None and status["target"]["error"]
    assert "snapshot  not known" in repl.run("status").out


def test_a_paused_table_is_what_to_do_next(follows):
    repl = follows
    repl.run("pause", "public.other")
    status = repl.status()
    assert status["phase"] == "following" and "repl resume public.other" in status["next"]
    assert "public.other" in repl.run("cutover", "--yes", "--unverified", code=None).err
    repl.run("pause", "public.t")
    assert "public.t" in repl.status()["next"] and "public.other" in repl.status()["next"]
    repl.run("resume", "public.t")
    repl.run("resume", "public.other")
    assert_all_is_well(repl)


def test_a_table_in_error_is_what_to_do_next(follows, src, dst):
    """It follows with the others, and is not all well: no --wait is satisfied, and the table is named everywhere."""
    repl = follows
    dst.execute("alter table t add constraint c check (v < 1000)")
    src.execute("update t set v = 1000 where id = 1")
    status = eventually(lambda: (s := repl.status())["state"] == "degraded" and s, what="degraded")
    assert status["phase"] == "following" and "public.t" in status["next"] and "ready to switch" not in status["next"]
    assert "phase     following, degraded\n" in repl.run("status").out and "public.t" in second_line(repl)
    waited = repl.run("status", "--wait", "following", "--timeout", "0.5", code=3)
    assert "degraded" in waited.err and "public.t" in waited.err
    assert "public.t" in repl.run("cutover", "--yes", "--unverified", code=None).err
    dst.execute("alter table t drop constraint c")
    repl.run("kick")
    assert_all_is_well(repl)


def test_kick_says_what_it_waits_for(follows, source_cluster):
    """Without a timeout, every few seconds, in words that name the side."""
    repl = follows
    source_cluster.stop()
    eventually(lambda: repl.phase() == "retrying", what="retrying")
    kick = repl.start_in_background("kick", "--wait")
    log = repl.folder / "background-kick.log"
    eventually(lambda: "waits: " in log.read_text() and "source" in log.read_text(), timeout=30, what="it says what it waits for")
    source_cluster.start()
    assert kick.wait(60) == 0
    assert "everything committed before is on the target" in log.read_text()


def test_kick_in_phase_failed(repl, src, dst):
    """Where only a person can help it does not wait: it tries once more, and answers with the error."""
    src.execute(SCHEMA)
    repl.init()
    repl.start()
    repl.wait_phase("following")
    dst.execute("drop schema repl cascade")
    repl.wait_phase("failed")
    told = repl.run("kick", "--wait", code=1, timeout=20)
    assert repl.status()["errors"][0]["message"] in told.err
