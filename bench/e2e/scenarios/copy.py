"""The initial copy against the same number of `psql COPY BINARY` pipes of the same tables, in turns.

The limit that nobody passes: the pipes know the sizes, read each large table in as many block ranges as there are pipes,
hold no capture, mark nothing done and check nothing. Then both build the same indexes."""
import os
import queue
import statistics
import subprocess
import threading
import time

from bench import load_pgbench, quiesce, run, servers, spread, timed
from engine import Repl, cpu_seconds, peak_memory

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LARGE = 100_000_000


def load(source):
    load_pgbench(source, "pgb", 50)
    source.create_database("shop")
    source.psql("shop", "-f", os.path.join(HERE, "shop.sql"), variables={"scale": 7})


def bytes_of(source, database):
    with source.connect(database) as c:
        return c.execute("select sum(pg_table_size(oid)), sum(pg_indexes_size(oid)) from pg_class"
                         " where relkind = 'r' and relnamespace = 'public'::regnamespace").fetchone()


# ---- the pipes

def pieces(source, database, jobs):
    """(table, columns, condition), largest first."""
    with source.connect(database) as c:
        tables = c.execute("""
            select c.oid::regclass::text, pg_table_size(c.oid), pg_relation_size(c.oid) / 8192,
                   (select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
                     where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = '')
              from pg_class c where relkind = 'r' and relnamespace = 'public'::regnamespace order by 2 desc""").fetchall()
    for table, size, blocks, columns in tables:
        if size <= LARGE:
            yield table, columns, ""
            continue
        ends = [blocks * i // jobs for i in range(jobs)]
        for i, begin in enumerate(ends):
            to = f" and ctid < '({ends[i + 1]},0)'" if i + 1 < jobs else ""
            yield table, columns, f" where ctid >= '({begin},0)'{to}"


def pipe(source, target, database, piece):
    table, columns, condition = piece
    psql = [os.path.join(source.bin, "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d"]
    out = subprocess.Popen([*psql, source.uri(database), "-c",
                            f"copy (select {columns} from {table}{condition}) to stdout (format binary)"], stdout=subprocess.PIPE)
    done = subprocess.run([*psql, target.uri("moved"), "-c", f"copy {table} ({columns}) from stdin (format binary)"],
                          stdin=out.stdout, check=False)
    out.stdout.close()
    if out.wait() != 0 or done.returncode != 0:
        raise RuntimeError(f"the pipe of {table} failed")


def pipes(source, target, database, jobs):
    work, failed = queue.SimpleQueue(), []
    for piece in pieces(source, database, jobs):
        work.put(piece)

    def live():
        try:
            while True:
                pipe(source, target, database, work.get_nowait())
        except queue.Empty:
            pass
        except RuntimeError as e:
            failed.append(e)

    threads = [threading.Thread(target=live) for _ in range(jobs)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failed:
        raise failed[0]


def pre_data(source, target, database):
    dump = run([os.path.join(source.bin, "pg_dump"), "-d", source.uri(database), "--section=pre-data", "-O", "-x", "-n", "public"])
    with target.connect("moved") as c:
        c.execute("create extension if not exists citext")
    subprocess.run([os.path.join(target.bin, "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", target.uri("moved")], check=True,
                   input=dump.replace("CREATE SCHEMA public;", ""), text=True, stdout=subprocess.DEVNULL)


def indexes(source, target, database, jobs):
    archive, listing = f"/tmp/repl-bench-{os.getpid()}.dump", f"/tmp/repl-bench-{os.getpid()}.list"
    try:
        run([os.path.join(source.bin, "pg_dump"), "-Fc", "-d", source.uri(database), "--section=post-data", "-f", archive])
        lines = run([os.path.join(source.bin, "pg_restore"), "-l", archive]).splitlines()
        with open(listing, "w", encoding="utf-8") as f:
            f.writelines(f"{line}\n" for line in lines if " INDEX " in line or (" CONSTRAINT " in line and " FK CONSTRAINT " not in line))
        run([os.path.join(source.bin, "pg_restore"), "-j", jobs, "-O", "-x", "-L", listing, "-d", target.uri("moved"), archive])
    finally:
        for path in (archive, listing):
            if os.path.exists(path):
                os.unlink(path)


def by_pipes(source, target, database, jobs):
    target.create_database("moved")
    quiesce(source, target)
    schema = timed(pre_data, source, target, database)
    data = timed(pipes, source, target, database, jobs)
    index = timed(indexes, source, target, database, jobs)
    return {"data": data, "index": index, "whole": schema + data + index}


# ---- repl

def by_repl(source, target, database, jobs):
    target.create_database("moved")
    quiesce(source, target)
    began = time.monotonic()
    with Repl(source.uri(database), target.uri("moved"), jobs) as repl:
        repl.init()
        started = time.monotonic()
        repl.start()
        marks = {}
        while "following" not in marks:  # asked often: the phases' own ends, not the log's idea of them
            phase = repl.status()["phase"]
            marks.setdefault(phase, time.monotonic())
            time.sleep(0.005)
        pid = repl.pid()
        copied = marks.get("indexing", marks.get("catching_up", marks["following"]))
        indexed = marks.get("catching_up", marks["following"])
        found = {"data": copied - started, "index": indexed - copied, "whole": indexed - began, "following": marks["following"] - began,
                 "cpu": cpu_seconds(pid), "memory": peak_memory(pid)}
        repl.stop()
        repl.run("cleanup", "--yes")
    return found


def tell(report, database, sizes, limit, ours):
    table_mb, index_mb = (float(s) / 1e6 for s in sizes)
    report.table(f"{database}: {table_mb:.0f} MB of tables, {index_mb:.0f} MB of indexes", "pipes", "repl", "repl's speed by the pipes'")
    for key, name in (("data", "the rows, seconds"), ("index", "indexes, seconds"), ("whole", "schema, rows and indexes, seconds")):
        report.row(name, spread([r[key] for r in limit]), spread([r[key] for r in ours]),
                   spread([a[key] / b[key] for a, b in zip(limit, ours)], 2))
    report.row("MB/s of rows", f"{table_mb / statistics.median(r['data'] for r in limit):.0f}",
               f"{table_mb / statistics.median(r['data'] for r in ours):.0f}", "")
    report.row("until it follows, seconds", "", spread([r["following"] for r in ours]), "")
    report.row("engine: CPU seconds a GB, peak MB", "",
               f"{statistics.median(r['cpu'] for r in ours) / table_mb * 1000:.2f}, {max(r['memory'] for r in ours) / 1e6:.0f}", "")


def measure(options, report):
    rounds = options.rounds or 5
    report.line(f"\n{rounds} rounds, {options.jobs} jobs against {options.jobs} pipes in turns; min / median / max.")
    with servers() as (source, target):
        load(source)
        for database in ("pgb", "shop"):
            sizes, limit, ours = bytes_of(source, database), [], []
            for n in range(rounds):
                arms = [(by_pipes, limit), (by_repl, ours)]
                for arm, into in arms if n % 2 == 0 else arms[::-1]:
                    into.append(arm(source, target, database, options.jobs))
                report.progress(f"{database} round {n + 1}: pipes {limit[-1]['data']:.1f} s, repl {ours[-1]['data']:.1f} s")
            tell(report, database, sizes, limit, ours)
