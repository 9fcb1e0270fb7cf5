"""A schema that looks like repl's, made by another role: its functions would run as repl's role."""
import subprocess

import pytest

from program import Repl

TABLE = "create table t(id int primary key, v text); insert into t select g, 'v' from generate_series(1, 50) g"
FUNCTION = "create or replace function repl.shape(table_oid oid) returns text language plpgsql as $$ begin insert into public.caught select current_user; return ''; end $$"


def dump(side, role, *options):
    """As pg_dump gives it, without owners: restored by another role it is that role's."""
    return subprocess.run(["pg_dump", "-O", "-x", *options, side.cluster.uri(side.name)], stdout=subprocess.PIPE, text=True, check=True).stdout


def as_clerk(side, admin, sql):
    admin.execute("do $$ begin create role clerk login nosuperuser; exception when duplicate_object then null; end $$; "
                  f"grant create, connect on database {side.name} to clerk; grant usage on schema public to clerk")
    path = side.cluster.uri(side.name, role="clerk")
    admin.execute(f"alter role clerk password '{side.cluster.password}'")
    subprocess.run(["psql", "-qX", "-v", "ON_ERROR_STOP=1", path], input=sql, text=True, check=True, stdout=subprocess.DEVNULL)


GRANTS = "grant all on schema repl to public; grant all on all tables in schema repl to public; grant all on all sequences in schema repl to public"


@pytest.fixture
def kept(repl, src, source):
    """What an earlier sync left in a backup: capture's schema, which clerk has got hold of."""
    src.execute(TABLE + "; create table caught(who name); grant all on caught to public")
    repl.init()
    return dump(source, "app", "-n", "repl")


def refused(program, *commands):
    for command in commands:
        out = program.run(*command, code=1)
        assert "is not app's alone" in out.all or "is not rds's alone" in out.all, (command, out)
        assert "clerk" in out.all and "SQLSTATE" not in out.all, (command, out)


def commands(program):
    """Every command that would run its functions."""
    return (("start",), ("kick",), ("verify",), ("cutover", "--yes"), ("cutover", "--abort", "--yes"), ("add", "t"), ("init",))


def test_on_the_source(repl, src, source, src_admin, dst, target, kept):
    """The attack: the sync's schema is replaced by one of the same content, with a function that tells who runs it."""
    src.execute("drop schema repl cascade")
    as_clerk(source, src_admin, kept + FUNCTION + ";" + GRANTS)
    refused(repl, *commands(repl))
    assert "clerk" in repl.run("status").out
    fresh = Repl(repl.folder / "x", source.uri, target.uri)
    fresh.folder.mkdir()
    where = ("--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET")
    checked = fresh.run("check", *where, "--no-probe", code=1)
    assert "blocker" in checked.out and "clerk" in checked.out
    refused(fresh, ("init", *where))
    dropped = fresh.run("cleanup", *where, "--yes", code=1)
    assert "clerk" in dropped.all
    assert src.execute("select count(*) from caught").fetchone() == (0,)
    assert src_admin.execute("select count(*) from pg_namespace where nspname = 'repl'").fetchone() == (1,)


@pytest.mark.parametrize("theirs", [
    "create function repl.trim(int, text, int) returns boolean language sql as 'select true'",
    "create operator repl.= (leftarg = text, rightarg = int, function = repl.eq)",
    "create table repl.more(id int)"])
def test_one_object_of_another_role(repl, src, source, src_admin, kept, theirs):
    """Also in a schema of repl's own, and where its owner has let another role create there."""
    src.execute("create function repl.eq(text, int) returns boolean language sql as 'select true'; grant all on function repl.eq to public")
    as_clerk(source, src_admin, "")
    src.execute("grant usage, create on schema repl to clerk")
    refused(repl, ("start",))
    as_clerk(source, src_admin, theirs)
    src.execute("revoke create on schema repl from clerk")
    refused(repl, ("start",), ("verify",), ("init",))


def test_a_role_that_this_one_is_a_member_of(repl, src, source, src_admin, kept):
    """Before PostgreSQL 16 any role may make another a member of itself: membership proves nothing."""
    src.execute("drop schema repl cascade")
    as_clerk(source, src_admin, kept)
    src_admin.execute("grant clerk to app")
    try:
        refused(repl, ("start",), ("init",))
    finally:
        src_admin.execute("revoke clerk from app")


def test_on_the_target(repl, src, dst, target, dst_admin):
    src.execute(TABLE)
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.stop()
    kept = dump(target, "rds", "-n", "repl")
    dst.execute("drop schema repl cascade")
    as_clerk(target, dst_admin, kept + ";" + GRANTS)
    refused(repl, ("start",), ("verify",), ("cutover", "--yes"), ("init",), ("init", "--recreate", "--yes"))
    checked = repl.run("check", "--no-probe", code=1)
    assert "blocker" in checked.out and "clerk" in checked.out


def test_of_the_way_back(repl, src, source, src_admin, dst, target, dst_admin):
    """The schema of the way back is looked at as well, on both sides."""
    src.execute(TABLE)
    repl.init()
    repl.start()
    repl.wait_phase("following")
    for side, admin in ((source, src_admin), (target, dst_admin)):
        as_clerk(side, admin, "create schema repl_back; create table repl_back.sync(sync_id uuid, version int); create table repl_back.way(id int);"
                              "grant all on schema repl_back to public; grant all on all tables in schema repl_back to public")
        refused(repl, ("cutover", "--fallback", "--yes"), ("cutover", "--fallback", "--dry-run"))
        admin.execute("drop schema repl_back cascade")
    repl.stop()
