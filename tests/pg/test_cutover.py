"""The switch: nothing is lost, and the source refuses writes with a reason. How it is undone: test_cutover_undone.py."""
import re
import sqlite3

import psycopg
import pytest

from fence import fenced, functions, refused, writes
from waiting import eventually


def test_nothing_is_lost_under_writers(repl, following, writers, equal, src, dst):
    following()
    with writers(writers=4, expected=[psycopg.errors.ReadOnlySqlTransaction]) as w:
        eventually(lambda: w.committed > 200, what="the writers are at it")
        out = repl.run("cutover", "--yes", "--terminate").out
        assert "everything that was committed on the source is on the target" in out
        committed = w.committed
        equal(with_sequences=False)  # while the writers go on trying: they draw numbers, and fail to use them
        eventually(lambda: w.failed > 50, what="the writers are refused")
        assert w.committed <= committed + 4, "somebody wrote past the fence"
    assert repl.status()["phase"] == "fenced"
    equal(with_sequences=False)
    for sequence, used in (("ticket", "max(n) from counter"), ("counter_id_seq", "max(id) from counter"),
                           ("child_id_seq", "max(id) from child")):
        last = dst.execute(f"select last_value from {sequence}").fetchone()[0]
        assert last >= (dst.execute(f"select {used}").fetchone()[0] or 0), sequence
    assert float(re.search(r"have been off for ([0-9.]+) s", out).group(1)) < 30
    # The application goes on at the target: keys of sequences do not meet.
    dst.execute("insert into counter(n) values (nextval('ticket')); insert into child(parent, note) values (null, 'after')")


APPLICATION = """
create table t (id int primary key, v text); insert into t values (1, 'a'); create table nokey (v int);
create table c (id int primary key, t int references t on delete cascade); insert into c values (1, 1);
create table p (id int primary key, v text) partition by range (id); create table p1 partition of p for values from (0) to (100);
create table m (id int primary key); create table m1 (n int) inherits (m); insert into p values (1, 'a'); insert into m values (1);
create view seen as select id, v from t where id > 0;
create function write_it() returns void language plpgsql as 'begin insert into t values (5, 5); exception when others then raise; end';
create function of_another() returns void language sql security definer as 'update t set v = v';
"""
WRITES = ("insert into t values (2, 'b')", "update t set v = 'x'", "update t set v = 'x' where id = 0", "delete from t", "truncate t cascade",
          "insert into nokey values (1)", "truncate nokey", "insert into p values (2, 'b')", "update p set v = 'y'", "delete from p1",
          "truncate p1", "truncate p", "insert into m1 values (3, 3)", "update m set id = 9", "insert into seen values (7, 'view')",
          "insert into t values (1, 'b') on conflict (id) do update set v = 'c'", "with d as (delete from c returning *) select * from d",
          "select write_it()", "select of_another()", "execute change", "begin; savepoint s; update t set v = 'in a transaction'")


def test_what_an_application_sees(repl, src, source):
    """Whatever way it writes, in sessions that are old or new."""
    src.execute(APPLICATION)
    repl.init()
    repl.start()
    repl.wait_phase("following")
    with source.connect() as known, source.admin() as replica:
        known.execute("prepare change as update t set v = v || '.'; execute change; select of_another()")
        replica.execute("set session_replication_role = replica; update t set v = v")
        repl.run("cutover", "--yes")
        for sql in WRITES + (("merge into t using (values (1)) x(id) on t.id = x.id when matched then update set v = 'm'",)
                             if src.info.server_version >= 150000 else ()):
            error = refused(known, sql)
            known.execute("rollback")
            assert error.sqlstate == "25006" and "being moved to another server" in str(error), sql
            assert "the new DATABASE_URL" in error.diag.message_hint
        refused(src, "delete from t")
        refused(replica, "update t set v = 'replica'")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), known.cursor() as cursor, cursor.copy("copy t from stdin") as data:
            data.write("8\tcopied\n")
        assert [r[0] for r in known.execute("select id from t").fetchall()] == [1], "reading goes on"
        with known.transaction():
            known.execute("create temp table own (id int); insert into own values (1); select * from t for update")
    repl.run("cutover", "--abort", "--yes")
    src.execute("insert into t values (2, 'b'); truncate p1; insert into nokey values (5); select write_it()")
    repl.kick()


def test_a_writer_that_stays(repl, following, src, source, equal):
    following()
    with source.connect(autocommit=False, application_name="stubborn") as c:
        c.execute("update acc set bal = bal + 1 where id = 7")
        r = repl.run("cutover", "--yes", "--timeout", "1", code=3)
        assert "stubborn" in r.err and f"pid {c.info.backend_pid}" in r.err and "--terminate" in r.err
        assert writes(src), "the fence is lifted when the time is up"
        c.execute("update acc set bal = bal - 1 where id = 7")  # it may go on, too
        r = repl.run("cutover", "--yes", "--terminate")
        assert "ended: stubborn" in r.out
        with pytest.raises(psycopg.OperationalError):
            c.execute("select 1")
    equal()


def test_a_writer_in_flight_is_waited_for_and_kept(repl, following, src, source, dst):
    following()
    with source.connect(autocommit=False) as c:
        c.execute("update acc set bal = 4711 where id = 7")
        p = repl.start_in_background("cutover", "--yes")
        eventually(lambda: fenced(src), what="the fence")
        assert p.poll() is None
        c.commit()
        assert p.wait(60) == 0
    assert dst.execute("select bal from acc where id = 7").fetchone() == (4711,)


def test_a_transaction_that_began_before_meets_the_fence(repl, following, src, source, dst):
    following()
    with source.connect(autocommit=False) as c:
        c.execute("set transaction isolation level repeatable read")
        c.execute("select count(*) from acc")  # a snapshot, and no lock for writing
        repl.run("cutover", "--yes")
        refused(c, "update acc set bal = 1 where id = 9")


def test_dry_run_changes_nothing(repl, following, src, source):
    following()
    before = functions(src)
    out = repl.run("cutover", "--dry-run").out
    assert re.search(r"expected pause: about [0-9.]+ s", out)
    assert "nothing was changed" in out
    assert before == functions(src)
    assert writes(src)
    assert repl.status()["phase"] == "following"


def test_the_rehearsal_foretells_the_pause(repl, following, writers, src, source):
    """Within a factor of three, and a tenth of a second for what such a machine does beside it."""
    src.execute("create materialized view slow as select sum(bal), pg_sleep(.15)::text from acc")
    following()
    foretold, taken = [], []
    with writers(writers=3, pace=.02, hold=.1, expected=[psycopg.errors.ReadOnlySqlTransaction]) as w:
        eventually(lambda: w.committed > 50, what="the writers are at it")
        for _ in range(5):
            foretold.append(seconds("expected pause: about", repl.run("cutover", "--dry-run").out))
            taken.append(seconds("have been off for", repl.run("cutover", "--yes").out))
            repl.run("cutover", "--abort", "--yes")
            committed = w.committed
            eventually(lambda n=committed: w.committed > n + 20, what="the writers go on")
    print(f"foretold {foretold}, taken {taken}")
    one, other = sorted(foretold)[2], sorted(taken)[2]
    assert one > .15 and other > .15, "the view is refreshed behind the fence"
    assert one < 3 * other + .1 and other < 3 * one + .1, (foretold, taken)


def seconds(behind, out):
    return float(re.search(behind + r" ([0-9.]+) s", out).group(1))


def test_the_rehearsal_tells_of_a_writer_that_would_be_too_long(repl, following, source):
    following()
    with source.connect(autocommit=False, application_name="report") as c:
        c.execute("update acc set bal = bal + 1 where id = 7")
        eventually(lambda: c.execute("select clock_timestamp() - now() > '2.1 s'").fetchone()[0], what="it has been writing for long")
        out = repl.run("cutover", "--dry-run", "--timeout", "2").out
        assert seconds("expected pause: about", out) > 2 and "warning: that is longer than 2 s" in out and "--terminate" in out
        out = repl.run("cutover", "--dry-run", "--timeout", "2", "--terminate").out
        assert 1 <= seconds("expected pause: about", out) < 2 and "that is longer" not in out
        eventually(lambda: c.execute("select clock_timestamp() - now() > '5.5 s'").fetchone()[0], what="it is named for it")
        assert f"warning: report (pid {c.info.backend_pid}) has been writing public.acc for" in repl.run("cutover", "--dry-run").out


def test_it_asks_how_old_the_last_verify_is(repl, following, src, target):
    following()

    def rehearsed(code=0):
        return repl.run("cutover", "--dry-run", code=code)
    assert "warning: never verified" in rehearsed().out and "(type: repl verify)" in rehearsed().out
    repl.run("verify", "--sample", "30%", "--range-rows", "100")
    assert re.search(r"warning: of \d of 8 tables only samples were verified: public\.", rehearsed().out)
    repl.run("verify", "--tables", "acc,item")
    assert "were never verified" not in rehearsed().out, "samples are no nothing"
    repl.run("verify")
    assert re.search(r"^verified \d+\.\ds ago: equal \(8 tables, 9900 rows\)$", rehearsed().out, re.M)
    repl.run("verify", "--tables", "acc")
    with sqlite3.connect(repl.dir / "state.db") as state:
        state.execute("update verify_run set ended_at = strftime('%Y-%m-%dT%H:%M:%fZ', ended_at, '-50 hours') "
                      "where options not like 'acc'")
    assert "warning: verified 2d 02h ago" in rehearsed().out, "one table of today leaves the others as they were"
    with target.admin() as c:
        c.execute("set session_replication_role = replica; update acc set bal = bal + 1 where id < 3")
    repl.run("verify", "--tables", "acc", code=3)
    refused = rehearsed(code=3)
    assert "blocker: by the last verify 2 rows differ: public.acc (type: repl verify --repair)" in refused.out
    assert "expected pause" in refused.out and "repl cutover --unverified" in refused.err, "the rehearsal goes on to its end"
    assert "2 rows differ" in repl.run("cutover", "--yes", code=3).err
    assert writes(src)
    out = repl.run("cutover", "--yes", "--unverified").out
    assert "warning: by the last verify 2 rows differ" in out
    repl.run("cutover", "--abort", "--yes")
    repl.run("verify", "--repair", "--tables", "acc")
    repl.run("verify")
    assert re.search(r"^verified \d+\.\ds ago: equal", repl.run("cutover", "--yes").out, re.M)


def test_exec_switches_or_the_fence_is_lifted(repl, following, src):
    """Lifted where the operator has asked for that; how it stands otherwise: test_cutover_state.py."""
    following()
    r = repl.run("cutover", "--yes", "--exec", "echo switching; exit 7", "--exec-failure=lift", code=1)
    assert "exit code 7" in r.err and "is lifted" in r.out
    assert writes(src)
    url = repl.folder / "url"
    r = repl.run("cutover", "--yes", "--exec", f"printf %s \"$REPL_TARGET_URL\" > {url}")
    with psycopg.connect(url.read_text()) as c:
        assert c.execute("select count(*) from acc").fetchone() == (500,)
    assert "heroku config:set" not in r.out
    refused(src, "update acc set bal = 0 where id = 1")


def test_what_to_switch_without_the_password(repl, following, target_cluster):
    following()
    rehearsed = repl.run("cutover", "--dry-run").out
    assert "the day before" in rehearsed and "heroku addons:attach ADDON --as OLD_DATABASE" in rehearsed
    out = repl.run("cutover", "--yes").out
    assert re.search(r"now switch the application to postgres://rds@", out)
    assert out.index("addons:detach DATABASE") < out.index('config:set DATABASE_URL="$REPL_TEST_TARGET"')
    assert target_cluster.password not in out + rehearsed
    assert "then repl cleanup" not in out, "cleanup is not the next thing"


def test_it_asks_on_a_terminal(repl, following, src):
    following()
    code, shown = repl.run_in_terminal("cutover", answer="n\n")
    assert code == 1 and "Switch writes to the source off now?" in shown
    assert writes(src)
    assert "--yes" in repl.run("cutover", code=2).err


def test_it_is_refused_before_it_begins(repl, following, src):
    repl.init()
    assert "repl start" in repl.run("cutover", "--yes", code=3).err
    repl.start()
    repl.wait_phase("following")
    repl.run("pause", "public.acc")
    r = repl.run("cutover", "--yes", code=3)
    assert "public.acc" in r.err and "repl resume" in r.err
    repl.run("resume", "public.acc")
    repl.wait_phase("following")
    repl.run("pause")
    assert "paused" in repl.run("cutover", "--yes", code=3).err
    assert writes(src)


# What the engine has not seen yet, and what the cutover must see.
ALTERED = (("alter table acc disable trigger repl_update", "public.acc: a trigger of repl's is gone or switched off"),
           ("alter table acc add column more int default 7", "public.acc: the target's table has no column more"),
           ("alter table note alter column v type varchar(99)", "public.note: column v is character varying(99) on the source"),
           ("drop trigger repl_insert on item", "public.item: a trigger of repl's is gone"))


@pytest.mark.parametrize("ddl,said", ALTERED)
def test_what_was_altered_a_moment_ago_is_seen(repl, following, src, ddl, said):
    repl.init()
    repl.configure(survey_ms=3600000)
    following()
    src.execute(ddl)
    for option in ("--dry-run", "--yes"):
        r = repl.run("cutover", option, code=3)
        assert said in r.err and "fence:" not in r.out, r
    assert writes(src)


@pytest.mark.parametrize("ddl, says", [
    ("alter table acc add column more int default 7", "the target's table has no column more"),  # by the last sync
    ("create table made_meanwhile(id int primary key)", "tables of the source were made, altered or dropped"),  # behind it
])
def test_what_is_altered_while_it_is_under_way_is_seen(repl, following, src, ddl, says):
    repl.init()
    repl.configure(survey_ms=3600000)
    following()
    p = repl.start_in_background("cutover", "--yes", env={"REPL_PAUSE_AT": "cutover.prepared:1500"})
    eventually(lambda: "a sync takes" in (repl.folder / "background-cutover.log").read_text(), what="it is prepared")
    src.execute(ddl)
    assert p.wait(60) == 3
    said = (repl.folder / "background-cutover.log").read_text()
    assert says in said and "the fence is lifted" in said
    assert writes(src)


def test_what_is_not_replicated_is_named(repl, following, src):
    src.execute("create table left_out(id int primary key); create unlogged table quick(id int primary key)")
    following("--exclude", "left_out")
    src.execute("create table made_since(id int primary key); create table parts(id int) partition by range (id);"
                "create table parts_1 partition of parts for values from (1) to (9); insert into left_out select generate_series(1, 7)")
    named = {"public.left_out", "public.made_since", "public.parts"}
    for option in ("--dry-run", "--yes"):
        out = repl.run("cutover", option).out
        assert set(re.findall(r"warning: (\S+) is not replicated and stays open for writes", out)) == named
        assert "fence: " not in out or out.index("public.made_since is not") < out.index("fence: "), "before"
    src.execute("insert into left_out values (8)")
    refused(src, "insert into quick values (1)")


def test_large_objects_and_materialized_views(repl, following, src, dst):
    src.execute("create materialized view sums as select sum(bal) as s from acc")
    big = "x" * 2_500_000
    oid = src.execute("select lo_from_bytea(0, %s::bytea)", (big.encode(),)).fetchone()[0]
    empty = src.execute("select lo_create(0)").fetchone()[0]
    following()
    src.execute("update acc set bal = bal + 1000 where id = 1")
    assert "large objects: 2 copied" in repl.run("cutover", "--yes").out
    assert bytes(dst.execute("select lo_get(%s)", (oid,)).fetchone()[0]) == big.encode()
    assert bytes(dst.execute("select lo_get(%s)", (empty,)).fetchone()[0]) == b""
    assert dst.execute("select s from sums").fetchone() == dst.execute("select sum(bal) from acc").fetchone()
    repl.run("cutover", "--abort", "--yes")
    src.execute("select lo_put(%s, 5, 'changed')", (oid,))
    assert "large objects: 1 copied" in repl.run("cutover", "--yes").out
    assert bytes(dst.execute("select lo_get(%s, 0, 12)", (oid,)).fetchone()[0]) == b"xxxxxchanged"


def test_status_without_an_engine_knows_the_fence(repl, following, src):
    following()
    repl.run("cutover", "--yes")
    repl.stop()
    status = repl.status()
    assert status["phase"] == "fenced" and "cutover --abort" in status["next"]
    repl.start()
    repl.wait_phase("fenced")
    repl.stop()
    repl.run("cutover", "--abort", "--yes")
    assert repl.status()["phase"] == "stopped"
    assert writes(src)


def test_cleanup_behind_the_fence(repl, following, src):
    following()
    repl.run("cutover", "--yes")
    repl.stop()
    repl.run("cleanup", "--yes", "--reopen-source")
    src.execute("update acc set bal = 0 where id = 1")
    assert src.execute("select count(*) from pg_proc p join pg_namespace n on n.oid = pronamespace where nspname = 'repl'").fetchone() == (0,)
