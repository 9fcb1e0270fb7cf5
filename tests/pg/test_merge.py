"""Batches of more rows than are looked up one by one: whatever their statements find on the target, each row comes."""
import pytest

ROWS = 3000  # of a batch, more than APPLY_FEW_ROWS
TABLES = """create table plain (id bigint primary key, v int);
    create table odd (a text, b int, u int unique deferrable, v text, always int generated always as identity, primary key (b, a));
    create table halves (id int, v int, primary key (id)) partition by range (id);
    create table low partition of halves for values from (minvalue) to (2000);
    create table high partition of halves for values from (2000) to (maxvalue)"""


def fill(src, first=1, last=ROWS):
    src.execute(f"""insert into plain select g, 0 from generate_series({first}, {last}) g;
        insert into odd select 'a' || g % 3, g, g, 'v' from generate_series({first}, {last}) g;
        insert into halves select g, 0 from generate_series({first}, {last}) g""")


def update(src, where="true"):
    src.execute(f"update plain set v = v + 1 where {where}; update halves set v = v + 1 where {where};"
                f"update odd set v = v || 'x' where {where.replace('id', 'b')}")


def all_changed(src):
    update(src)


def one_is_new(src):
    update(src, "id <= 2500")
    fill(src, ROWS + 1, ROWS + 1)


def some_go_and_some_were_never_seen(src):
    update(src, "id > 500")
    src.execute("delete from plain where id <= 500; delete from odd where b <= 500; delete from halves where id <= 500")
    fill(src, 10000, 10500)
    fill(src, 11000, 12000)
    src.execute("delete from plain where id >= 11000; delete from odd where b >= 11000; delete from halves where id >= 11000")


def one_goes_and_one_comes(src):
    update(src, "id > 1")
    src.execute("delete from plain where id = 1; delete from odd where b = 1; delete from halves where id = 1")
    fill(src, ROWS + 1, ROWS + 1)


def unique_values_swap(src):
    update(src)
    with src.transaction():
        src.execute(f"set constraints all deferred; update odd set u = {ROWS + 1} - u")


def rows_move(src):
    src.execute(f"update halves set id = id + {ROWS}; update odd set b = b + {ROWS}, u = u + {ROWS}; update plain set id = id + {ROWS}")


def truncated_and_filled(src):
    with src.transaction():
        src.execute("truncate plain, odd, halves")
        fill(src, 1000, 1000 + ROWS)


def only_deleted(src):
    src.execute("delete from plain; delete from odd; delete from halves")


CHANGES = [all_changed, one_is_new, some_go_and_some_were_never_seen, one_goes_and_one_comes, unique_values_swap, rows_move,
           truncated_and_filled, only_deleted]


@pytest.mark.parametrize("jobs", [3, 1], ids=["by several workers", "by one"])
def test_many_rows_of_every_kind(repl, src, equal, jobs):
    src.execute(TABLES)
    repl.init("--jobs", jobs)
    repl.configure(fan_out_rows=1000)
    repl.start()
    repl.wait_phase("following")
    for change in CHANGES:
        src.execute("truncate plain, odd, halves")
        fill(src)
        repl.kick()
        assert equal() == 3 * ROWS, change.__name__
        change(src)
        repl.kick()
        equal()
    assert not repl.status()["errors"]


def test_rows_that_somebody_took_from_the_target_come_again(repl, src, dst, equal):
    """As many are updated as were staged, but for those that are not there."""
    src.execute(TABLES)
    fill(src)
    repl.init()
    repl.start()
    repl.wait_phase("following")
    dst.execute("delete from plain where id % 100 = 0; delete from halves where id = 1; delete from odd where b = 3000")
    update(src)
    repl.kick()
    assert equal() == 3 * ROWS
