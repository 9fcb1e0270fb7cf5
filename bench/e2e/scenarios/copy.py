"""The initial copy against the limit alone: for looking at one change to repl after another."""
import race


def measure(options, report):
    rounds = options.rounds or 5
    report.line(f"\n{rounds} rounds, {options.jobs} jobs against {options.jobs} pipes in turns; min / median / max.")
    race.measure(options, report, ("limit", "repl"), rounds)
