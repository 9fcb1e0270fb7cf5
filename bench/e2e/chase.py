"""Several ways to follow a source take turns: the arms of one run, and what is measured of each.

A follower is a module of followers/: NAME, PACKAGES, what its arms are called (STOPPED, FOLLOWING), whether its target NEEDS_ROWS
before, and a class Follower(site, stopped) with install, start, settle, stop, before_stopped, after_stopped, forget. It has two
databases on the source: one that it follows, and one where it only captures. Whatever is not measured is stopped."""
import contextlib
import importlib
import subprocess
import time

import psycopg

from bench import load_pgbench, pgbench, pgbench_file, quiesce, servers
from engine import Failed
from peers import limit
from race import Site, install_packages
from scenarios import bulk, drain, latency, wire

FOLLOWERS = ("ours", "bucardo", "native")
NONE = "none"
CLIENTS = (1, 4, 16)
# A subscription needs the WAL level; all arms have it.
SETTINGS = {"wal_level": "logical", "max_worker_processes": 16, "maintenance_work_mem": "256MB"}
STOPPED = "_stopped"
PATIENCE = 180
RATE, COMMITS = 1000, 100
FAILURES = (RuntimeError, Failed, OSError, psycopg.Error, subprocess.SubprocessError)


def of(name):
    """The database that it follows; a control database of its own may have the peer's name."""
    return f"of_{name}"


class Race:
    """The servers, the followers that are there, and the figures: found[what, arm] is a list, one figure a round."""

    def __init__(self, options, report, source, target, wires):
        self.options, self.report, self.source, self.target, self.wires = options, report, source, target, wires
        self.rows = options.scale * 100_000
        self.found, self.failed, self.mark = {}, {}, 0
        self.followers = {}
        self.script = pgbench_file(latency.UPDATE.replace("5000000", str(self.rows)))

    def site(self, name):
        return Site(self.source, self.target, name, self.options.jobs, self.wires, target_database=name, tls=False)

    def note(self, what, arm, figure):
        self.found.setdefault((what, arm), []).append(figure)

    # ---- setting up

    def load(self):
        load_pgbench(self.source, NONE, self.options.scale)
        with self.source.connect(NONE) as c:
            c.execute("create table mark (id int primary key)")
            c.execute(bulk.TABLE)

    def bring_rows(self, site):
        limit.dump(site)
        limit.restore(site, "--section=pre-data")
        limit.pipes(site)
        limit.post_data(site)

    def add(self, stack, name):
        module = importlib.import_module(f"followers.{name}")
        install_packages(*(p.format(major=self.source.version // 10000) for p in module.PACKAGES))
        sites = [stack.enter_context(self.site(database)) for database in (of(name), of(name) + STOPPED)]
        for site in sites:
            self.source.create_database(site.database, template=NONE)
            self.target.create_database(site.target_database)
        if module.NEEDS_ROWS:
            self.bring_rows(sites[0])
            limit.restore_schema(sites[1])
        follower = module.Follower(*sites)
        stack.callback(follower.forget)
        began = time.monotonic()
        follower.install()
        self.followers[name] = module, follower
        self.report.progress(f"{module.NAME} is there ({time.monotonic() - began:.0f} s)")

    # ---- arms

    def wait_visible(self, database):
        """Until the target shows all that the source committed before."""
        self.mark += 1
        with self.source.connect(database) as s, self.target.connect(database) as t:
            s.execute("insert into mark values (%s)", (self.mark,))
            end = time.monotonic() + PATIENCE
            while not t.execute("select 1 from mark where id = %s", (self.mark,)).fetchone():
                if time.monotonic() > end:
                    raise RuntimeError(f"not through after {PATIENCE} s")
                time.sleep(0.002)

    def wait_through(self, name):
        """A mark is not enough for a follower that may bring one table before another."""
        self.wait_visible(of(name))
        self.followers[name][1].settle()

    @contextlib.contextmanager
    def at_work(self, name):
        """The follower runs and has caught up, and has again when it is stopped: no arm inherits a backlog."""
        follower = self.followers[name][1]
        follower.start()
        try:
            self.wait_through(name)
            yield
            self.wait_through(name)
        finally:
            follower.stop()

    @contextlib.contextmanager
    def only_captured(self, name):
        follower = self.followers[name][1]
        follower.before_stopped()
        try:
            yield
        finally:
            follower.after_stopped()

    def arms(self):
        """(name of the arm, its database, a context in which it is ready)"""
        yield NONE, NONE, contextlib.nullcontext
        for name, (module, _) in self.followers.items():
            yield module.STOPPED, of(name) + STOPPED, lambda name=name: self.only_captured(name)
            yield module.FOLLOWING, of(name), lambda name=name: self.at_work(name)

    def in_turns(self, n, what, measure):
        """measure(arm, database) in each arm, each round in another order; an arm that fails is out."""
        arms = [a for a in self.arms() if a[0] not in self.failed]
        turn = n % len(arms)
        for arm, database, ready in arms[turn:] + arms[:turn]:
            self.attempt(arm, what, lambda: self._ready(ready, arm, database, measure))

    @staticmethod
    def _ready(ready, arm, database, measure):
        with ready():
            measure(arm, database)

    def attempt(self, arm, what, work):
        """Peers may fail; what is compared with them may not."""
        began = time.monotonic()
        try:
            work()
            self.report.progress(f"{what}: {arm} ({time.monotonic() - began:.0f} s)")
        except FAILURES as e:
            if arm == NONE or arm.startswith("repl"):
                raise
            self.failed[arm] = f"{what}: {str(e).strip().splitlines()[0]}"
            self.report.progress(f"{arm} failed: {self.failed[arm]}")

    # ---- what is measured

    def tps(self, n):
        for clients in CLIENTS:
            def measure(arm, database):
                quiesce(self.source, self.target)
                self.note(f"tps {clients}", arm, pgbench(self.source, database, clients, self.options.seconds)[0])
            self.in_turns(n, f"TPC-B, {clients} clients", measure)

    def bulk(self, n):
        def measure(arm, database):
            with self.source.admin(database) as c:
                c.execute("truncate bulk")
                for name, sql in bulk.STATEMENTS.items():
                    quiesce(self.source, self.target)
                    seconds, wal = bulk.run(c, sql)
                    self.note(f"bulk {name}", arm, seconds)
                    self.note(f"wal {name}", arm, wal / bulk.ROWS)
                c.execute("truncate bulk")
                if arm == NONE or database.endswith(STOPPED):  # the WAL of a server that does nothing else
                    self.note("wal one-row UPDATEs", arm, bulk.singles(c))
        self.in_turns(n, "bulk", measure)

    def drained(self, name, what, write, running):
        """Seconds from the last commit, or from the start, until the target shows it."""
        module, follower = self.followers[name]
        began = time.monotonic()
        write()
        wrote = time.monotonic()
        if not running:
            follower.start()
        self.wait_through(name)
        ended = time.monotonic()
        self.note(f"drain {what}", module.NAME, ended - wrote)
        if running:
            self.note(f"drain with writing {what}", module.NAME, ended - began)

    def write_update(self, name):
        with self.source.connect(of(name)) as c:
            c.execute("update pgbench_accounts set abalance = abalance + 1 where aid <= %s", (drain.KEYS,))

    def follow(self, n, name):
        """Backlogs and latencies of one follower, from a stop and running; last what Bucardo may not get through with."""
        module, follower = self.followers[name]
        writes = {"one UPDATE of 200 k rows": lambda: self.write_update(name),
                  "200 k one-row transactions": lambda: drain.singles(self.source, n, of(name), self.rows)}
        for what, write in writes.items():
            try:
                self.drained(name, what + ", from a stop", write, False)
            finally:
                follower.stop()
        with self.at_work(name):
            self.latencies(module.NAME, name)
            for what, write in writes.items():
                self.drained(name, what + ", running", write, True)

    def latencies(self, arm, name):
        for what, rate in (("idle", 0), (f"{RATE:,} one-row UPDATEs a second", RATE)):
            with latency.load(self.source, self.script.name, rate, int(COMMITS * 0.125) + 4, of(name)) as reached:
                time.sleep(1 if rate else 0)
                self.mark += COMMITS
                times = latency.latencies(self.source, self.target, COMMITS, self.mark - COMMITS + 1, of(name), PATIENCE)
                self.found.setdefault((f"latency {what}", arm), []).extend(times)
                self.note(f"reached {what}", arm, reached())
            self.wait_through(name)

    def round(self, n):
        self.tps(n)
        self.bulk(n)
        names = list(self.followers)
        for name in names[n % len(names):] + names[:n % len(names)]:
            module = self.followers[name][0]
            if module.FOLLOWING not in self.failed:
                self.attempt(module.FOLLOWING, "backlogs and latencies", lambda name=name: self.follow(n, name))


@contextlib.contextmanager
def ready(options, report):
    """A race whose followers are installed and stopped."""
    with contextlib.ExitStack() as stack:
        source, target = stack.enter_context(servers(**SETTINGS))
        for server in (source, target):
            server.make_superuser()
        wires = None
        if options.delay:
            path = stack.enter_context(wire.program())
            wires = [stack.enter_context(wire.Wire(path, s.port, options.delay, 0)) for s in (source, target)]
        race = Race(options, report, source, target, wires)
        race.load()
        for name in FOLLOWERS:
            if not options.arm or name == "ours" or name in options.arm:
                race.attempt(importlib.import_module(f"followers.{name}").NAME, "installing", lambda name=name: race.add(stack, name))
        yield race
