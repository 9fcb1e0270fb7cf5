"""Bucardo: triggers by `bucardo add sync`, its daemon. A sync that is not active is triggers alone."""
import os
import signal
import time

from engine import alive
from peers import bucardo as control

NAME = "Bucardo"
PACKAGES = control.PACKAGES
STOPPED, FOLLOWING = "Bucardo stopped", "Bucardo running"
NEEDS_ROWS = True


class Follower:
    def __init__(self, site, stopped):
        self.site, self.stopped = site, stopped

    def install(self):
        control.install(self.site)
        for name, site, status in (("follow", self.site, "active"), ("stopped", self.stopped, "inactive")):
            control.add_databases(self.site, site, name)
            control.bucardo(self.site, "add", "table", *(f"public.{t}" for t in control.tables(site, True)), f"db=s_{name}",
                            f"relgroup=g_{name}")
            control.bucardo(self.site, "add", "sync", name, f"relgroup=g_{name}", f"dbs=s_{name}:source,d_{name}:target",
                            "onetimecopy=0", "autokick=1", "stayalive=1", "kidsalive=1", f"status={status}")

    def start(self):
        control.bucardo(self.site, "--log-dest", control.folder(self.site, "log"), "start")

    def stop(self):
        pid = control.daemon(self.site)
        processes = control.family(pid) if pid else []
        for number in (signal.SIGTERM, signal.SIGKILL):
            for process in filter(alive, processes):
                try:
                    os.kill(process, number)
                except ProcessLookupError:
                    continue
            end = time.monotonic() + 10
            while any(map(alive, processes)) and time.monotonic() < end:
                time.sleep(0.05)
        for server in (self.site.source, self.site.target):  # a query goes on when its client has gone
            with server.admin() as c:
                c.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'bucardo %'")
        for file in os.scandir(control.folder(self.site, "run")):
            os.unlink(file.path)

    def settle(self):
        """What it brings is there in the order of the commits. Its housekeeping, of which it does some every minute: without it
        the query that looks for work takes minutes where the one before had brought 200 k transactions."""
        with self.site.source.admin(self.site.database) as c:
            c.execute("select bucardo.bucardo_purge_delta('1 second')")
            for table, in c.execute("select oid::regclass::text from pg_class where relnamespace = 'bucardo'::regnamespace"
                                    " and relkind = 'r' and relname ~ '^(delta|track)_'").fetchall():
                c.execute(f"vacuum analyze {table}")

    def before_stopped(self):
        pass

    after_stopped = before_stopped

    def forget(self):
        self.stop()
        control.forget(self.site)
