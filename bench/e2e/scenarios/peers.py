"""The initial copy against every other way to make it, and against the limit."""
import race


def measure(options, report):
    rounds = options.rounds or 3
    names = [a for a in race.ARMS if not options.arm or a in ("limit", "repl", *options.arm)]
    report.line(f"\n{rounds} rounds, the arms in turns, {options.jobs} jobs each; min / median / max. The time is from an empty target to "
                "schema, rows, indexes and constraints; rows are counted and objects compared after each arm, in the first round "
                "every row.")
    race.measure(options, report, names, rounds)
