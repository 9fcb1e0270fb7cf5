"""repl itself: `init`, `start`, and a wait until it follows."""
import datetime
import json
import time

from engine import Repl, cpu_seconds, peak_memory

NAME = "repl"
PACKAGES = ()
SUPERUSER = "no"
ANALYZES = "after it"
PROGRAMS_HERE = True


def moments(repl):
    """When each message was logged first, in seconds since the epoch."""
    found = {}
    for line in repl.run("log", "--json", "-n", 1000).splitlines():
        entry = json.loads(line)
        found.setdefault(entry["message"], datetime.datetime.fromisoformat(entry["at"].replace("Z", "+00:00")).timestamp())
    return found


def constrained(site):
    """When the last step that makes objects was marked done; ANALYZE comes behind it."""
    with site.target.connect(site.target_database) as c:
        return c.execute("select extract(epoch from max(done_at))::float from repl.step where name <> 'analyze'").fetchone()[0]


def copy(site):
    with Repl(site.source_uri(), site.target_uri(), site.jobs) as repl:
        began = time.time()
        repl.init()
        started = time.time()
        repl.start()
        repl.wait("following")
        at, done = moments(repl), constrained(site)
        copied, indexed = (next(t for m, t in at.items() if m.startswith(b)) for b in ("every table is copied", "indexes are built"))
        found = {"schema": started - began, "rows": copied - started, "indexes": indexed - copied, "constraints": done - indexed,
                 "following": at["caught up; following"] - began, "cpu": cpu_seconds(repl.pid()), "memory": peak_memory(repl.pid())}
        repl.stop()
        repl.run("cleanup", "--yes")
    return found


def forget(site):
    pass
