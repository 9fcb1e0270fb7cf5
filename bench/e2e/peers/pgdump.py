"""pg_dump into a directory on this machine, then pg_restore, both in parallel; not compressed, which is faster here."""
import shutil

from bench import run, timed

NAME = "pg_dump, pg_restore"
PACKAGES = ()
SUPERUSER = "no"
ANALYZES = "no"
PROGRAMS_HERE = True


def dump(site):
    run([site.program("pg_dump"), "-Fd", "-Z", 0, "-j", site.jobs, "-O", "-x", "-d", site.source_uri(), "-f", site.path("dump")])


def restore(site):
    run([site.program("pg_restore"), "-j", site.jobs, "-O", "-x", "-e", "-d", site.target_uri(), site.path("dump")])


def copy(site):
    return {"whole": timed(dump, site) + timed(restore, site)}


def forget(site):
    shutil.rmtree(site.path("dump"), ignore_errors=True)
