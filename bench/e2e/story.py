"""The demo: one migration under live writers, told as it happens. Run it by bench/demo."""
import argparse
import contextlib
import os
import signal
import statistics
import sys
import time

from compare import compare
from engine import Failed, Repl, peak_memory
from servers import Server
from shop import Application, Reader

SETTINGS = {"shared_buffers": "256MB", "max_wal_size": "2GB"}
HERE = os.path.dirname(os.path.abspath(__file__))


class Story:
    def __init__(self):
        self.began = time.monotonic()
        self.bold, self.plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
        self.bad = []

    def chapter(self, title):
        print(f"\n{self.bold}[{time.monotonic() - self.began:5.1f} s] {title}{self.plain}", flush=True)

    def say(self, text):
        print(f"  {text}", flush=True)

    def check(self, ok, text):
        self.say(f"{'ok: ' if ok else 'WRONG: '}{text}")
        if not ok:
            self.bad.append(text)

    def typed(self, repl, *arguments, lines=99):
        """A command as an operator would type it, and what it answered."""
        print(f"  {self.bold}$ repl {' '.join(map(str, arguments))}{self.plain}", flush=True)
        began = time.monotonic()
        out = repl.run(*arguments).replace(str(repl.folder), "/tmp/demo").rstrip().splitlines()
        seconds = time.monotonic() - began
        for line in out[:lines]:
            self.say(f"  {line}")
        if len(out) > lines:
            self.say(f"  ... and {len(out) - lines} lines more")
        self.say(f"  ({seconds:.2f} s)")
        return seconds


def megabytes(server):
    with server.connect("shop") as c:
        return c.execute("select pg_database_size('shop')").fetchone()[0] / 1e6


def traces(server):
    """What is left of repl on a server."""
    with server.connect("shop") as c:
        return c.execute("select (select count(*) from pg_namespace where nspname = 'repl') + (select count(*) from pg_trigger"
                         " where tgname like 'repl\\_%')").fetchone()[0]


def visible_after(source, target, times=30):
    """Milliseconds from a commit on the source until a reader of the target sees it."""
    found = []
    with source.connect("shop") as s, target.connect("shop") as t:
        account, = s.execute("select id from accounts limit 1").fetchone()
        for n in range(times):
            s.execute("update accounts set settings = jsonb_set(settings, '{demo}', %s::text::jsonb) where id = %s", (str(n), account))
            committed = time.monotonic()
            while t.execute("select settings->>'demo' from accounts where id = %s", (account,)).fetchone()[0] != str(n):
                if time.monotonic() - committed > 20:
                    raise Failed("a change did not arrive within 20 s")
                time.sleep(0.0005)
            found.append((time.monotonic() - committed) * 1000)
            time.sleep(0.02)
    return found


def prepare(story, source, target, scale):
    story.chapter("Two throw-away PostgreSQL servers, and a company's database on the first")
    for server in (source, target):
        server.create_database("shop")
    target.allow_replica_mode()
    source.psql("shop", "-f", os.path.join(HERE, "shop.sql"), variables={"scale": scale})
    story.say(f"PostgreSQL {source.version // 10000} on ports {source.port} and {target.port}; {megabytes(source):.0f} MB, 10 tables,")
    story.say("uuid and composite keys, jsonb, an enum, foreign keys with cascades, sequences, views, a table without any key")
    story.say(f"on the source repl is \"{source.role}\", who owns the tables and is no superuser, as on Heroku;")
    story.say(f"on the target \"{target.role}\", with what the master user of RDS has")


def begin(story, repl, writers):
    story.chapter("The application writes, and does not stop until the switch")
    time.sleep(1)
    story.say(f"4 writers, {writers.rate():.0f} transactions/s: payments, tasks, comments, invoices, cascading deletes, changed keys")
    story.chapter("Look first: `check` changes nothing")
    story.say("SOURCE_URL and TARGET_URL hold the two connection strings")
    story.typed(repl, "check", "--source", "env:SOURCE_URL", "--target", "env:TARGET_URL")
    story.chapter("Prepare: the schema goes over, triggers begin to record which keys change")
    story.typed(repl, "init", "--source", "env:SOURCE_URL", "--target", "env:TARGET_URL", "--jobs", 2)


def copy(story, repl, target):
    story.chapter("Copy, then follow")
    began = time.monotonic()
    story.typed(repl, "start", "--detach")
    time.sleep(1)
    story.typed(repl, "status", lines=5)
    story.typed(repl, "status", "--wait", "following", "--timeout", 120, lines=4)
    seconds = time.monotonic() - began
    copied = sum(t["bytes_copied"] for t in repl.status()["tables"]) / 1e6
    story.say(f"after {seconds:.1f} s the target has everything, and shows one moment of the source: {megabytes(target):.0f} MB of tables")
    story.say(f"and indexes, {copied:.0f} MB of them over the wire; the engine's memory peaked at {peak_memory(repl.pid()) / 1e6:.0f} MB")


def follow(story, repl, source, target, writers):
    story.chapter("Following: the target always shows one moment of the source")
    with source.connect("shop") as c:
        expected, = c.execute("select sum(credit) from accounts").fetchone()
    with Reader(target, "shop", expected) as reader:
        times = visible_after(source, target)
        story.say(f"from commit to visible on the target, with {writers.rate():.0f} transactions/s going on: "
                  f"median {statistics.median(times):.1f} ms, slowest of {len(times)} {max(times):.1f} ms")
        story.chapter("Somebody kills the engine (kill -9), and starts it again 2 seconds later")
        repl.kill()
        time.sleep(2)
        story.typed(repl, "start", "--detach")
        story.typed(repl, "kick", "--wait")
        story.typed(repl, "status", lines=7)
        time.sleep(1)
        reader.stop()
    story.check(not reader.wrong and len(reader.values) > 1,
                f"a reader asked the target {reader.reads} times for the sum of all credit, saw {len(reader.values)} different"
                f" states of the accounts, and the sum was right {reader.reads - len(reader.wrong)} times")


def verify(story, repl):
    story.chapter("Are both sides equal? `verify` compares every row while the application writes")
    story.typed(repl, "verify", lines=3)


def pause(repl, application, *arguments):
    """A switch, with what the application noticed of it: the longest time in which none of its writers could commit."""
    application.new_gap()
    seconds = repl(*arguments)
    time.sleep(0.5)
    return seconds, application.gap


def switch(story, repl, application, target):
    story.chapter("Rehearse: everything but the switch")
    story.typed(repl, "cutover", "--dry-run", "--fallback")
    story.chapter("The switch, with a way back: the application goes on at the target")
    story.say("the command of --exec tells the application where its database is now; on Heroku it is a config:set")
    _, gap = pause(lambda *a: story.typed(repl, *a), application, "cutover", "--fallback", "--yes", "--exec",
                   f"echo target > {application.configuration}")
    before = application.transactions
    time.sleep(2)
    story.check(application.where() is target and application.transactions > before,
                f"the application writes to the target: {application.transactions - before} transactions in 2 seconds; "
                f"for {gap:.2f} s it could not commit")
    story.typed(repl, "status", lines=6)


def back(story, repl, application, source, target):
    story.chapter("Something is wrong with the new database? Back, with all that was written there")
    _, gap = pause(lambda *a: story.typed(repl, *a), application, "cutover", "--back", "--yes", "--exec",
                   f"echo source > {application.configuration}")
    before = application.transactions
    time.sleep(1)
    story.check(application.where() is source and application.transactions > before,
                f"the application writes to the source again, where everything is; for {gap:.2f} s it could not commit")
    story.chapter("It was a false alarm: there again, and to stay")
    _, gap = pause(lambda *a: story.typed(repl, *a, lines=4), application, "cutover", "--fallback", "--yes", "--exec",
                   f"echo target > {application.configuration}")
    time.sleep(1)
    application.stop()
    story.check(not application.errors and application.transactions > 0 and application.where() is target,
                f"the application committed {application.transactions} transactions and saw "
                f"{'no error' if not application.errors else application.errors[0]}; {application.refusals} writes were refused by a "
                f"fence and made again at the other side; the slowest took {application.slowest * 1000:.0f} ms")
    story.typed(repl, "kick", "--wait")
    story.typed(repl, "stop")


def judge(story, repl, source, target):
    story.chapter("repl goes, without a trace")
    story.say("the source stays shut for writes: whoever still has its URL must not write where nobody looks any more")
    story.typed(repl, "cleanup", "--yes", "--keep-source-read-only", lines=4)
    left = traces(source) + traces(target)
    story.check(left == 0, "nothing of repl is left on either side" if not left else f"{left} objects of repl are left")
    story.chapter("Every row of every table, read from both sides and compared")
    began = time.monotonic()
    rows, wrong = compare(source, target, "shop", "shop")
    for line in wrong[:10]:
        story.say(line)
    story.check(not wrong and len(rows) == 10 and sum(rows.values()) > 0,
                f"{sum(rows.values())} rows of {len(rows)} tables, and the sequences, "
                f"{'are the same on both sides' if not wrong else 'differ'} ({time.monotonic() - began:.1f} s)")


def tell(story, scale):
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(Server("source", "app", **SETTINGS))
        target = stack.enter_context(Server("target", "master", **SETTINGS))
        prepare(story, source, target, scale)
        repl = stack.enter_context(Repl(source.uri("shop"), target.uri("shop")))
        application = stack.enter_context(Application([source, target], "shop", repl.folder / "database"))
        begin(story, repl, application)
        copy(story, repl, target)
        follow(story, repl, source, target, application)
        verify(story, repl)
        switch(story, repl, application, target)
        back(story, repl, application, source, target)
        judge(story, repl, source, target)
        story.chapter("The servers and all files of the demo go")
    story.chapter("All is well" if not story.bad else f"Not well: {'; '.join(story.bad)}")


def leave(*_):
    """Ends the blocks of tell() as an error would, so that they clean up; nothing may disturb them then."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    print("\ninterrupted: cleaning up", flush=True)
    sys.exit(1)


def main():
    parser = argparse.ArgumentParser(prog="bench/demo", description=__doc__)
    parser.add_argument("--scale", type=int, default=1, help="size of the database; 1 is about 150 MB")
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    story = Story()
    try:
        tell(story, arguments.scale)
    except (Failed, RuntimeError) as e:
        print(e)
        story.bad.append("stopped half-way")
    return 1 if story.bad else 0


if __name__ == "__main__":
    sys.exit(main())
