"""Whether the source stays well while another session holds an old snapshot: the size of the deltas, and how long a change
takes to the target, over the whole time of a pgbench. Both are to be flat."""
import contextlib
import statistics
import threading
import time

import plot
from bench import following, load_pgbench, percentile, pgbench, pgbench_file, servers
from scenarios import latency

SAMPLE_S, MARK_S = 1, 0.25
FLAT = 1.5  # the last quarter by the first
NOISE_MB, NOISE_MS = 1, 3  # less than that is not growth
LOADS = (("update", "1,000 one-row UPDATEs a second", latency.UPDATE.replace("5000000", "1000000"), 1000),
         ("tpcb", "TPC-B-like, 200 tx/s", None, 200))
SIZES = """select (select coalesce(sum(pg_relation_size(delta_a) + pg_relation_size(delta_b)), 0) from repl.relation)::float / 1e6,
                  pg_total_relation_size('pg_class') / 1e6::float"""


class Watch:
    """Samples while a load runs: (second, MB of deltas, MB of pg_class), (second, ms from commit to visible)."""

    def __init__(self, source, target):
        self.source, self.target = source, target
        self.began, self.stopping = time.monotonic(), threading.Event()
        self.sizes, self.drains = [], []
        self.threads = [threading.Thread(target=self._sizes), threading.Thread(target=self._drains)]

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for t in self.threads:
            t.join()

    def now(self):
        return time.monotonic() - self.began

    def _sizes(self):
        with self.source.connect("bank") as c:
            while not self.stopping.wait(SAMPLE_S):
                self.sizes.append((self.now(), *c.execute(SIZES).fetchone()))

    def _drains(self):
        with self.source.connect("bank") as s, self.target.connect("bank") as t:
            while not self.stopping.wait(MARK_S):
                at = self.now()
                n, = s.execute("insert into mark default values returning id").fetchone()
                committed = time.monotonic()
                while not t.execute("select 1 from mark where id = %s", (n,)).fetchone():
                    time.sleep(0.0005)
                self.drains.append((at, (time.monotonic() - committed) * 1000))


def quarters(points):
    """The values of the first quarter of the time, and of the last."""
    end = points[-1][0]
    return [p[1] for p in points if p[0] <= end / 4], [p[1] for p in points if p[0] >= end * 3 / 4]


def flat(points, share, noise):
    """(figure of the first quarter, of the last, whether that is flat)"""
    first, last = (percentile(values, share) for values in quarters(points))
    return first, last, last <= max(first * FLAT, first + noise)


def one(source, target, path, rate, seconds, held):
    """The samples, and the transactions a second that were reached."""
    with contextlib.ExitStack() as stack:
        if held:
            c = stack.enter_context(source.connect("bank", autocommit=False))
            c.execute("set transaction isolation level repeatable read")
            c.execute("select count(*) from pgbench_branches")
        watch = stack.enter_context(Watch(source, target))
        return watch, pgbench(source, "bank", 4, seconds, path, rate)[0]


def tell(report, name, said, watch, reached, file):
    report.line(f"\n**{said}** ({reached:,.0f} reached), {watch.sizes[-1][0] / 60:.1f} minutes, a snapshot held all the time; "
                f"![plot](plots/{file.name})")
    report.table("", "first quarter", "last quarter", "flat")
    deltas, catalog = [(s[0], s[1]) for s in watch.sizes], [(s[0], s[2]) for s in watch.sizes]
    for what, points, share, noise, digits in (("deltas, MB, largest", deltas, 1, NOISE_MB, 1),
                                               ("commit to visible, ms, p50", watch.drains, .5, NOISE_MS, 1),
                                               ("commit to visible, ms, p95", watch.drains, .95, NOISE_MS * 3, 1)):
        first, last, is_flat = flat(points, share, noise)
        report.row(what, f"{first:.{digits}f}", f"{last:.{digits}f}", "yes" if is_flat else "no")
    report.row("pg_class, MB", f"{statistics.median(quarters(catalog)[0]):.1f}", f"{catalog[-1][1]:.1f}", "")
    plot.save(file, f"A snapshot is held: {said}",
              [plot.Panel("Delta tables", "MB", {"both sides": deltas}),
               plot.Panel("From commit to visible on the target", "ms", {"each mark": watch.drains}, points=True,
                          most=3 * percentile([d for _, d in watch.drains], .95)),
               plot.Panel("pg_class and its indexes", "MB", {name: catalog})], "seconds")


def measure(options, report):
    seconds = round((options.minutes or 5) * 60)
    report.line(f"\npgbench scale 10 for {seconds} s, 4 clients, beside it a session that holds a snapshot from before its begin; "
                "a mark every quarter of a second. Flat: the last quarter is at most 1.5 times the first.")
    with contextlib.ExitStack() as stack:
        source, target = stack.enter_context(servers())
        load_pgbench(source, "bank", 10)
        with source.connect("bank") as c:
            c.execute("create table mark (id int generated always as identity primary key)")
        stack.enter_context(following(source, target, "bank", "bank", options.jobs))
        for name, said, script, rate in LOADS:
            path = None
            if script:
                file = stack.enter_context(pgbench_file(script))
                path = file.name
            watch, reached = one(source, target, path, rate, seconds, True)
            tell(report, name, said, watch, reached, plot.folder(options) / f"bloat-{name}.svg")
