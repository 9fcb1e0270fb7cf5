"""What the scenarios share: servers as the yardsticks had them, repetition, and how figures are told."""
import contextlib
import datetime
import os
import platform
import statistics
import subprocess
import tempfile
import time

from engine import ROOT, Repl, binary
from servers import Server, server_bin

# All else is PostgreSQL's default; fsync is on.
SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "8GB", "max_connections": 200}
RESULTS = ROOT / "bench/RESULTS.md"
SESSIONS_END_S = 5


@contextlib.contextmanager
def servers(**more):
    settings = {**SETTINGS, **more}
    with Server("source", "app", **settings) as source, Server("target", "master", **settings) as target:
        target.allow_replica_mode()
        yield source, target


def quiesce(*all_servers):
    """What the arm before left to be written is written before the next one is timed."""
    for s in all_servers:
        s.checkpoint()
    os.sync()


@contextlib.contextmanager
def following(source, target, source_db, target_db, jobs=None):
    """A sync that follows; its traces go with the block."""
    target.create_database(target_db)
    with Repl(source.uri(source_db), target.uri(target_db), jobs) as repl:
        repl.init()
        repl.start()
        repl.wait("following")
        try:
            yield repl
        finally:
            if repl.pid():
                repl.stop()
            repl.run("cleanup", "--yes")


def load_pgbench(server, database, scale):
    server.create_database(database)
    run([os.path.join(server.bin, "pgbench"), "-i", "-q", "-s", scale, server.uri(database)])
    with server.connect(database) as c:
        c.execute("alter table pgbench_history add column id bigserial primary key")
        c.execute("vacuum analyze pgbench_history")


def pgbench_file(text):
    """A script for pgbench, which whoever runs it may read; it is there until it is closed."""
    file = tempfile.NamedTemporaryFile("w", suffix=".sql")
    file.write(text)
    file.flush()
    os.chmod(file.name, 0o644)
    return file


def pgbench(server, database, clients, seconds, script=None, rate=None):
    """Runs pgbench; (transactions a second, CPU of the server's sessions in µs a transaction)."""
    options = ["-n", "-c", clients, "-j", min(clients, 2), "-T", seconds]
    options += ["-f", script] if script else []
    options += ["-R", rate] if rate else []
    others, before = server.sessions(database), server.session_seconds()
    out = run([os.path.join(server.bin, "pgbench"), *options, server.uri(database)]).splitlines()
    # They end a little later than pgbench. Sessions of others that came meanwhile may stay, or be followed by more.
    left, end = server.sessions(database) - others, time.monotonic() + SESSIONS_END_S
    while left & server.sessions(database) and time.monotonic() < end:
        time.sleep(0.01)
    tps = next(line for line in out if line.startswith("tps =")).split()[2]
    transactions = next(line for line in out if line.startswith("number of transactions actually processed:")).split()[5]
    return float(tps), (server.session_seconds() - before) * 1e6 / int(transactions.split("/")[0])


def run(command, **options):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                          text=True, check=False, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return done.stdout


def timed(function, *arguments):
    began = time.monotonic()
    function(*arguments)
    return time.monotonic() - began


# ---- telling

def spread(values, digits=1):
    """min / median / max."""
    return " / ".join(f"{v:,.{digits}f}" for v in (min(values), statistics.median(values), max(values)))


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Report:
    """Tables of figures: printed as they come, and kept for RESULTS.md."""

    def __init__(self):
        self.lines = []

    def line(self, text=""):
        self.lines.append(text)
        print(text, flush=True)

    def table(self, *header):
        self.line()
        self.row(*header)
        self.row(*["---"] * len(header))

    def row(self, *cells):
        self.line(f"| {' | '.join(str(c) for c in cells)} |")

    @staticmethod
    def progress(text):
        print(f"  {datetime.datetime.now():%H:%M:%S} {text}", flush=True)

    def record(self, title, command):
        with open(RESULTS, "a", encoding="utf-8") as f:
            f.write(f"\n## {title}\n\n`{command}`, {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC.\n{machine()}\n")
            f.write("\n".join(self.lines) + "\n")


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), platform.machine())
    with open("/proc/meminfo", encoding="utf-8") as f:
        memory = int(f.readline().split()[1]) / 1e6
    revision = "unknown"
    if (ROOT / ".git").exists():
        revision = run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"]).strip()
        if run(["git", "-C", ROOT, "status", "--porcelain", "--untracked-files=no", "--", ".", ":!bench/RESULTS.md", ":!bench/plots"]):
            revision += " with changes"
    postgres = run([os.path.join(server_bin(), "postgres"), "--version"]).split()[2]
    return (f"{os.cpu_count()} cores of {model}, {memory:.0f} GB, {platform.system()} {platform.release()}, PostgreSQL {postgres} with "
            f"{', '.join(f'{k} {v}' for k, v in SETTINGS.items())}; {run([binary(), 'version']).split(chr(10))[0]}, revision {revision}; "
            f"load average at the end {os.getloadavg()[0]:.1f}.")
