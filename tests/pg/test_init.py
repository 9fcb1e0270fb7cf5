"""An init that did not finish is not a sync; a second one does not turn it to another target unasked."""
import re
import signal

import pytest

from program import Repl
from test_crash import of_init, points
from waiting import eventually

TABLES = "create table t(id int primary key, v text); insert into t select g, 'v' from generate_series(1, 500) g; " \
         "create table money(id int primary key, n int); insert into money values (1, 1)"
# What acts on a sync. Each says that the init has not finished, and does nothing.
ACTING = (("start",), ("start", "--detach"), ("kick",), ("kick", "--wait"), ("verify",), ("cutover", "--dry-run"), ("cutover", "--yes"),
          ("add", "public.t"))
UNFINISHED = re.compile("init has not finished|capture is not installed|no engine is running")


@pytest.fixture
def another(tmp_path, source):
    """Another state directory, for the same source or another one."""
    made = []

    def make(target, source=source):
        folder = tmp_path / f"another{len(made)}"
        folder.mkdir()
        made.append(Repl(folder, source.uri, target.uri))
        return made[-1]
    yield make
    for program in made:
        program.close()


def ready(c):
    return c.execute("select ready_at is not null from repl.sync").fetchone()[0]


def refuses(repl, *commands, said=UNFINISHED):
    for command in commands or ACTING:
        refused = repl.run(*command, code=None)
        assert refused.code in (1, 3), (command, refused)
        assert said.search(refused.err) and "repl init" in refused.err or command[0] == "cutover", (command, refused)


def follows(repl, equal):
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    equal()
    repl.stop()


@pytest.mark.parametrize("point", [p for p in points() if of_init(p) and p not in ("init.begun", "init.ready")])
def test_nothing_acts_on_an_init_that_was_killed(repl, src, equal, point):
    src.execute(TABLES)
    repl.init(code=-9, env={"REPL_FAIL_AT": point})
    refuses(repl, *(ACTING if point == "init.captured" else ACTING[::3]))
    status = repl.status()
    assert "repl init" in status["next"], status
    assert "repl init" in repl.run("status").out
    src.execute("update money set n = 2")
    assert "next: repl" in repl.init().out
    assert ready(src)
    src.execute("update money set n = 3")
    follows(repl, equal)


def test_behind_the_mark_it_is_a_sync(repl, src, equal):
    src.execute(TABLES)
    repl.init(code=-9, env={"REPL_FAIL_AT": "init.ready"})
    assert ready(src)
    follows(repl, equal)


def test_an_init_that_fails_in_the_schema(repl, src, dst_admin, src_admin, equal):
    """What fails there leaves both sides with repl's schema and no table; an engine would have followed nothing, and cut over."""
    src_admin.execute("create schema heroku_ext; grant usage on schema heroku_ext to public; "
                      "create function heroku_ext.bare(text) returns text language sql immutable as 'select $1'; "
                      "grant execute on function heroku_ext.bare(text) to public")
    src.execute("set search_path = public, heroku_ext; create function norm(text) returns text language sql immutable as 'select lower(heroku_ext.bare($1))'; "
                "create table gen(id int not null, name text, n text generated always as (norm(name)) stored);" + TABLES)
    dst_admin.execute("create schema public2; create domain gen as int")  # in the way of the table
    failed = repl.init(code=1)
    assert "so far: both sides have repl's schema" in failed.out and "repl init goes on" in failed.out
    refuses(repl)
    dst_admin.execute("drop domain gen")
    repl.init()
    follows(repl, equal)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM])
@pytest.mark.parametrize("point, stands", [
    ("init.begun", "nothing was changed on either side"), ("init.source_made", "the target is as it was"),
    ("init.both_sides", "both sides have repl's schema"), ("schema.pre_data", "both sides have repl's schema"),
    ("init.captured", "all of the source's are captured")])
def test_a_signal_says_what_stands(repl, src, equal, point, stands, number):
    src.execute(TABLES)
    init = repl.start_in_background("init", "--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET",
                                    env={"REPL_PAUSE_AT": f"{point}:60000"})
    eventually(lambda: f"fault point {point}: waiting" in said(repl), what=f"it comes to {point}")
    init.send_signal(number)
    assert init.wait(30) == 1, said(repl)
    assert re.search(f"init was interrupted: .*{stands}.*\nhint: repl init", said(repl)), said(repl)
    assert not repl.dir.exists() if stands.startswith("nothing") else repl.dir.exists()
    if number == signal.SIGINT:
        repl.init()
        follows(repl, equal)


def said(repl):
    path = repl.folder / "background-init.log"
    return path.read_text() if path.exists() else ""


def test_a_signal_while_a_table_is_locked(repl, src, source):
    src.execute(TABLES)
    with source.connect() as holder:
        repl.init()
        holder.execute("create table late(id int primary key)")
        holder.execute("begin; lock table late in exclusive mode")
        init = repl.start_in_background("init")
        eventually(lambda: "late is locked" in said(repl), what="it waits for the lock")
        init.send_signal(signal.SIGINT)
        assert init.wait(30) == 1
        assert "init was interrupted" in said(repl)


def test_an_empty_state_directory_counts_as_none(repl, src, equal):
    src.execute(TABLES)
    repl.init(code=-9, env={"REPL_FAIL_AT": "init.begun"})
    assert (repl.dir / "state.db").exists()
    where = ("--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET")
    assert "no move has been set up" in repl.run("status", code=1).err
    assert "--source and --target are missing" in repl.run("check", code=2).err
    assert "--source and --target are missing" in repl.run("init", code=2).err
    repl.run("check", *where, "--no-probe")
    assert "nothing of repl is there" in repl.run("cleanup", *where, "--dry-run").out or repl.dir.exists()
    cleaned = repl.run("cleanup", "--yes")
    assert "no init" in cleaned.out and not repl.dir.exists()
    repl.init(code=-9, env={"REPL_FAIL_AT": "init.begun"})
    repl.init()
    follows(repl, equal)


def test_tables_that_join_do_not_undo_the_mark(repl, src, dst, equal):
    """An init for new tables that is killed leaves a sync that runs; its tables are named, and the next init takes them in."""
    src.execute(TABLES)
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.stop()
    src.execute("create table late(id int primary key, v text); insert into late values (1, 'a')")
    for point in ("schema.pre_data", "init.captured", "init.before_ready"):
        repl.run("init", code=-9, env={"REPL_FAIL_AT": point})
        assert ready(src)
        src.execute("update money set n = n + 1; insert into late select max(id) + 1 from late")
        repl.start()
        repl.wait_phase("following")
        repl.kick()
        assert dst.execute("select n from money").fetchone() == src.execute("select n from money").fetchone()
        repl.stop()
    assert "(0 now), nothing to copy" in repl.run("init").out  # the last one came to all but its end
    follows(repl, equal)


def test_tables_that_join_before_the_copy_is_through(repl, src, dst, target, equal):
    """Killed while the first copy is under way: the copy goes on without the table that has joined by half."""
    src.execute(TABLES)
    repl.init()
    src.execute("create table late(id int primary key, v text); insert into late values (1, 'a')")
    repl.run("init", code=-9, env={"REPL_FAIL_AT": "init.captured"})
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    repl.stop()
    repl.run("init")
    follows(repl, equal)


def test_a_second_init_says_that_nothing_is_to_copy(repl, src, equal):
    src.execute(TABLES)
    assert "nothing to copy" not in repl.init().out
    follows(repl, equal)
    assert "2 tables are captured (0 now), nothing to copy" in repl.run("init").out


def test_blockers_are_said_once(repl, src, dst):
    src.execute(TABLES)
    dst.execute("create table t(id int primary key, v text); insert into t values (1, 'x')")
    one = repl.init(code=1)
    assert one.all.count("holds rows already") == 1 and "public.t" in one.err
    dst.execute("create table money(id int primary key)")
    two = repl.init(code=1)
    assert two.all.count("holds rows already") == 1 and two.all.count("blocker: ") == 2 and "2 blockers" in two.err


# ---- which target, which source

def test_a_second_target_is_refused(repl, another, sides, source, target, src, dst, equal):
    src.execute(TABLES)
    repl.init()
    repl.start()
    repl.wait_phase("following")
    _, elsewhere = sides()
    second = another(elsewhere)
    refused = second.init(code=1)
    assert "is being moved to" in refused.err and f"{target.cluster.port}/{target.name}" in refused.err
    assert "--change-target" in refused.err and target.cluster.password not in refused.all
    assert not second.dir.exists()
    checked = second.run("check", "--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET", "--no-probe", code=1)
    assert "is being moved to" in checked.out
    repl.kick()
    assert "works on this sync" in second.init("--change-target", code=1).err  # the first engine is at work
    repl.stop()
    src.execute("update money set n = 7")
    second.init("--change-target")
    refuses(repl, ("start",), ("kick",), ("verify",), said=re.compile("moved to another target by now"))
    second.start()
    second.wait_phase("following")
    second.kick()
    with elsewhere.connect() as c:
        assert c.execute("select n from money").fetchone() == (7,)
        assert c.execute("select count(*) from t").fetchone() == (500,)
    second.stop()
    # And back again: what the first target holds is old, and is not gone on from.
    refused = repl.run("init", code=1)
    assert "is being moved to" in refused.err and f"/{elsewhere.name}" in refused.err
    assert "holds rows already" in repl.run("init", "--change-target", code=1).all
    src.execute("delete from t where id > 300")
    repl.run("init", "--change-target", "--overwrite")
    follows(repl, equal)


def test_a_target_that_was_dropped_and_made_again(repl, src, source, target, equal):
    src.execute(TABLES)
    repl.init()
    follows(repl, equal)
    src.execute("update money set n = 9")
    target.cluster.drop_database(target.name)
    target.cluster.create_database(target.name)
    refuses(repl, ("start",), ("verify",), said=re.compile("does not belong to this sync"))
    assert "the copy begins again" in repl.run("init").out
    follows(repl, equal)


def test_other_urls_take_a_word(repl, another, sides, src, source, target, equal):
    src.execute(TABLES)
    repl.init()
    other_source, other_target = sides()
    repl.environment.update(OTHER_SOURCE=other_source.uri, OTHER_TARGET=other_target.uri, SAME_SOURCE=source.uri, SAME_TARGET=target.uri)
    for option, url in (("--source", "env:OTHER_SOURCE"), ("--target", "env:OTHER_TARGET"), ("--source", "env:SAME_SOURCE")):
        refused = repl.run("init", option, url, code=2)
        assert f"{option} is not the one that" in refused.err and "--replace-url" in refused.err, refused
    with other_source.connect() as c:
        c.execute("create table t(id int primary key, v text)")
    # Nothing of repl's there, then another sync, then a target's tables.
    assert "is not the source that" in repl.run("init", "--source", "env:OTHER_SOURCE", "--replace-url", code=1).err
    third = another(other_target, other_source)
    third.init()
    assert "another sync is installed there" in repl.run("init", "--source", "env:OTHER_SOURCE", "--replace-url", code=1).err
    wrong = repl.run("init", "--source", "env:OTHER_TARGET", "--replace-url", code=1)
    assert "is not the source that" in wrong.err and "SQLSTATE" not in wrong.err
    assert "holds the sync" in repl.run("init", "--target", "env:OTHER_TARGET", "--replace-url", code=1).all  # the third one's
    repl.run("init", "--source", "env:SAME_SOURCE", "--target", "env:SAME_TARGET", "--replace-url")
    follows(repl, equal)


def test_a_source_that_is_a_target(repl, another, sides, src, target):
    """The former target as a source under the same schema: no bare SQL error."""
    src.execute(TABLES)
    repl.init()
    _, third = sides()
    onward = another(third, target)
    refused = onward.init(code=1)
    assert "is that of a target" in refused.all and "--schema" in refused.all and "SQLSTATE" not in refused.all
