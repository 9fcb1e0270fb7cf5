"""Random histories over several tables and sessions, made from a seed: one thread takes all steps, so that the same seed
makes the same history, whatever the engine does meanwhile."""
import random
import threading
import time

import psycopg

from background import Background
from waiting import moment

TABLES = """
create extension btree_gist;
create table account (id int primary key, n int not null default 0, v text);
create table pair (a text, b numeric(8, 2), u int unique, v text, primary key (a, b));
create table part (id int, at int, v text, primary key (at, id)) partition by range (at);
create table part_0 partition of part for values from (0) to (20);
create table part_1 partition of part for values from (20) to (40) partition by hash (id);
create table part_1_0 partition of part_1 for values with (modulus 2, remainder 0);
create table part_1_1 partition of part_1 for values with (modulus 2, remainder 1);
create table part_else partition of part default;
create table up (id int primary key, v text);
create table down (id int primary key, up int references up on delete cascade on update cascade, v text);
create table keyless (a int, b text);
create table wide (id int primary key, big text, n int unique deferrable initially deferred);
create table slot (id int primary key, during int4range, exclude using gist (during with &&));
create table mother (id int primary key, v text);
create table child (n int, primary key (id)) inherits (mother);
create table a_twin (id bigint primary key);
create table twin_b (id bigint primary key);
create table crowd (id int primary key, n int);
insert into account select g, 0, 'v' from generate_series(1, 60) g; insert into crowd select g, 0 from generate_series(1, 320) g;
insert into pair select chr(96 + g), g, g, 'v' from generate_series(1, 20) g; insert into up select generate_series(1, 20);
insert into part select g, g, 'v' from generate_series(1, 60) g; insert into down select g, 1 + g % 20 from generate_series(1, 60) g;
insert into keyless select g % 7, 'b' from generate_series(1, 30) g; insert into slot select g, int4range(g * 10, g * 10 + 5) from generate_series(1, 30) g;
insert into wide select g, (select string_agg(md5((g * i)::text), '') from generate_series(1, 200) i), g from generate_series(1, 20) g;
insert into mother select generate_series(1, 20), 'm'; insert into child select generate_series(101, 120), 'c', 0
"""

# What statements of an application may meet: constraints, other sessions' locks, serialization; and servers that end.
EXPECTED = (psycopg.errors.IntegrityError, psycopg.errors.LockNotAvailable, psycopg.errors.OperationalError,
            psycopg.errors.RaiseException, psycopg.errors.ObjectInUse)


def statement(rnd):
    """One statement of an application, on keys that many others use too."""
    k, m, n = rnd.randint(1, 60), rnd.randint(1, 60), rnd.randint(-5, 70)
    return rnd.choice((
        f"insert into account values ({k}, {n}, 'new') on conflict (id) do update set n = account.n + 1",
        f"update account set n = n + {n} where id between {k} and {k + rnd.randint(0, 20)}",
        f"update account set id = {m} where id = {k}",
        f"delete from account where id = {k}",
        f"update account a set id = b.id from account b where a.id in ({k}, {m}) and b.id = {k} + {m} - a.id and a.id < b.id",
        f"insert into pair values ('{chr(96 + k % 26)}', {m % 9}.5, {n}, 'new') on conflict do nothing",
        f"update pair set a = a || '{k % 3}', b = -b where u % 9 = {m % 9}",
        f"update pair set u = -u where u between {k} and {k + 4}",
        f"update pair set b = b + 0, v = '{n}' where a < '{chr(96 + k % 26)}'",
        f"delete from pair where u = {k} or length(a) > 4",
        f"insert into part values ({k}, {m}, 'new') on conflict (at, id) do update set v = part.v || '!'",
        f"update part set at = {m} where id = {k}",
        f"update part_0 set v = 'direct {n}' where id % 5 = {k % 5}",
        f"update part set id = id + 100, at = at + 20 where at between {k} and {k + 3}",
        f"delete from part_1 where id = {k}; insert into part_else values ({k}, {100 + m}, 'else') on conflict do nothing",
        f"delete from part where id = {k} or at > 120",
        f"insert into up values ({k % 30}, 'up') on conflict do nothing",
        f"update up set id = {m % 30} where id = {k % 30}",
        f"delete from up where id = {k % 30}",
        f"insert into down values ({k}, {m % 30}, 'down') on conflict (id) do update set up = excluded.up",
        f"update down set v = v || '.' where up = {k % 30}",
        f"insert into keyless values ({k % 7}, '{n}')",
        f"update keyless set b = b || 'x' where a = {k % 7}; delete from keyless where length(b) > 5",
        f"update wide set n = n + 1 where id = {k % 20}",
        f"update wide set big = big || '{n}' where id = {k % 20}",
        "update wide set n = 21 - n where n between 1 and 20",
        f"insert into wide values ({k % 25}, repeat('{n}', 3000), {m}) on conflict (id) do update set big = excluded.big",
        f"update slot set during = int4range({m} * 10, {m} * 10 + {1 + k % 12}) where id = {k % 30}",
        f"delete from slot where id = {k % 30}; insert into slot values ({m % 30}, int4range({k} * 10, {k} * 10 + 3)) on conflict do nothing",
        f"update mother set v = v || '{k % 10}' where id % 20 = {k % 20}",
        f"update only mother set id = {m % 40} where id = {k % 40}; delete from child where id = {100 + k % 20}",
        f"insert into child values ({100 + k % 20}, 'again', {n}) on conflict (id) do update set n = child.n + 1",
        f"with gone as (delete from account where id = {k} returning *) insert into pair select 'g', id, null, v from gone",
        "select count(*) from account, pair"))


def storm(rnd):
    """Hundreds of subtransactions in one statement, of which many are undone."""
    return f"""do $$ begin
        for i in 1..{rnd.randint(20, 300)} loop
          begin
            insert into account values (1000 + i, i, 'storm') on conflict (id) do update set n = account.n + 1;
            if i % {rnd.randint(2, 5)} = 0 then raise exception 'undone'; end if;
            begin
              update account set v = 'inner' where id = 1000 + i - 1; delete from account where id = 1000 + i - 3;
              if i % {rnd.randint(2, 7)} = 0 then raise exception 'inner undone'; end if;
            exception when raise_exception then null; end;
          exception when raise_exception then null; end;
        end loop; end $$"""


class Session:
    """One connection of the application, in a transaction or not."""

    def __init__(self, history, number):
        self.history, self.number = history, number
        self.connection, self.depth, self.twin, self.shuts_out = None, None, None, False

    def run(self, sql):
        """Whether it went through. What fails ends in its savepoint or takes the transaction with it."""
        try:
            if self.connection is None:
                self.connection = self.history.source.connect()
                self.connection.execute("set lock_timeout = 40; set statement_timeout = 20000")
            self.connection.execute(sql)
            self.history.note(f"{self.number}: {sql}")
            return True
        except EXPECTED as e:
            self.history.note(f"{self.number}: {sql}   -- {type(e).__name__}")
            self.fail()
            return False

    def fail(self):
        if self.connection is None or self.connection.broken or self.connection.closed:
            self.lose()
        elif self.depth:
            self.run(f"rollback to s{self.depth}")
        elif self.connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            self.depth = None
            self.run("rollback")

    def lose(self):
        if self.connection is not None:
            self.connection.close()
        self.connection, self.depth, self.shuts_out = None, None, False

    def begin(self, isolation):
        """Each transaction has a row in both twins: whoever sees one and not the other sees half a transaction."""
        self.history.twins += 1
        self.twin = self.history.twins
        if self.run(f"begin isolation level {isolation}"):
            self.depth = 0
            return self.run(f"insert into a_twin values ({self.twin})")
        return False

    def end(self, commit):
        if self.depth is None:
            return
        self.depth = 0
        if commit and not self.run(f"insert into twin_b values ({self.twin})"):
            return
        self.depth, self.shuts_out = None, False
        self.run("commit" if commit else "rollback")

    def step(self, rnd):
        """Something, as the session's state lets it. The first session seldom ends what it began."""
        if self.depth is None:
            if rnd.random() < .3:
                self.run(statement(rnd))
            else:
                self.begin(rnd.choice(("read committed", "read committed", "repeatable read", "serializable")))
            return
        what = rnd.random()
        if what < .12:
            self.depth += 1
            self.run(f"savepoint s{self.depth}")
        elif what < .2 and self.depth:
            self.run(f"rollback to s{self.depth}")
        elif what < .25 and self.depth:
            self.depth -= 1
            self.run(f"release s{self.depth + 1}")
        elif what < (.26 if self.number == 0 else .42):
            self.end(commit=rnd.random() < .7)
        elif what < .46:
            self.run(storm(rnd))
        else:
            self.run(statement(rnd))


class History:
    """All that happens in one round. `world` is what breaks: the engine and the servers."""

    def __init__(self, seed, source, path, world, sessions=6):
        self.rnd, self.seed, self.source, self.world = random.Random(seed), seed, source, world
        self.file = open(path, "w", encoding="utf-8")
        self.twins = 0
        self.sessions = [Session(self, n) for n in range(sessions)]

    def note(self, text):
        self.file.write(text + "\n")
        self.file.flush()

    def run(self, steps):
        for n in range(steps):
            session = self.rnd.choice(self.sessions)
            what = self.rnd.random()
            if what < .93:
                session.step(self.rnd)
            elif what < .94:
                self.crowd()
            elif what < .95:
                self.truncate(session)
            elif what < .965:
                self.same_start()
            elif what < .98:
                self.ring_in_vain(session)
            else:
                happening = self.rnd.choice(self.world.happenings)
                self.note(f"-- step {n}: {happening.__name__}")
                happening(self.rnd)

    def let_in(self):
        """Who truncated a table and is not through keeps everybody from reading it, repl too: the first copy would wait for him,
        and nobody ends him while the test waits for the copy."""
        for session in self.sessions:
            if session.shuts_out:
                session.end(commit=self.rnd.random() < .7)

    def finish(self):
        """All sessions end what they have open, in any order and either way."""
        self.rnd.shuffle(self.sessions)
        for session in self.sessions:
            session.end(commit=self.rnd.random() < .8)
            session.lose()

    def close(self):
        for session in self.sessions:
            session.lose()
        self.file.close()

    def truncate(self, session):
        done = session.run(self.rnd.choice((
            "truncate account", "truncate up cascade", "truncate part_0", "truncate part", "truncate keyless", "truncate mother",
            "truncate only mother", "truncate wide, slot", "insert into account values (7, 7); truncate account; "
            "insert into account select generate_series(1, 30)")))  # in one transaction, where the session has none open
        session.shuts_out = session.shuts_out or (done and session.depth is not None)

    def same_start(self):
        """Two that begin in one moment; one commits, a batch goes by, the other commits."""
        free = [s for s in self.sessions if s.depth is None][:2]
        if len(free) == 2 and all(s.begin("read committed") for s in free):
            for s in free:
                s.run(statement(self.rnd))
            free[0].end(commit=True)
            self.world.batch_goes_by()
            if free[1].depth is not None:
                free[1].run(statement(self.rnd))
            free[1].end(commit=True)

    def ring_in_vain(self, session):
        """It finds the doorbell armed, rings, and rolls back; what others write behind it has to come by itself."""
        session.end(commit=True)
        self.world.armed()
        if session.begin("read committed"):
            session.run(statement(self.rnd))
            session.end(commit=False)
        session.run(statement(self.rnd))

    def crowd(self, threads=8, each=40):
        """Many short transactions at once, each thread on rows of its own."""
        seed = self.rnd.random()
        self.note(f"-- crowd {seed}")

        def work(number):
            rnd = random.Random(f"{seed} {number}")
            try:
                with self.source.connect() as c:
                    c.execute("set lock_timeout = 2000")
                    for _ in range(each):
                        k = number * each + rnd.randint(1, each)
                        c.execute(rnd.choice((f"insert into crowd values ({k}, 1) on conflict (id) do update set n = crowd.n + 1",
                                              f"delete from crowd where id = {k}", f"update crowd set n = n + 1 where id = {k}",
                                              f"begin; update crowd set n = -1 where id = {k}; rollback")))
            except psycopg.OperationalError:
                pass  # a server that is restarted meanwhile
        running = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
        for t in running:
            t.start()
        for t in running:
            t.join()


class Watcher(Background):
    """Reads the target all the time: it never shows one twin without the other."""

    def __init__(self, target):
        self.target, self.halves, self.looks = target, [], 0
        super().__init__()
        self.start()

    def live(self):
        while not self.stopping.is_set():
            try:
                with self.target.connect() as c:
                    while not self.stopping.is_set():
                        halves = c.execute("select id, a.id is null from a_twin a full join twin_b b using (id) "
                                           "where a.id is null or b.id is null").fetchall()
                        self.looks += 1
                        if halves:
                            self.halves.append(halves)
                            return
                        self.stopping.wait(0.002)
            except psycopg.OperationalError:
                moment(0.05, self.stopping)


def rounds(request, folder, minutes, play):
    """play(seed, folder) of one seed after the other for that long, at least once; of --seed alone where it is given."""
    given = request.config.getoption("--seed")
    if given is not None:
        play(given, folder / str(given))
        return
    until, seed = time.monotonic() + minutes * 60, random.randrange(10**8)
    while True:
        play(seed, folder / str(seed))
        if time.monotonic() >= until:
            return
        seed += 10  # a round may use a few seeds behind its own
