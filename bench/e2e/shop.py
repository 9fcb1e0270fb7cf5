"""An application on the database of shop.sql: writers that never rest, and a reader that knows what must be true."""
import random
import threading
import time
import uuid

import psycopg


class Writers:
    """`with Writers(server, "shop", threads=4) as w:` writes until the end of the block, or until stop().

    Credit only moves between accounts, in one transaction each: its sum is the same at every moment."""

    def __init__(self, server, database, threads=4, pause=0.002):
        self.server, self.database, self.pause = server, database, pause
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.transactions, self.slowest, self.errors = 0, 0.0, []
        self.gap, self.last = 0.0, time.monotonic()  # how long nobody could commit, at most
        self.threads = [threading.Thread(target=self._live, args=(n,), daemon=True) for n in range(threads)]

    def __enter__(self):
        with self.server.connect(self.database) as c:
            self.accounts = [r[0] for r in c.execute("select id from accounts order by id")]
            self.tasks, = c.execute("select max(id) from tasks").fetchone()
            self.users, = c.execute("select max(id) from users").fetchone()
            self.projects, = c.execute("select max(id) from projects").fetchone()
        self.started = self.last = time.monotonic()
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.stopping.set()
        for t in self.threads:
            t.join()

    def refused(self):
        raise RuntimeError("a write was refused, and nobody knows where to go")

    def rate(self):
        return self.transactions / (time.monotonic() - self.started)

    def where(self):
        """The server that the application writes to now."""
        return self.server

    def _live(self, number):
        rnd = random.Random(number)
        try:
            while not self.stopping.is_set():
                self._stay(rnd, self.where())
        except Exception as e:  # an application would have seen it: the demo must say so
            self.errors.append(repr(e))

    def _stay(self, rnd, server):
        with server.connect(self.database, application_name="application", autocommit=False) as c:
            while not self.stopping.is_set() and self.where() is server:
                self._transaction(rnd, c)
                self.stopping.wait(self.pause)

    def _transaction(self, rnd, c):
        began = time.monotonic()
        kind = rnd.choices((self.pay, self.add_task, self.work, self.bill, self.join, self.drop), (8, 4, 6, 1, 1, 1))[0]
        try:
            kind(rnd, c)
            c.commit()
        except psycopg.errors.ReadOnlySqlTransaction:
            c.rollback()
            self.refused()
            return
        except (psycopg.errors.UniqueViolation, psycopg.errors.ForeignKeyViolation, psycopg.errors.DeadlockDetected):
            c.rollback()  # two writers met; it happens without repl, too
            return
        with self.lock:
            now = time.monotonic()
            self.transactions += 1
            self.slowest = max(self.slowest, now - began)
            self.gap = max(self.gap, now - self.last)
            self.last = now

    def pay(self, rnd, c):
        a, b = sorted(rnd.sample(self.accounts, 2))
        cents = rnd.randint(-500, 500)
        for account, change in ((a, -cents), (b, cents)):
            c.execute("update accounts set credit = credit + %s where id = %s", (change, account))
            c.execute("insert into events (account_id, kind, payload) values (%s, 'pay', jsonb_build_object('cents', %s::int))",
                      (account, change))

    def add_task(self, rnd, c):
        task, = c.execute("insert into tasks (project_id, author_id, title, labels) values (%s, %s, %s, %s) returning id",
                          (rnd.randint(1, self.projects), rnd.randint(1, self.users), f"Task {rnd.random()}", ["new"])).fetchone()
        for _ in range(rnd.randint(0, 3)):
            c.execute("insert into comments (task_id, author_id, body) values (%s, %s, %s)",
                      (task, rnd.randint(1, self.users), "as discussed " * rnd.randint(1, 9)))

    def work(self, rnd, c):
        c.execute("update tasks set state = (enum_range(null::task_state))[%s], body = coalesce(body, '') || ' .' where id = %s",
                  (rnd.randint(1, 4), rnd.randint(1, self.tasks)))

    def bill(self, rnd, c):
        invoice, = c.execute("insert into invoices (account_id, number) values (%s, %s) returning id",
                             (rnd.choice(self.accounts), f"INV-{uuid.UUID(int=rnd.getrandbits(128))}")).fetchone()
        for line in range(rnd.randint(1, 5)):
            c.execute("insert into invoice_lines values (%s, %s, 'seats', %s, 9.99)", (invoice, line, rnd.randint(1, 50)))

    def join(self, rnd, c):
        """A key that changes."""
        c.execute("update memberships set user_id = %s where (project_id, user_id) = (select project_id, user_id from memberships "
                  "where project_id = %s limit 1)", (rnd.randint(1, self.users), rnd.randint(1, self.projects)))

    def drop(self, rnd, c):
        """Its comments go with it."""
        c.execute("delete from tasks where id = %s", (rnd.randint(1, self.tasks),))


class Application(Writers):
    """Writers that are configured by a file with the name of a server in it, as others are by DATABASE_URL: they look it up
    before each transaction. A write that a fence refuses (25006) is tried again there."""

    def __init__(self, servers, database, configuration, **options):
        super().__init__(servers[0], database, **options)
        self.servers, self.configuration = {s.name: s for s in servers}, configuration
        self.refusals = 0
        configuration.write_text(servers[0].name, encoding="utf-8")

    def where(self):
        return self.servers.get(self.configuration.read_text(encoding="utf-8").strip(), self.server)

    def refused(self):
        with self.lock:
            self.refusals += 1
        self.stopping.wait(0.01)

    def new_gap(self):
        """The longest time without a commit is measured from now on."""
        with self.lock:
            self.gap, self.last = 0.0, time.monotonic()


class Reader:
    """Asks the target for the sum of all credit, again and again: half a transaction would show."""

    def __init__(self, server, database, expected):
        self.server, self.database, self.expected = server, database, expected
        self.stopping = threading.Event()
        self.reads, self.values, self.wrong = 0, set(), []
        self.thread = threading.Thread(target=self._live, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.stopping.set()
        self.thread.join()

    def _live(self):
        with self.server.connect(self.database) as c:
            while not self.stopping.is_set():
                total, state = c.execute("select sum(credit), md5(string_agg(credit::text, ',' order by id)) from accounts").fetchone()
                self.reads += 1
                self.values.add(state)
                if total != self.expected:
                    self.wrong.append(total)
                self.stopping.wait(0.005)
