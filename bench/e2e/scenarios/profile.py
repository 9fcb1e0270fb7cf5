"""Where the CPU of the source's sessions goes while pgbench runs: samples that perf takes, by part of the server, without capture,
with the least that a trigger can do, and with capture while the engine is stopped. perf samples other users' processes: as root."""
import collections
import contextlib
import os
import re
import statistics
import subprocess
import tempfile

from bench import following, pgbench, quiesce, run, servers
from race import install_packages
from scenarios.capture import load_arms

ARMS = ("none", "floor", "stopped")
CLIENTS, PER_SECOND = 4, 1999
SAMPLE = re.compile(r"^\s*(\d+)\s+[0-9a-f]+ (.*) \((.*)\)$")
KERNEL, LANGUAGE, LIBRARIES = "the kernel: turns, sockets, files", "plpgsql", "libraries: memory, strings, random"
# The first that fits a function of the server; Debian's binary names those that are not static, and these stand for the others.
PARTS = (
    ("the WAL", r"XLog|WAL|pg_comp_crc|CopyXLog|GetXLogBuffer"),
    ("locks and snapshots", r"LWLock|^Lock|ProcArray|Snapshot|^s_lock|Transaction|SubTrans|ProcSleep|GetSnapshot|Fast[pP]ath|MultiXact"),
    ("tables, indexes, buffers", r"^heap|^_bt|^bt[a-z]+|^index_|Buffer|^Page|^Relation|tuple|Tuple|smgr|^hash_|HeapTuple|visibility|^table_|Slot|[Tt]oast"),
    ("parsing and planning", r"pars|^transform|planner|^plan_|^create_|^make_|^query|Query|^expression_tree|^core_yy|[Aa]nalyze|Rewrite|Plan[A-Z]|"
                             r"^cost_|^find_|^eval_const|^get_rel|^scanner|ScanKeyword|^add_|^add[A-Z]|Cache|catcache|^Sys|^Search|relation_open|get_"),
    ("executor, triggers, SPI", r"Exec|exec|Trigger|^SPI|^fmgr|^Function|Portal|Portals|standard_|Expr|Dest|printtup|^int[48]|Datum"),
    ("memory", r"Alloc|palloc|pfree|Memory|^lappend|^list_|^new_list|^bms|Resource"),
)


def part_of(symbol, library):
    if library.startswith("[") or library.endswith((".ko", "vmlinux")):
        return KERNEL
    if library.endswith("plpgsql.so"):
        return LANGUAGE
    if not library.endswith("/postgres"):
        return LIBRARIES
    return next((name for name, pattern in PARTS if re.search(pattern, symbol)), "the rest of the server")


def sampled(server, database, seconds):
    """µs a transaction of the sessions' CPU, by part."""
    others = server.processes()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "samples")
        with subprocess.Popen(["perf", "record", "-q", "-a", "-F", str(PER_SECOND), "-e", "cpu-clock", "-o", path, "--", "sleep", str(seconds)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as perf:
            cpu = pgbench(server, database, CLIENTS, seconds)[1]
            complaint = perf.communicate()[1]
        if perf.returncode != 0:
            raise RuntimeError(f"perf record ended with {perf.returncode}: {complaint[-500:]}")
        lines = run(["perf", "script", "-i", path, "--comms", "postgres", "-F", "pid,ip,sym,dso"]).splitlines()
    found = collections.Counter()
    for line in lines:
        sample = SAMPLE.match(line)
        if sample and sample[1] not in others:
            found[part_of(sample[2], sample[3])] += 1
    return {part: n / sum(found.values()) * cpu for part, n in found.items()}


def measure(options, report):
    install_packages("linux-perf")
    rounds = options.rounds or 3
    report.line(f"\npgbench scale 50, TPC-B-like, {CLIENTS} clients, {options.seconds} s a run, {rounds} rounds, the arms in turns; {PER_SECOND} samples a "
                "second on each core. CPU of the source's sessions, µs a transaction, medians; floor: a trigger that inserts the changed key into a "
                "table, and nothing else; capture: the engine is stopped.")
    with contextlib.ExitStack() as stack:
        source, target = stack.enter_context(servers())
        load_arms(source, ARMS)
        stack.enter_context(following(source, target, "stopped", "stopped", options.jobs)).stop()
        found = {arm: [] for arm in ARMS}
        for n in range(rounds):
            for arm in ARMS[n % len(ARMS):] + ARMS[:n % len(ARMS)]:
                quiesce(source, target)
                found[arm].append(sampled(source, arm, options.seconds))
                report.progress(f"round {n + 1}: {arm} {sum(found[arm][-1].values()):.0f} µs")
    middle = {arm: {p: statistics.median(f.get(p, 0) for f in found[arm]) for p in {p for f in found[arm] for p in f}} for arm in ARMS}
    report.table("part", "none", "floor", "capture", "floor adds", "capture adds to the floor")
    for part in sorted(middle["stopped"], key=lambda p: middle["none"].get(p, 0) - middle["stopped"][p]):
        none, floor, stopped = (middle[arm].get(part, 0) for arm in ARMS)
        report.row(part, f"{none:.0f}", f"{floor:.0f}", f"{stopped:.0f}", f"{floor - none:+.0f}", f"{stopped - floor:+.0f}")
    none, floor, stopped = (sum(middle[arm].values()) for arm in ARMS)
    report.row("all", f"{none:.0f}", f"{floor:.0f}", f"{stopped:.0f}", f"{floor - none:+.0f}", f"{stopped - floor:+.0f}")
