"""What comparing every row costs: time, the servers' CPU, the network; at rest, under writers, and beside pgcopydb."""
import json
import os
import subprocess
import time

from bench import following, load_pgbench, quiesce, run, servers, spread
from engine import ROOT

SCALE = 30
RATE = 1000


def spent(both, database, function, *arguments):
    """(what the function returns, seconds, CPU seconds of its sessions on each server)."""
    others, before, began = [s.sessions(database) for s in both], [s.session_seconds() for s in both], time.monotonic()
    found = function(*arguments)
    seconds = time.monotonic() - began
    for server, known in zip(both, others):
        while server.sessions(database) - known:  # they end a little later
            time.sleep(0.01)
    return found, seconds, [s.session_seconds() - b for s, b in zip(both, before)]


def verify(repl, jobs):
    out = repl.run("verify", "--again", "--jobs", jobs, "--json", check=False)
    report = json.loads(out[out.index("{"):])
    assert report["result"] == "equal" and report["tables_not_compared"] == 0, out
    return report


def at_rest(repl, jobs, both):
    """[seconds, GB/s, GB/s of a core of the source, of the target, MB over the network for rows, keys not settled]."""
    report, seconds, cpu = spent(both, "bank", verify, repl, jobs)
    size = report["bytes"] / 1e9
    return [seconds, size / seconds, *(size / s for s in cpu), report["network_bytes"] / 1e6, report["unsettled"]]


def under_writers(repl, jobs, source, seconds):
    """The same while pgbench writes so many transactions a second: comparisons as long as it does. CPU is pgbench's, too, so
    it is not told. Returns ([seconds, GB/s, MB over the network, keys not settled] of each, transactions a second)."""
    found = []
    writer = subprocess.Popen([os.path.join(source.bin, "pgbench"), "-n", "-c", "4", "-j", "2", "-T", str(seconds), "-R", str(RATE),
                               source.uri("bank")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    while writer.poll() is None:
        began = time.monotonic()
        report = verify(repl, jobs)
        took = time.monotonic() - began
        found.append([took, report["bytes"] / 1e9 / took, report["network_bytes"] / 1e6, report["unsettled"]])
    tps = float(next(line for line in writer.communicate()[0].splitlines() if line.startswith("tps =")).split()[2])
    return found[:-1] or found, tps


# ---- pgcopydb

def pgcopydb_root():
    """Versions before 0.13 have no `compare data`; Debian 13 has one that does, so its release is put below .cache/, once."""
    root = ROOT / ".cache/pgcopydb"
    run(["bash", "-c", '. tests/packages.sh; install_packages debootstrap; debian_root "$1" trixie pgcopydb', "bash", root], cwd=ROOT)
    return root


def pgcopydb(root, source, target):
    """It has no filters, and would compare repl's own tables: it gets the same database once more, on each side."""
    run(["chroot", root, "pgcopydb", "compare", "data", "--json", "--dir", "/tmp/compare", "--source", source.uri("plain"),
               "--target", target.uri("plain")])
    run(["rm", "-rf", root / "tmp/compare"])


# ---- the measure

def measure(options, report):
    rounds, at_ease, busy, peer, rates = options.rounds or 5, {1: [], options.jobs: []}, [], [], []
    root = pgcopydb_root() if os.geteuid() == 0 else None
    with servers() as (source, target):
        load_pgbench(source, "bank", SCALE)
        for server in (source, target) if root else ():
            load_pgbench(server, "plain", SCALE)
        with following(source, target, "bank", "bank", options.jobs) as repl:
            size = verify(repl, 1)["bytes"] / 1e9
            for n in range(rounds):
                for jobs, figures in at_ease.items():
                    quiesce(source, target)
                    figures.append(at_rest(repl, jobs, (source, target)))
                if root:
                    quiesce(source, target)
                    _, seconds, cpu = spent((source, target), "plain", pgcopydb, root, source, target)
                    peer.append([seconds, size / seconds, *(size / s for s in cpu)])
                figures, tps = under_writers(repl, options.jobs, source, options.seconds)
                busy += figures
                rates.append(tps)
                report.progress(f"round {n + 1}: {at_ease[1][-1][1]:.3f} GB/s with one worker, {figures[-1][1]:.3f} under {tps:.0f} "
                                f"transactions a second" + (f", pgcopydb {peer[-1][1]:.3f}" if peer else ""))
    report.line(f"\npgbench of scale {SCALE}, {size:.2f} GB of tables, {rounds} rounds in turns; min / median / max. GB/s a core: by the CPU "
                "of the comparison's sessions on that server. All rows were equal, each time.")
    report.table("comparison", "seconds", "GB/s of table", "GB/s a core, source", "GB/s a core, target", "network for rows, MB",
                 "not settled")
    for jobs, figures in at_ease.items():
        c = list(zip(*figures))
        report.row(f"repl verify --jobs {jobs}", spread(c[0], 2), *(spread(x, 3) for x in c[1:5]), spread(c[5], 0))
    if peer:
        c = list(zip(*peer))
        report.row("pgcopydb compare data", spread(c[0], 2), *(spread(x, 3) for x in c[1:]), "", "")
    c = list(zip(*busy))
    report.row(f"repl verify --jobs {options.jobs}, under {sorted(rates)[len(rates) // 2]:,.0f} transactions a second (TPC-B)",
               spread(c[0], 2), spread(c[1], 3), "", "", spread(c[2], 3), spread(c[3], 0))
    if not peer:
        report.line("\nNot beside pgcopydb compare data: only root can install the one that has it, below .cache/.")
