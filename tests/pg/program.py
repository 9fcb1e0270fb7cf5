"""The program under test, run as a user would run it."""
import json
import os
import pathlib
import pty
import shlex
import signal
import subprocess
import time

from waiting import SLOWER, eventually

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What a sanitizer writes when it found something; the exit code alone would not tell for an engine that is killed.
SANITIZER = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "runtime error:")


def binary():
    """$REPL_BIN (may be a command with arguments, such as "setarch -R .../repl") or the dev build."""
    return shlex.split(os.environ.get("REPL_BIN") or str(ROOT / "build/dev/replicator/repl"))


class Output:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        self.all = out + err

    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}"


class Repl:
    """One state directory and the commands on it. Connections are given by environment variables, as on Heroku."""

    def __init__(self, folder, source, target):
        self.folder = pathlib.Path(folder)
        self.dir = self.folder / "state"
        self.transcript = self.folder / "transcript.log"
        self.engine_log = self.folder / "engine.log"
        self.environment = dict(os.environ, REPL_TEST_SOURCE=source, REPL_TEST_TARGET=target)
        for name in ("REPL_DIR", "REPL_FAIL_AT", "REPL_PAUSE_AT", "DATABASE_URL"):
            self.environment.pop(name, None)
        self.engine = None
        self.schema = "repl"

    # ---- commands

    def command(self, *arguments):
        return [*binary(), *map(str, arguments)]

    def run(self, *arguments, code=0, timeout=90, stdin=None, env=None, at=True,
            note=True):
        """Runs a command to its end. `code`: the exit code that is expected; None takes any."""
        where = ["-D", self.dir] if at else []
        command = self.command(arguments[0], *where, *arguments[1:]) if arguments else self.command()
        started = time.monotonic()
        p = subprocess.run(command, input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout * SLOWER,
                           env={**self.environment, **(env or {})}, check=False, cwd=self.folder)
        result = Output(p.returncode, p.stdout, p.stderr)
        if note:
            with open(self.transcript, "a", encoding="utf-8") as f:
                f.write(f"$ repl {' '.join(map(str, arguments))}   # {time.monotonic() - started:.2f} s\n{result!r}\n")
        assert code is None or p.returncode == code, f"repl {' '.join(map(str, arguments))}: expected {code}, {result!r}"
        return result

    def init(self, *options, source="env:REPL_TEST_SOURCE", target="env:REPL_TEST_TARGET", **how):
        return self.run("init", "--source", source, "--target", target, *options, **how)

    def run_in_terminal(self, *arguments, answer):
        """As a person would: on a terminal, where the program may ask. Returns (exit code, what was shown)."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            os.execvpe(binary()[0], self.command(arguments[0], "-D", self.dir, *arguments[1:]), self.environment)
        shown = b""
        try:
            while True:
                piece = os.read(terminal, 4096)
                shown += piece
                if answer is not None and b"[y/N]" in shown:
                    os.write(terminal, answer.encode() + b"\n")
                    answer = None
        except OSError:  # the program has ended and its terminal with it
            pass
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(terminal)
        return code, shown.decode()

    def start_in_background(self, *arguments, env=None):
        """Any command in the background, its output in its own file beside the others. It heeds signals, also where the tests
        themselves were started in the background of a shell or by nohup, which ignore some."""
        command = ["env", "--default-signal=INT,HUP", *self.command(arguments[0], "-D", self.dir, *arguments[1:])]
        with open(self.folder / f"background-{arguments[0]}.log", "ab") as out:
            return subprocess.Popen(command, stdout=out, stderr=out,
                                    stdin=subprocess.DEVNULL, env={**self.environment, **(env or {})}, cwd=self.folder)

    # ---- the engine

    def configure(self, **settings):
        """DIR/repl.conf."""
        with open(self.dir / "repl.conf", "w", encoding="utf-8") as f:
            f.writelines(f"{k} = {v}\n" for k, v in settings.items())

    def start(self, *options, fail_at=None, pause_at=None, wait=True):
        """`repl start` in the foreground of a process of its own; with wait until its control socket answers."""
        assert self.engine is None or self.engine.poll() is not None, "an engine is running already"
        env = dict(self.environment)
        if fail_at:
            env["REPL_FAIL_AT"] = fail_at
        if pause_at:
            env["REPL_PAUSE_AT"] = pause_at
        with open(self.engine_log, "ab") as log:
            log.write(f"--- start {' '.join(options)} fail_at={fail_at} pause_at={pause_at}\n".encode())
            log.flush()
            self.engine = subprocess.Popen(self.command("start", "-D", self.dir, *options), stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log, env=env, cwd=self.folder, start_new_session=True)
        if wait:
            eventually(self.answers, timeout=30, what="the engine answers")
        return self.engine

    def answers(self):
        code = self.engine.poll()
        assert code is None, f"the engine ended with {code}:\n{self.engine_tail()}"
        return self.status()["engine"]["running"]

    def kill(self):
        """kill -9, and nothing is left of the process."""
        if self.engine is not None and self.engine.poll() is None:
            self.engine.kill()
        if self.engine is not None:
            self.engine.wait()
        self.engine = None

    def wait_exit(self, timeout=60):
        code = self.engine.wait(timeout * SLOWER)
        self.engine = None
        return code

    def stop(self):
        self.run("stop")
        if self.engine is not None:
            code = self.wait_exit()
            assert code == 0, f"the engine ended with {code}:\n{self.engine_tail()}"

    def engine_tail(self, size=4000):
        if not self.engine_log.exists():
            return ""
        return self.engine_log.read_text(encoding="utf-8", errors="replace")[-size:]

    # ---- what it says

    def status(self, *options):
        return self.run("status", "--json", *options, code=None, note=False).json()

    def phase(self):
        return self.status()["phase"]

    def wait_phase(self, *phases, timeout=60):
        def reached():
            if self.engine is not None:
                code = self.engine.poll()
                assert code is None, f"the engine ended with {code}:\n{self.engine_tail()}"
            return self.phase() in phases
        try:
            eventually(reached, timeout=timeout, every=0.1, what=f"phase {' or '.join(phases)}")
        except AssertionError as e:
            raise AssertionError(f"{e}\n{json.dumps(self.status(), indent=1)[-3000:]}") from None

    def kick(self, timeout=90):
        return self.run("kick", "--wait", timeout=timeout)

    # ---- the end of a test

    def close(self):
        """Ends what the test left running; what sanitizers had to say is an error."""
        if self.engine is not None and self.engine.poll() is None:
            self.engine.send_signal(signal.SIGTERM)
            try:
                self.engine.wait(20 * SLOWER)
            except subprocess.TimeoutExpired:
                self.engine.kill()
                self.engine.wait()
        for pid in self.detached():
            os.kill(pid, signal.SIGKILL)
        for path in self.folder.rglob("*.log"):
            text = path.read_text(encoding="utf-8", errors="replace")
            found = [s for s in SANITIZER if s in text]
            assert not found, f"{path}: {text[text.index(found[0]):][:4000]}"

    def detached(self):
        """Processes with this state directory on their command line."""
        wanted, found = str(self.dir).encode(), []
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) != os.getpid():
                try:
                    with open(f"/proc/{entry}/cmdline", "rb") as f:
                        arguments = f.read().split(b"\0")
                except OSError:
                    continue
                if wanted in arguments:
                    found.append(int(entry))
        return found
