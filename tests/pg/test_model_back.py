"""Random histories (model.py) there and back: each side takes writes in its turn, while the engine is killed and the servers
are restarted; no reader of the other side sees half a transaction, and at each turn every row is equal. Each round has a
seed, which it prints; `pytest test_model_back.py --seed N` plays that round alone."""
import functools
import random

import pytest

import compare
import model
from fallback import OWN, without_repl
from program import Repl
from test_model import World, settled


def one_turn(seed, rnd, folder, repl, here, there, schema, twins, steps):
    """A history where the application is now; how many twins it has made."""
    world = World(rnd, repl, here, there, schema)
    history, watcher = model.History(seed, here, folder / f"history-{seed}.log", world), model.Watcher(there)
    history.twins = twins
    try:
        history.run(steps)
        history.finish()
        world.start_for_good()
        repl.wait_phase("following", timeout=90)
        rows = settled(repl, there, here, own=OWN)
        repl.kick()  # a connection that was lost last may still be made again
    finally:
        history.close()
        watcher.stop()
    assert not watcher.halves, f"half of a transaction stood on the other side: {watcher.halves[:3]}"
    print(f"{rows} rows, {history.twins} transactions, {watcher.looks} looks")
    return history.twins


def play(seed, folder, sides, turns=3, steps=120):
    rnd = random.Random(seed)
    source, target = sides()
    folder.mkdir()
    repl = Repl(folder, source.uri, target.uri)
    print(f"seed {seed}: pytest test_model_back.py --seed {seed}", flush=True)
    with source.connect() as c:
        c.execute(model.TABLES)
        before = without_repl(compare.catalog(c))
    try:
        repl.init()
        repl.configure(rotate_bytes=8192, retry_max_ms=1000)
        repl.start()
        repl.wait_phase("following")
        here, there, twins = source, target, 0
        for n in range(turns):
            back = n % 2 == 0
            repl.run("cutover", "--fallback" if back else "--back", "--yes", "--terminate")
            here, there = there, here
            twins = one_turn(seed + n, rnd, folder, repl, here, there, "repl_back" if back else "repl", twins, steps)
            repl.run("verify")
        if here is target:
            repl.run("cutover", "--back", "--yes")
        with source.connect() as c:
            assert before == without_repl(compare.catalog(c))
    finally:
        repl.kill()
        repl.close()


def test_histories_there_and_back(request, tmp_path, sides):
    model.rounds(request, tmp_path, .2, functools.partial(play, sides=sides))


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_histories_there_and_back_for_long(request, tmp_path, sides):
    model.rounds(request, tmp_path, request.config.getoption("--minutes") or 30, functools.partial(play, sides=sides))
