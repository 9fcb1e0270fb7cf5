"""How long writes are off in a cutover, by load: pgbench writes at a rate, `repl cutover` switches it off, and is taken back.
Each time a rehearsal foretells it first."""
import contextlib
import os
import re
import statistics
import subprocess
import time

import plot
from bench import following, load_pgbench, pgbench_file, servers, spread

RATES = (0, 200, 500, 1000, 2000)
UPDATE = r"""\set aid random(1, 1000000)
update pgbench_accounts set abalance = abalance + 1 where aid = :aid;
"""
STEPS = ("fence", "writers in flight", "drain", "sequences", "check")


def measure(options, report):
    rounds = options.rounds or 5
    report.line(f"\nOne-row UPDATEs by 16 clients of pgbench, {rounds} rounds, the rates in turns; seconds that writes were off, as the "
                "command reports them, min / median / max, the medians of its steps, and what --dry-run had foretold.")
    with contextlib.ExitStack() as stack:
        source, target = stack.enter_context(servers())
        script = stack.enter_context(pgbench_file(UPDATE))
        load_pgbench(source, "bank", 10)
        repl = stack.enter_context(following(source, target, "bank", "bank", options.jobs))
        found = {rate: [] for rate in RATES}
        for n in range(rounds):
            for rate in RATES[n % len(RATES):] + RATES[:n % len(RATES)]:
                found[rate].append(one(source, repl, rate, script.name, options.seconds))
            report.progress(", ".join(f"{r} tx/s: {v[-1]['paused']:.2f} s" for r, v in found.items()))
    report.table("transactions/s wanted", "reached", "writes off, s", *STEPS, "foretold")
    for rate, runs in found.items():
        report.row(rate, spread([r["reached"] for r in runs], 0), spread([r["paused"] for r in runs], 2),
                   *(f"{statistics.median(r[s] for r in runs):.2f}" for s in STEPS), spread([r["foretold"] for r in runs], 2))
    points = sorted((statistics.median(r["reached"] for r in runs), [r["paused"] for r in runs], [r["foretold"] for r in runs])
                    for runs in found.values())
    lines = {"most": [(x, max(off)) for x, off, _ in points], "median": [(x, statistics.median(off)) for x, off, _ in points],
             "least": [(x, min(off)) for x, off, _ in points],
             "foretold, median": [(x, statistics.median(told)) for x, _, told in points]}
    file = plot.folder(options) / "cutover.svg"
    plot.save(file, "How long writes are off in a cutover", [plot.Panel("Writes off", "seconds", lines)], "transactions a second, reached")
    report.line(f"\n![plot](plots/{file.name})")


def one(source, repl, rate, script, seconds):
    """pgbench ends by itself when its clients have met the fence, and says how fast it was until then."""
    load = subprocess.Popen([os.path.join(source.bin, "pgbench"), "-n", "-c", "16", "-j", "2", "-T", "600", "-R", str(rate), "-f", script,
                             source.uri("bank")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) if rate else None
    try:
        if load:
            time.sleep(seconds)
        foretold = repl.run("cutover", "--dry-run")
        out = repl.run("cutover", "--yes")
        summary = load.communicate(timeout=60)[0] if load else "tps = 0 "
    finally:
        if load and load.poll() is None:
            load.kill()
            load.wait()
    steps = {s: float(re.search(rf"{s} ([0-9.]+)", out[out.index("have been off"):]).group(1)) for s in STEPS}
    with source.connect("bank") as c:
        assert c.execute("select count(*) from repl.fence").fetchone()[0] > 0
    repl.run("cutover", "--abort", "--yes")
    return {"reached": float(re.search(r"tps = ([0-9.]+)", summary).group(1)), **steps,
            "paused": float(re.search(r"have been off for ([0-9.]+) s", out).group(1)),
            "foretold": float(re.search(r"expected pause: about ([0-9.]+) s", foretold).group(1))}
