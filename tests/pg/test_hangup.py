"""SIGHUP is log rotation's: the file is opened again, and nothing ends."""
import os
import signal

from waiting import eventually


def begin(repl, src):
    src.execute("create table t(id int primary key); insert into t select generate_series(1, 100)")
    repl.init()


def test_of_a_detached_engine(repl, src, dst):
    begin(repl, src)
    repl.run("start", "--detach")
    repl.wait_phase("following")
    pid = repl.status()["engine"]["pid"]
    log, old = repl.dir / "repl.log", repl.dir / "repl.log.1"
    for _ in range(2):
        size = log.stat().st_size
        log.rename(old)
        os.kill(pid, signal.SIGHUP)
        eventually(lambda: log.exists() and "SIGHUP" in log.read_text(), what="the log is written to its name again")
        assert old.stat().st_size == size, "and no more to the old one"
    assert oct(log.stat().st_mode & 0o777) == "0o600"
    src.execute("insert into t values (1000)")
    repl.kick()
    assert repl.status()["engine"]["pid"] == pid and dst.execute("select count(*) from t").fetchone()[0] == 101
    repl.run("stop")


def test_of_one_in_the_foreground(repl, src):
    """Also while it is opening: where the terminal is lost it goes on."""
    begin(repl, src)
    engine = repl.start(pause_at="engine.opened:300", wait=False)
    eventually(lambda: (repl.dir / "control.sock").exists() or engine.poll() is not None, what="it is on its way")
    engine.send_signal(signal.SIGHUP)
    repl.wait_phase("following")
    engine.send_signal(signal.SIGHUP)
    repl.kick()
    assert engine.poll() is None
    repl.stop()
