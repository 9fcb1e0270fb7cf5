"""pgcopydb clone: one snapshot of the source, tables and then their indexes in processes of their own, VACUUM ANALYZE."""
import os
import shutil

from bench import run, timed

NAME = "pgcopydb"
PACKAGES = ("pgcopydb",)
SUPERUSER = "no"
ANALYZES = "within it"
PROGRAMS_HERE = True
SPLIT = "100MB"  # larger tables are copied by several processes


def clone(site):
    # It takes pg_dump and pg_restore from the PATH.
    run(["pgcopydb", "clone", "--source", site.source_uri(), "--target", site.target_uri(), "--dir", site.path("pgcopydb"),
         "--table-jobs", site.jobs, "--index-jobs", site.jobs, "--split-tables-larger-than", SPLIT, "--no-owner", "--no-acl"],
        env={**os.environ, "PATH": f"{site.source.bin}:{os.environ['PATH']}", "TMPDIR": site.folder, "XDG_DATA_HOME": site.folder})


def copy(site):
    return {"whole": timed(clone, site)}


def forget(site):
    shutil.rmtree(site.path("pgcopydb"), ignore_errors=True)
