"""How long writes are off in a cutover, by load: pgbench writes at a rate, `repl cutover` switches it off, and is taken back."""
import contextlib
import os
import re
import subprocess
import tempfile
import time

from bench import following, load_pgbench, servers, spread

RATES = (0, 200, 500, 1000)
UPDATE = r"""\set aid random(1, 1000000)
update pgbench_accounts set abalance = abalance + 1 where aid = :aid;
"""
STEPS = ("fence", "writers in flight", "drain", "sequences", "check")


def measure(options, report):
    rounds = options.rounds or 5
    report.line(f"\nOne-row UPDATEs by 16 clients of pgbench, {rounds} rounds, the rates in turns; seconds that writes were off, as the "
                "command reports them, min / median / max, and the medians of its steps.")
    with contextlib.ExitStack() as stack:
        source, target = stack.enter_context(servers())
        script = stack.enter_context(tempfile.NamedTemporaryFile("w", suffix=".sql"))
        script.write(UPDATE)
        script.flush()
        os.chmod(script.name, 0o644)
        load_pgbench(source, "bank", 10)
        repl = stack.enter_context(following(source, target, "bank", "bank", options.jobs))
        found = {rate: [] for rate in RATES}
        for n in range(rounds):
            for rate in RATES[n % len(RATES):] + RATES[:n % len(RATES)]:
                found[rate].append(one(source, repl, rate, script.name))
            report.progress(", ".join(f"{r} tx/s: {v[-1]['paused']:.2f} s" for r, v in found.items()))
    report.table("transactions/s", "writes off, s", *STEPS)
    for rate, runs in found.items():
        report.row(rate, spread([r["paused"] for r in runs], 2),
                   *(f"{sorted(r[s] for r in runs)[len(runs) // 2]:.2f}" for s in STEPS))


def one(source, repl, rate, script):
    load = subprocess.Popen([os.path.join(source.bin, "pgbench"), "-n", "-c", "16", "-j", "2", "-T", "60", "-R", str(rate), "-f", script,
                             source.uri("bank")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) if rate else None
    if load:
        time.sleep(2)
    try:
        out = repl.run("cutover", "--yes")
    finally:
        if load:
            load.terminate()
            load.wait()
    paused = float(re.search(r"have been off for ([0-9.]+) s", out).group(1))
    steps = {s: float(re.search(rf"{s} ([0-9.]+)", out[out.index("have been off"):]).group(1)) for s in STEPS}
    with source.connect("bank") as c:
        assert c.execute("select count(*) from repl.fence").fetchone()[0] > 0
    repl.run("cutover", "--abort", "--yes")
    return {"paused": paused, **steps}
