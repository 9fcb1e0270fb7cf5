"""Errors that pass and errors that stay: which become phase failed, how soon the engine is back, and what it does with few
connections, files and locks."""
import contextlib
import re
import resource
import signal
import stat
import subprocess
import time
import zlib

import psycopg
import pytest

from waiting import SLOWER, eventually

TABLES = "create table t (id int primary key, n int); insert into t select g, 0 from generate_series(1, 100) g"
# A minute between two slow tries: whoever is back sooner has not waited for one.
SLOW = {"retry_max_ms": 60000, "survey_ms": 3600000}
SOON = 25


def errors(repl):
    return " ".join(f"{e['message']} {e['hint']}" for e in repl.status()["errors"])


@pytest.fixture
def role(source):
    """The role of the tests with another password, for as long as the test lasts."""
    with source.admin() as c:
        yield lambda what: c.execute(f"alter role app {what}")
        c.execute(f"alter role app password '{source.cluster.password}' connection limit -1 login")


def follow(repl, src, *options, **how):
    src.execute(TABLES)
    repl.init("--jobs", "2", *options, **how)
    repl.configure(**SLOW)
    repl.start()
    repl.wait_phase("following")


def test_a_wrong_password_fails_until_its_file_changes(repl, source, src, role, equal, tmp_path):
    file = tmp_path / "source.url"
    file.write_text(source.uri, encoding="utf-8")
    follow(repl, src, source=f"file:{file}")
    role("password 'another'")
    source.terminate()
    repl.wait_phase("failed", timeout=SOON)
    assert "password" in errors(repl) and "--source" in errors(repl), errors(repl)
    file.write_text(source.cluster.uri(source.name, password="another"), encoding="utf-8")
    repl.wait_phase("following", timeout=SOON)
    src.execute("update t set n = 1")
    repl.kick()
    equal()


def test_a_role_that_may_not_log_in_fails_until_kicked(repl, source, src, role):
    follow(repl, src)
    role("nologin")
    source.terminate()
    repl.wait_phase("failed", timeout=SOON)
    assert "log in" in errors(repl)
    out = repl.run("kick", "--wait", code=1, timeout=SOON)  # it tries at once, and says why it cannot
    assert "log in" in out.err, out
    role("login")
    repl.kick()
    repl.wait_phase("following")


def test_no_connection_to_spare_passes_by_itself(repl, source, src, role):
    follow(repl, src)
    role("connection limit 0")
    source.terminate()
    eventually(lambda: "as many connections" in errors(repl), timeout=SOON, what="the limit is named")
    for _ in range(3):
        assert repl.phase() != "failed"
        time.sleep(1)
    role("connection limit -1")
    repl.wait_phase("following", timeout=SOON)


def test_a_standby_passes_by_itself(repl, wires, source, src, make_fork):
    """A failover: for a while the name leads to a server that is in recovery."""
    standby = make_fork(follow=True)
    follow(repl, src)
    wires[0].to = standby.port
    wires[0].cut()
    eventually(lambda: "standby" in errors(repl), timeout=SOON, what="the standby is named")
    assert repl.phase() != "failed"
    wires[0].to = source.cluster.port
    eventually(lambda: not repl.status()["errors"], timeout=SOON, what="the engine is back")
    repl.wait_phase("following", timeout=SOON)


def test_a_server_that_is_away_passes_by_itself(repl, wires, src):
    follow(repl, src)
    wires[0].refuse()
    eventually(lambda: errors(repl), timeout=SOON, what="it is said")
    time.sleep(3)
    assert repl.phase() != "failed"
    wires[0].heal()
    repl.wait_phase("following", timeout=SOON)


# ---- a command: that hangs


def sleepers(flag):
    """Processes of the command that hangs: it sleeps for a number of seconds of its own."""
    found = subprocess.run(["pgrep", "-f", f"^sleep {seconds(flag)}$"], stdout=subprocess.PIPE, check=False)
    return found.stdout.split()


def seconds(flag):
    return 100000 + zlib.crc32(str(flag).encode()) % 800000


@pytest.fixture
def hanging(repl, source, src, tmp_path):
    """An engine whose source is found by a command, which hangs from now on; and its connections are lost."""
    program, flag = tmp_path / "where", tmp_path / "hang"
    program.write_text(f"#!/bin/sh\nif [ -e {flag} ]; then exec sleep {seconds(flag)}; fi\necho '{source.uri}'\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    src.execute(TABLES)
    repl.init("--jobs", "2", source=f"command:{program}")
    repl.configure(answer_ms=5000)
    repl.start()
    repl.wait_phase("following")
    flag.touch()
    source.terminate()
    return flag


def test_a_command_that_hangs_is_named_and_left(repl, hanging, src, equal):
    eventually(lambda: "command" in errors(repl), timeout=60, what="the command is named")
    hanging.unlink()
    repl.wait_phase("following", timeout=60)
    src.execute("update t set n = 2")
    repl.kick()
    equal()


def test_a_stop_while_a_command_hangs(repl, hanging):
    """The second one at once, and nothing of the command is left."""
    eventually(lambda: sleepers(hanging), what="the command is at work")
    engine, repl.engine = repl.engine, None
    engine.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    engine.send_signal(signal.SIGTERM)
    assert engine.wait(10 * SLOWER) is not None
    eventually(lambda: not sleepers(hanging), what="the command has ended, too")


# ---- few of what there is


def test_three_connections_of_a_role_are_enough(repl, source, src, role, equal):
    src.execute(TABLES + "; create index on t (n)")
    repl.init("--jobs", "4")
    src.close()
    role("connection limit 3")
    repl.start()
    repl.wait_phase("following", timeout=90)
    repl.kick()
    equal()


def test_two_connections_do_and_one_does_not(repl, src, role, equal):
    src.execute(TABLES + "; create index on t (n)")
    repl.init("--jobs", "4")
    src.close()
    role("connection limit 1")
    out = repl.run("start", code=1)
    assert "needs two" in out.err, out
    role("connection limit 2")
    repl.start()
    repl.wait_phase("following", timeout=90)
    repl.kick()
    equal()


def limited(repl, files, *options):
    """The engine with a limit of open files."""
    with pytest.MonkeyPatch.context() as patch:
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        plain = repl.command
        patch.setattr(repl, "command", lambda *a: ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", *plain(*a)])
        assert before[1] == resource.RLIM_INFINITY or before[1] > files
        return repl.start(*options, wait=False)


def test_few_files(repl, src, equal):
    src.execute(TABLES)
    repl.init("--jobs", "4")
    engine = limited(repl, 24)
    assert engine.wait(30 * SLOWER) == 1
    assert re.search(r"needs \d+ open files", repl.engine_tail()) and "ulimit -n" in repl.engine_tail(), repl.engine_tail()
    limited(repl, 45)
    eventually(repl.answers, what="the engine answers")
    repl.wait_phase("following")
    for _ in range(20):
        assert repl.status()["engine"]["running"]
    assert 1 <= repl.status()["workers"]["running"] < 4
    repl.kick()
    equal()
    repl.stop()


def test_a_full_lock_table(repl, source, src, equal):
    """Somebody takes all slots; the tables are more than a session may lock without them."""
    src.execute("".join(f"create table t{i} (id int primary key, n int); insert into t{i} values (1, 0);" for i in range(30)))
    repl.init("--jobs", "2")
    repl.start()
    repl.wait_phase("following")
    with source.connect() as hog:
        with pytest.raises(psycopg.errors.OutOfMemory):
            hog.execute("select pg_advisory_lock(g) from generate_series(1, 1000000) g")
        hog.execute("select pg_advisory_unlock(g) from generate_series(1, 20) g")  # the application goes on
        for i in range(30):
            with contextlib.suppress(psycopg.errors.OutOfMemory):  # the application's own sessions have no more
                src.execute(f"update t{i} set n = 1")
        eventually(lambda: "max_locks_per_transaction = " in errors(repl), timeout=SOON, what="the number is said")
        assert repl.phase() != "failed"
    repl.kick()
    equal()


# ---- commands


@pytest.mark.parametrize("side, size, command", [(0, 6000, ["check"]), (1, 4000, ["init"]), (1, 1200, ["verify"]), (0, 1200, ["status", "--json"]),
                                                 (1, 1200, ["cleanup", "--yes"]), (0, 6000, ["kick", "--wait"])],
                         ids=lambda v: v[0] if isinstance(v, list) else str(v))
def test_a_command_ends_when_a_server_falls_silent(repl, wires, src, command, side, size):
    """In the middle: after some thousand bytes. With a patience of 2 s, far below what the test allows."""
    src.execute(TABLES)
    repl.init()
    repl.configure(answer_ms=2000)
    if command[0] in ("verify", "cleanup"):
        repl.kick()
    urls = ["--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET"] if command[0] in ("check", "init") else []
    wires[side].silent_after(size)
    began = time.monotonic()
    out = repl.run(*command, *urls, code=None, timeout=80)
    assert time.monotonic() - began < 75 * SLOWER
    if command[0] == "status":
        assert ("source", "target")[side] in " ".join(e["message"] for e in out.json()["errors"])
    else:
        assert out.code != 0 and ("source", "target")[side] in out.all, out


def test_verify_heeds_ctrl_c_while_a_server_is_silent(repl, wires, src):
    src.execute(TABLES)
    repl.init()
    repl.kick()
    wires[1].silent()
    process = repl.start_in_background("verify")
    time.sleep(2)
    assert process.poll() is None
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.wait(15 * SLOWER)
    assert time.monotonic() - began < 4 * SLOWER


def test_a_start_right_after_a_kill(repl, src):
    """The killed one's socket takes connections for a moment longer, and answers none."""
    src.execute(TABLES)
    repl.init()
    for _ in range(5):
        repl.start()
        repl.engine.kill()
        out = repl.run("status", "--json")
        assert not out.json()["engine"]["running"] or repl.engine.poll() is None
        repl.kill()
