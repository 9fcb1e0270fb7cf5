"""A cutover is a state on the source: what is typed behind it, twice, or after a command that failed, goes by it. No row is lost or
overwritten."""
import os
import pty
import signal

import psycopg
import pytest

from fence import refused, state, writes
from waiting import eventually

OLD = "update acc set bal = 7 where id = 1"  # what a forgotten process of the application would do to the source


def completed(repl, following, dst):
    following()
    repl.run("cutover", "--yes")
    dst.execute("update acc set bal = 4711 where id = 1")


def untouched(src, dst):
    """The source refuses, and the application's row at the target is its own."""
    refused(src, OLD)
    assert dst.execute("select bal from acc where id = 1").fetchone() == (4711,)


def test_a_second_cutover_behind_a_complete_one_does_nothing(repl, following, src, dst):
    completed(repl, following, dst)
    for again in ((), ("--timeout", "0.01"), ("--exec", "exit 1"), ("--exec", "exit 1", "--exec-failure=lift"), ("--dry-run",), ("--resume",),
                  ("--resume", "--exec", "exit 1"), ("--terminate", "--unverified")):
        out = repl.run("cutover", "--yes", *again).out
        assert "the cutover is complete since 20" in out and "the target takes writes; nothing to do" in out and "--abort" in out, again
        untouched(src, dst)
    status = repl.status()
    assert status["phase"] == "fenced" and status["cutover"]["state"] == "complete" and "complete" in status["next"]


def test_nothing_is_copied_or_forgotten_behind_a_complete_one(repl, following, src, dst):
    src.execute("select lo_from_bytea(424242, 'from source')")
    completed(repl, following, dst)
    dst.execute("select lo_put(424242, 0, 'FROM TARGET')")
    for way in ((), ("--timeout", "0.01"), ("--dry-run",)):
        assert "copied" not in repl.run("cutover", "--yes", *way).out
    assert bytes(dst.execute("select lo_get(424242)").fetchone()[0]) == b"FROM TARGET"
    assert "1 row of the sync's tables was written" in repl.run("cutover", "--abort", code=2).out
    untouched(src, dst)


def test_it_is_complete_whatever_else_is_down(repl, following, src, dst, target, target_cluster):
    completed(repl, following, dst)
    repl.stop()
    assert "complete since" in repl.run("cutover", "--yes").out, "without an engine"
    target_cluster.stop()
    try:
        assert "complete since" in repl.run("cutover", "--yes").out, "without the target"
        asked = repl.run("cutover", "--abort", code=2)
        assert "cannot be asked what was written there" in asked.out
    finally:
        target_cluster.start()
    dst = target.connect().__enter__()
    status = repl.status()
    assert status["cutover"]["state"] == "complete" and "the application writes at the target" in status["next"]
    (repl.dir / "state.db").rename(repl.dir / "lost.db")
    repl.init()
    assert "complete since" in repl.run("cutover", "--yes").out, "without what the state file knew"
    untouched(src, dst)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM])
def test_a_signal_while_the_command_runs_holds_the_fence(repl, following, src, dst, number):
    following()
    p = repl.start_in_background("cutover", "--yes", "--exec", f"touch {repl.folder}/switched; sleep 60; touch {repl.folder}/end")
    eventually((repl.folder / "switched").exists, what="the command has begun")
    os.kill(p.pid, number)
    assert p.wait(30) == 1
    said = (repl.folder / "background-cutover.log").read_text()
    assert "WRITES TO THE SOURCE STAY OFF" in said and "was the application switched? yes: repl cutover --resume" in said
    refused(src, OLD)
    assert not (repl.folder / "end").exists()
    status = repl.status()
    assert status["phase"] == "fenced" and "was the application switched" in status["next"], status["next"]
    again = repl.run("cutover", "--yes", code=3)
    assert "did not end" in again.err and "--resume" in again.err and "--abort" in again.err
    assert "did not end" in repl.run("cutover", "--dry-run", code=3).err
    refused(src, OLD)
    repl.run("cutover", "--resume")
    assert state(src) == "complete"
    refused(src, OLD)


def test_a_command_that_failed_is_run_again(repl, following, src, dst):
    following()
    tried = repl.folder / "tried"
    r = repl.run("cutover", "--yes", "--exec", f"echo once >> {tried}; exit 9", code=1)
    assert "exit code 9" in r.err and "--resume" in r.err and "WRITES TO THE SOURCE STAY OFF" in r.out
    dst.execute("update acc set bal = 4711 where id = 1")  # it was switched all the same
    r = repl.run("cutover", "--resume", "--exec", f"echo twice >> {tried}; exit 8", code=1)
    assert "exit code 8" in r.err
    untouched(src, dst)
    asked = repl.run("cutover", "--abort", code=2)
    assert "the switch began at" in asked.out and "1 row of the sync's tables was written" in asked.out
    untouched(src, dst)
    repl.run("cutover", "--resume", "--exec", f"printf %s \"$REPL_TARGET_URL\" >> {tried}")
    assert state(src) == "complete" and tried.read_text().startswith("once\ntwice\npostgres://")
    untouched(src, dst)
    assert "nothing to do" in repl.run("cutover", "--resume").out


def test_the_timeout_ends_the_command_with_all_that_it_started(repl, following, src):
    following()
    alive = repl.folder / "alive"
    command = f"(trap '' TERM; while :; do date > {alive}; sleep .05; done) & wait"
    r = repl.run("cutover", "--yes", "--timeout", "2", "--exec", command, code=3)
    assert "was ended after" in r.err and "(--timeout)" in r.err and "WRITES TO THE SOURCE STAY OFF" in r.out
    assert "have been off for" in r.out and "after writes to the source went off" in r.out
    alive.unlink(missing_ok=True)
    src.execute("select pg_sleep(.5)")
    assert not alive.exists(), "something is left of it"
    refused(src, OLD)
    repl.run("cutover", "--abort")
    assert writes(src)


def test_both_times_are_told(repl, following):
    following()
    out = repl.run("cutover", "--yes", "--exec", "sleep 1").out
    line = next(l for l in out.splitlines() if l.startswith("the command of --exec"))
    assert float(line.split("ended after ")[1].split(" s")[0]) >= 1
    assert "have been off for" in out and "after writes to the source went off" in line


def test_two_commands_at_once(repl, following, src):
    """The second one is refused, and changes nothing of the first."""
    following()
    p = repl.start_in_background("cutover", "--yes", env={"REPL_PAUSE_AT": "cutover.drained:3000"})
    eventually(lambda: state(src) == "fenced", what="the first one's fence")
    r = repl.run("cutover", "--yes", code=3)
    assert "a cutover is under way" in r.err and "its command runs" in r.err
    assert p.wait(60) == 0
    assert state(src) == "complete"
    refused(src, OLD)


def test_a_command_that_was_overtaken_does_not_complete(repl, following, src, equal):
    """--abort, and another cutover, while the first one sleeps: it finds out, and leaves theirs alone."""
    following()
    p = repl.start_in_background("cutover", "--yes", env={"REPL_PAUSE_AT": "cutover.checked:4000"})
    eventually(lambda: state(src) == "drained", what="the first one is through with its check")
    repl.run("cutover", "--abort")
    src.execute(OLD)
    assert p.wait(60) == 1
    said = (repl.folder / "background-cutover.log").read_text()
    assert "taken over by another command" in said or "without a break" in said, said
    assert writes(src)
    repl.kick()
    equal()


def test_cleanup_behind_a_cutover_has_to_be_told(repl, following, src, dst, source):
    completed(repl, following, dst)
    repl.stop()
    with source.connect(application_name="forgotten dyno"):
        r = repl.run("cleanup", "--yes", code=2)
        assert "THE SOURCE REFUSES WRITES" in r.out and "nobody captures them" in r.out and "forgotten dyno" in r.out
        assert "--reopen-source" in r.err and "--keep-source-read-only" in r.err
        untouched(src, dst)
        assert "forgotten dyno" in repl.run("cleanup", "--dry-run").out
        repl.run("cleanup", "--emergency", code=2)
        repl.run("cleanup", "--yes", "--reopen-source", "--keep-source-read-only", code=2)
        untouched(src, dst)
    out = repl.run("cleanup", "--yes", "--keep-source-read-only").out
    assert "read-only" in out
    with source.connect() as new:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            new.execute(OLD)
        new.execute("set default_transaction_read_only = off")
        new.execute(OLD)
        new.execute(f'alter database "{source.name}" reset default_transaction_read_only')
    assert dst.execute("select bal from acc where id = 1").fetchone() == (4711,)


def test_cleanup_reopens_the_source_by_the_word(repl, following, src, dst):
    completed(repl, following, dst)
    repl.stop()
    repl.run("cleanup", "--yes", "--reopen-source")
    assert src.execute(OLD).rowcount == 1
    assert "nothing of repl is there" in repl.run("cleanup", "--yes", "--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET").out


def test_cleanup_before_a_switch_needs_no_word(repl, following, src):
    following()
    repl.run("cutover", "--yes", env={"REPL_FAIL_AT": "cutover.drained"}, code=-signal.SIGKILL)
    repl.stop()
    assert "--keep" in repl.run("cleanup", "--yes", "--keep-source-read-only", code=2).err
    repl.run("cleanup", "--yes")
    assert src.execute(OLD).rowcount == 1


def test_back_without_a_way_back(repl, following, src, dst):
    following()
    assert "there is nothing to go back from" in repl.run("cutover", "--back", "--yes", code=1).err
    repl.run("cutover", "--yes")
    r = repl.run("cutover", "--back", "--yes", code=1)
    assert "without --fallback" in r.err and "repl cutover --abort" in r.err


def test_others_do_not_pass_the_fence(repl, following, source, src):
    """A session that knows repl's mark: only sessions of repl's role with it are let through."""
    with source.admin() as a:
        a.execute("create role clerk login password 'clerk'; grant all on all tables in schema public to clerk")
        try:
            following()
            repl.run("cutover", "--yes")
            known = src.execute("select sync_id::text from repl.sync").fetchone()[0]
            with source.connect(user="clerk", password="clerk") as c:
                c.execute(f"set repl.origin = '{known}'")
                refused(c, OLD)
            repl.run("cutover", "--abort", "--yes")
        finally:
            repl.kill()
            a.execute("drop owned by clerk; drop role clerk")


def test_lifting_runs_nothing_that_a_table_holds(repl, following, source, src):
    with source.admin() as a:
        a.execute("create role etl login password 'etl'; grant pg_write_all_data to etl")
        try:
            following()
            repl.run("cutover", "--yes")
            with source.connect(user="etl", password="etl") as c:
                for table in ("fence", "cutover"):
                    for column in ("definition", "why", "mark"):
                        try:
                            c.execute(f"update repl.{table} set {column} = 'create table public.proof as select 1'")
                        except psycopg.Error:
                            pass
            repl.run("cutover", "--abort", "--yes")
            assert src.execute("select to_regclass('public.proof')").fetchone() == (None,)
            assert writes(src)
        finally:
            repl.kill()
            a.execute("drop owned by etl; drop role etl")


def test_ctrl_c_on_a_terminal_is_for_the_command(repl, following, src):
    """The command has the terminal: it can ask there, and Ctrl-C ends it; the fence stays, and repl goes on to say so."""
    following()
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(repl.folder)
        os.execvpe(repl.command()[0], repl.command("cutover", "-D", repl.dir, "--yes", "--exec", "read word; echo \"<$word>\"; sleep 60"),
                   repl.environment)
    shown, typing = b"", [(b"running:", b"typed\n"), (b"<typed>", b"\x03")]
    try:
        while True:
            shown += os.read(terminal, 4096)
            if typing and typing[0][0] in shown:
                os.write(terminal, typing.pop(0)[1])
    except OSError:  # it has ended, and its terminal with it
        pass
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)
    assert code == 1 and b"signal 2" in shown and b"WRITES TO THE SOURCE STAY OFF" in shown, shown.decode()
    refused(src, OLD)
    assert state(src) == "switching"
