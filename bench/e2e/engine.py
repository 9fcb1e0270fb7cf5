"""The program, run as its user runs it: one state directory and the commands on it."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def binary():
    """$REPL_BIN, else the release build."""
    return os.environ.get("REPL_BIN") or str(ROOT / "build/release/replicator/repl")


def peak_memory(pid):
    """Largest resident size the process ever had, in bytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM"))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def alive(pid):
    """A process that has ended and waits for its parent to notice is not alive."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Failed(Exception):
    """A command ended with another exit code than 0."""


class Repl:
    """`with Repl(source_uri, target_uri) as r:`; an engine that is left running is ended with the block."""

    def __init__(self, source, target, jobs=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="repl-bench-state-"))
        self.dir = self.folder / "state"
        self.jobs = jobs
        self.environment = {**os.environ, "SOURCE_URL": source, "TARGET_URL": target, "REPL_DIR": str(self.dir)}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pid = self.pid()
        if pid:
            os.kill(pid, signal.SIGKILL)
            self.wait_gone(pid)
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *arguments, check=True):
        """Runs a command to its end; its output."""
        done = subprocess.run([binary(), *map(str, arguments)], env=self.environment, stdin=subprocess.DEVNULL, cwd=self.folder,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if check and done.returncode != 0:
            raise Failed(f"repl {' '.join(map(str, arguments))} ended with {done.returncode}:\n{done.stdout}{self.log_tail()}")
        return done.stdout

    def log_tail(self):
        log = self.dir / "repl.log"
        return "--- repl.log\n" + log.read_text(encoding="utf-8")[-3000:] if log.exists() else ""

    def init(self, *options):
        jobs = ["--jobs", self.jobs] if self.jobs else []
        return self.run("init", "--source", "env:SOURCE_URL", "--target", "env:TARGET_URL", *jobs, *options)

    def start(self):
        return self.run("start", "--detach")

    def stop(self):
        pid = self.pid()
        out = self.run("stop")
        self.wait_gone(pid)
        return out

    def kick(self):
        return self.run("kick", "--wait")

    def wait(self, phase, timeout=600):
        return self.run("status", "--wait", phase, "--timeout", timeout)

    def status(self):
        return json.loads(self.run("status", "--json"))

    def pid(self):
        """Of the engine that runs in this state directory, or None."""
        if not self.dir.exists():
            return None
        try:
            engine = self.status()["engine"]
        except (Failed, ValueError):
            return None
        return engine["pid"] if engine["running"] else None

    def kill(self):
        """kill -9: as when the machine goes away."""
        pid = self.pid()
        os.kill(pid, signal.SIGKILL)
        self.wait_gone(pid)

    @staticmethod
    def wait_gone(pid, timeout=30):
        end = time.monotonic() + timeout
        while pid and alive(pid) and time.monotonic() < end:
            time.sleep(0.005)
