"""The steps after the load: indexes, keys, foreign keys, views, statistics. They show what they do, they can die at any
point, and at the end everything is there, once and valid."""
import re

import pytest

import compare
from program import ROOT
from waiting import eventually

POINT = re.compile(r'fault_point\("((?:unit|step)\.[a-z_]+)"\)')

# Large enough that the indexes of one table are units of their own (8 MB); the others are small.
LARGE = """
create table big(id int primary key, v text constraint big_v unique, n numeric, ref int);
create index big_n on big(n, v);
create index big_lower on big(lower(v)) where n > 10;
alter table big cluster on big_n;
create table wide(id bigint primary key deferrable, v text not null, constraint wide_v unique (v) include (id) deferrable initially deferred);
create index wide_id on wide(id desc);
create table small(id int primary key, big int references big, self int references small);
alter table small add constraint kept foreign key (big) references big not valid;
create table odd(id int primary key, during int4range, exclude using gist (during with &&));
comment on constraint small_big_fkey on small is 'kept';
create function tf() returns trigger language plpgsql as 'begin return null; end';
create trigger t after insert on small for each row execute function tf();
create materialized view first as select count(*) n from big;
create view between_ as select * from first;
create materialized view a_second as select n + 1 as n from between_;
create materialized view never as select 1 as one with no data;
create table p(id int, k int, primary key (id, k)) partition by range (id);
create table p1 partition of p for values from (0) to (500);
create table p2 partition of p for values from (500) to (5000) partition by hash (k);
create table p20 partition of p2 for values with (modulus 1, remainder 0);
create index p_k on p(k);
alter table p add foreign key (k) references small;
create table to_p(id int primary key, a int, b int, foreign key (a, b) references p);
insert into big select g, md5(g::text) || repeat('x', 60), g, null from generate_series(1, 120000) g;
insert into wide select g, md5(g::text) || repeat('y', 80) from generate_series(1, 100000) g;
insert into small select g, g, null from generate_series(1, 100) g;
insert into p select g, 1 + g % 100 from generate_series(1, 900) g;
insert into to_p select g, g, 1 + g % 100 from generate_series(1, 900) g;
refresh materialized view first; refresh materialized view a_second;
"""


def points():
    return sorted({m for path in (ROOT / "replicator").rglob("*.c") for m in POINT.findall(path.read_text(encoding="utf-8"))})


def theirs(lines):
    """Grants stay behind, and those of public are what initdb of that version gives."""
    return {line for line in lines if "repl" not in line and not line.startswith(("default acl", "schema public"))}


def finished(repl, src_admin, dst_admin, equal, rows):
    """Everything is there, once, valid, filled and analyzed."""
    repl.kick()
    assert equal() == rows
    assert theirs(compare.catalog(dst_admin)) == theirs(compare.catalog(src_admin))
    assert dst_admin.execute("select n from a_second").fetchone()[0] == dst_admin.execute("select count(*) + 1 from big").fetchone()[0]
    assert not dst_admin.execute("select relispopulated from pg_class where relname = 'never'").fetchone()[0]
    missing = dst_admin.execute("""select relname from pg_class c where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace
        and relname not in ('odd') and not exists (select from pg_statistic where starelid = c.oid)""").fetchall()
    assert not missing, "no statistics"


ROWS = 120000 + 100000 + 100 + 900 + 900


def test_everything_is_made_and_told(repl, src, src_admin, dst, dst_admin, equal):
    src.execute(LARGE)
    repl.init("--jobs", "3")
    repl.start(wait=False)
    steps, not_ready = set(), []

    def ready():
        if not repl.dir.exists():
            return False
        s = repl.status()
        step = s["step"]
        if step is not None:
            assert 0 <= step["units_done"] <= step["units_total"]
            steps.add(step["name"])
            for unit in step["running"]:
                assert unit["fraction"] is None or 0 <= unit["fraction"] <= 1
        if s["phase"] != "following":
            return False
        not_ready.extend(dst_admin.execute("select relname from pg_class c where relname in ('big', 'wide', 'first', 'p') and "
                                           "not exists (select from pg_statistic where starelid = c.oid)").fetchall())
        return True
    eventually(ready, every=.02, what="following")
    assert not not_ready, "told to be ready before the statistics were there"
    assert "indexes" in steps
    log = repl.engine_tail(10**6)
    for index in ("big_pkey", "big_v", "big_n", "big_lower", "wide_pkey", "wide_v", "wide_id"):
        assert re.search(rf"info +index public\.{index}: begun \([0-9.]+ MB of rows\)", log), log
        assert re.search(rf"info +index public\.{index}: done in ", log)
        assert log.index(f"index public.{index}: begun") < log.index(f"index public.{index}: done")
    # Within one table, several at a time: the last of big's began before the first had ended.
    began = [log.index(f"index public.big_{i}: begun") for i in ("pkey", "v", "n", "lower")]
    ended = [log.index(f"index public.big_{i}: done") for i in ("pkey", "v", "n", "lower")]
    assert sorted(began)[1] < min(ended)
    assert "foreign key small_big_fkey of public.small: done" in log
    assert re.search(r"^ *step", repl.run("status").out, re.M) is None  # it is over
    finished(repl, src_admin, dst_admin, equal, ROWS)


def test_progress_of_an_index_build(repl, src, dst, target, equal):
    """What pg_stat_progress_create_index says stands in status: of a build that waits halfway, for a lock of the test's."""
    src.execute("create function slow(id int) returns int language plpgsql immutable as "
                "'begin if id = 20000 then perform pg_catalog.pg_advisory_xact_lock_shared(5); end if; return id; end'; "
                "create table t(id int primary key, v text); create index t_slow on t(slow(id)); "
                "insert into t select g, repeat('x', 400) from generate_series(1, 30000) g")
    with target.connect() as held:
        held.execute("select pg_advisory_lock(5)")
        repl.init("--jobs", "2")
        repl.start(wait=False)

        def at_work():
            step = repl.status()["step"] if repl.dir.exists() else None
            return step and [u for u in step["running"] if u["what"] == "index public.t_slow" and u["phase"] is not None]
        unit = eventually(at_work, what="its progress is shown")[0]
        assert unit["phase"] == "building index: scanning table" and 0 < unit["fraction"] < 1 and unit["seconds"] > 0
        shown = repl.run("status").out
        assert re.search(r"index public\.t_slow +building index: scanning table +[1-9][0-9]? %", shown), shown
        assert repl.status()["phase"] == "indexing"
    repl.wait_phase("following")
    repl.kick()
    assert equal() == 30000


# The table without key is one chunk, which comes first, and stays with the one worker that has it.
COPIED = "create table first(id int primary key, v text, w int not null); create index first_v on first(v); create unique index first_w on first(w); " \
    "create table last(id int, v text); create index last_v on last(v); create table small(id int primary key); " \
    "insert into first select g, repeat('x', 400), g from generate_series(1, 30000) g; insert into last select g, repeat('y', 200) from generate_series(1, 2000) g"
BUILT = "select array_agg(indexrelid::regclass::text order by 1) from pg_index where indrelid in ('first'::regclass, 'last'::regclass, 'small'::regclass)"


def test_indexes_of_a_copied_table_do_not_wait_for_the_others(repl, src, src_admin, dst, dst_admin, target, equal):
    """While a table is held back the load is not through: what is there has its indexes all the same, also after kill -9."""
    src.execute(COPIED)
    repl.init("--jobs", "2")
    repl.configure(chunk_min_bytes=65536, chunk_max_bytes=4194304)
    with target.connect() as held:
        held.execute("begin; lock table last in share mode")
        repl.start(wait=False, fail_at="unit.index")
        eventually(lambda: repl.engine.poll() is not None, what="it dies in a build")
        assert repl.wait_exit() == -9
        repl.start()
        eventually(lambda: dst.execute(BUILT).fetchone()[0] == ["first_pkey", "first_v", "first_w"], what="its indexes are there")
        assert repl.status()["phase"] == "copying"
    repl.wait_phase("following")
    repl.kick()
    assert equal() == 32000
    assert theirs(compare.catalog(dst_admin)) == theirs(compare.catalog(src_admin))
    log = repl.engine_tail(10**6)
    assert log.index("index public.first_v: done") < log.index("every table is copied") < log.index("indexes are built")


def test_an_early_build_that_fails_stops_no_copy(repl, src, dst, target, equal):
    """It is told, and done again after the copy; then it is an error like others."""
    body = "create or replace function odd(n int) returns int language plpgsql immutable as "
    src.execute(COPIED + f"; {body} 'begin return n; end'; create index first_odd on first(odd(w))")
    repl.init("--jobs", "2")
    repl.configure(chunk_min_bytes=65536, chunk_max_bytes=4194304)
    dst.execute(f"{body} 'begin raise exception ''not here''; end'")
    with target.connect() as held:
        held.execute("begin; lock table last in share mode")
        repl.start(wait=False)
        eventually(lambda: "it is tried again when every table is copied" in repl.engine_tail(10**6), what="it is told")
        assert repl.status()["phase"] == "copying" and not repl.status()["errors"]
    repl.wait_phase("failed")
    assert dst.execute("select count(*) from last").fetchone()[0] == 2000
    assert any("not here" in e["message"] for e in repl.status()["errors"])
    dst.execute(f"{body} 'begin return n; end'")
    repl.kick()
    repl.wait_phase("following")
    assert equal() == 32000


@pytest.mark.parametrize("point", points())
def test_killed_at(repl, src, src_admin, dst_admin, equal, point):
    few = LARGE.replace("120000", "45000").replace("repeat('x', 60)", "repeat('x', 180)").replace("100000", "1000")
    src.execute(few)
    repl.init("--jobs", "3")
    repl.start(wait=False, fail_at=point)
    eventually(lambda: repl.engine.poll() is not None, timeout=60, what=f"it passes {point}")
    assert repl.wait_exit() == -9, repl.engine_tail()
    repl.start(wait=False, fail_at="unit.done")  # and once more on the way
    eventually(lambda: repl.engine.poll() is not None, timeout=60, what="it dies again")
    assert repl.wait_exit() == -9, repl.engine_tail()
    repl.start()
    repl.wait_phase("following")
    finished(repl, src_admin, dst_admin, equal, ROWS - 120000 - 100000 + 45000 + 1000)


def test_a_broken_index_is_built_anew(repl, src, src_admin, dst, dst_admin, equal):
    """CREATE INDEX CONCURRENTLY that failed leaves one that is not valid; of the same name it would count as there."""
    src.execute("create table t(id int primary key, v int, w int); create index t_v on t(v); create unique index t_w on t(w); "
                "insert into t select g, g, g from generate_series(1, 1000) g")
    repl.init()
    with pytest.raises(Exception, match="(?i)duplicate|could not create unique"):
        dst.execute("insert into t values (1, 1, 1), (2, 1, 1)")
        dst.execute("create unique index concurrently t_w on t(w)")
    dst.execute("truncate t")
    assert dst.execute("select indisvalid from pg_index where indexrelid = 't_w'::regclass").fetchone() == (False,)
    dst.execute("create index t_v on t(v)")  # and one that somebody made by hand
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    assert equal() == 1000
    assert theirs(compare.catalog(dst_admin)) == theirs(compare.catalog(src_admin))
    assert "broken index public.t_w" in repl.engine_tail(10**6)


def test_a_foreign_key_that_the_source_does_not_keep(repl, src, src_admin, dst, dst_admin, equal):
    """Somebody loaded rows with triggers off: the key stays NOT VALID there, and that is said with what to type."""
    src.execute("create table a(id int primary key); create table b(id int primary key, a int constraint b_a references a); "
                "create table c(id int primary key, a int constraint c_a references a); insert into a values (1)")
    src_admin.execute("set session_replication_role = replica; insert into b values (1, 1), (2, 77); insert into c values (1, 1)")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    assert equal() == 4
    assert dict(dst.execute("select conname, convalidated from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace").fetchall()) == {"b_a": False, "c_a": True}
    said = repl.run("log").out
    assert "b_a of public.b does not hold" in said and "ALTER TABLE public.b VALIDATE CONSTRAINT b_a" in said
    src.execute("delete from b where a = 77")
    repl.kick()
    dst.execute("alter table b validate constraint b_a")


def test_functions_that_rely_on_search_path(repl, src, src_admin, dst, dst_admin, equal):
    """As immutable_unaccent() on Heroku: the body names an extension's function without its schema."""
    src_admin.execute("create schema heroku_ext; grant usage on schema heroku_ext to public; create extension citext schema heroku_ext; "
                      "do $$ begin execute format('alter database %I set search_path = ''$user'', public, heroku_ext', current_database()); end $$")
    src.execute("set search_path = public, heroku_ext; "
                "create function fold(t text) returns text language plpgsql immutable "
                # From 17 on the server itself builds indexes without a search_path.
                + ("set search_path = heroku_ext " if max(src.info.server_version, dst.info.server_version) >= 170000 else "")
                + "as 'begin return lower(t::citext::text); end'; "
                "create table t(id int primary key, v text); create index t_fold on t(fold(v)); insert into t values (1, 'A'); "
                "create materialized view m as select fold(v) f from t")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    assert equal() == 1
    assert dst_admin.execute("select count(*) from pg_indexes where indexname = 't_fold'").fetchone()[0] == 1
    assert dst_admin.execute("select f from m").fetchone()[0] == "a"
