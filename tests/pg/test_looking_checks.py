"""Checks whose function looks into another table: there is an order in which rows can be written, and it is found."""
import pytest

from background import Load
from test_small import follow
from waiting import eventually

# The table that is looked at comes later by name and number. The second function hides what it reads.
SCHEMA = """create table a_item (id bigserial primary key, code text not null); create table b_unlike (id int primary key, v text);
    create table z_allowed (code text primary key);
    create function ok(c text) returns boolean language {language};
    alter table a_item add check (ok(code)); insert into z_allowed values ('first'); insert into a_item (code) values ('first')"""
PLAIN = SCHEMA.format(language="sql stable as 'select exists (select 1 from public.z_allowed where code = c)'")
HIDDEN = SCHEMA.format(language="""plpgsql stable as $$ declare found_it boolean;
    begin execute 'select exists (select 1 from public.z_' || 'allowed where code = $1)' into found_it using c; return found_it; end $$""")


@pytest.mark.parametrize("schema", [PLAIN, HIDDEN])
def test_both_tables_change_in_one_transaction(repl, source, src, equal, schema):
    src.execute(schema)
    repl.init()
    repl.start()
    repl.wait_phase("following", timeout=15)
    repl.run("status", "--wait", "following", timeout=20)
    with Load(source, """with c as (insert into z_allowed select 'c' || count(*) from z_allowed returning code)
            insert into b_unlike select substr(code, 2)::int, 'v' from c;
            insert into a_item (code) select code from z_allowed order by length(code) desc, code desc limit 1""", pause=0.02) as load:
        for _ in range(5):
            before = load.done
            eventually(lambda: load.done > before + 5, what="the load goes on")
            repl.kick(timeout=20)
    repl.kick()
    equal()
    assert repl.run("log").all.count("this table waits") <= (schema == HIDDEN)  # in the first copy


@pytest.mark.parametrize("schema", [PLAIN, HIDDEN])
def test_and_on_the_way_back(repl, src, dst, same_back, schema):
    src.execute(schema)
    follow(repl)
    repl.run("cutover", "--fallback", "--yes")
    with dst.transaction():
        dst.execute("insert into z_allowed values ('back'); insert into a_item (code) values ('back'); insert into b_unlike values (1, 'v')")
    repl.kick(timeout=30)
    same_back()


def test_what_a_table_never_takes_is_put_aside_alone(repl, src, dst, source, equal):
    """The others of its batch come over, and its row when the target takes it."""
    src.execute(HIDDEN)
    follow(repl, retry_max_ms=1000)
    dst.execute("alter table a_item add constraint odd check (id % 2 = 1 or id < 3)")
    with src.transaction():
        src.execute("insert into a_item (id, code) values (100, 'first'); insert into z_allowed values ('second'); insert into b_unlike values (1, 'v')")
    eventually(lambda: dst.execute("select count(*) from z_allowed").fetchone()[0] == 2 and dst.execute("select count(*) from b_unlike").fetchone()[0] == 1,
               what="the others came over")
    eventually(lambda: [e for e in repl.status()["errors"] if e["table"] == "public.a_item"], what="it is said")
    dst.execute("alter table a_item drop constraint odd")
    repl.kick()
    equal()
