"""Logical replication of PostgreSQL: a publication, a subscription, and its copy of the tables.

Tables first, then the copy, then indexes and constraints: the order in which its users get the most out of it."""
import time

from peers import limit

NAME = "native subscription"
PACKAGES = ()
SUPERUSER = "both sides"
ANALYZES = "no"
PROGRAMS_HERE = False
PATIENCE = 900


def synced(c):
    return c.execute("select count(*) filter (where srsubstate not in ('r', 's')) = 0 from pg_subscription_rel").fetchone()[0]


def subscribe(site):
    with site.source.admin(site.database) as c:
        c.execute("create publication bench for all tables")
    with site.target.admin(site.target_database) as c:
        source = site.source_uri(superuser=True).replace("'", "''")
        c.execute(f"create subscription bench connection '{source}' publication bench")
        end = time.monotonic() + PATIENCE
        while not synced(c):
            if time.monotonic() > end:
                raise RuntimeError("the subscription's copy did not end in time")
            time.sleep(0.02)


def copy(site):
    began = time.monotonic()
    limit.dump(site)
    limit.restore(site, "--section=pre-data")
    subscribe(site)
    limit.post_data(site)
    return {"whole": time.monotonic() - began}


def forget(site):
    with site.target.admin(site.target_database) as c:
        if c.execute("select 1 from pg_subscription where subname = 'bench'").fetchone():
            c.execute("drop subscription bench")
    with site.source.admin(site.database) as c:
        c.execute("drop publication if exists bench")
