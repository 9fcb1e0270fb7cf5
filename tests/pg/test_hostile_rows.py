"""Rows of repl's own tables: nobody but the owner gets a right on them, and what stands in them is never executed, whoever wrote it."""
import psycopg
import pytest

from waiting import eventually

SCHEMA = """
create table t (id int primary key, v text);
insert into t select g, repeat('v', 100) from generate_series(1, 3000) g;
create table parts (id int primary key, v text) partition by range (id);
create table parts_0 partition of parts for values from (0) to (5000);
insert into parts select g, 'v' from generate_series(1, 100) g;
"""

# Of everything in repl's schemas: who else has a right, as PostgreSQL itself sees it.
RIGHTS = """
select o.what, o.name, coalesce(r.rolname, 'PUBLIC')
from (select 'schema' as what, n.nspname::text as name, n.nspowner as owner, n.nspacl as acl from pg_namespace n where n.nspname like 'repl%'
      union all select 'relation', c.relname, c.relowner, c.relacl from pg_class c
                where c.relnamespace in (select oid from pg_namespace where nspname like 'repl%')
      union all select 'function', p.proname, p.proowner, coalesce(p.proacl, acldefault('f', p.proowner)) from pg_proc p
                where p.pronamespace in (select oid from pg_namespace where nspname like 'repl%')) o
cross join lateral aclexplode(o.acl) x left join pg_roles r on r.oid = x.grantee
where x.grantee <> o.owner"""


@pytest.fixture
def clerks(source, target, src_admin, dst_admin):
    """On each side a role to whom repl's role grants everything that it makes, and one that may write every table."""
    made = []
    for side, admin in ((source, src_admin), (target, dst_admin)):
        role = side.cluster.role
        admin.execute(f"create role clerk login password '{side.cluster.password}'; create role etl login password '{side.cluster.password}' "
                      "in role pg_write_all_data, pg_read_all_data")
        for kind in ("tables", "sequences", "functions", "schemas"):
            admin.execute(f"alter default privileges for role {role} grant all on {kind} to clerk, public")
        made.append(admin)
    yield
    for admin in made:
        admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename in ('clerk', 'etl')")
        for kind in ("tables", "sequences", "functions", "schemas"):
            admin.execute(f"alter default privileges for role {'app' if admin is src_admin else 'rds'} revoke all on {kind} from clerk, public")
        admin.execute("alter default privileges for role %s grant execute on functions to public" % ("app" if admin is src_admin else "rds"))
        admin.execute("drop owned by clerk; drop owned by etl; drop role clerk; drop role etl")


def test_nobody_gets_a_right(repl, clerks, src, dst, source, target, equal):
    """Default privileges of repl's role, the attack as it was run: the clerk had all of schema repl, and wrote to it."""
    src.execute(SCHEMA)
    repl.init()
    repl.configure(fan_out_rows=500)
    repl.start(pause_at="fan.staged:3000")
    repl.wait_phase("following")
    assert src.execute(RIGHTS).fetchall() == [] and dst.execute(RIGHTS).fetchall() == []
    src.execute("create table later (id int primary key); create table parts_1 partition of parts for values from (5000) to (6000); "
                "insert into later values (1); insert into parts values (5001, 'v')")
    repl.run("add", "later")
    repl.kick()
    src.execute("update t set v = v || '.'")  # by several sessions: through a stage that others can see
    eventually(lambda: dst.execute("select count(*) from pg_class where relname ~ '^stage_[0-9]+$'").fetchone()[0], what="the stage is there")
    assert dst.execute(RIGHTS).fetchall() == []
    repl.kick()
    equal()
    assert src.execute(RIGHTS).fetchall() == [] and dst.execute(RIGHTS).fetchall() == []
    for side in (source, target):
        with psycopg.connect(side.cluster.uri(side.name, role="clerk"), autocommit=True) as c:
            for attempt in ("select * from repl.sync", "insert into repl.relation select * from repl.relation", "select repl.keep_out()"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    c.execute(attempt)
    repl.run("cutover", "--fallback", "--yes")
    assert src.execute(RIGHTS).fetchall() == [] and dst.execute(RIGHTS).fetchall() == []


def as_etl(side):
    """Who may write every table without owning one: what no REVOKE keeps out."""
    return psycopg.connect(side.cluster.uri(side.name, role="etl"), autocommit=True)


INJECTED = "('injected by '||current_user||' on '||inet_server_port())::int"


def test_what_the_target_stores_is_not_run_on_the_source(repl, clerks, src, target, source_cluster, equal):
    """cut.key was pasted into the chunks' queries on the source, and the position into those of the batches."""
    src.execute(SCHEMA)
    with open(source_cluster.log, encoding="utf-8", errors="replace") as f:
        before = len(f.read())
    repl.init()
    repl.configure(chunk_by_key=1, chunk_min_bytes=8192, chunk_max_bytes=8192)
    repl.start(pause_at="chunk.before_commit:300")
    with as_etl(target) as c:
        eventually(lambda: c.execute("select count(*) from repl.chunk").fetchone()[0] > 2, what="chunks are there")
        repl.kill()
        assert c.execute("select count(*) from repl.cut where key is not null").fetchone()[0] > 5
        c.execute("update repl.cut set key = array[%s] where key is not null", (f"1' and {INJECTED} = 1 and '1' = '1",))
        repl.start(wait=False)
        eventually(lambda: "invalid input syntax" in repl.engine_tail() or "injected" in repl.engine_tail(), what="the engine reads them")
        repl.kill()
        c.execute("update repl.cut set key = '{1,2}' where key is not null")  # of no use as bounds: the table is cut again
        repl.start()
        repl.wait_phase("following")
        equal()
        repl.stop()
        c.execute("update repl.position set snapshot = snapshot || %s", (f"') or {INJECTED} = 1 --",))
        src.execute("update t set v = 'after' where id = 1")
        repl.start(wait=False)
        eventually(lambda: "invalid input syntax" in repl.engine_tail().split("following")[-1] or "injected" in repl.engine_tail(), what="it reads the position")
        repl.kill()
    with open(source_cluster.log, encoding="utf-8", errors="replace") as f:
        assert "injected by app" not in f.read()[before:]
    assert "injected by app" not in repl.engine_tail(100000)


def test_delta_tables_are_named_by_numbers(repl, clerks, src, source, equal):
    """relation.delta_a said which table is truncated."""
    src.execute(SCHEMA)
    src.execute("create table precious (xid bigint primary key, k1 int); insert into precious values (1, 1), (2, 2)")
    repl.init("--exclude", "precious")
    repl.configure(rotate_bytes=8192)
    repl.start()
    repl.wait_phase("following")
    with as_etl(source) as c:
        c.execute("update repl.relation set delta_a = 'public.precious', delta_b = 'public.precious'")
    for i in range(5):
        src.execute(f"update t set v = 'r{i}' where id <= 10; update parts set v = 'r{i}' where id <= 10")
        repl.kick()
    src.execute("truncate parts_0")
    repl.kick()
    assert src.execute("select count(*) from precious").fetchone() == (2,)
    equal(only=[("public", "t"), ("public", "parts")])


def test_what_was_switched_off_is_no_statement(repl, following_back, clerks, src, source, same_back):
    """silenced.was was the text of a foreign key, executed by the source's owner on the way back."""
    following_back()
    keys = "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace order by 1, 2"
    before = src.execute(keys).fetchall()
    repl.run("cutover", "--fallback", "--yes")
    repl.wait_phase("following")
    eventually(lambda: src.execute("select count(*) from repl_back.silenced where off and kind = 'dropped'").fetchone()[0] > 3, what="keys are dropped")
    texts = [r[0] for r in src.execute("select attname from pg_attribute where attrelid = 'repl_back.silenced'::regclass and attnum > 0 "
                                       "and atttypid = 'text'::regtype order by 1").fetchall()]
    assert texts == ["kind", "remark"]
    with as_etl(source) as c:
        c.execute("update repl_back.silenced set remark = 'x''; create table public.proof as select current_user; --' where off and kind = 'dropped'")
        with pytest.raises(psycopg.errors.CheckViolation):
            c.execute("update repl_back.silenced set kind = 'x; create table public.proof(); --'")
    repl.run("cutover", "--back", "--yes")
    assert src.execute("select to_regclass('public.proof')").fetchone() == (None,)
    assert src.execute(keys).fetchall() == before
    repl.kick()
    same_back(with_sequences=False)
