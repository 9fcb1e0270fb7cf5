"""The proof of history (docs/architecture.md, "Doubt") as an executable model: an application, an engine that is killed anywhere,
truncations, and two servers that are put back to older copies of themselves in any order. When everything has come over and
what was in doubt is compared, both sides are equal; a pair that is not in doubt is equal without a comparison. Leaving out any
line of the protocol breaks it, which is asked as well: else the model would prove nothing."""
import copy
import dataclasses
import random

import pytest

KEYS = 6


@dataclasses.dataclass(frozen=True)
class Rules:
    numbers: bool = True      # a target that has a number above the last of its epoch is in doubt
    epochs: bool = True       # so is one whose epoch the source does not know
    ends: bool = True         # an epoch ends where the next one begins: later numbers are not of it
    above: bool = True        # an epoch begins above what the target knows, or what is left of old numbers there is in doubt
    looks: bool = True        # looks and logged writes ask for the epoch and the last number
    everything: bool = True   # in doubt everything in the deltas is owed
    compares: bool = True     # and a comparison is wanted
    relies: bool = True       # a truncation records what it relies on
    first: bool = True        # before anything is truncated, not after it
    refuses: bool = True      # a target that lacks it is refused, until a repair puts it in doubt
    confirmed: bool = True    # the target commits behind the logged write


class Source:
    def __init__(self):
        self.rows, self.deltas, self.xid = {}, [], 0
        self.written, self.epoch, self.epochs, self.applied = 0, 0, {}, 0  # epochs: first and last number, by mark

    def write(self, key, value):
        self.xid += 1
        self.rows[key] = value
        self.deltas.append((self.xid, key))


class Target:
    def __init__(self):
        self.rows, self.position, self.number, self.epoch, self.doubt = {}, 0, 0, 0, False
        self.steps = 0  # the largest number of a step of a pass, or of a chunk, which a doubt does not forget

    def largest(self):
        return max(self.number, self.steps)


class Killed(Exception):
    pass


class Lost(Exception):
    """The engine finds that the source is not as it left it."""


class Play:
    def __init__(self, rules, seed):
        self.rules, self.rnd = rules, random.Random(seed)
        self.source, self.target, self.kept = Source(), Target(), []
        self.value, self.calm = 0, False
        self.engine = None  # (epoch, number that it knows of) of one that is connected

    def point(self):
        if not self.calm and self.rnd.random() < .05:
            raise Killed

    # ---- the source's functions

    def begin_epoch(self, at_least):
        s, mark = self.source, self.rnd.randrange(1, 2**62)
        if s.epoch in s.epochs and self.rules.ends:
            s.epochs[s.epoch][1] = s.written
        s.written = (max(s.written, at_least) if self.rules.above else s.written) + 1
        s.epochs[mark] = [s.written, None]
        s.epoch = mark
        return mark, s.written

    def as_left(self):
        epoch, known = self.engine
        if self.rules.looks and (self.source.epoch != epoch or self.source.written < known):
            raise Lost

    def logged_write(self):
        self.as_left()
        self.source.written += 1
        return self.source.written

    # ---- the engine

    def history(self):
        s, t = self.source, self.target
        if self.rules.refuses and t.number < s.applied:
            return "target went back"
        if t.epoch == 0:
            return "proven"
        if t.epoch not in s.epochs:
            known, last = not self.rules.epochs, s.written
        else:
            known, last = True, s.epochs[t.epoch][1] or s.written
        return "proven" if known and (not self.rules.numbers or t.largest() <= last) else "source went back"

    def open(self, accept=False):
        """Returns whether the engine is there: it refuses a target that went back, unless a repair has taken it."""
        s, t = self.source, self.target
        history = self.history()
        if history == "target went back" and not accept:
            return False
        mark, number = self.begin_epoch(t.largest())
        self.point()
        t.epoch = mark
        if history != "proven":
            t.number = number
            t.position = None if self.rules.everything else t.position
            t.doubt = self.rules.compares
        self.engine = (mark, t.largest())
        return True

    def owed(self):
        p = self.target.position
        return [key for xid, key in self.source.deltas if p is None or xid > p]

    def batch(self):
        s, t = self.source, self.target
        self.as_left()
        position, rows = s.xid, {key: s.rows[key] for key in self.owed()}
        if self.rules.confirmed:
            number = self.logged_write()
        self.point()
        if not self.calm and self.rnd.random() < .1:
            self.source_goes_back()  # the target commits what was confirmed before
        t.rows.update(rows)
        t.position = position
        if self.rules.confirmed:
            t.number = number
            self.engine = (self.engine[0], number)
        self.point()

    def step_of_a_pass(self):
        """What it brings is owed to the batch behind it, too; here it matters by its number alone."""
        self.target.steps = self.logged_write()
        self.engine = (self.engine[0], self.target.steps)
        self.point()

    def truncate(self):
        """Only the engine knows what is committed on the target; it asks nobody for it."""
        s, t = self.source, self.target
        self.as_left()
        left = [d for d in s.deltas if t.position is None or d[0] > t.position]
        if len(left) == len(s.deltas):
            return
        if self.rules.relies and self.rules.first:
            s.applied = max(s.applied, t.number)
        self.point()
        s.deltas = left
        self.point()
        if self.rules.relies and not self.rules.first:
            s.applied = max(s.applied, t.number)

    def repair(self):
        """As `repl verify --repair`, in which nobody is killed here: it can be repeated."""
        self.open(accept=True)
        owed = set(self.owed())
        for key in range(KEYS):
            if key not in owed and self.source.rows.get(key) != self.target.rows.get(key):
                self.source.write(key, self.source.rows.get(key))
        self.batch()
        self.target.doubt = False

    # ---- what happens to servers

    def keep(self):
        self.kept.append(copy.deepcopy(self.rnd.choice([self.source, self.target])))
        self.kept = self.kept[-4:]

    def source_goes_back(self):
        """Its sessions end. A worker may connect again before the engine has noticed."""
        back = [k for k in self.kept if isinstance(k, Source)]
        if back:
            self.source = copy.deepcopy(self.rnd.choice(back))
            for _ in range(self.rnd.choice((0, 0, 3, 12))):  # the ids may pass the old ones meanwhile
                self.application()

    def target_goes_back(self):
        back = [k for k in self.kept if isinstance(k, Target)]
        if back:
            self.target = copy.deepcopy(self.rnd.choice(back))
            self.engine = None  # its session with the lock is over, and nothing is committed without it

    def application(self):
        self.value += 1
        self.source.write(self.rnd.randrange(KEYS), self.value)

    def work(self):
        if self.engine is None and not self.open():
            if self.rnd.random() < .5:
                self.repair()
            return
        self.rnd.choice([self.batch, self.batch, self.truncate, self.step_of_a_pass])()

    def step(self):
        what = self.rnd.choices([self.application, self.work, self.keep, self.source_goes_back, self.target_goes_back],
                                [8, 12, 2, .6, .6])[0]
        self.guarded(what)

    def guarded(self, what):
        try:
            what()
            return True
        except (Killed, Lost):
            self.engine = None
            return False

    def settled(self):
        """Nothing is owed any more, and what is in doubt is compared; nothing happens meanwhile. Then both sides are equal, and
        nothing is in doubt again."""
        def all_of_it():
            if self.engine is None and not self.open():
                self.repair()
            self.batch()
        self.calm = True
        if not any(self.guarded(all_of_it) for _ in range(3)):
            return False
        if self.target.doubt:
            self.guarded(self.repair)
        self.calm = False
        sides = [{k: v for k, v in side.rows.items() if v is not None} for side in (self.source, self.target)]
        return sides[0] == sides[1] and self.history() == "proven" and not self.target.doubt


def broken(rules, plays, steps=120):
    """The seed of the first play that does not end with two equal sides."""
    for seed in range(plays):
        play = Play(rules, seed)
        for n in range(steps):
            play.step()
            if n % 40 == 39 and not play.settled():
                return seed
        if not play.settled():
            return seed
    return None


def test_nothing_is_lost_for_good():
    assert broken(Rules(), 1000) is None


@pytest.mark.parametrize("line", [f.name for f in dataclasses.fields(Rules)])
def test_every_line_is_needed(line):
    assert broken(dataclasses.replace(Rules(), **{line: False}), 6000) is not None, f"without {line} nothing breaks"
