"""Strings in the source's schema: none becomes a statement on the target."""
import re

from waiting import eventually


def headers(n, oids):
    """What pg_restore writes in front of an entry, for every number that the next entries may have."""
    return "".join(f"\n--\n-- TOC entry {i} (class {c} OID {oid})\n\n--\n\ncreate role forged_toc login; --" for c, oid in oids for i in n)


def test_a_literal_is_no_entry(repl, src, dst, dst_admin):
    """The attack as it was run: a literal in an index that holds the header of the next one, and in all else that has literals."""
    src.execute("create table a (id int primary key, v text); create table b (id int primary key, v text); "
                "insert into a values (1, 'v'); insert into b values (1, 'v'); create index b_i on b (id)")
    oids = [("1259", oid) for oid, in src.execute("select oid from pg_class where relname in ('a', 'b', 'b_i')").fetchall()]
    forged = headers(range(190, 260), oids[:2]) + headers(range(3180, 3500), oids[-1:])
    literal = "'q" + forged.replace("'", "''") + "'"
    src.execute(f"create index a_i on a (id) where v = {literal}; alter table a add check (v <> {literal}), alter v set default {literal}; "
                f"comment on table a is {literal}; comment on index b_i is {literal}; "
                f"create function f() returns text language sql as $f$ select {literal}::text $f$; "
                f"create view w as select {literal}::text as v; create materialized view m as select {literal}::text as v; "
                "create index zz on b (v)")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    eventually(lambda: repl.status()["phase"] == "following", what="it follows")
    assert not dst_admin.execute("select from pg_roles where rolname ~ 'forged'").fetchall()
    for what in ("select pg_get_indexdef('a_i'::regclass)", "select pg_get_indexdef('zz'::regclass)", "select pg_get_viewdef('w'::regclass)",
                 "select prosrc from pg_proc where proname = 'f'", "select pg_get_expr(adbin, adrelid) from pg_attrdef where adrelid = 'a'::regclass",
                 "select obj_description('a'::regclass), obj_description('b_i'::regclass)", "select v from m"):
        assert src.execute(what).fetchall() == dst.execute(what).fetchall(), what
    assert re.search(r"TOC entry 3200 ", dst.execute("select pg_get_indexdef('a_i'::regclass)").fetchone()[0])
    repl.stop()
