"""Keys of every type that can be one, in the first copy and behind it: they are made, changed, swapped, rewritten as an
equal value of other bytes, deleted and made again. At the end both sides are equal in every byte."""
import pytest

TYPES = """
create extension citext;
create collation folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
create type mood as enum ('sad', 'it''s "ok"', 'ünï', 'happy', 'none');
create domain code as text check (value <> 'never');
create domain folded_code as citext;
create domain amount as numeric(12, 2);
create domain amount_of as amount check (value is not null);
create type pair as (n double precision, t text);
create type span as range (subtype = numeric);
"""

# Type -> four values, and another spelling of the second: equal to it, or the value itself where there is none.
KEYS = {
    "bigint": ("-9223372036854775808", "0", "1", "9223372036854775807", None),
    "text": ("''", "E'tab\\t new\\n \\\\ ''\"'", "'\\N'", "'ünï'", None),
    'text collate "C"': ("'a'", "'B'", "'A'", "repeat('long ', 400)", None),
    "text collate folded": ("'a'", "'BB'", "'ß'", "'d'", "'bb'"),
    "varchar(5)": ("''", "'a'", "'a '", "'ünïcö'", None),
    "char(5)": ("''", "'ab'", "'c d'", "'ünïcö'", "'ab   '"),
    "name": ("''", "'a'", "'A'", "'ü'", None),
    "citext": ("'a'", "'Bb'", "'É'", "'d'", "'bB'"),
    "code": ("''", "'a'", "'A'", "'ü'", None),
    "folded_code": ("'a'", "'Bb'", "'c'", "'d'", "'bB'"),
    "uuid": ("'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
             "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12'", None),
    "numeric": ("'NaN'", "1.50", "-0.0001", "1e100", "1.5000"),
    "numeric(12, 4)": ("'NaN'", "1.5", "-0.0001", "99999999.9999", None),
    "amount": ("0", "1.25", "-1.25", "'NaN'", None),
    "amount_of": ("0", "1.25", "-1.25", "9999999999.99", None),
    "double precision": ("'NaN'", "0", "5e-324", "'-Infinity'", "'-0'"),
    "real": ("'NaN'", "0", "1e-45", "'Infinity'", "'-0'"),
    "timestamptz": ("'infinity'", "'2024-03-31 01:59:59.999999+01'", "'-infinity'", "'0044-03-15 12:00+00 BC'", None),
    "timestamp": ("'infinity'", "'2024-03-31 02:30'", "'-infinity'", "'294276-12-31 23:59:59.999999'", None),
    "date": ("'infinity'", "'2024-02-29'", "'-infinity'", "'4713-01-01 BC'", None),
    "timetz": ("'00:00+15'", "'12:00+00'", "'12:00-08'", "'24:00-15'", None),
    "interval": ("'0'", "'1 mon'", "'-1 day'", "'1 mon 00:00:00.000001'", "'30 days'"),
    "mood": ("'sad'", "'it''s \"ok\"'", "'ünï'", "'happy'", None),
    "bytea": ("'\\x'", "'\\x00ff5c0a'", "'\\x00'", "decode(repeat('ab', 2000), 'hex')", None),
    "inet": ("'10.0.0.1/8'", "'10.0.0.1'", "'::1'", "'2001:db8::/32'", None),
    "cidr": ("'10.0.0.0/8'", "'10.0.0.0/9'", "'::/0'", "'2001:db8::/32'", None),
    "macaddr": ("'00:00:00:00:00:00'", "'08:00:2b:01:02:03'", "'08:00:2b:01:02:04'", "'ff:ff:ff:ff:ff:ff'", None),
    "bit varying": ("b''", "b'0'", "b'00'", "b'1'", None),
    "jsonb": ("'null'", "'{\"a\": 1.0}'", "'[]'", "'\"ü\"'", "'{\"a\": 1.00}'"),
    "pair": ("'(,)'::pair", "'(0,\"x y\")'::pair", "'(NaN,)'::pair", "'(1,\"\")'::pair", "'(-0,\"x y\")'::pair"),
    "double precision[]": ("'{}'", "'{0,null}'", "'[0:1]={0,1}'", "'{NaN}'", "'{-0,null}'"),
    "span": ("'empty'", "'[1.0,2)'", "'(,)'", "'[2,)'", "'[1.00,2.0)'"),
    "int4range": ("'empty'", "'[1,3)'", "'(,)'", "'[3,)'", None),
    "oid": ("0", "1", "2147483648", "4294967295", None),
    "pg_lsn": ("'0/0'", "'0/1'", "'1/0'", "'FFFFFFFF/FFFFFFFF'", None),
    "tsvector": ("''", "'a'", "'b:1A'", "'ünï'", None),
}


def make(src):
    """Of each type a table with it as the key, and one with it as the last of three columns of the key, whose order is
    not that of the columns, and as a unique value beside it."""
    src.execute(TYPES)
    for n, (kind, (a, b, c, _, _)) in enumerate(KEYS.items()):
        src.execute(f"create table one{n} (v text, id {kind} primary key);"
                    f"create table three{n} (id {kind}, v text, u {kind} not null unique, x text, y int, primary key (x, y, id))")
        for y, value in enumerate((a, b, c)):
            src.execute(f"insert into one{n} values ('v', {value}); insert into three{n} values ({value}, 'v', {value}, 'x', {y})")


# {t} is a table, {a} to {d} its values (there is none of {d} yet), {e} the second one spelled otherwise.
ROUNDS = {
    "other values": ["update {t} set v = v || '.'"],
    "moved": ["update {t} set id = {d} where id = {a}"],
    "moved back": ["update {t} set id = {a} where id = {d}"],
    "there and back": ["update {t} set id = {d} where id = {c}", "update {t} set id = {c} where id = {d}"],
    "swapped": ["update {t} set id = {d} where id = {a}", "update {t} set id = {a} where id = {b}", "update {t} set id = {b} where id = {d}"],
    "spelled otherwise": ["update {t} set id = {e} where id = {b}"],
    "spelled otherwise and back": ["update {t} set id = {e} where id = {b}", "update {t} set id = {b} where id = {b}"],
    "deleted and made again": ["create temp table kept on commit drop as select * from {t} where id = {b}",
                               "delete from {t} where id = {b}", "update kept set id = {e}, v = 'again'", "insert into {t} select * from kept"],
    "copied": ["create temp table kept on commit drop as select * from {t} where id = {a}", "delete from {t}",
               "insert into {t} select * from kept"],
    "emptied": ["delete from {t}"],
}
UNIQUE = ["update {t} set u = {d} where id = {a}", "update {t} set u = {a} where id = {b}", "update {t} set u = {b} where id = {a}",
          "update {t} set u = {e} where id = {a}"]


def change(src, statements, names=("one", "three")):
    for n, (a, b, c, d, e) in enumerate(KEYS.values()):
        for name in names:
            with src.transaction():
                for statement in statements:
                    src.execute(statement.format(t=f"{name}{n}", a=a, b=b, c=c, d=d, e=e or b))


def test_made_twice(repl, src, equal):
    """Rows that are not on the target yet, made, deleted and made again in another spelling of the same key."""
    make(src)
    change(src, ["delete from {t}"])
    repl.init()
    repl.start()
    repl.wait_phase("following")
    change(src, ["insert into {t} (id, v) values ({e}, 'once')", "delete from {t}", "insert into {t} (id, v) values ({b}, 'twice'), ({a}, '')"],
           ["one"])
    change(src, ["insert into {t} values ({e}, 'once', {e}, 'x', 1)", "delete from {t}", "insert into {t} values ({b}, 'twice', {b}, 'x', 1)"],
           ["three"])
    repl.kick()
    assert equal() == 3 * len(KEYS)


def test_followed(repl, src, equal):
    """Every round is a batch of its own."""
    make(src)
    repl.init()
    repl.start()
    repl.wait_phase("following")
    equal()
    change(src, UNIQUE, ["three"])
    repl.kick()
    equal()
    for name, statements in ROUNDS.items():
        change(src, statements)
        repl.kick()
        rows = equal()
        print(f"{name}: {rows} rows")
        assert (rows == 0) == (name == "emptied")


@pytest.mark.parametrize("by_key", [0, 1])
def test_copied_while_they_change(repl, src, equal, by_key):
    """The first copy leaves out what changed, and the first batch brings it, all rounds at once; and again behind it."""
    make(src)
    repl.init()
    repl.configure(chunk_by_key=by_key, chunk_min_bytes=8192)
    rounds = [statements for name, statements in ROUNDS.items() if name not in ("copied", "emptied")]
    for statements in rounds:
        change(src, statements)
    repl.start()
    repl.wait_phase("following")
    assert equal() == 6 * len(KEYS)
    change(src, sum(rounds[:-1], []))
    repl.kick()
    assert equal() == 6 * len(KEYS)


def test_deltas_beyond_a_batch(repl, src, equal):
    """The same in steps, whose ranges of deltas cut between spellings of one key."""
    make(src)
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.stop()
    repl.configure(batch_rows=100, step_rows=100)
    for name, statements in ROUNDS.items():
        if name not in ("copied", "emptied"):
            change(src, statements)
    repl.start()
    repl.kick()
    repl.wait_phase("following")
    assert equal() == 6 * len(KEYS)
