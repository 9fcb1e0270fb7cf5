"""Runs the scenarios; see bench/README.md. Start it by bench/run, which installs and builds."""
import argparse
import importlib
import os
import signal
import sys

from bench import Report
from race import ARMS, SETS

SCENARIOS = {
    "copy": "the initial copy against parallel COPY pipes",
    "peers": "the initial copy against every other way to make it",
    "wire": "the initial copy by TLS over a slow wire",
    "eta": "what status foretells of the copy against what it takes",
    "capture": "what capture costs the application",
    "profile": "where the CPU goes that capture costs the application",
    "bulk": "what capture costs statements of 200 k rows, and in WAL",
    "drain": "how fast a backlog comes over",
    "follow": "following beside Bucardo and native logical replication",
    "bloat": "deltas and drains while another session holds a snapshot",
    "scale": "many tables, few of them written; an idle engine; init",
    "latency": "from commit to visible on the target",
    "verify": "what comparing every row costs",
    "cutover": "how long writes are off in a cutover",
    "memory": "wide rows, a table of several GB, and the engine's memory",
}


def main():
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="scenarios:\n" + "\n".join(f"  {k:9} {v}" for k, v in SCENARIOS.items()))
    parser.add_argument("scenario", nargs="*", choices=[*SCENARIOS, []], help="all of them unless said")
    parser.add_argument("--rounds", type=int, help="how often each arm is measured (each scenario has its own default)")
    parser.add_argument("--jobs", type=int, default=2, help="workers of repl, and pipes (2)")
    parser.add_argument("--seconds", type=int, default=10, help="length of each pgbench run (10)")
    parser.add_argument("--set", action="append", choices=list(SETS), help="copy, peers, wire: this set only (both)")
    parser.add_argument("--arm", action="append", choices=ARMS, help="peers, wire, follow: these only, beside the limit and repl")
    parser.add_argument("--delay", type=float, default=0, help="follow: each server is as many ms further away, there and back (0)")
    parser.add_argument("--minutes", type=float, help="bloat: how long each load goes on (5)")
    parser.add_argument("--sizes", type=int, help="scale: only so many of its numbers of tables, 10, 100, 1,000 and 10,000")
    parser.add_argument("--scale", type=int, default=50, help="follow: pgbench's scale (50)")
    parser.add_argument("--record", action="store_true", help="append the figures to bench/RESULTS.md")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):  # ends the blocks as an error would, so that they clean up
        signal.signal(number, lambda *_: sys.exit(1))
    for name in options.scenario or SCENARIOS:
        report = Report()
        print(f"\n== {name}: {SCENARIOS[name]}", flush=True)
        importlib.import_module(f"scenarios.{name}").measure(options, report)
        if options.record:
            report.record(SCENARIOS[name][0].upper() + SCENARIOS[name][1:], command(name, options))
    return 0


def command(name, options):
    given = [f"--{k} {v}" for k, v in (("rounds", options.rounds), ("jobs", options.jobs), ("seconds", options.seconds), ("minutes", options.minutes),
                                               ("delay", f"{options.delay:g}" if options.delay else None)) if v]
    given += [f"--{k} {v}" for k, values in (("set", options.set), ("arm", options.arm)) for v in values or []]
    return " ".join(["bench/run", name, *given])


if __name__ == "__main__":
    os.environ.pop("REPL_DIR", None)
    sys.exit(main())
