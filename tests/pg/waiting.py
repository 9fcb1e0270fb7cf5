"""Waiting for a condition with a deadline, never for a time."""
import os
import threading
import time

# A sanitizer build is several times slower; its deadlines are longer, its conditions the same.
SLOWER = float(os.environ.get("REPL_TEST_SLOWER", "1"))


def eventually(condition, timeout=30.0, every=0.02, what="the condition"):
    """Calls condition until it gives something true, and returns that; AssertionError after the deadline."""
    deadline = time.monotonic() + timeout * SLOWER
    never = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {timeout * SLOWER:g} s: {what}"
        never.wait(every)


def moment(seconds, over=None):
    """Lets a random moment come (or ends early when the event `over` is set): for choosing when to kill."""
    (over or threading.Event()).wait(seconds)
