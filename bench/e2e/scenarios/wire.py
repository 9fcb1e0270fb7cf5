"""The initial copy over a wire: TLS, a round trip that takes its time, a limit of bytes a second on each server's side."""
import contextlib
import os
import subprocess
import tempfile

import race
from engine import ROOT

ROUND_TRIPS = (1, 20)
MB_A_SECOND = 50
ARMS = ("limit", "repl", "pgcopydb", "pgdump")


class Wire:
    """`with Wire(program, port, round_trip_ms) as w:` w.port leads to that port."""

    def __init__(self, program, port, round_trip, mb_a_second=MB_A_SECOND):
        self.command = [program, str(port), str(round_trip / 2), str(mb_a_second)]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@contextlib.contextmanager
def program():
    with tempfile.TemporaryDirectory(prefix="repl-bench-wire-") as folder:
        path = os.path.join(folder, "wire")
        subprocess.run(["cc", "-O2", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", ROOT / "bench/wire/wire.c", "-o", path],
                       check=True)
        yield path


def measure(options, report):
    rounds = options.rounds or 2
    names = [a for a in race.ARMS if a in (("limit", "repl", *options.arm) if options.arm else ARMS)]
    report.line(f"\n{rounds} rounds, the arms in turns, {options.jobs} jobs each, sslmode=require; each server behind {MB_A_SECOND} MB/s and "
                f"round trips that take {' or '.join(map(str, ROUND_TRIPS))} ms longer; min / median / max.")
    race.install_packages("openssl")
    with program() as path, race.ready(options, names, ssl="on") as (source, target, sets, arms):
        for name in sets:
            for round_trip in ROUND_TRIPS:
                with Wire(path, source.port, round_trip) as a, Wire(path, target.port, round_trip) as b:
                    race.one_set(options, report, arms, (source, target), name, rounds, (a, b), f", round trips + {round_trip} ms")
