"""What capture costs: pgbench without it, with it while the engine is stopped, and with the engine following.

Three copies of one database on one server, so that the arms stand side by side and take turns within a minute."""
import contextlib
import os
import statistics
import tempfile

from bench import following, load_pgbench, pgbench, quiesce, servers, spread

ARMS = ("none", "stopped", "following")
UPDATE = r"""\set aid random(1, 5000000)
update pgbench_accounts set abalance = abalance + 1 where aid = :aid;
"""


def measure(options, report):
    rounds = options.rounds or 5
    report.line(f"\npgbench scale 50, {options.seconds} s a run, {rounds} rounds, the arms in turns; engine, both servers and pgbench share "
                "the machine. Transactions a second: the median; in brackets the share of none in the same round, min / median / max. CPU: "
                "of the source's sessions a transaction, median; it hardly depends on what else the machine does.")
    with contextlib.ExitStack() as stack:
        source, target = stack.enter_context(servers())
        script = stack.enter_context(tempfile.NamedTemporaryFile("w", suffix=".sql"))
        script.write(UPDATE)
        script.flush()
        os.chmod(script.name, 0o644)
        load_pgbench(source, "none", 50)
        for arm in ARMS[1:]:
            source.create_database(arm, template="none")
        stopped = stack.enter_context(following(source, target, "stopped", "stopped", options.jobs))
        stopped.stop()
        stack.enter_context(following(source, target, "following", "following", options.jobs))
        report.table("script", "clients", *ARMS, "CPU µs: none, stopped")
        for name, path in (("TPC-B-like", None), ("one-row UPDATE", script.name)):
            for clients in (1, 4, 16):
                found = {arm: [] for arm in ARMS}
                for n in range(rounds):
                    for arm in ARMS[n % 3:] + ARMS[:n % 3]:
                        quiesce(source, target)
                        found[arm].append(pgbench(source, arm, clients, options.seconds, path))
                    report.progress(f"{name}, {clients} clients: " + ", ".join(f"{a} {v[-1][0]:.0f}" for a, v in found.items()))
                cpu = {arm: statistics.median(c for _, c in found[arm]) for arm in ARMS}
                report.row(name, clients, *(share(found, arm) for arm in ARMS), f"{cpu['none']:.0f}, {cpu['stopped']:.0f}")


def share(found, arm):
    tps = {a: [t for t, _ in found[a]] for a in found}
    middle = f"{statistics.median(tps[arm]):,.0f}"
    if arm == "none":
        return middle
    return f"{middle} ({spread([a / b for a, b in zip(tps[arm], tps['none'])], 2)})"
