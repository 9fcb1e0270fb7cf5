"""Whether the ETA of the first copy is honest: what `status` foretold at each tenth of the bytes, against what it took."""
import os
import time

from bench import load_pgbench, quiesce, servers, spread
from engine import Repl

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TENTHS = range(1, 10)
WITHIN, RESOLUTION = 0.25, 0.5  # the speed is measured once a second


def load(source):
    load_pgbench(source, "pgb", 50)
    source.create_database("shop")
    source.psql("shop", "-f", os.path.join(HERE, "shop.sql"), variables={"scale": 7})


def watch(repl):
    """(seconds, share of the bytes, ETA) until the rows are there; the seconds it took."""
    seen, began = [], time.monotonic()
    while True:
        status = repl.status()
        now = time.monotonic() - began
        if status["phase"] != "copying":
            return seen, now
        copy = status["copy"]
        if copy["bytes_total"]:
            seen.append((now, copy["bytes_done"] / copy["bytes_total"], copy["eta_seconds"]))
        time.sleep(0.05)


def copy(source, target, database, options, max_rate):
    """One copy: for each tenth the seconds that were left and those that were foretold; and the seconds of rows and of the rest."""
    target.create_database("moved")
    quiesce(source, target)
    with Repl(source.uri(database), target.uri("moved"), options.jobs) as repl:
        repl.init("--max-rate", max_rate)
        repl.start()
        seen, took = watch(repl)
        began = time.monotonic()
        repl.wait("following")
        rest = time.monotonic() - began
        repl.stop()
        repl.run("cleanup", "--yes")
    tenths = {}
    for tenth in TENTHS:
        at = next(((now, eta) for now, share, eta in seen if share >= tenth / 10), None)
        tenths[tenth] = (took - at[0], at[1]) if at and at[1] is not None else None
    return tenths, took, rest


def tell(report, what, runs):
    report.table(f"{what}: rows {spread([r[1] for r in runs])} s, then indexes and the rest {spread([r[2] for r in runs])} s",
                 "left, seconds", "foretold", "foretold / left")
    for tenth in TENTHS:
        known = [r[0][tenth] for r in runs if r[0][tenth]]
        if not known:
            report.row(f"{tenth * 10} % of the bytes", "", "not known yet", "")
            continue
        report.row(f"{tenth * 10} % of the bytes", spread([left for left, _ in known]), spread([eta for _, eta in known]),
                   spread([eta / left for left, eta in known], 2))
    off = [(abs(eta - left), left) for r in runs for left, eta in filter(None, r[0].values())]
    near, good = sum(by <= WITHIN * left for by, left in off), sum(by <= max(WITHIN * left, RESOLUTION) for by, left in off)
    report.line(f"\nWithin 25 %: {near} of {len(off)}; within 25 % or {RESOLUTION} s: {good}.")


def measure(options, report):
    rounds = options.rounds or 3
    report.line(f"\n{rounds} rounds, {options.jobs} jobs; min / median / max. `eta_seconds` is the time until the rows are copied, measured"
                " once a second: at 90 % of a copy this short little more than that is left.")
    with servers() as (source, target):
        load(source)
        for database, max_rate in (("pgb", "unlimited"), ("shop", "unlimited"), ("pgb", "40MB"), ("shop", "40MB")):
            runs = []
            for n in range(rounds):
                runs.append(copy(source, target, database, options, max_rate))
                report.progress(f"{database} {max_rate} round {n + 1}: rows {runs[-1][1]:.1f} s, "
                                + ", ".join(f"{t}0 %: {v[1] / v[0]:.2f}" for t, v in runs[-1][0].items() if v))
            tell(report, f"{database}, --max-rate {max_rate}", runs)
