"""What a person types: start, status, kick, pause, stop, log; and what the machine reads."""
import json
import os
import re
import signal
import socket
import stat
import threading

import pytest

from program import Repl
from test_copy import SMALL, big, chunks
from waiting import eventually

PHASES = {"copying", "indexing", "catching_up", "following", "paused", "fenced", "stopped", "retrying", "failed"}
ISO = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
NUMBER, TEXT, WHOLE = (int, float), str, int
# The contract of status --json: what is there, and of which type (None where it may be null).
CONTRACT = {
    "phase": TEXT, "reached": TEXT, "state": TEXT, "consistent": (bool, None), "unknown_seconds": (NUMBER, None), "known_at": (TEXT, None),
    "source": {"silent_seconds": (NUMBER, None), "error": (TEXT, None)}, "target": {"silent_seconds": (NUMBER, None), "error": (TEXT, None)},
    "workers": {"running": WHOLE, "wanted": WHOLE, "busy": WHOLE, "error": (TEXT, None), "max_rate_bytes_per_second": (WHOLE, None)},
    "engine": {"running": bool, "pid": (WHOLE, None), "version": (TEXT, None), "since": (TEXT, None)},
    "lag_seconds": (NUMBER, None), "owed_rows": (WHOLE, None), "position": (TEXT, None),
    "copy": {"bytes_done": WHOLE, "bytes_total": WHOLE, "rows_done": WHOLE, "rate_bytes_per_second": (NUMBER, None),
             "eta_seconds": (NUMBER, None)},
    "last_batch": ({"at": (TEXT, None), "tables": WHOLE, "rows_upserted": WHOLE, "rows_deleted": WHOLE, "bytes": WHOLE,
                    "seconds": NUMBER}, None),
    "tables": [{"schema": TEXT, "name": TEXT, "phase": TEXT, "rows_copied": WHOLE, "bytes_copied": WHOLE, "bytes_total": WHOLE,
                "rate_bytes_per_second": (NUMBER, None), "eta_seconds": (NUMBER, None), "owed_rows": (WHOLE, None),
                "error": (TEXT, None)}],
    "errors": [{"at": TEXT, "table": (TEXT, None), "message": TEXT, "hint": (TEXT, None)}],
    "next": (TEXT, None),
}


def holds(value, contract, path="status"):
    if isinstance(contract, tuple) and None in contract:
        if value is None:
            return
        contract = contract[0]
    if isinstance(contract, dict):
        assert isinstance(value, dict), path
        assert set(contract) <= set(value), f"{path} lacks {set(contract) - set(value)}"
        for key, inner in contract.items():
            holds(value[key], inner, f"{path}.{key}")
    elif isinstance(contract, list):
        assert isinstance(value, list), path
        for n, item in enumerate(value):
            holds(item, contract[0], f"{path}[{n}]")
    else:
        assert isinstance(value, contract) and (contract is bool or not isinstance(value, bool)), f"{path}: {value!r}"


@pytest.fixture
def small(src, repl):
    src.execute("create table t(id int primary key, v text); insert into t select g, 'v' from generate_series(1, 100) g")
    repl.init()


def test_status_is_a_contract(repl, src, small):
    """In every phase of a life, engine up or down, the same names and types."""
    def look(phase, running):
        status = repl.status()
        holds(status, CONTRACT)
        assert status["phase"] in PHASES
        assert status["phase"] == phase, status
        assert status["engine"]["running"] is running
        if running:
            assert status["engine"]["pid"] == repl.engine.pid and ISO.match(status["engine"]["since"])
        return status

    before = look("stopped", False)
    assert before["tables"][0]["phase"] == "planned" and not before["last_batch"]["at"]
    assert re.search(r"repl( -D \S+)? start", before["next"])
    repl.start()
    repl.wait_phase("following")
    src.execute("update t set v = 'w' where id <= 10; delete from t where id > 95")
    repl.kick()
    following = look("following", True)
    assert following["tables"][0]["phase"] == "following"
    assert following["tables"][0]["rows_copied"] == 100
    assert following["owed_rows"] == 0
    assert following["last_batch"]["rows_deleted"] == 5 and following["last_batch"]["rows_upserted"] == 10
    assert ISO.match(following["last_batch"]["at"])
    assert re.match(r"^\d+:\d+:[\d,]*$", following["position"])
    assert 0 <= following["lag_seconds"] < 60
    repl.run("pause")
    look("paused", True)
    repl.run("resume")
    repl.wait_phase("following")
    repl.stop()
    src.execute("update t set v = 'owed' where id <= 7")
    down = look("stopped", False)
    assert down["owed_rows"] == 7 and down["tables"][0]["owed_rows"] == 7
    assert down["position"] == following["position"] or down["position"]
    assert down["last_batch"]["rows_deleted"] == 5


def test_status_without_servers(repl, small, source_cluster, target_cluster):
    repl.start()
    repl.wait_phase("following")
    repl.stop()
    source_cluster.stop()
    target_cluster.stop()
    status = repl.status()
    holds(status, CONTRACT)
    assert status["phase"] == "stopped" and status["tables"][0]["rows_copied"] == 100
    text = repl.run("status", code=None)
    assert "t" in text.out and not text.out.startswith("{")


def test_status_of_a_failed_engine_tells_the_error(repl, src, target, small):
    """What a person must solve: the target's table has lost a column."""
    repl.start()
    repl.wait_phase("following")
    with target.connect() as c:
        c.execute("alter table t drop column v")
    src.execute("update t set v = 'w'")

    def told():
        status = repl.status()
        holds(status, CONTRACT)
        return status["errors"]
    error = eventually(told, what="status shows an error")[0]
    assert ISO.match(error["at"])
    assert "v" in error["message"]


def test_status_waits_for_a_phase(repl, src, small):
    never = repl.run("status", "--wait", "following", "--timeout", "0.5", code=None)
    assert never.code != 0 and "repl start" in never.all, "no engine runs"
    repl.start()
    repl.run("status", "--wait", "following", "--timeout", "60")
    waiting = repl.start_in_background("status", "--wait", "paused", "--timeout", "60")
    repl.run("pause")
    assert waiting.wait(60) == 0
    repl.run("resume")
    late = repl.run("status", "--wait", "paused", "--timeout", "1", code=3)
    assert "paused" in late.all
    assert repl.run("status", "--wait", "happy", "--timeout", "1", code=2).err


def test_kick_waits_until_it_is_visible(repl, src, dst, small):
    repl.start()
    repl.wait_phase("following")
    for n in range(30):
        src.execute("update t set v = %s where id = %s", (f"n{n}", n + 1))
        repl.kick()
        assert dst.execute("select v from t where id = %s", (n + 1,)).fetchone()[0] == f"n{n}"
    assert repl.run("kick").code == 0


def test_changes_come_by_themselves(repl, src, dst, small):
    repl.start()
    repl.wait_phase("following")
    for n in range(10):
        src.execute("insert into t values (%s, 'new')", (1000 + n,))
        eventually(lambda k=1000 + n: dst.execute("select from t where id = %s", (k,)).fetchall(), timeout=5,
                   every=0.001, what="the row is there")


def test_pause_and_resume(repl, src, dst, small):
    repl.start()
    repl.wait_phase("following")
    repl.run("pause")
    repl.wait_phase("paused")
    src.execute("update t set v = 'while paused'")
    time_passed = threading.Event()
    time_passed.wait(1.5)  # longer than the safety poll: nothing comes, however long one waits
    assert dst.execute("select count(*) from t where v = 'while paused'").fetchone()[0] == 0
    repl.kill()
    repl.start()
    eventually(lambda: repl.phase() == "paused", what="a pause outlives a crash")
    repl.run("resume")
    eventually(lambda: dst.execute("select count(*) from t where v = 'while paused'").fetchone()[0] == 100,
               what="what was owed comes")
    repl.wait_phase("following")


def test_a_paused_table_is_not_waited_for_in_silence(repl, src, dst, small):
    repl.start()
    repl.wait_phase("following")
    repl.run("pause", "public.t")
    src.execute("update t set v = 'while paused'")
    assert "paused" in repl.run("kick", "--wait", code=3).all
    assert dst.execute("select count(*) from t where v = 'while paused'").fetchone()[0] == 0
    repl.run("resume", "public.t")
    repl.kick()
    assert dst.execute("select count(*) from t where v = 'while paused'").fetchone()[0] == 100


def test_pause_in_the_copy(repl, src, dst, equal):
    big(src)
    repl.init()
    repl.configure(**SMALL)
    repl.start(pause_at="chunk.before_commit:40")
    eventually(lambda: chunks(dst) > 3, what="some chunks are done")
    repl.run("pause")
    repl.wait_phase("paused")
    done = chunks(dst)
    eventually(lambda: repl.status()["phase"] == "paused", what="it stays paused")
    assert chunks(dst) <= done + 8, "only what was under way ends"
    repl.run("resume")
    repl.wait_phase("following")
    equal()


def test_stop_finishes_and_start_goes_on(repl, src, small, equal):
    """Stop returns when the process has gone, so that a start right after it finds no engine."""
    repl.start()
    repl.wait_phase("following")
    src.execute("update t set v = 'w'")
    for _ in range(10):
        process = repl.engine
        repl.run("stop")
        assert process.wait(1) == 0
        repl.engine = None
        repl.start()
    repl.stop()
    again = repl.run("stop", code=None)
    assert "no engine" in again.all.lower() or "not running" in again.all.lower()
    repl.start()
    repl.kick()
    equal()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(repl, src, small, number, equal):
    repl.start()
    repl.wait_phase("following")
    repl.engine.send_signal(number)
    assert repl.wait_exit() == 0, repl.engine_tail()
    assert repl.phase() == "stopped"
    repl.kick()
    equal()


def test_stop_in_the_copy(repl, src, dst, equal):
    big(src)
    repl.init()
    repl.configure(**SMALL)
    repl.start(pause_at="chunk.before_commit:40")
    eventually(lambda: chunks(dst) > 3, what="some chunks are done")
    repl.stop()
    repl.start()
    repl.wait_phase("following")
    equal()


def test_a_stop_meets_a_result_that_nobody_has_told(repl, src, small):
    """The loop takes it before the worker that made it has woken the loop, and is at its end by then."""
    for n in range(3):
        repl.start(pause_at="pool.posted:400")
        repl.wait_phase("following")
        src.execute("update t set v = %s where id = 1", (str(n),))
        repl.stop()


def test_a_second_engine_is_refused(repl, src, small, tmp_path, source, target):
    (tmp_path / "other").mkdir()
    other = Repl(tmp_path / "other", source.uri, target.uri)
    other.init()  # adopts
    repl.start()
    repl.wait_phase("following")
    same = repl.run("start", code=1)
    assert str(repl.engine.pid) in same.all
    # With another state directory, too: the servers know.
    refused = other.run("start", code=1, timeout=60)
    assert "another engine" in refused.all.lower(), refused
    repl.wait_phase("following")
    repl.stop()
    other.start()
    other.wait_phase("following")
    other.stop()


def test_detach_returns_when_the_engine_is_up(repl, src, small, dst):
    out = repl.run("start", "--detach", timeout=30)
    try:
        status = repl.status()
        assert status["engine"]["running"], out
        os.kill(status["engine"]["pid"], 0)
        src.execute("update t set v = 'detached'")
        repl.kick()
        assert dst.execute("select count(*) from t where v = 'detached'").fetchone()[0] == 100
        assert repl.run("start", "--detach", code=1).all
    finally:
        repl.run("stop")
    eventually(lambda: not repl.detached(), what="the process has gone")


def test_detach_tells_why_it_cannot(repl, small, source_cluster):
    """An error that a person must solve comes on the terminal, not in a log that nobody reads."""
    repl.run("cleanup", "--yes")
    refused = repl.run("start", "--detach", code=1, timeout=60)
    assert "repl init" in refused.all


def test_progress_on_no_terminal_is_lines(repl, src, small):
    repl.start()
    repl.wait_phase("following")
    repl.stop()
    text = repl.engine_tail()
    assert "\r" not in text and "\x1b" not in text
    assert "following" in text


def test_log(repl, src, small):
    repl.start()
    repl.wait_phase("following")
    repl.stop()
    lines = repl.run("log").out.strip().splitlines()
    assert len(lines) > 2
    assert any("following" in line for line in lines)


def test_the_directory_is_private(repl, small, tmp_path):
    assert stat.S_IMODE(os.stat(repl.dir).st_mode) == 0o700
    repl.start()
    for name in os.listdir(repl.dir):
        assert stat.S_IMODE(os.stat(repl.dir / name).st_mode) & 0o077 == 0, name
    repl.stop()
    assert "control.sock" not in os.listdir(repl.dir)


def test_a_directory_with_a_long_name(repl, src, tmp_path):
    """Longer than an address of a socket can be."""
    src.execute("create table t(id int primary key)")
    repl.dir = tmp_path / ("long" * 25) / ("name" * 20)
    repl.dir.parent.mkdir()
    repl.init()
    repl.start()
    repl.kick()
    assert repl.status()["engine"]["running"]
    repl.stop()


def test_the_socket_survives_nonsense(repl, small):
    repl.start()
    for data in (b"\n", b"{}\n", b"[1,2\n", b'{"protocol":99,"command":"status"}\n', b'{"protocol":1,"command":"dance"}\n',
                 b"\xff\x00" * 5000, b'{"protocol":1,"command":"status"'):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(str(repl.dir / "control.sock"))
            s.sendall(data)
            if data.endswith(b"\n"):
                reply = s.makefile().readline()
                assert not reply or json.loads(reply)["ok"] is False
    holds(repl.status(), CONTRACT)
    assert repl.engine.poll() is None
    repl.stop()


def ask_and_not_read(repl, s):
    """More answers than a socket holds, and then a stop. Returns how many were asked for."""
    pieces, each = 10, 60
    s.settimeout(30)
    s.connect(str(repl.dir / "control.sock"))
    for _ in range(pieces):
        s.sendall(b'{"protocol":1,"command":"status"}\n' * each)
        repl.status()  # another connection: by its answer the engine has read what came before
    s.sendall(b'{"protocol":1,"command":"stop"}\n')
    eventually(lambda: not (repl.dir / "control.sock").exists(), what="the engine is ending")
    return pieces * each + 1


def test_answers_longer_than_a_socket_holds_arrive_whole_before_the_end(repl, small):
    repl.start()
    with socket.socket(socket.AF_UNIX) as s:
        asked = ask_and_not_read(repl, s)
        lines = s.makefile().readlines()
    assert len(lines) == asked
    for line in lines:
        reply = json.loads(line)
        assert reply["ok"]
        holds(reply["status"], CONTRACT)
    assert repl.wait_exit() == 0


def test_who_does_not_read_keeps_no_engine_from_ending(repl, small):
    repl.start()
    with socket.socket(socket.AF_UNIX) as s:
        ask_and_not_read(repl, s)
        assert repl.wait_exit() == 0


def test_usage(repl):
    assert repl.run("--help", at=False).out
    assert repl.run("help", at=False).out
    assert re.match(r"^repl \d+\.\d+", repl.run("version", at=False).out)
    assert "did you mean" in repl.run("strat", code=2, at=False).all.lower()
    assert repl.run("start", "--nonsense", code=2).err
    nothing = repl.run("status", code=1)
    assert "repl init" in nothing.all
