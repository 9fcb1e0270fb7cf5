"""A real application moves while people work with it: Redmine (Rails), over HTTP alone."""
import os
import pathlib
import re
import shlex
import shutil
import time

import pytest

import compare
from cluster import free_port
from fallback import OWN, without_repl
from people import Client, Office, check
from redmine import Redmine
from waiting import eventually

HERE = pathlib.Path(__file__).resolve().parent


@pytest.fixture
def redmine():
    app = Redmine(os.environ["REPL_APP_ROOT"], free_port())
    app.stop()
    app.reset()
    yield app
    app.stop()


class Move:
    """The story's steps, each with what it took."""

    def __init__(self, repl, redmine, source, target, office):
        self.repl, self.redmine, self.source, self.target, self.office = repl, redmine, source, target, office
        self.quiet = []  # from when to when people may be refused

    def say(self, what, began):
        print(f"{what}: {time.monotonic() - began:.1f} s; the application has confirmed {self.office.book.confirmed} things")

    def at_work(self, things=60):
        """People get that many things done, and nobody is refused."""
        until = self.office.book.confirmed + things
        eventually(lambda: self.office.book.confirmed >= until or self.broken(), timeout=90, what="people get things done")

    def broken(self):
        broken = [p.broken for p in self.office.people if p.broken]
        if broken:
            raise broken[0]

    def switch(self, *options):
        """cutover, which restarts the application with the other DATABASE_URL."""
        self.redmine.forget()
        began = time.monotonic()
        command = ["/usr/bin/python3", "-B", HERE / "redmine.py", self.redmine.root, self.redmine.port]
        said = self.repl.run("cutover", *options, "--yes", "--timeout", "150", "--exec", shlex.join(map(str, command)), timeout=180).out
        self.quiet.append((began, time.monotonic()))
        told = self.redmine.refused()[0]
        assert "this database is being moved to another server" in told, told
        book = self.office.book
        refused = [t for t, _ in book.failed if t > began]
        trouble = [t for t in (*refused, *book.closed) if t > began]
        print(f"{said}the application was told: {told}")
        print(f"people were refused {len(refused)} times and found nobody {len(trouble) - len(refused)} times, "
              f"over {max(trouble) - min(trouble):.1f} s, most of which Rails takes to come up")
        self.say(f"cutover {' '.join(options)}", began)

    def unpack(self, *without):
        shutil.copytree(HERE / "customers", self.redmine.plugins / "customers", dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns(*without))

    def migrate(self, side, table, column):
        """Migrations have many ways to do nothing."""
        said = self.redmine.run(side.uri, "bin/rake", "redmine:plugins:migrate", "NAME=customers")
        with side.connect() as c:
            assert c.execute("select from information_schema.columns where table_name = %s and column_name = %s",
                             (table, column)).fetchall(), said

    def tables(self, phase):
        return [t["name"] for t in self.repl.status()["tables"] if t["phase"] == phase]

    def release(self):
        """As on Heroku, while repl follows: the release phase migrates, then the web process comes up anew. The target first,
        since the list of migrations that were made comes over like any rows."""
        began = time.monotonic()
        self.unpack("002_*")
        self.migrate(self.target, "issues", "customer_number")
        self.migrate(self.source, "issues", "customer_number")
        self.quiet.append((time.monotonic(), began + 3600))
        self.redmine.restart(self.source.uri)
        self.quiet[-1] = (self.quiet[-1][0], time.monotonic())
        self.at_work()
        self.repl.run("add", "public.customer_lines")
        eventually(lambda: "customer_lines" in self.tables("following"), what="the new table follows")
        assert not self.tables("drifted")
        self.say("a release with a migration", began)

    def forgotten_release(self):
        """The source only: repl says what to run at the target, and that is all there is to do."""
        began = time.monotonic()
        self.unpack()
        self.migrate(self.source, "issues", "channel")
        eventually(lambda: self.tables("drifted") == ["issues"], what="repl notices")
        self.at_work(20)
        said = self.repl.run("status").out
        print(said)
        with self.target.connect() as c:
            c.execute(re.search(r"hint: on the target: (ALTER TABLE .*)", said)[1])
        eventually(lambda: "issues" in self.tables("following"), what="the table comes back")
        self.say("a release that forgets the target", began)

    def same(self):
        """Every row of every table and every sequence, while nobody is in the middle of something."""
        with self.office.resting():
            self.repl.kick()
            with self.source.admin() as a, self.target.admin() as b:
                return compare.compare_all(a, b, own=OWN)

    def nobody_was_refused_otherwise(self):
        """But for what Rails itself does to those who are in a transaction when a table gets a column."""
        errors = self.redmine.errors()
        own = [e for e in errors if e.startswith("ActiveRecord::PreparedStatementCacheExpired")]
        strange = [e for e in errors if e not in own and "PG::ReadOnlySqlTransaction" not in e]
        others = [what for at, what in self.office.book.failed if not any(a <= at <= b for a, b in self.quiet)]
        assert not strange and len(others) <= len(own), "\n".join(["the application's log:", *errors, "people, with no switch:", *others])
        print(f"refused by the fence: {len(errors) - len(own)}; by Rails, when a column came: {len(own)}; by nothing else")


def test_redmine_moves_there_and_back(repl, redmine, source, target, src_admin, dst_admin):
    began = time.monotonic()
    key = redmine.begin(source.uri)
    redmine.start(source.uri)
    with Office(redmine.port, key) as office:
        move = Move(repl, redmine, source, target, office)
        move.at_work(100)
        move.say("the application's first day", began)
        began = time.monotonic()
        print(repl.run("check", "--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET").out)
        repl.init()
        repl.start()
        repl.wait_phase("following")
        move.say("init and copy", began)
        move.at_work()
        move.release()
        move.forgotten_release()
        began = time.monotonic()
        assert repl.run("verify").code == 0
        move.say("verify", began)
        print(f"{move.same()} rows are the same")
        before = without_repl(compare.catalog(src_admin))

        move.switch("--fallback")
        move.at_work(100)
        print(f"{move.same()} rows are the same")
        with office.resting():
            print(f"{check(Client(redmine.port, key), office.book)} things are there, by the application's own word")

        move.switch("--back")
        move.at_work(100)
        print(f"{move.same()} rows are the same")
        repl.stop()
        repl.run("cleanup", "--yes")
        move.at_work()
        with office.resting():
            print(f"{check(Client(redmine.port, key), office.book)} things are there, by the application's own word")
    assert office.logins == 1, "a browser was logged out"
    assert without_repl(compare.catalog(src_admin)) == before
    for side in (src_admin, dst_admin):
        assert not side.execute("select tgname from pg_trigger where tgname like 'repl%' "
                                "union select nspname from pg_namespace where nspname like 'repl%'").fetchall()
    move.nobody_was_refused_otherwise()
