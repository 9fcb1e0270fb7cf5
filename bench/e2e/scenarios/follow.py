"""What following costs and how fast it is, beside Bucardo and native logical replication (the bound of those who have the WAL)."""
import statistics

import chase
from bench import percentile, spread
from scenarios import bulk, drain

TOGETHER = "engine, servers and load share the machine"


def measure(options, report):
    rounds = options.rounds or 3
    delay = f"; each server {options.delay} ms further away from whoever follows" if options.delay else ""
    report.line(f"\npgbench scale {options.scale}, {rounds} rounds, {options.seconds} s a run of pgbench, the arms in turns; {TOGETHER}{delay}. "
                "wal_level is logical for all. Who is not measured is stopped. min / median / max.")
    with chase.ready(options, report) as race:
        for n in range(rounds):
            race.round(n)
        for tell in (tell_tps, tell_bulk, tell_wal, tell_drain, tell_latency, tell_aims):
            tell(report, race)
        for arm, why in race.failed.items():
            report.line(f"\n{arm} failed: {why}")


def arms_of(race, *kinds):
    """Names of the arms, those of each follower beside one another."""
    return [getattr(module, kind) for module, _ in race.followers.values() for kind in kinds]


def ratios(race, what, arm, other=chase.NONE):
    return [a / b for a, b in zip(race.found.get((what, arm), []), race.found.get((what, other), []))]


def cell(values, digits):
    return spread(values, digits) if values else ""


def tell_tps(report, race):
    report.line("\n**TPC-B of pgbench**: transactions a second without capture; the arms as a share of that in the same round.")
    arms = arms_of(race, "STOPPED", "FOLLOWING")
    report.table("clients", chase.NONE, *arms)
    for clients in chase.CLIENTS:
        what = f"tps {clients}"
        report.row(clients, spread(race.found[what, chase.NONE], 0), *(cell(ratios(race, what, a), 2) for a in arms))


def tell_bulk(report, race):
    report.line(f"\n**Statements of {bulk.ROWS // 1000} k rows** (bigint key, 90-byte rows): ms without capture; the arms as a multiple of that.")
    arms = arms_of(race, "STOPPED", "FOLLOWING")
    report.table("statement", chase.NONE, *arms)
    for name in bulk.STATEMENTS:
        what = f"bulk {name}"
        report.row(name, spread([1000 * s for s in race.found[what, chase.NONE]], 0), *(cell(ratios(race, what, a), 2) for a in arms))


def more(race, what, arm):
    return [a - b for a, b in zip(race.found.get((what, arm), []), race.found.get((what, chase.NONE), []))]


def tell_wal(report, race):
    report.line("\n**WAL**: bytes more a row than without capture, nobody following.")
    arms = arms_of(race, "STOPPED")
    report.table("statement", *arms)
    for name in (*bulk.STATEMENTS, "one-row UPDATEs"):
        report.row(name, *(cell(more(race, f"wal {name}", a), 0) for a in arms))


def tell_drain(report, race):
    report.line("\n**Backlogs**: seconds until the target has it; median rows/s. From a stop: from the start on. Running: from the last commit "
                "on, and, in brackets, from the first.")
    arms = arms_of(race, "NAME")
    report.table("backlog", *arms)
    for what in drains():
        cells = []
        for arm in arms:
            times, whole = (race.found.get((f"drain {w}{what}", arm), []) for w in ("", "with writing "))
            if times:
                cells.append(f"{spread(times, 2)}{f' ({statistics.median(whole):.1f})' if whole else ''}; "
                             f"{drain.KEYS / statistics.median(times):,.0f}")
            else:
                cells.append("")
        report.row(what, *cells)


def drains():
    return [f"{what}, {how}" for what in ("200 k one-row transactions", "one UPDATE of 200 k rows") for how in ("from a stop", "running")]


def loads():
    return "idle", f"{chase.RATE:,} one-row UPDATEs a second"


def tell_latency(report, race):
    report.line("\n**From commit to visible**, milliseconds: p50 / p95 / p99 / max.")
    arms = arms_of(race, "NAME")
    report.table("load", *arms)
    for what in loads():
        cells = []
        for arm in arms:
            times, reached = race.found.get((f"latency {what}", arm), []), race.found.get((f"reached {what}", arm), [])
            said = f" ({statistics.median(reached):,.0f} tx/s reached)" if any(reached) else ""
            cells.append(" / ".join(f"{percentile(times, p):.1f}" for p in (.5, .95, .99, 1)) + said if times else "")
        report.row(what, *cells)


# ---- aims

def tell_aims(report, race):
    report.table("aim", "figure", "")
    aims = [*aims_of_capture(race), *aims_of_drains(race), *aims_of_latency(race)]
    for aim, figure, digits, met in aims:
        report.row(aim, f"{figure:,.{digits}f}", "met" if met else "missed")


def aims_of_capture(race):
    stopped, following = (getattr(race.followers["ours"][0], kind) for kind in ("STOPPED", "FOLLOWING"))
    for clients in chase.CLIENTS:
        for arm, least in ((stopped, 0.95), (following, 0.8)):
            figure = statistics.median(ratios(race, f"tps {clients}", arm))
            yield f"TPS ≥ {least} of none, {clients} client{'s' * (clients > 1)}, {arm}", figure, 2, figure >= least
    for name, most in (("INSERT", 1.6), ("UPDATE", 1.6), ("DELETE", 3.5)):
        figure = statistics.median(ratios(race, f"bulk {name}", stopped))
        yield f"{name} of 200 k rows ≤ × {most}", figure, 2, figure <= most


def aims_of_drains(race):
    modules = {name: module for name, (module, _) in race.followers.items()}
    for name, least in (("bucardo", 5), ("native", 1)):
        for what in drains():
            if name in modules:
                values = ratios(race, f"drain {what}", modules[name].NAME, modules["ours"].NAME)
                if values:
                    figure = statistics.median(values)
                    yield f"{what}: ≥ {least} × {modules[name].NAME}", figure, 2, figure >= least


def aims_of_latency(race):
    for what in loads():
        times = race.found["latency " + what, race.followers["ours"][0].NAME]
        for share, most in ((.5, 5), (.99, 50)):
            figure = percentile(times, share)
            yield f"p{share * 100:.0f} ≤ {most} ms, {what}", figure, 1, figure <= most
