"""repl check on the servers: room for repl, what goes on there, how text sorts, settings, disk, encryption."""
import os
import re
import subprocess

import psycopg

from cluster import server_user
from waiting import eventually


def test_connections(check, src, source, source_cluster, target, target_cluster):
    """Heroku's limit stands at the role, others' at the database; repl says how many workers fit."""
    src.execute("create table t(id int primary key)")
    report = check("--jobs", "3")
    report.one("connections", "of 117", "max_connections", side="source", level="ok")
    with source_cluster.admin() as a, target_cluster.admin() as b:
        a.execute("alter role app connection limit 7")
        b.execute(f"alter database {target.name} connection limit 6")
        try:
            report = check("--jobs", "4")
            few = report.one("connections", "role's CONNECTION LIMIT", side="source")
            assert "6 of 7" in few["text"] and "hardly any" in few["text"]
            short = report.one("connections", "database's CONNECTION LIMIT", side="target", level="blocker")
            assert "6 of 6" in short["text"] and "give --jobs 3" in short["hint"]
            holders = [source.connect() for _ in range(4)]
            none = check().one("connections", "2 of 7", side="source", level="blocker")
            assert "--jobs" not in none["hint"].split("free some")[0]
            for c in holders:
                c.close()
        finally:
            a.execute("alter role app connection limit -1")
            b.execute(f"alter database {target.name} connection limit -1")


def test_the_engine_itself_takes_no_seat_twice(check, repl, src, source_cluster):
    src.execute("create table t(id int primary key)")
    repl.init("--jobs", "2")
    repl.start()
    repl.wait_phase("following")
    free = check("--jobs", "2").one("connections", "max_connections", side="source", level="ok")
    taken = int(re.search(r"(\d+) of 117", free["text"])[1])
    assert taken >= 117 - 3, f"repl's own sessions were counted: {free}"
    repl.stop()


def test_open_transactions(check, src, source, source_cluster):
    """Long ones are named with their pid; those of other roles, whose age is hidden, are counted."""
    src.execute("create table t(id int primary key)")
    with source_cluster.admin() as c:
        c.execute("drop role if exists other; create role other login password 'other-secret'")
    try:
        with source.connect(autocommit=False, application_name="report of the day") as mine, \
                source.cluster.connect(source.name, autocommit=False) as idle:
            mine.execute("select 1")
            report = check()
            report.one("long transactions", "none", side="source", level="ok")
            report.one("long transactions", "none", side="target", level="ok")
            with source.admin() as c:
                c.execute("grant select on t to other")
            other = source_cluster.uri(source.name, role="other", password="other-secret")
            with psycopg.connect(other) as theirs:
                theirs.execute("select from t")
                hidden = check().one("long transactions", "1 sessions of other roles", side="source")
                assert "GRANT pg_read_all_stats TO app" in hidden["hint"]
            idle.execute("lock table t in share mode")
            eventually(lambda: check().of("long transactions", "source", "warning"), timeout=20, every=1,
                       what="a transaction is old enough")
            pid = mine.info.backend_pid
            found = check().one("long transactions", f"pid {pid},", side="source")
            assert "report of the day" in found["text"] and "idle in transaction" in found["text"]
            assert f"pg_terminate_backend({pid})" in found["hint"]
    finally:
        with source.admin() as c:
            c.execute("drop owned by other cascade")
        with source_cluster.admin() as c:
            c.execute("drop role other")


def test_prepared_transactions(check, source, target, source_cluster, target_cluster, restarted):
    restarted(source_cluster, max_prepared_transactions=10)
    with source.connect() as c:
        c.execute("create table t(id int primary key)")
        check().one("prepared transactions", "max_prepared_transactions is 10", "ring_anyway", side="source")
        c.execute("begin; insert into t values (1); prepare transaction 'it''s odd'")
        open_one = check().one("prepared transactions", "keeps its locks", side="source")
        assert "'it''s odd' of role app" in open_one["text"] and "ROLLBACK PREPARED 'it''s odd'" in open_one["hint"]
        c.execute("rollback prepared 'it''s odd'")


def test_locks(check, text, source, target, source_cluster, target_cluster, restarted):
    """Room for as many locks as the tables take, on both sides; pg_dump takes one for each partition, too."""
    def make(start, end):
        with source.connect() as c:
            c.execute("; ".join(f"create table t{i}(id int primary key)" for i in range(start, end)))
    make(0, 110)
    report = check()
    report.one("locks", "110 tables", side="source", level="ok")
    report.one("locks", "110 tables", side="target", level="ok")
    restarted(target_cluster, max_locks_per_transaction=10)
    report = check()
    small = report.one("locks", "max_locks_per_transaction = 64", "parameter group", side="target")
    assert "room for 1200 locks" in small["text"]
    report.one("locks", side="source", level="ok")
    restarted(source_cluster, max_locks_per_transaction=10, max_connections=20)
    with source.connect() as c:
        c.execute("create table p(id int) partition by range (id)")
        for i in range(0, 300, 100):
            c.execute("; ".join(f"create table p{k} partition of p for values from ({k}) to ({k + 1})"
                                for k in range(i, i + 100)))
    check("--jobs", "1").one("locks", "room for 200 locks", side="source", level="blocker")


def test_vacuum_against_wraparound(check, src, source, source_cluster):
    """One that is due, and one that runs: it gives way to nobody. The role cannot see what autovacuum does."""
    src.execute("create table t(id int primary key, v text) with (autovacuum_freeze_max_age = 100000, "
                "autovacuum_enabled = off); create table fine(id int primary key); "
                "insert into t select g, repeat('x', 400) from generate_series(1, 4000) g")
    check().one("vacuum", "no anti-wraparound", level="ok")
    with source_cluster.admin(source.name) as c:
        c.execute("set synchronous_commit = off")
        c.execute("create procedure burn(n int) language plpgsql as "
                  "'begin for i in 1..n loop perform pg_current_xact_id(); commit; end loop; end'")
        c.execute("call burn(92000)")
        due = check().one("vacuum", "due soon", table="public.t")
        assert "VACUUM (FREEZE) public.t" in due["hint"]
        c.execute("alter table t set (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)")
        c.execute("call burn(10000)")
        c.execute("drop procedure burn")
    source_cluster.configure(autovacuum_naptime=1)
    try:
        eventually(lambda: "at work" in str(check().of("vacuum")), timeout=60, every=0.5, what="autovacuum is at the table")
        check().one("vacuum", "at work", "pg_stat_progress_vacuum", table="public.t")
        with source_cluster.admin() as c:
            assert c.execute("select query from pg_stat_activity where backend_type = 'autovacuum worker' "
                             "and query like '%to prevent wraparound%'").fetchall(), "not what was simulated"
    finally:
        source_cluster.configure(autovacuum_naptime=None)
        with source_cluster.admin(source.name) as c:
            c.execute("select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'autovacuum worker'")


def recreate(cluster, side, how):
    cluster.drop_database(side.name)
    with cluster.admin() as c:
        c.execute(f'create database "{side.name}" owner "{cluster.role}" template template0 {how}')


def test_encoding_and_collation(check, repl, source, target, source_cluster, target_cluster):
    with source.connect() as c:
        c.execute("create table t(id int primary key)")
    recreate(target_cluster, target, "encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'")
    report = check()
    report.one("encoding", "LATIN1", "ENCODING 'UTF8'", side="target")
    report.one("collation", "ORDER BY", side="target")
    recreate(source_cluster, source, "encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'")
    recreate(target_cluster, target, "encoding 'UTF8' lc_collate 'C' lc_ctype 'C'")
    with source.connect() as c:
        c.execute("create table t(id int primary key)")
    report = check()
    report.one("encoding", "converted", level="ok")
    report.one("collation", "libc C on both sides", level="ok")
    recreate(source_cluster, source, "encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'")
    with source.connect() as c:
        c.execute("create table t(id int primary key)")
    check().one("encoding", "SQL_ASCII", side="source")


def test_collations_of_columns(check, src, src_admin, dst_admin):
    """One that the target's server lacks, one under which equality is a matter of opinion."""
    src_admin.execute("create collation pg_catalog.only_here (locale = 'C')")
    try:
        src.execute("create table t(id int primary key, v text collate pg_catalog.only_here); "
                    "create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false); "
                    "create table c(name text collate ci primary key)")
        report = check()
        report.one("collation", "only_here", side="target", level="blocker")
        report.one("collation", "nondeterministic", side="source", table="public.c")
        src.execute("drop table t")
    finally:
        src_admin.execute("drop collation pg_catalog.only_here")


def test_collation_version(check, src, source, source_cluster):
    src.execute("create table t(id int primary key)")
    if src.info.server_version < 150000:
        return  # it is recorded from 15 on
    with source_cluster.admin() as c:
        c.execute("update pg_database set datcollversion = '0.1' where datname = %s", (source.name,))
    with source_cluster.admin(source.name) as c:
        known = c.execute("select pg_database_collation_actual_version(oid) from pg_database "
                          "where datname = current_database()").fetchone()[0]
    report = check()
    if known is None:
        assert not report.of("collation", "source", "warning")
    else:
        report.one("collation", "version 0.1", "REINDEX DATABASE", side="source")


def test_settings_that_slow_a_load(check, src, target_cluster):
    src.execute("create table t(id int primary key, v text); insert into t select g, repeat('x', 900) "
                "from generate_series(1, 100000) g")
    target_cluster.configure(log_statement="all", max_wal_size=64, maintenance_work_mem=1024, fsync="off", autovacuum="off",
                             synchronous_standby_names="nobody", log_min_duration_statement=0)
    try:
        # A commit would wait for that standby: nothing here commits on the target.
        report = check("--jobs", "1")
        for name in ("log_statement is all", "max_wal_size is 64MB", "maintenance_work_mem is 1MB", "fsync is off",
                     "autovacuum is off", "synchronous_standby_names is nobody", "log_min_duration_statement is 0"):
            report.one("settings", name, side="target")
    finally:
        with target_cluster.admin(options="-c synchronous_commit=local") as c:
            c.execute("alter system reset all")
            c.execute("select pg_reload_conf()")


def test_settings_of_roles(check, repl, src, source, target, source_cluster, target_cluster):
    """They are overridden and told, whatever they are: a role that may only read is no hindrance either."""
    src.execute("create table t(id int primary key)")
    with source_cluster.admin() as a, target_cluster.admin() as b:
        # Compiled first, the simplest statement takes longer than that.
        a.execute("alter role app set statement_timeout = '1ms'; alter role app set jit = on; alter role app set jit_above_cost = 0;"
                  "alter role app set jit_optimize_above_cost = 0")
        a.execute(f"alter role app in database {source.name} set idle_in_transaction_session_timeout = '1ms'")
        a.execute(f"alter database {source.name} set default_transaction_read_only = on")
        b.execute("alter role rds set default_transaction_read_only = on")
        try:
            report = check()
            report.one("role settings", "role app has statement_timeout = 1ms, which repl's", side="source", level="ok")
            report.one("role settings", f"role app in database {source.name} has idle_in", side="source", level="ok")
            report.one("role settings", f"database {source.name} has default_transaction", side="source", level="ok")
            report.one("role settings", "repl's own sessions", side="source", level="ok")
            report.one("role settings", "role rds has default_transaction_read_only = on", side="target", level="ok")
            repl.init()  # so it is: pg_dump and all sessions of repl override them
        finally:
            a.execute("alter role app reset all")
            a.execute(f"alter role app in database {source.name} reset all")
            a.execute(f"alter database {source.name} reset all")
            b.execute("alter role rds reset all")


def test_disk(check, repl, src, target, target_cluster):
    """Where the target is on this machine and shows its folder, the room there is counted; else the need is told."""
    src.execute("create table t(id int primary key, v text)")
    check().one("disk", "needed there", side="target", level="ok")
    src.execute("insert into t select g, repeat('x', 900) from generate_series(1, 60000) g")
    report = check()
    report.one("disk", "cannot be asked through SQL", "FreeStorageSpace", side="target")
    report.one("disk", "the database has", side="source", level="ok")
    need = float(re.search(r"about ([0-9.]+) MB", report.of("disk", "target")[0]["text"])[1])
    assert 1.9 < need * 1e6 / (report.estimate["bytes"] + report.estimate["index_bytes"]) < 2.5
    if target_cluster.root:
        return  # another system: its folders are elsewhere
    with target_cluster.admin() as c:
        c.execute("grant pg_read_all_settings to rds")
        try:
            repl.environment["REPL_TEST_LOCAL"] = (f"host={target_cluster.folder} port={target_cluster.port} user=rds "
                                                   f"password={target_cluster.password} dbname={target.name}")
            assert "free on its disk" in check(target="env:REPL_TEST_LOCAL").of("disk", "target")[0]["text"]
        finally:
            c.execute("revoke pg_read_all_settings from rds")


def test_encryption(check, repl, src, source, source_cluster):
    """Over TLS the protocol is told; within one machine it need not be."""
    src.execute("create table t(id int primary key)")
    check().one("encryption", "does not leave this machine", side="source", level="ok")
    made = [os.path.join(source_cluster.data, name) for name in ("server.crt", "server.key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-out", made[0],
                    "-keyout", made[1]], check=True, capture_output=True)
    for path in made:
        os.chmod(path, 0o600)
        if os.geteuid() == 0:
            os.chown(path, *server_user(source_cluster.root))
    source_cluster.configure(ssl="on")
    try:
        eventually(lambda: "TLSv1" in check().of("encryption", "source")[0]["text"], what="the server speaks TLS")
        repl.environment["REPL_TEST_PLAIN"] = source.uri + "?sslmode=disable"
        check(source="env:REPL_TEST_PLAIN").one("encryption", "does not leave", side="source", level="ok")
    finally:
        source_cluster.configure(ssl=None)
