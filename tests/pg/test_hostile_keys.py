"""Operators and functions that somebody else offers for the types of a key: they never run as one of repl's roles. Keys are
domains over citext, as many schemas have them; `clerk` may read the tables and, as everybody could before PostgreSQL 15, make
objects in public. All that he makes reports who ran it, and says "not equal" to repl."""
import pytest

from waiting import eventually

SCHEMA = """
create extension citext;
create domain email as citext;
create domain inner_mail as citext check (value <> 'never');
create domain outer_mail as inner_mail;
create table plain (email email primary key, v text);
create table nested (a outer_mail, n int, v text, primary key (a, n));
create table many (id email[] primary key, v text);
create table parts (email email primary key, v text) partition by hash (email);
create table parts_0 partition of parts for values with (modulus 2, remainder 0);
create table parts_1 partition of parts for values with (modulus 2, remainder 1);
insert into plain select 'u' || g || '@x.y', 'v' from generate_series(1, 500) g;
insert into parts select 'u' || g || '@x.y', 'v' from generate_series(1, 500) g;
insert into nested select 'u' || g || '@x.y', g, 'v' from generate_series(1, 500) g;
insert into many select array['u' || g || '@x.y']::email[], 'v' from generate_series(1, 500) g;
"""

# Whatever runs in a session of repl's, or in capture's functions (whose owner is not the one who writes), is noted by the server's log.
OPERATORS = """
create or replace function public.odd(l text, r text, op text) returns boolean language plpgsql stable as $$
begin
    if current_setting('application_name') like 'repl%' or current_user <> session_user then
        raise log 'HOSTILE % as % of %', op, current_user, session_user;
        return false;
    end if;
    return case op when '=' then lower(l) = lower(r) when '<>' then lower(l) <> lower(r) when '<' then lower(l) < lower(r)
           when '<=' then lower(l) <= lower(r) when '>' then lower(l) > lower(r) else lower(l) >= lower(r) end;
end $$;
create function public.citext_hash_extended(l {domain}, seed bigint) returns bigint language plpgsql immutable as $$
begin
    if current_setting('application_name') like 'repl%' or current_user <> session_user then
        raise log 'HOSTILE hash as % of %', current_user, session_user;
    end if;
    return 1;
end $$;
create or replace function public.citext_hash_extended(l citext, seed bigint, more int default 1) returns bigint language plpgsql immutable as $$
begin
    raise log 'HOSTILE hash as % of %', current_user, session_user;
    return 1;
end $$;
"""


def offer(connection, domain):
    """Better matches, by the parser's rules, than citext's own for everything that has the domain on one side."""
    connection.execute(OPERATORS.replace("{domain}", domain))
    for left, right in ((domain, "citext"), ("citext", domain), (domain, domain)):
        for n, op in enumerate(("=", "<>", "<", "<=", ">", ">=")):
            name = f"odd_{left}_{right}_{n}"
            connection.execute(f"create function public.{name}({left}, {right}) returns boolean language sql stable as "
                               f"$$ select public.odd($1::text, $2::text, '{op}') $$")
            connection.execute(f"create operator public.{op} (leftarg = {left}, rightarg = {right}, function = public.{name})")


def hostile_lines(*clusters):
    found = []
    for cluster in clusters:
        with open(cluster.log, encoding="utf-8", errors="replace") as f:
            found += [line for line in f if "HOSTILE" in line and "STATEMENT" not in line]
    return found


@pytest.fixture
def clerk(source, src, src_admin):
    """A role that may read the tables, and make objects in public."""
    src.execute(SCHEMA)
    src_admin.execute("create role clerk login nosuperuser")
    src_admin.execute("grant usage, create on schema public to clerk; grant select, update on all tables in schema public to clerk")
    with source.admin() as c:
        c.execute("set session authorization clerk")
        for domain in ("email", "inner_mail", "outer_mail"):
            offer(c, domain)
        c.execute("create function public.odd_arrays(email[], email[]) returns boolean language plpgsql as "
                  "$$ begin raise log 'HOSTILE array'; return false; end $$")
        c.execute("create operator public.= (leftarg = email[], rightarg = email[], function = public.odd_arrays)")
        yield c
    src_admin.execute("drop owned by clerk; drop role clerk")


@pytest.mark.parametrize("by_key", [False, True], ids=["by block", "by key"])
def test_operators_of_others_do_not_run(repl, clerk, src, source_cluster, target_cluster, equal, by_key):
    """The attack as it was run: a row that was updated was deleted on the target, and all said that all is well."""
    before = len(hostile_lines(source_cluster, target_cluster))
    repl.init()
    repl.configure(chunk_by_key=1 if by_key else 0, chunk_min_bytes=8192, chunk_max_bytes=8192)
    repl.start()
    repl.wait_phase("following")
    for change in (
            "update {t} set v = 'paid' where {k} ~ '^.?u1@x.y'",  # one row: as values
            "update {t} set v = v || '+'",  # all of them: by COPY, and by the hash of keys that did not change
            "delete from {t} where {k} ~ 'u3[0-9]@'"):
        for table, key in (("plain", "email::text"), ("parts", "email::text"), ("nested", "a::text"), ("many", "id::text")):
            src.execute(change.replace("{t}", table).replace("{k}", key))
        repl.kick()
    clerk.execute("update plain set v = 'clerk'; update parts set v = 'clerk' where email::text = 'u2@x.y'; update nested set v = 'clerk'")
    src.execute("update plain set email = ('M' || email::text)::email where email::text ~ 'u4'; update nested set a = ('M' || a::text)::outer_mail")
    repl.kick()
    assert equal() > 1500
    repl.run("verify", "--range-rows", "100")
    assert hostile_lines(source_cluster, target_cluster)[before:] == []


def test_verify_finds_and_repairs(repl, clerk, src, dst, source_cluster, target_cluster, equal):
    """Keys that differ are compared and put into the deltas by the operators of their index alone."""
    repl.init()
    repl.start()
    repl.wait_phase("following")
    before = len(hostile_lines(source_cluster, target_cluster))
    dst.execute("delete from plain where email::text = 'u7@x.y'; update nested set v = 'odd' where n = 9; delete from many where id::text ~ 'u1'")
    repl.run("verify", "--repair", code=None)
    eventually(lambda: _equal(equal), what="repaired")
    assert hostile_lines(source_cluster, target_cluster)[before:] == []


def _equal(equal):
    try:
        return equal()
    except AssertionError:
        return False
