"""From commit to visible on the target: a writer commits at intervals, a reader polls the target every half millisecond."""
import contextlib
import random
import threading
import time

from bench import following, load_pgbench, percentile, pgbench, pgbench_file, servers

COMMITS = 300
UPDATE = r"""\set aid random(1, 5000000)
update pgbench_accounts set abalance = abalance + 1 where aid = :aid;
"""


def write(source, database, sent, commits, first):
    rnd = random.Random(first)
    with source.connect(database) as c:
        for n in range(first, first + commits):
            c.execute("insert into mark values (%s)", (n,))
            sent[n] = time.monotonic()
            time.sleep(rnd.uniform(0.05, 0.2))


def latencies(source, target, commits, first, database="bank", patience=30):
    """Milliseconds, one a commit, of rows of the table mark."""
    sent, seen = {}, {}
    writer = threading.Thread(target=write, args=(source, database, sent, commits, first))
    writer.start()
    with target.connect(database) as c:
        end = None
        while len(seen) < commits:
            for (n,) in c.execute("select id from mark where id >= %s", (first + len(seen),)).fetchall():
                seen.setdefault(n, time.monotonic())
            if not writer.is_alive():
                end = end or time.monotonic() + patience
                if time.monotonic() > end:
                    raise RuntimeError(f"{commits - len(seen)} commits never arrived")
            time.sleep(0.0005)
    writer.join()
    return [max(0.0, seen[n] - sent[n]) * 1000 for n in seen]


@contextlib.contextmanager
def load(source, script, rate, seconds, database="bank"):
    """pgbench beside it; yields a function that tells the rate it reached, once it ended."""
    if rate == 0:
        yield lambda: 0
        return
    reached = []
    thread = threading.Thread(target=lambda: reached.append(pgbench(source, database, 4, seconds, script, rate)[0]))
    thread.start()
    yield lambda: thread.join() or reached[0]


def measure(options, report):
    with contextlib.ExitStack() as stack:
        source, target = stack.enter_context(servers())
        script = stack.enter_context(pgbench_file(UPDATE))
        load_pgbench(source, "bank", 50)
        with source.connect("bank") as c:
            c.execute("create table mark (id int primary key)")
        stack.enter_context(following(source, target, "bank", "bank", options.jobs))
        rounds = options.rounds or 2
        report.line(f"\n{rounds} x {COMMITS} commits, one every 50 to 200 ms, each seen by a reader that polls every 0.5 ms; milliseconds.")
        report.table("load on the source", "p50", "p95", "p99", "max", "load reached, tx/s")
        loads = (("idle", None, 0), ("1,000 one-row UPDATEs a second", script.name, 1000), ("TPC-B-like, 200 tx/s", None, 200))
        found, reached = {name: [] for name, _, _ in loads}, {}
        first = 1
        for _ in range(rounds):
            for name, path, rate in loads:
                with load(source, path, rate, int(COMMITS * 0.125) + 5) as ended:
                    time.sleep(2 if rate else 0)
                    found[name] += latencies(source, target, COMMITS, first)
                    reached[name] = ended()
                first += COMMITS
                report.progress(f"{name}: p50 {percentile(found[name], .5):.1f} ms")
        for name, times in found.items():
            report.row(name, *(f"{percentile(times, p):.1f}" for p in (.5, .95, .99)), f"{max(times):.1f}", f"{reached[name]:.0f}")
