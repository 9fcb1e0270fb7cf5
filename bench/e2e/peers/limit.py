"""The limit: as many `psql COPY BINARY` pipes as there are jobs, then `pg_restore -j` of the indexes and of the rest.

The pipes know the sizes, read each large table in as many block ranges as there are pipes, hold no capture and no
snapshot, mark nothing done and check nothing. Nobody who has to be right is faster by much."""
import queue
import subprocess
import threading

from bench import run, timed

NAME = "the limit (pipes)"
PACKAGES = ()
SUPERUSER = "no"
ANALYZES = "no"
PROGRAMS_HERE = True
LARGE = 100_000_000


def pieces(site):
    """(table, columns, condition), largest first."""
    with site.source.connect(site.database) as c:
        tables = c.execute("""
            select c.oid::regclass::text, pg_table_size(c.oid), pg_relation_size(c.oid) / 8192,
                   (select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
                     where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = '')
              from pg_class c where relkind = 'r' and relnamespace = 'public'::regnamespace order by 2 desc""").fetchall()
    for table, size, blocks, columns in tables:
        if size <= LARGE:
            yield table, columns, ""
            continue
        ends = [blocks * i // site.jobs for i in range(site.jobs)]
        for i, begin in enumerate(ends):
            to = f" and ctid < '({ends[i + 1]},0)'" if i + 1 < site.jobs else ""
            yield table, columns, f" where ctid >= '({begin},0)'{to}"


def pipe(site, piece):
    table, columns, condition = piece
    psql = [site.program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d"]
    out = subprocess.Popen([*psql, site.source_uri(), "-c",
                            f"copy (select {columns} from {table}{condition}) to stdout (format binary)"], stdout=subprocess.PIPE)
    done = subprocess.run([*psql, site.target_uri(), "-c", f"copy {table} ({columns}) from stdin (format binary)"],
                          stdin=out.stdout, check=False)
    out.stdout.close()
    if out.wait() != 0 or done.returncode != 0:
        raise RuntimeError(f"the pipe of {table} failed")


def pipes(site):
    work, failed = queue.SimpleQueue(), []
    for piece in pieces(site):
        work.put(piece)

    def live():
        try:
            while True:
                pipe(site, work.get_nowait())
        except queue.Empty:
            pass
        except RuntimeError as e:
            failed.append(e)

    threads = [threading.Thread(target=live) for _ in range(site.jobs)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failed:
        raise failed[0]


def is_index(line):
    return " INDEX " in line or (" CONSTRAINT " in line and " FK CONSTRAINT " not in line)


def dump(site):
    run([site.program("pg_dump"), "-Fc", "-s", "-O", "-x", "-d", site.source_uri(), "-f", site.path("schema")])


def restore(site, *options, wanted=None):
    if wanted:
        lines = run([site.program("pg_restore"), "-l", "--section=post-data", site.path("schema")]).splitlines()
        with open(site.path("list"), "w", encoding="utf-8") as f:
            f.writelines(f"{line}\n" for line in lines if wanted(line))
        options = ("-L", site.path("list"), *options)
    run([site.program("pg_restore"), "-O", "-x", "-e", "-j", site.jobs, *options, "-d", site.target_uri(), site.path("schema")])


def finish(site):
    """Constraints, triggers, policies; then what materialized views hold."""
    restore(site, wanted=lambda line: line[:1] != ";" and not is_index(line))
    with site.target.connect(site.target_database) as c:
        for name, in c.execute("select oid::regclass::text from pg_class where relkind = 'm'").fetchall():
            c.execute(f"refresh materialized view {name}")


def post_data(site):
    restore(site, wanted=is_index)
    finish(site)


def restore_schema(site):
    """All of it, without rows."""
    dump(site)
    restore(site)


def copy(site):
    return {
        "schema": timed(dump, site) + timed(restore, site, "--section=pre-data"),
        "rows": timed(pipes, site),
        "indexes": timed(lambda: restore(site, wanted=is_index)),
        "constraints": timed(finish, site),
    }


def forget(site):
    pass
