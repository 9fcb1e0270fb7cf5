"""The protocol of sleep (docs/capture.md) as an executable model: all interleavings of two writers of one table with an engine
that puts it to sleep, finds who is awake, and looks. Each step is one access to what they share. In no state may a look take the
table for one that nobody wrote to although a transaction that wrote to it stands in the look's snapshot. Leaving out any line
of the protocol breaks it, which is asked as well: else the model would prove nothing."""
import dataclasses

import pytest

ARMED, RUNG, ASLEEP = 1, 2, 3
ENDED = ("outside", "committed", "aborted", "brought")


@dataclasses.dataclass(frozen=True)
class Rules:
    waits: bool = True         # nobody is taken for asleep before all are gone who began before the lull
    counts_first: bool = True  # a writer counts itself as one who wakes the table before it sets the bell
    size: bool = True          # a table that holds rows is awake
    bells: bool = True         # one whose bell is rung is awake
    counted_then: bool = True  # the count that goes with the list is the lull's, not a later one


@dataclasses.dataclass(frozen=True)
class Writer:
    at: str = "outside"
    xid: int = 0
    saw: int = 0


@dataclasses.dataclass(frozen=True)
class World:
    bell: int
    woken: int = 0
    next_xid: int = 1
    rows: bool = False  # pages of the delta; those of who rolled back stay until it is truncated
    writers: tuple = (Writer(), Writer())
    engine: str = "lull"
    count: int = 0      # read by the lull
    horizon: int = 0
    saw: int = 0
    known: int = 0
    watched: bool = True
    snapshot: frozenset = frozenset()  # of committed writers


def replaced(w, n, **with_):
    writers = list(w.writers)
    writers[n] = dataclasses.replace(writers[n], **with_)
    return tuple(writers)


def writer_steps(w, n, rules):
    """A transaction that changes a row; it may end either way at any time."""
    me = w.writers[n]
    if me.at == "outside":
        yield dataclasses.replace(w, writers=replaced(w, n, at="inserts", xid=w.next_xid), next_xid=w.next_xid + 1)
    elif me.at == "inserts":
        yield dataclasses.replace(w, rows=True, writers=replaced(w, n, at="reads"))
    elif me.at == "reads":
        after = {RUNG: "written", ASLEEP: "counts" if rules.counts_first else "sets"}.get(w.bell, "sets")
        yield dataclasses.replace(w, writers=replaced(w, n, at=after, saw=w.bell))
    elif me.at == "counts":
        yield dataclasses.replace(w, woken=w.woken + 1, writers=replaced(w, n, at="sets" if rules.counts_first else "written"))
    elif me.at == "sets":
        late = not rules.counts_first and me.saw == ASLEEP
        yield dataclasses.replace(w, bell=RUNG, writers=replaced(w, n, at="counts" if late else "written"))
    elif me.at == "written":
        yield dataclasses.replace(w, writers=replaced(w, n, at="committed"))
    if me.at not in ENDED:
        yield dataclasses.replace(w, writers=replaced(w, n, at="aborted"))


def oldest(w):
    return min([x.xid for x in w.writers if x.at not in ENDED], default=w.next_xid)


def engine_steps(w, rules):
    if w.engine == "lull":
        yield dataclasses.replace(w, bell=ASLEEP, engine="count")
    elif w.engine == "count":
        yield dataclasses.replace(w, count=w.woken, engine="horizon")
    elif w.engine == "horizon":
        yield dataclasses.replace(w, horizon=w.next_xid, engine="settle")
    elif w.engine == "settle":
        if oldest(w) >= w.horizon or not rules.waits:
            yield dataclasses.replace(w, engine="bells")
    elif w.engine == "bells":
        yield dataclasses.replace(w, saw=w.bell, engine="sizes")
    elif w.engine == "sizes":
        watched = (rules.bells and w.saw != ASLEEP) or (rules.size and w.rows)
        known = w.count if rules.counted_then else w.woken
        yield dataclasses.replace(w, watched=watched, known=known, engine="snapshot")
    elif w.engine == "snapshot":
        seen = frozenset(n for n, x in enumerate(w.writers) if x.at == "committed")
        yield dataclasses.replace(w, snapshot=seen, engine="look")
    elif w.engine == "look":
        yield dataclasses.replace(w, engine="snapshot" if w.snapshot != {0, 1} else "done")
    if w.rows and all(x.at in ENDED for x in w.writers):
        brought = tuple(dataclasses.replace(x, at="brought") if x.at == "committed" else x for x in w.writers)
        yield dataclasses.replace(w, rows=False, writers=brought)  # nobody is in flight, and all is covered: truncated


def missed(w):
    return w.engine == "look" and not w.watched and w.known == w.woken and len(w.snapshot) != 0


def explore(rules):
    """A state in which something is missed, or how many states there are."""
    found, todo = set(), [World(bell=b) for b in (ARMED, RUNG, ASLEEP)]
    while todo:
        w = todo.pop()
        if w in found:
            continue
        found.add(w)
        if missed(w):
            return w
        todo.extend(engine_steps(w, rules))
        for n in range(len(w.writers)):
            todo.extend(writer_steps(w, n, rules))
    return len(found)


def test_nothing_is_missed():
    states = explore(Rules())
    assert isinstance(states, int), states
    assert states > 10000  # that the model goes anywhere at all


@pytest.mark.parametrize("line", [f.name for f in dataclasses.fields(Rules)])
def test_every_line_is_needed(line):
    assert isinstance(explore(Rules(**{line: False})), World), f"without {line!r} nothing breaks"
