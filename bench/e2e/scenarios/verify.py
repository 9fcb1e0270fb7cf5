"""What comparing every row costs: time, the servers' CPU, the network; at rest, under writers, and beside pgcopydb."""
import json
import os
import shutil
import subprocess
import threading

from bench import following, load_pgbench, pgbench, quiesce, servers, spread, timed

SCALE = 50
RATE = 1000


def compare(repl, jobs, source, target):
    """(bytes of table a second, bytes a second of a source core, the same of the target, network bytes, differences)."""
    before = source.session_seconds(), target.session_seconds()
    out = repl.run("verify", "--again", "--jobs", jobs, "--json", check=False)
    report = json.loads(out[out.index("{"):])
    spent = [s.session_seconds() - b for s, b in zip((source, target), before)]
    size = report["bytes"]
    assert report["result"] == "equal", out
    return [size / report["seconds"] / 1e9, *(size / s / 1e9 for s in spent), report["network_bytes"] / 1e6,
            report["unsettled"]]


def under_writers(repl, jobs, source, target, seconds):
    """The same while pgbench writes so many transactions a second; the sessions' CPU is theirs too, so it is not told."""
    done = []
    writer = threading.Thread(target=lambda: done.append(pgbench(source, "bank", 4, seconds, rate=RATE)))
    writer.start()
    try:
        found = compare(repl, jobs, source, target)
    finally:
        writer.join()
    return [found[0], *found[3:]], done[0][0]


def pgcopydb(source, target, jobs):
    """Seconds of `pgcopydb compare data`, or why there are none: older versions have no such command."""
    program = shutil.which("pgcopydb")
    if program is None:
        return None, "pgcopydb is not installed"
    known = subprocess.run([program, "compare", "data", "--help"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           check=False)
    if known.returncode != 0 or "unknown command" in known.stdout:
        version = subprocess.run([program, "version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        return None, f"{version.stdout.strip() or 'this pgcopydb'} has no `compare data`"
    return timed(subprocess.run, [program, "compare", "data", "--source", source.uri("bank"), "--target", target.uri("bank"),
                                  "--jobs", str(jobs)], env=dict(os.environ)), None


def measure(options, report):
    rounds, rest, busy, peer = options.rounds or 5, {1: [], options.jobs: []}, [], []
    with servers() as (source, target):
        load_pgbench(source, "bank", SCALE)
        with following(source, target, "bank", "bank", options.jobs) as repl:
            for n in range(rounds):
                for jobs, figures in rest.items():
                    quiesce(source, target)
                    figures.append(compare(repl, jobs, source, target))
                figures, tps = under_writers(repl, options.jobs, source, target, options.seconds)
                busy.append(figures)
                seconds, why = pgcopydb(source, target, options.jobs)
                peer += [seconds] if seconds else []
                report.progress(f"round {n + 1}: {rest[1][-1][0]:.3f} GB/s with one worker, {figures[0]:.3f} under {tps:.0f} "
                                f"transactions a second")
    report.line(f"\npgbench of scale {SCALE}, {rounds} rounds; min / median / max. All rows were equal, each time.")
    report.table("comparison", "GB/s of table", "GB/s a core, source", "GB/s a core, target", "network for rows, MB", "not settled")
    for jobs, figures in rest.items():
        columns = list(zip(*figures))
        report.row(f"at rest, --jobs {jobs}", *(spread(c, 3) for c in columns[:3]), spread(columns[3], 3), spread(columns[4], 0))
    columns = list(zip(*busy))
    report.row(f"under {RATE} transactions a second, --jobs {options.jobs}", spread(columns[0], 3), "", "", spread(columns[1], 3),
               spread(columns[2], 0))
    report.line()
    report.line(f"pgcopydb compare data: {spread(peer, 2)} s" if peer else f"Not beside pgcopydb: {why}.")
