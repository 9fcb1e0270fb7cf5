"""Bucardo's onetimecopy: its control database on the target, one sync of all tables, its daemon started for the copy.

Tables first, then the copy, then indexes and constraints, as for the native subscription. What a sync does not take goes over
by psql: tables without a key, and tables with a generated column, which it would copy into. Making the control database is
not within the time, registering tables (which makes the triggers) is."""
import os
import signal
import time

from bench import run
from engine import alive
from peers import limit

NAME = "Bucardo onetimecopy"
PACKAGES = ("bucardo", "postgresql-plperl-{major}")
SUPERUSER = "both sides"
ANALYZES = "no"
PROGRAMS_HERE = False
PATIENCE = 900
PASSWORD = "bucardo-secret"


def bucardo(site, *arguments):
    environment = {**{k: v for k, v in os.environ.items() if not k.startswith("PG")}, "PGPASSWORD": PASSWORD}
    return run(["bucardo", *arguments], cwd=site.folder, env=environment)


def folder(site, name):
    path = site.path(f"bucardo-{name}")
    os.makedirs(path, exist_ok=True)
    return path


def install(site):
    """The control database; nothing of it is within the time."""
    target = site.target
    with target.admin() as c:
        c.execute("drop database if exists bucardo with (force)")
        if not c.execute("select 1 from pg_roles where rolname = 'bucardo'").fetchone():
            c.execute(f"create role bucardo superuser login password '{PASSWORD}'")
    with open(site.path(".bucardorc"), "w", encoding="utf-8") as f:  # it looks in the current folder
        f.write(f"dbhost = {target.folder}\ndbport = {target.port}\ndbname = bucardo\ndbuser = bucardo\n")
    bucardo(site, "install", "--no-bucardorc", "--batch", "--dbhost", target.folder, "--dbport", target.port, "--dbuser", "postgres",
            "--dbname", "postgres", "--piddir", folder(site, "run"))
    logs = folder(site, "log")
    bucardo(site, "set", f"piddir={folder(site, 'run')}", f"reason_file={logs}/reason", f"log_conflict_file={logs}/conflict",
            f"warning_file={logs}/warning")


def tables(site, taken):
    """Those that a sync takes, or those that it does not."""
    with site.source.connect(site.database) as c:
        return [r[0] for r in c.execute(f"""
            select c.oid::regclass::text from pg_class c
             where relkind = 'r' and relnamespace = 'public'::regnamespace
               and {'' if taken else 'not'} (exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)
                    and not exists (select from pg_attribute a where a.attrelid = c.oid and attgenerated <> ''))""")]


def add_databases(site, of, name):
    """Both ends of a site, known as s_name and d_name to the control database, which is on the target of the first."""
    for end, server, database, port in ((f"s_{name}", of.source, of.database, of.source_port()),
                                        (f"d_{name}", of.target, of.target_database, of.target_port())):
        bucardo(site, "add", "db", end, f"dbname={database}", "host=127.0.0.1", f"port={port}", f"user={server.superuser}",
                f"pass={server.superuser_password}", *(["conn=sslmode=require"] if of.tls else []))


def register(site):
    add_databases(site, site, "y")
    bucardo(site, "add", "table", *(f"public.{t}" for t in tables(site, True)), "db=s_y", "relgroup=g")
    bucardo(site, "add", "sync", "y", "relgroup=g", "dbs=s_y:source,d_y:target", "onetimecopy=2", "autokick=1", "stayalive=1", "kidsalive=1")


def wait_copied(site):
    with site.source.connect(site.database) as c:
        filled = [t for t in tables(site, True) if c.execute(f"select exists (select from {t})").fetchone()[0]]
    there = " and ".join(f"exists (select from {t})" for t in filled)
    end = time.monotonic() + PATIENCE
    with site.target.connect(site.target_database) as c:
        while not c.execute(f"select {there}").fetchone()[0]:
            said = log(site)
            if "has died" in said or time.monotonic() > end or not daemon(site):
                raise RuntimeError(f"Bucardo's copy did not end:\n{said[-2000:]}")
            time.sleep(0.05)


def log(site):
    path = os.path.join(folder(site, "log"), "log.bucardo")
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def copy(site):
    install(site)
    began = time.monotonic()
    limit.dump(site)
    limit.restore(site, "--section=pre-data")
    register(site)
    bucardo(site, "--log-dest", folder(site, "log"), "start")
    wait_copied(site)
    for piece in limit.pieces(site):
        if piece[0] in tables(site, False):
            limit.pipe(site, piece)
    limit.post_data(site)
    return {"whole": time.monotonic() - began}


# ---- its processes

def daemon(site):
    """The process id of its main process, or None."""
    try:
        with open(os.path.join(folder(site, "run"), "bucardo.mcp.pid"), encoding="ascii") as f:
            pid = int(f.readline())
    except (FileNotFoundError, ValueError):
        return None
    return pid if alive(pid) else None


def family(pid):
    """That process and all that it began."""
    found = [pid]
    for parent in found:
        try:
            with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as f:
                found += [int(child) for child in f.read().split()]
        except OSError:  # it has ended meanwhile
            continue
    return found


def forget(site):
    pid = daemon(site)
    for process in family(pid) if pid else []:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
    for server in (site.source, site.target):
        with server.admin() as c:
            c.execute("drop database if exists bucardo with (force)")
    with site.source.admin(site.database) as c:
        c.execute("drop schema if exists bucardo cascade")
    for name in ("run", "log"):
        for file in os.scandir(folder(site, name)):
            os.unlink(file.path)
