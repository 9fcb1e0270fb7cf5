"""What the number of tables costs when few of them are written: latency, the engine's CPU, what an idle engine asks of the
source, and init. Of all tables three are written."""
import contextlib
import time

import plot
from bench import percentile, pgbench_file, servers
from engine import Repl, cpu_seconds
from scenarios import latency

FOLLOWED, INITED = (10, 100, 1000), (100, 1000, 10000)
WRITTEN, RATE, COMMITS, IDLE_S = 3, 1000, 200, 30
FLAT = 1.5  # the most tables by the fewest
# Room for pg_dump, which locks every table.
SETTINGS = {"max_locks_per_transaction": 1024, "autovacuum_naptime": "10min"}
MAKE = """do $$ begin for i in {0}..{1} loop
    execute format('create table t%s (id bigint generated always as identity primary key, n int not null default 0, v text)', i);
    execute format('insert into t%s (v) select ''x'' from generate_series(1, 10)', i);
end loop; end $$"""
SCRIPT = r"""\set row random(1, 10)
\set which random(1, {0})
\if :which = 1
update t1 set n = n + 1 where id = :row;
\elif :which = 2
update t2 set n = n + 1 where id = :row;
\else
update t3 set n = n + 1 where id = :row;
\endif
""".format(WRITTEN)
XACTS = "select sum(xact_commit + xact_rollback)::bigint from pg_stat_database where datname = 'bank'"


def make(source, tables):
    source.create_database("bank")
    with source.connect("bank") as c:
        for first in range(1, tables + 1, 500):  # a transaction's locks are bounded
            c.execute(MAKE.format(first, min(first + 499, tables)))
        c.execute("create table mark (id int primary key)")


@contextlib.contextmanager
def synced(source, target, tables, jobs, found):
    make(source, tables)
    target.create_database("bank")
    with Repl(source.uri("bank"), target.uri("bank"), jobs) as repl:
        began = time.monotonic()
        repl.init()
        found["init"] = time.monotonic() - began
        repl.start()
        repl.wait("following", 1800)
        found["following"] = time.monotonic() - began
        yield repl
        repl.stop()
    for server in (source, target):
        server.drop_database("bank")


def idle(source, repl, found):
    """CPU of the engine in percent of a core, and transactions a minute that it makes on the source."""
    time.sleep(5)  # the last rotation, the last looks that follow a change
    with source.admin() as c:
        before, cpu, began = c.execute(XACTS).fetchone()[0], cpu_seconds(repl.pid()), time.monotonic()
        time.sleep(IDLE_S)
        took = time.monotonic() - began
        found["idle_cpu"] = (cpu_seconds(repl.pid()) - cpu) / took * 100
        time.sleep(1.5)  # statistics are a second late
        found["idle_xacts"] = (c.execute(XACTS).fetchone()[0] - before) / took * 60


def under(source, target, repl, scripts, rate, first, found, name):
    cpu, began = cpu_seconds(repl.pid()), time.monotonic()
    with latency.load(source, scripts, rate, int(COMMITS * 0.125) + 4) as reached:
        time.sleep(1 if rate else 0)
        times = latency.latencies(source, target, COMMITS, first)
        found[name + "_reached"] = reached()
    found[name] = times
    found[name + "_cpu"] = (cpu_seconds(repl.pid()) - cpu) / (time.monotonic() - began) * 100


def measure(options, report):
    found = {}
    with servers(**SETTINGS) as (source, target), pgbench_file(SCRIPT) as script:
        sizes = sorted({*FOLLOWED, *INITED})
        for tables in sizes[:options.sizes] if options.sizes else sizes:
            figures = found[tables] = {}
            with synced(source, target, tables, options.jobs, figures) as repl:
                report.progress(f"{tables} tables: init {figures['init']:.1f} s")
                if tables in FOLLOWED:
                    idle(source, repl, figures)
                    under(source, target, repl, None, 0, 1, figures, "few")
                    under(source, target, repl, script.name, RATE, COMMITS + 1, figures, "many")
                    report.progress(f"{tables} tables: p50 {percentile(figures['few'], .5):.1f} and {percentile(figures['many'], .5):.1f} ms")
    tell(report, found)
    draw(found, plot.folder(options) / "scale.svg")


# ---- telling

def tell(report, found):
    followed = {n: f for n, f in found.items() if "few" in f}
    report.line(f"\nOf all tables {WRITTEN} are written. A few commits: one every 50 to 200 ms. Many: {RATE:,} one-row UPDATEs a second, a "
                f"third of them on each. CPU of the engine, percent of a core. Idle for {IDLE_S} s. ![plot](plots/scale.svg)")
    report.table("tables", "few commits, ms p50 / p95 / p99", "engine's CPU", "many, ms p50 / p95 / p99", "reached", "engine's CPU", "idle: engine's CPU",
                 "idle: transactions a minute on the source")
    for n, f in followed.items():
        report.row(f"{n:,}", *(x for name in ("few", "many") for x in (
            " / ".join(f"{percentile(f[name], p):.1f}" for p in (.5, .95, .99)),
            *([f"{f[name + '_reached']:,.0f}"] if name == "many" else []), f"{f[name + '_cpu']:.1f} %")),
            f"{f['idle_cpu']:.2f} %", f"{f['idle_xacts']:.0f}")
    report.table("tables", "init, s", "ms a table", "until it follows, s")
    for n, f in found.items():
        report.row(f"{n:,}", f"{f['init']:.1f}", f"{f['init'] / n * 1000:.1f}", f"{f['following']:.1f}")
    report.table("aim", "figure", "")
    least, most = min(followed), max(followed)
    for what, name in (("few commits", "few"), ("many", "many")):
        ratio = percentile(followed[most][name], .5) / percentile(followed[least][name], .5)
        report.row(f"p50 with {most:,} tables ≤ {FLAT} × with {least}, {what}", f"{ratio:.2f}", "met" if ratio <= FLAT else "missed")
    report.row(f"idle engine's CPU ≤ 1 % with {most:,} tables", f"{followed[most]['idle_cpu']:.2f} %", "met" if followed[most]["idle_cpu"] <= 1 else "missed")


def draw(found, path):
    followed = {n: f for n, f in found.items() if "few" in f}

    def lines(name, shares=((.5, "p50"), (.95, "p95"))):
        return {said: [(n, percentile(f[name], p)) for n, f in followed.items()] for p, said in shares}

    plot.save(path, f"The number of tables, of which {WRITTEN} are written", [
        plot.Panel("Commit to visible, a few commits", "ms", lines("few")),
        plot.Panel(f"Commit to visible, {RATE:,} transactions a second", "ms", lines("many")),
        plot.Panel("The engine's CPU", "% of a core", {said: [(n, f[key]) for n, f in followed.items()] for said, key in
                                                       (("idle", "idle_cpu"), ("a few commits", "few_cpu"), (f"{RATE:,}/s", "many_cpu"))}),
        plot.Panel("Idle: transactions on the source", "a minute", {"repl": [(n, f["idle_xacts"]) for n, f in followed.items()]}),
        plot.Panel("init", "ms a table", {"init": [(n, f["init"] / n * 1000) for n, f in found.items()]}),
    ], "tables", logarithmic=True)
