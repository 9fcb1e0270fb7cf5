"""Several ways to copy a database take turns: each from an empty target to schema, rows, indexes and constraints.

An arm is a module of peers/: NAME, PACKAGES it needs, where it needs a SUPERUSER, whether it ANALYZES within its time,
whether its PROGRAMS run HERE, copy(site) that returns seconds, and forget(site) that removes what it left. Afterwards the
target is compared with the source."""
import contextlib
import importlib
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

import psycopg

from bench import load_pgbench, quiesce, servers, spread
from engine import ROOT

ARMS = ("limit", "repl", "pgcopydb", "pgdump", "native", "bucardo")
SETS = {"pgb": "pgbench, scale 50", "shop": "a SaaS-like set"}
# Index builds have what a careful person gives them, whoever starts them; a subscription needs the WAL level.
SETTINGS = {"maintenance_work_mem": "256MB", "wal_level": "logical", "max_worker_processes": 16}
LIMIT = "the limit (pipes)"
HERE = os.path.dirname(os.path.abspath(__file__))


class Site:
    """One database on its way from one server to another, by wires if there are some."""

    def __init__(self, source, target, database, jobs, wires=None, target_database="moved", tls=None):
        self.source, self.target, self.database, self.jobs, self.wires = source, target, database, jobs, wires
        self.target_database = target_database
        self.tls = wires is not None if tls is None else tls
        self.folder = tempfile.mkdtemp(prefix="repl-bench-site-")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def program(self, name):
        return os.path.join(self.source.bin, name)

    def source_port(self):
        return self.wires[0].port if self.wires else self.source.port

    def target_port(self):
        return self.wires[1].port if self.wires else self.target.port

    def source_uri(self, superuser=False):
        return self.source.uri(self.database, self.source_port(), superuser, self.tls)

    def target_uri(self, superuser=False):
        return self.target.uri(self.target_database, self.target_port(), superuser, self.tls)


# ---- the data sets, and whether a target has what the source has

def load(source, name):
    if name == "pgb":
        load_pgbench(source, "pgb", 50)
    else:
        source.create_database("shop")
        source.psql("shop", "-f", os.path.join(HERE, "shop.sql"), variables={"scale": 7})


def sizes(source, database):
    """Bytes of tables, of indexes, of the largest table."""
    with source.connect(database) as c:
        return [float(n) for n in c.execute(
            "select sum(pg_table_size(oid)), sum(pg_indexes_size(oid)), max(pg_table_size(oid)) from pg_class"
            " where relkind = 'r' and relnamespace = 'public'::regnamespace").fetchone()]


def contents(server, database, rows=False):
    """What is there, by name: rows of each table (and, where asked, a digest of them all), objects of each kind."""
    with server.admin(database) as c:
        c.execute("set jit = off")
        found = dict(c.execute("""
            select 'valid indexes', count(*) from pg_index i join pg_class c on c.oid = indrelid
             where relnamespace = 'public'::regnamespace and indisvalid
            union all select 'constraints ' || contype::text, count(*) from pg_constraint
             where connamespace = 'public'::regnamespace and convalidated group by contype
            union all select 'triggers', count(*) from pg_trigger t join pg_class c on c.oid = tgrelid
             where relnamespace = 'public'::regnamespace and not tgisinternal
            union all select 'views', count(*) from pg_class where relkind = 'v' and relnamespace = 'public'::regnamespace
            union all select 'functions', count(*) from pg_proc where pronamespace = 'public'::regnamespace"""))
        for table, in c.execute("select oid::regclass::text from pg_class where relkind in ('r', 'm')"
                                " and relnamespace = 'public'::regnamespace").fetchall():
            digest = "coalesce(sum(hashtextextended(t::text, 0)), 0)" if rows else "0"
            found[table] = c.execute(f"select count(*), {digest} from {table} t").fetchone()
    return found


def check(site, expected, rows):
    found = contents(site.target, site.target_database, rows)
    for name, value in expected.items():
        value = value if rows or not isinstance(value, tuple) else (value[0], 0)
        if found.get(name) != value:
            raise RuntimeError(f"{name}: {found.get(name)} on the target, {value} on the source")


# ---- the source's side

class Snapshots:
    """`with Snapshots(source, database) as s:` s.oldest is for how many seconds a session held its oldest snapshot."""

    ASK = """
        select coalesce(max(extract(epoch from clock_timestamp() - coalesce(xact_start, query_start))), 0)::float from pg_stat_activity
         where datname = %s and backend_xmin is not null and backend_type in ('client backend', 'walsender')"""

    def __init__(self, source, database):
        self.source, self.database = source, database
        self.oldest, self.stopping = 0.0, threading.Event()
        self.thread = threading.Thread(target=self._live, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()

    def _live(self):
        with self.source.admin() as c:
            while not self.stopping.wait(0.05):
                self.oldest = max(self.oldest, c.execute(self.ASK, (self.database,)).fetchone()[0])


def client_seconds():
    """CPU of all programs that were run here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def server_seconds(site):
    """CPU of all sessions on the source and on the target that have ended; waits for those that are about to."""
    for server, database in ((site.source, site.database), (site.target, site.target_database)):
        with server.admin() as c:
            end = time.monotonic() + 10
            while c.execute("select count(*) from pg_stat_activity where datname = %s", (database,)).fetchone()[0]:
                if time.monotonic() > end:
                    break
                time.sleep(0.02)
    return site.source.session_seconds(), site.target.session_seconds()


# ---- running

def install_packages(*names):
    subprocess.run(["bash", "-c", ". tests/packages.sh; install_packages \"$@\"", "bash", *names], cwd=ROOT, check=True)


@contextlib.contextmanager
def ready(options, names, **settings):
    """Servers with the data sets that are asked for, and the arms' programs: (source, target, sets, arms)."""
    arms = [importlib.import_module(f"peers.{name}") for name in names]
    sets = [name for name in SETS if not options.set or name in options.set]
    with servers(**SETTINGS, **settings) as (source, target):
        major = source.version // 10000
        install_packages(*(p.format(major=major) for arm in arms for p in arm.PACKAGES))
        for server in (source, target):
            server.make_superuser()
        for name in sets:
            load(source, name)
        yield source, target, sets, arms


def run_arm(arm, site, expected, rows):
    """Its figures, or why there are none."""
    site.target.create_database(site.target_database)
    quiesce(site.source, site.target)
    used, servers_used = client_seconds(), server_seconds(site)
    try:
        with Snapshots(site.source, site.database) as snapshots:
            found = arm.copy(site)
        arm.forget(site)
        found["servers"] = [after - before for before, after in zip(servers_used, server_seconds(site))]
        found.setdefault("whole", sum(found.get(k, 0) for k in ("schema", "rows", "indexes", "constraints")))
        found.setdefault("cpu", client_seconds() - used)
        check(site, expected, rows)
        return {**found, "snapshot": snapshots.oldest}
    except (RuntimeError, OSError, psycopg.Error, subprocess.SubprocessError) as e:
        if arm.NAME in ("repl", LIMIT):
            raise
        return {"failed": str(e)}
    finally:
        arm.forget(site)


def run_rounds(arms, site, rounds, report):
    """{arm's name: [figures of each round]}; each round in another order."""
    expected = contents(site.source, site.database, True)
    found = {arm.NAME: [] for arm in arms}
    for n in range(rounds):
        turn = n % len(arms)
        for arm in (arms[turn:] + arms[:turn])[::-1 if n % 2 else 1]:
            began = time.monotonic()
            figures = run_arm(arm, site, expected, n == 0)
            found[arm.NAME].append(figures)
            said = f"{figures['whole']:.1f} s" if "whole" in figures else "failed: " + figures["failed"].strip()
            report.progress(f"{site.database} round {n + 1}: {arm.NAME}: {said} (with checks {time.monotonic() - began:.0f} s)")
    return found


# ---- telling

def ratios(found, name, other, key="whole"):
    """How much faster `name` was than `other`, by round."""
    return [b[key] / a[key] for a, b in zip(found[name], found[other]) if key in a and key in b]


def ratio(*arguments):
    values = ratios(*arguments)
    return spread(values, 2) if values else ""


def tell_arms(report, arms, found, bytes_of_rows):
    report.table("arm", "seconds", "speed by the limit's", "repl's speed by it", "oldest snapshot on the source, s",
                 "CPU s/GB: client, source, target", "superuser", "ANALYZE")
    for arm in arms:
        good = [f for f in found[arm.NAME] if "whole" in f]
        if not good:
            report.row(arm.NAME, "failed: " + found[arm.NAME][0]["failed"].strip().splitlines()[-1], "", "", "", "", arm.SUPERUSER, "")
            continue
        gigabyte = bytes_of_rows / 1e9
        cpu = [f"{statistics.median(v) / gigabyte:.2f}" for v in ([f["cpu"] for f in good], *zip(*(f["servers"] for f in good)))]
        cpu = ", ".join(cpu if arm.PROGRAMS_HERE else ["-", *cpu[1:]])
        report.row(arm.NAME, spread([f["whole"] for f in good]), ratio(found, arm.NAME, LIMIT),
                   ratio(found, "repl", arm.NAME), f"{max(f['snapshot'] for f in good):.1f}", cpu, arm.SUPERUSER,
                   arm.ANALYZES)


def tell_steps(report, found):
    """Where repl's time goes, beside the limit's."""
    limit, ours = found[LIMIT], found["repl"]
    report.table("step, seconds", "the limit", "repl", "repl's speed by the limit's")
    for key, name in (("schema", "schema (repl: and capture)"), ("rows", "rows"), ("indexes", "indexes"),
                      ("constraints", "constraints (repl: and the first catching up)"), ("whole", "all")):
        report.row(name, spread([f[key] for f in limit]), spread([f[key] for f in ours]), ratio(found, "repl", LIMIT, key))
    report.row("until it follows (ANALYZE, the last changes)", "", spread([f["following"] for f in ours]), "")
    report.row("engine's peak memory, MB", "", f"{max(f['memory'] for f in ours) / 1e6:.0f}", "")


def tell_aims(report, name, arms, found):
    """Medians against what is aimed at."""
    aims = [(LIMIT, 0.95)] + [(arm.NAME, 1.2 if (name, arm.NAME) == ("shop", "pgcopydb") else 1.0)
                              for arm in arms if arm.NAME not in (LIMIT, "repl")]
    report.table("aim", "figure", "")
    for other, least in aims:
        values = ratios(found, "repl", other)
        if values:
            figure = statistics.median(values)
            report.row(f"≥ {least} × {other}", f"{figure:.2f}", "met" if figure >= least else "missed")


def one_set(options, report, arms, both, name, rounds, wires=None, said=""):
    with Site(*both, name, options.jobs, wires) as site:
        tables, indexes, largest = sizes(site.source, name)
        found = run_rounds(arms, site, rounds, report)
        report.line(f"\n**{name}{said}**: {SETS[name]}, {tables / 1e6:.0f} MB of tables, {largest / tables:.0%} of them one table, "
                    f"and {indexes / 1e6:.0f} MB of indexes.")
        tell_arms(report, arms, found, tables)
        tell_steps(report, found)
        tell_aims(report, name, arms, found)


def measure(options, report, names, rounds):
    with ready(options, names) as (source, target, sets, arms):
        for name in sets:
            one_set(options, report, arms, (source, target), name, rounds)
