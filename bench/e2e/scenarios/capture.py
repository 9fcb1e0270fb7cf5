"""What capture costs: pgbench without it, with the least that a trigger can do, with capture while the engine is stopped,
and with the engine following.

Four copies of one database on one server, so that the arms stand side by side and take turns within a minute."""
import contextlib
import statistics

from bench import following, load_pgbench, pgbench, pgbench_file, quiesce, servers, spread
from engine import cpu_seconds

ARMS = ("none", "floor", "stopped", "following")
# A trigger that records the key and nothing else: no guard, no side, no doorbell, no changed keys. Nothing that a user without
# superuser can install on the source costs less and still knows which row changed.
FLOOR = """
create table log_{table} (xid bigint not null, key bigint not null) with (autovacuum_enabled = off);
create function log_{table}() returns trigger language plpgsql security definer as
$$ begin insert into log_{table} values (txid_current(), new.{key}); return null; end $$;
create trigger log after insert or update on {table} for each row execute function log_{table}();
"""
KEYS = {"pgbench_accounts": "aid", "pgbench_tellers": "tid", "pgbench_branches": "bid", "pgbench_history": "id"}
UPDATE = r"""\set aid random(1, 5000000)
update pgbench_accounts set abalance = abalance + 1 where aid = :aid;
"""


def load_arms(source, arms):
    """A database an arm; the floor with its triggers."""
    load_pgbench(source, arms[0], 50)
    for arm in arms[1:]:
        source.create_database(arm, template=arms[0])
    with source.connect("floor") as c:
        for table, key in KEYS.items():
            c.execute(FLOOR.format(table=table, key=key))


def measure(options, report):
    rounds = options.rounds or 5
    report.line(f"\npgbench scale 50, {options.seconds} s a run, {rounds} rounds, the arms in turns; engine, both servers and pgbench share "
                "the machine. Transactions a second: the median; in brackets the share of none in the same round, min / median / max. CPU: "
                "of the source's sessions a transaction, median; it hardly depends on what else the machine does. Floor: a "
                    "trigger that inserts the changed key into a table, and nothing else.")
    with contextlib.ExitStack() as stack:
        source, target = stack.enter_context(servers())
        script = stack.enter_context(pgbench_file(UPDATE))
        load_arms(source, ARMS)
        stopped = stack.enter_context(following(source, target, "stopped", "stopped", options.jobs))
        stopped.stop()
        repl = stack.enter_context(following(source, target, "following", "following", options.jobs))
        spent = []
        report.table("script", "clients", *ARMS, "CPU µs: none, floor, stopped")
        for name, path in (("TPC-B-like", None), ("one-row UPDATE", script.name)):
            for clients in (1, 4, 16):
                found, parts = {arm: [] for arm in ARMS}, []
                for n in range(rounds):
                    for arm in ARMS[n % len(ARMS):] + ARMS[:n % len(ARMS)]:
                        quiesce(source, target)
                        before = cost(source, target, repl)
                        found[arm].append(pgbench(source, arm, clients, options.seconds, path))
                        if arm == "following":
                            parts.append([(b - a) * 1e6 / (found[arm][-1][0] * options.seconds)
                                          for a, b in zip(before, cost(source, target, repl))])
                    report.progress(f"{name}, {clients} clients: " + ", ".join(f"{a} {v[-1][0]:.0f}" for a, v in found.items()))
                cpu = {arm: statistics.median(c for _, c in found[arm]) for arm in ARMS}
                report.row(name, clients, *(share(found, arm) for arm in ARMS), ", ".join(f"{cpu[arm]:.0f}" for arm in ARMS[:3]))
                spent.append((name, clients, *(f"{v:.0f}" for v in (cpu["none"], cpu["following"], *map(statistics.median, zip(*parts))))))
        report.line("\nWhere the time goes while it follows: CPU, µs a transaction, median.")
        report.table("script", "clients", "the application's sessions without capture", "with it, while followed", "repl's sessions on the source",
                     "the engine", "repl's sessions on the target")
        for row in spent:
            report.row(*row)


def cost(source, target, repl):
    """CPU seconds so far: of repl's sessions on the source, of the engine, of its sessions on the target."""
    return source.living_seconds("following"), cpu_seconds(repl.pid()), target.living_seconds("following")


def share(found, arm):
    tps = {a: [t for t, _ in found[a]] for a in found}
    middle = f"{statistics.median(tps[arm]):,.0f}"
    if arm == "none":
        return middle
    return f"{middle} ({spread([a / b for a, b in zip(tps[arm], tps['none'])], 2)})"
