"""Tables that change their names with others: a table is its oid, on both sides, and a name is only a name."""
import pytest

from test_drift import phase_of, reach
from test_small import follow
from waiting import eventually

SWAP = "begin; alter table ev rename to ev_old; alter table ev_new rename to ev; commit"


def table(repl, name):
    return next((t for t in repl.status()["tables"] if t["name"] == name), None)


@pytest.fixture
def synced(repl, src):
    src.execute("create table ev (id bigint primary key, v text); insert into ev select g, 'old' from generate_series(1, 100) g;"
                "create table plain (id int primary key, v text)")
    follow(repl, survey_ms=200)


def prepare_new(src, dst):
    for side in (src, dst):
        side.execute("create table ev_new (id bigint primary key, v text)")
    src.execute("insert into ev_new select g, 'new' from generate_series(1, 300) g")


def test_a_new_table_takes_the_name_on_both_sides(repl, src, dst, equal, synced):
    prepare_new(src, dst)
    src.execute(SWAP)
    dst.execute(SWAP)
    reach(repl, "ev_old", "following")
    eventually(lambda: [e for e in repl.status()["errors"] if e["table"] == "public.ev" and "repl add" in e["hint"]], what="the new one is said")
    src.execute("update ev_old set v = 'moved on' where id < 10; insert into ev values (1000, 'while it is new')")
    repl.run("add", "public.ev")
    reach(repl, "ev", "following")
    src.execute("update ev set v = 'x' where id < 5; insert into ev_old values (2000, 'y'); delete from ev where id = 7")
    repl.kick()
    equal()
    assert dst.execute("select count(*) from pg_index where indrelid = 'ev'::regclass and indisprimary").fetchone()[0] == 1
    repl.stop()
    repl.init()  # once more: it finds everything where it is
    repl.start()
    repl.wait_phase("following")
    src.execute("update ev set v = 'z' where id < 5; update ev_old set v = 'z' where id < 5")
    repl.kick()
    equal()
    assert repl.run("verify", "--json", timeout=60).json()["result"] == "equal"


def test_and_on_the_source_alone(repl, src, dst, equal, synced):
    """Nothing of one comes to the other; add says what to rename on the target."""
    prepare_new(src, dst)
    dst.execute("drop table ev_new")
    src.execute(SWAP)
    reach(repl, "ev_old", "drifted")
    src.execute("update ev_old set v = 'moved on'; update ev set v = 'not yours'; insert into plain values (1, 'x')")
    eventually(lambda: dst.execute("select count(*) from plain").fetchone()[0] == 1, what="others go on")
    assert dst.execute("select distinct v from ev").fetchall() == [("old",)]
    refused = repl.run("add", "public.ev", code=None)
    assert refused.code != 0 and 'ALTER TABLE "public"."ev" RENAME TO "ev_old"' in refused.all.replace("public.ev ", '"public"."ev" '), refused
    dst.execute("alter table ev rename to ev_old")
    reach(repl, "ev_old", "following")
    repl.run("add", "public.ev")
    reach(repl, "ev", "following")
    repl.kick()
    equal()


@pytest.mark.parametrize("first", ["source", "target"])
def test_two_of_the_sync_trade_their_names(repl, src, dst, equal, synced, first):
    """On one side first: their rows look alike, and still none is written to the wrong one. Then on the other."""
    src.execute("create table ev_new (id bigint primary key, v text); insert into ev_new select g, 'other' from generate_series(50, 150) g")
    repl.run("add", "public.ev_new")
    reach(repl, "ev_new", "following")
    repl.kick()
    trade = "begin; alter table ev rename to t; alter table ev_new rename to ev; alter table t rename to ev_new; commit"
    one, other = (src, dst) if first == "source" else (dst, src)
    one.execute(trade)
    src.execute("update ev set v = v || '.'; update ev_new set v = v || '.' where id < 70; delete from ev where id = 60")
    eventually(lambda: phase_of(repl, "ev") == "drifted" and phase_of(repl, "ev_new") == "drifted", what="both wait")
    assert "named" in table(repl, "ev")["error"]
    counts = [dst.execute(f"select count(*) from {t} where v like '%.'").fetchone()[0] for t in ("ev", "ev_new")]
    assert counts == [0, 0]
    refused = repl.run("cutover", "--dry-run", code=None)
    assert refused.code != 0
    other.execute(trade)
    reach(repl, "ev", "following")
    reach(repl, "ev_new", "following")
    repl.kick()
    equal()


def test_a_table_of_the_target_that_was_made_again(repl, src, dst, equal, synced):
    """Under its old name, with its rows: it is that table from then on."""
    repl.stop()
    dst.execute("create table again (like ev including all); insert into again select * from ev; drop table ev; alter table again rename to ev")
    src.execute("update ev set v = 'after' where id < 20")
    repl.start()
    repl.kick()
    equal()
