"""verify: what is planted is found and named, what moves is no false alarm, and what is repaired is equal."""
import os
import pathlib
import re
import subprocess

import pytest

from cluster import server_bin
from comparing import followed, found, plant, verify
from waiting import eventually

EVERYTHING = (pathlib.Path(__file__).parent / "everything.sql").read_text(encoding="utf-8")


# ---- what there is to find

def test_everything_is_equal_and_counted(repl, src, target):
    src.execute(EVERYTHING)
    followed(repl)
    report = verify(repl)
    assert report["result"] == "equal" and report["differences"] == [] and report["unsettled"] == 0
    assert {t["state"] for t in report["tables"]} == {"compared"}
    rows = {(t["schema"], t["name"]): t["rows"] for t in report["tables"]}
    for (schema, name), n in rows.items():
        only = "" if name == "event" else "only"
        assert n == src.execute(f'select count(*) from {only} {quoted(schema)}.{quoted(name)}').fetchone()[0], name
    assert {(n["what"], n["count"]) for n in report["not_compared"]} == {
        ("generated columns", 1), ("materialized views", 2)}
    assert report["network_bytes"] == 0, "equal rows went over the network"


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


PLANTED = [
    ("update shop.product set photo = set_bit(photo, 3, 1 - get_bit(photo, 3)) where sku = 'sku-7'",
     ("shop.product", "different", "sku=sku-7", "photo")),
    ("update shop.product set price = price + 0.01 where sku = 'sku-9'",
     ("shop.product", "different", "sku=sku-9", "price")),
    ("update shop.product set data = '{\"b\":1,\"a\":[1,2]}' where sku = 'sku-10'",
     ("shop.product", "different", "sku=sku-10", "data")),
    ("delete from shop.line where \"order\" = 7 and no = 1", ("shop.line", "missing", "order=7, no=1", None)),
    ("insert into shop.line values (9000, 1, 'sku-1', 1)", ("shop.line", "extra", "order=9000, no=1", None)),
    ("update shop.by_uuid set v = null where id = md5('3')::uuid",
     ("shop.by_uuid", "different", "id=eccbc87e-4b5c-e2fe-2830-8fd9f2a7baf3", "v")),
    ("update shop.by_time set v = 'x' where id = 'infinity'",
     ("shop.by_time", "different", "id=infinity, zone=z", "v")),
    ("update shop.by_numeric set v = 'x' where id = 'NaN'", ("shop.by_numeric", "different", "id=NaN", "v")),
    ("update shop.by_numeric set id = 1.0 where id = 1", ("shop.by_numeric", "different", "id=1.00000000000000000000", "id")),
    ("update shop.by_enum set v = v + 1 where m = 'ok' and b = '\\x05'",
     ("shop.by_enum", "different", "m=ok, b=\\\\x05", "v")),
    ("update shop.by_unique set v = 'w' where a = 10", ("shop.by_unique", "different", "b=0, a=10", "v")),
    ("update shop.event set v = 'x' where id = 100 and kind = 0",
     ("shop.event", "different", "id=100, at=2023-05-20 00:00:00+00, kind=0", "v")),
    ("delete from only shop.animal where id = 3", ("shop.animal", "missing", "id=3", None)),
    ("update shop.customer set home = row('street 5', 6) where id = 5",
     ("shop.customer", "different", "id=5", "home")),
    ("update \"Odd Schema.1\".\"Tab\"\"le ü %s\" set \"%(x)s\" = 1 where \"Key col\" = 4",
     ("Odd Schema.1.Tab\"le ü %s", "different", "Key col=4, k.2=k\\t'\"4", "%(x)s")),
    ("update shop.wide set big = left(big, -1) || 'z' where id = 11", ("shop.wide", "different", "id=11", "big")),
    ("insert into shop.empty values (1, 'x')", ("shop.empty", "extra", "id=1", None)),
    ("insert into shop.no_key values (1, 'dup', '{\"x\":  1}')",
     ("shop.no_key", "extra", "(the table has no key)", None)),
    ("update shop.nullable_unique set b = 'w' where a = 5",
     ("shop.nullable_unique", "extra", "(the table has no key)", None)),
]


def test_what_is_planted_is_found_named_and_repaired(repl, src, target, equal):
    src.execute(EVERYTHING)
    followed(repl)
    plant(target, *[s for s, _ in PLANTED])
    # Two rows that changed places: every column's sum is as before.
    plant(target, "update shop.wide w set small = 23 - small where id in (11, 12)",
          "select setval('shop.invoice', 1007)")
    expected = [x for _, x in PLANTED] + [
        ("shop.nullable_unique", "missing", "(the table has no key)", None),
        ("shop.wide", "different", "id=12", "small"), ("shop.invoice", "sequence", "the target is behind", None)]
    expected.remove(("shop.wide", "different", "id=11", "big"))
    expected.append(("shop.wide", "different", "id=11", "big, small"))
    report = verify(repl, code=3)
    assert report["result"] == "differences"
    assert found(report) == sorted(expected, key=str)
    assert all(d["source"] is None and d["target"] is None for d in report["differences"])

    text = repl.run("verify", "--again", code=3).out
    assert "shop.wide: id=11; columns big, small" in text and "next: repl verify --repair" in text

    shown = verify(repl, "--show-values", "--tables", "shop.by_unique", code=3)
    assert [(d["source"], d["target"]) for d in shown["differences"]] == [("v=v", "v=w")]

    repaired = verify(repl, "--repair")
    assert repaired["result"] == "equal" and len(repaired["differences"]) == len(expected)
    # A key that is spelled differently is the same key to the merge, which does not touch it.
    assert all(d["repaired"] for d in repaired["differences"]), [d for d in repaired["differences"] if not d["repaired"]]
    assert repaired["repaired"] == len(expected)
    assert verify(repl)["result"] == "equal"
    equal()


ODD_KEYS = """
create table by_float (id float8 primary key, v text);
create table by_pair (p pair primary key, v text);
create table by_words (w text collate words primary key, n int, v text);
create table by_char (id char(5) primary key, v "char", m money);
create table by_array (a int[] primary key, r int4range unique, v jsonb);
create table by_place (id int primary key, a text, b numeric, c timestamptz);
create table by_column (id int primary key, x int, y int, v text, w text);
create table by_bits (id bit varying(20), n name, v interval, primary key (id, n));
"""


def test_odd_keys_other_orders_of_columns_and_many_ranges(repl, src, dst, target):
    src.execute("create type pair as (a int, b text)")
    src.execute("create collation words (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
    src.execute(ODD_KEYS)
    src.execute("""insert into by_float select g / 8.0, 'v' from generate_series(-300, 300) g where g <> 0;
        insert into by_float values ('-0', 'zero'), ('NaN', 'nan'), ('infinity', 'i'), ('-infinity', 'm');
        insert into by_pair select row(g % 7, 'x,"' || g)::pair, 'v' from generate_series(1, 400) g;
        insert into by_pair values (row(null, null)::pair, 'nulls');
        insert into by_words select initcap('word ' || md5(g::text)), g, 'v' from generate_series(1, 500) g;
        insert into by_char select g, chr(33 + g % 90)::"char", g::money from generate_series(1, 300) g;
        insert into by_array select array[g, null, g % 3], int4range(g * 5, g * 5 + 3), '{}' from generate_series(1, 300) g;
        insert into by_place select g, 'a', g, now() from generate_series(1, 1000) g;
        insert into by_column select g, g, g + 1, 'v' || g, 'w' || g from generate_series(1, 500) g;
        insert into by_bits select g::bit(10), 'n' || g, g * interval '1 min' from generate_series(1, 300) g""")
    # The target's columns stand in another order, with one more.
    dst.execute("create table by_place (c timestamptz, more text, b numeric, id int primary key, a text)")
    followed(repl)
    assert verify(repl, "--range-rows", 7)["result"] == "equal"
    plant(target, "update by_float set id = '0' where id = 0", "update by_pair set v = null where p is null",
          "update by_words set w = upper(w) where n = 77", "delete from by_words where n = 78",
          "update by_place set c = c + interval '1 us' where id = 500", "update by_array set v = '[]' where a[1] = 9",
          "update by_column set x = y, y = x, v = w, w = v where id = 7", "insert into by_bits values ('1', 'x', '1 s')", "update by_char set m = m + 0.01::money where id = '9'")
    report = verify(repl, "--range-rows", 50, code=3)
    one = src.execute("select w from by_words where n = 77").fetchone()[0]
    two = src.execute("select w from by_words where n = 78").fetchone()[0]
    assert found(report) == sorted([
        ("public.by_float", "different", "id=-0", "id"), ("public.by_pair", "different", "p=(,)", "v"),
        ("public.by_words", "different", f"w={one}", "w"), ("public.by_words", "missing", f"w={two}", None),
        ("public.by_column", "different", "id=7", "x, y, v, w"), ("public.by_place", "different", "id=500", "c"), ("public.by_array", "different", "a={9,NULL,0}", "v"),
        ("public.by_bits", "extra", "id=1, n=x", None), ("public.by_char", "different", "id=9    ", "m")], key=str)
    repaired = verify(repl, "--repair", "--range-rows", 50)
    assert repaired["repaired"] == 9 and repaired["result"] == "equal"
    assert verify(repl, "--range-rows", 50)["result"] == "equal"


# ---- under writers

def test_no_false_alarm_under_writers(repl, writers):
    no_false_alarm(repl, writers, rounds=5)


@pytest.mark.slow
def test_no_false_alarm_for_minutes(repl, writers):
    no_false_alarm(repl, writers, rounds=150)


A_THOUSAND = r"""
\set a random(1, 100000)
\set b random(1, 100000)
begin;
update pgbench_accounts set abalance = abalance + 1 where aid = :a;
update pgbench_accounts set abalance = abalance - 1 where aid = :b;
insert into pgbench_history (tid, bid, aid, delta) values (1, 1, :a, 1);
delete from pgbench_history where ctid = any (array(select ctid from pgbench_history limit 1 for update skip locked));
end;
"""


@pytest.mark.slow
def test_no_false_alarm_at_a_thousand_writes_a_second(repl, source, src):
    """For three minutes, one comparison after the other; each must end, too."""
    seconds, rate, program = 180, 300, os.path.join(server_bin(""), "pgbench")
    subprocess.run([program, "-i", "-q", "-s", "1", source.uri], check=True, capture_output=True)
    src.execute("alter table pgbench_history add id bigserial primary key")
    followed(repl)
    script = repl.folder / "writes.sql"
    script.write_text(A_THOUSAND)
    pgbench = subprocess.Popen([program, "-n", "-c", "4", "-j", "2", "-R", str(rate), "-T", str(seconds), "-f", str(script),
                                source.uri], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "PGOPTIONS": "-c synchronous_commit=off"})
    options, reports = [(), ("--range-rows", "500"), ("--jobs", "1", "--range-rows", "5000")], []
    while pgbench.poll() is None:
        report = verify(repl, "--again", *options[len(reports) % len(options)])
        assert report["result"] == "equal" and not report["differences"], report
        reports.append(report)
    out, err = pgbench.communicate()
    assert pgbench.returncode == 0, err
    done = float(re.search(r"tps = ([0-9.]+)", out).group(1)) * 4
    print(f"{done:.0f} writes a second, {len(reports)} comparisons of {sum(r['rows'] for r in reports)} rows, "
          f"{sum(r['unsettled'] for r in reports)} keys not settled")
    assert done >= 1000, "the machine was too busy for this to say anything"
    assert len(reports) >= 10
    repl.kick()
    assert verify(repl, "--again")["unsettled"] == 0


def no_false_alarm(repl, writers, rounds):
    """Writers at full speed, TRUNCATEs and keys that move among them; a row that is planted is found all the same."""
    options = ("--range-rows", "200"), (), ("--jobs", "1", "--range-rows", "37"), ("--table", "acc,item,note")
    followed(repl)
    with writers(writers=4, hold=.2) as w:
        for i in range(rounds):
            before = w.committed
            report = verify(repl, "--again", *options[i % len(options)])
            assert report["result"] == "equal" and not report["differences"], report
            eventually(lambda n=before: w.committed > n, what="the writers go on")
        print(f"{w.committed} transactions")
    repl.kick()
    assert verify(repl, "--again")["unsettled"] == 0


def test_what_is_planted_is_found_under_writers(repl, writers, target, equal):
    followed(repl)
    with writers(writers=3, truncate=False) as w:
        with target.admin() as c:
            c.execute("set session_replication_role = replica")
            # No writer touches these: keys that the workload does not use.
            c.execute("insert into acc values (100000, 1)")
            c.execute("insert into note values (-1, 'extra')")
            c.execute("insert into parent values (-5, 'extra')")
        report = verify(repl, "--range-rows", 300, code=3)
        assert found(report) == [("public.acc", "extra", "id=100000", None), ("public.note", "extra", "k=-1", None),
                                 ("public.parent", "extra", "id=-5", None)]
        report = verify(repl, "--repair", "--range-rows", 300)
        assert report["repaired"] == 3 and len(report["differences"]) == 3
        assert w.committed > 0
    repl.kick()
    equal()


# ---- a part of it, slowly

def test_sample_rate_and_what_is_not_compared(repl, src, dst):
    src.execute("create table t (id int primary key, v text, g int generated always as (id * 2) stored)")
    src.execute("insert into t select g, repeat('v', 100) from generate_series(1, 30000) g; analyze t")
    src.execute("create table other (id int primary key, v int)")
    followed(repl)
    src.execute("create table later (id int primary key)")
    dst.execute("alter table other rename column v to w")
    report = verify(repl, "--sample", "20%", "--range-rows", 100, code=3)
    assert report["ranges"] == 301 and 180 < report["ranges_left_out"] < 290
    assert report["rows"] < 13000
    assert {(t["name"], t["state"]) for t in report["tables"]} == {("t", "compared"), ("other", "skipped")}
    assert "no column v" in [t["reason"] for t in report["tables"] if t["name"] == "other"][0]
    assert {(n["what"], n["count"]) for n in report["not_compared"]} == {
        ("tables that are not in the sync", 1), ("generated columns", 1)}
    slow = verify(repl, "--tables", "t", "--max-rate", "2MB")
    assert slow["seconds"] > slow["bytes"] / 2e6 * .5 and slow["rows"] == 30000
    assert repl.run("verify", "--tables", "nothing", code=1).err
    assert repl.run("verify", "--sample", "0", code=2).err
