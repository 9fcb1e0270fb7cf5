"""What capture costs statements of 200 k rows, and how much WAL it writes: the same table with and without capture."""
import time

from bench import quiesce, servers, spread
from engine import Repl, cpu_seconds

ROWS = 200_000
STATEMENTS = {
    "INSERT": f"insert into bulk select g, g, repeat('x', 60) from generate_series(1, {ROWS}) g",
    "UPDATE": "update bulk set n = n + 1",
    "UPDATE of the key": f"update bulk set id = id + {ROWS}",
    "DELETE": "delete from bulk",
}
SINGLE = 5000
TABLE = "create table bulk (id bigint primary key, n bigint not null, v text)"


def wal(connection):
    return connection.execute("select pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone()[0]


def run(connection, sql):
    """(seconds, bytes of WAL)"""
    begin, began = wal(connection), time.monotonic()
    connection.execute(sql)
    return time.monotonic() - began, float(wal(connection) - begin)


def singles(connection):
    """The WAL of many transactions of one row each."""
    connection.execute("insert into bulk select g, g, 'x' from generate_series(1, 1000) g")
    connection.execute("checkpoint")
    for n in range(2):  # the first pass writes full pages
        begin = wal(connection)
        for i in range(SINGLE):
            connection.execute("update bulk set n = n + 1 where id = %s", (i % 1000 + 1,))
    return float(wal(connection) - begin) / SINGLE


def hot(connection, sql, times=10000):
    """CPU of the session in µs for each of many one-row transactions that nothing comes between."""
    pid = connection.info.backend_pid
    before = cpu_seconds(pid)
    connection.execute(f"do $$ begin for i in 1..{times} loop {sql}; commit; end loop; end $$")
    return (cpu_seconds(pid) - before) * 1e6 / times


def one_round(servers_used, databases):
    found = {}
    for database, server in databases:
        with server.admin(database) as c:
            c.execute("truncate bulk")
            for name, sql in STATEMENTS.items():
                quiesce(*servers_used)
                found[name, database] = run(c, sql)
            c.execute("truncate bulk")
            found["one-row transactions", database] = 0, singles(c) * ROWS
            c.execute("set synchronous_commit = off")
            found["hot", database] = (hot(c, "update bulk set n = n + 1 where id = i % 1000 + 1"),
                                      hot(c, "insert into bulk values (10000 + i, i)"))
    return found


def measure(options, report):
    rounds = options.rounds or 5
    with servers() as (source, target):
        for database in ("none", "captured"):
            source.create_database(database)
            with source.connect(database) as c:
                c.execute(TABLE)
        target.create_database("captured")
        with Repl(source.uri("captured"), target.uri("captured")) as repl:
            repl.init()
            found = []
            arms = [("none", source), ("captured", source)]
            one_round((source,), arms)  # files grow to their size; not counted
            for n in range(rounds):
                found.append(one_round((source,), arms if n % 2 == 0 else arms[::-1]))
                report.progress(f"round {n + 1}: " + ", ".join(
                    f"{s} x{found[-1][s, 'captured'][0] / found[-1][s, 'none'][0]:.2f}" for s in STATEMENTS))
            repl.run("cleanup", "--yes")
    report.line(f"\nStatements of {ROWS // 1000} k rows (bigint key, 90-byte rows), {rounds} rounds in turns, the engine stopped; "
                "min / median / max. WAL: the median of what capture adds.")
    report.table("statement", "none, ms", "captured, ms", "multiple", "µs more a row", "WAL bytes more a row")
    for name in (*STATEMENTS, "one-row transactions"):
        times = {d: [f[name, d][0] * 1000 for f in found] for d in ("none", "captured")}
        bytes_more = sorted((f[name, "captured"][1] - f[name, "none"][1]) / ROWS for f in found)[len(found) // 2]
        if name not in STATEMENTS:
            report.row(name, "", "", "", "", f"{bytes_more:.0f}")
            continue
        ratio = [b / a for a, b in zip(times["none"], times["captured"])]
        more = [(b - a) * 1000 / ROWS for a, b in zip(times["none"], times["captured"])]
        report.row(name, spread(times["none"], 0), spread(times["captured"], 0), spread(ratio, 2), spread(more, 2), f"{bytes_more:.0f}")
    report.line()
    for i, name in enumerate(("UPDATE", "INSERT")):
        cpu = {d: sorted(f["hot", d][i] for f in found)[len(found) // 2] for d in ("none", "captured")}
        report.line(f"One-row {name}s in a session that nothing comes between: {cpu['none']:.1f} µs of its CPU, captured {cpu['captured']:.1f}.")
