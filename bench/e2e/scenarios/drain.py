"""How fast a backlog comes over: what gathered while the engine was stopped, and one large statement while it follows."""
import time

from bench import following, load_pgbench, servers, spread

KEYS = 200_000
# One transaction a row, as an application would write them; the server's side of it alone.
SINGLES = """do $$
begin
    for i in 1..{keys} loop
        update pgbench_accounts set abalance = abalance + 1 where aid = (i * 7 + {offset}) % {rows} + 1;
        commit;
    end loop;
end $$"""
RUNNING = {
    "one UPDATE of 200 k rows": f"update pgbench_accounts set abalance = abalance + 1 where aid <= {KEYS}",
    "one INSERT of 200 k rows": f"insert into pgbench_accounts select 10000000 + g, 1, 0, 'x' from generate_series(1, {KEYS}) g",
    "one DELETE of 200 k rows": "delete from pgbench_accounts where aid > 10000000",
}


def singles(source, n, database="bank", rows=5_000_000):
    """That many transactions of one row each; the n-th time other rows."""
    with source.connect(database) as c:
        c.execute("set synchronous_commit = off")
        c.execute(SINGLES.format(keys=KEYS, offset=n, rows=rows))


def after_a_pause(source, repl, n):
    """Seconds from `repl start` until the target has everything."""
    singles(source, n)
    began = time.monotonic()
    repl.start()
    repl.kick()
    return time.monotonic() - began


def while_following(source, target, sql, n):
    """Seconds from the commit on the source until the target shows it."""
    with source.connect("bank") as s, target.connect("bank") as t:
        s.execute(sql)
        s.execute("insert into mark values (%s)", (n,))
        began = time.monotonic()
        while not t.execute("select 1 from mark where id = %s", (n,)).fetchone():
            time.sleep(0.002)
        return time.monotonic() - began


def measure(options, report):
    rounds = options.rounds or 5
    paused, running = [], {name: [] for name in RUNNING}
    with servers() as (source, target):
        load_pgbench(source, "bank", 50)
        with source.connect("bank") as c:
            c.execute("create table mark (id int primary key)")
        with following(source, target, "bank", "bank", options.jobs) as repl:
            for n in range(rounds):
                repl.stop()
                paused.append(after_a_pause(source, repl, n))
                for i, (name, sql) in enumerate(RUNNING.items()):
                    running[name].append(while_following(source, target, sql, n * len(RUNNING) + i))
                report.progress(f"round {n + 1}: after a pause {paused[-1]:.2f} s, running " +
                                ", ".join(f"{v[-1]:.2f} s" for v in running.values()))
    report.line(f"\n{KEYS // 1000} k rows of pgbench_accounts (5 M rows), {rounds} rounds; min / median / max.")
    report.table("backlog", "seconds until the target has it", "rows/s")
    for name, times in (("200 k one-row transactions, engine stopped meanwhile: from `repl start`", paused), *running.items()):
        report.row(name, spread(times, 2), spread([KEYS / t for t in times], 0))
