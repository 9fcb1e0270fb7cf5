"""The engine's peak memory: rows of 50 MB, and a table of several GB; while they are copied, and while they follow."""
from bench import servers
from engine import Repl, peak_memory

WIDE = 50_000_000
JOBS = 2
LIMIT = 64_000_000


def wide_rows(c):
    """A table for each worker; bytes that do not compress, and text."""
    c.execute("create table pool as select decode(string_agg(md5(g::text), ''), 'hex') as b from generate_series(1, 62500) g")
    for name in ("wide_bytes", "wide_text"):
        c.execute(f"create table {name} (id int primary key, b bytea, t text)")
        c.execute(f"alter table {name} alter b set storage external, alter t set storage external")
    for n in range(4):
        c.execute(f"insert into wide_bytes select {n}, string_agg(b, null), null from pool, generate_series(1, 50)")
        c.execute(f"insert into wide_text select {n}, null, repeat(md5('{n}'), {WIDE // 32})")
    c.execute("drop table pool")


def long_table(c):
    c.execute("create table long (id bigint primary key, v text, n int)")
    for part in range(5):
        c.execute(f"insert into long select g, repeat(md5(g::text), 30), g from generate_series({part * 500000 + 1}, {(part + 1) * 500000}) g")


def one(report, source, target, name, fill, change, row_bytes):
    source.create_database(name)
    with source.connect(name) as c:
        fill(c)
        size, = c.execute("select pg_database_size(current_database())").fetchone()
    target.create_database(name)
    with Repl(source.uri(name), target.uri(name), JOBS) as repl:
        repl.init()
        repl.start()
        repl.wait("following")
        copied = peak_memory(repl.pid())
        with source.connect(name) as c:
            c.execute(change)
        repl.kick()
        followed = max(copied, peak_memory(repl.pid()))
        repl.stop()
        repl.run("cleanup", "--yes")
    target.drop_database(name)
    source.drop_database(name)
    limit = LIMIT + JOBS * row_bytes
    kinds = {"wide": "2 tables of 4 rows of 50 MB", "long": "1 table of 2.5 M rows of 1 kB"}
    report.row(kinds[name], f"{size / 1e6:,.0f}", f"{copied / 1e6:.1f}", f"{followed / 1e6:.1f}", f"{limit / 1e6:.0f}",
               "yes" if followed <= limit else "no")


def measure(_, report):
    report.line(f"\nPeak resident memory (VmHWM) of the engine with {JOBS} workers, MB. The limit: 64 MB and the largest row for each worker.")
    with servers() as (source, target):
        report.table("data", "MB in the source", "after the copy", "after an UPDATE of every row", "limit", "held")
        one(report, source, target, "wide", wide_rows,
            "update wide_bytes set id = id + 100; update wide_text set id = id + 100", WIDE)
        one(report, source, target, "long", long_table, "update long set n = n + 1", 1000)
