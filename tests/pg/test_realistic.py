"""One schema as it grows in ten years on Heroku, from there to RDS: everything that pg_dump says of the one side it says of
the other; and a target whose schema the application's own migrations made."""
import glob
import os
import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).parent
EXTENSIONS = ("citext", "hstore", "pgcrypto", "ltree", "uuid-ossp", "pg_trgm", "unaccent", "btree_gin", "btree_gist", "fuzzystrmatch",
              "intarray", "tablefunc", "cube", "seg", "isn", "dict_int", "lo", "tcn", "tsm_system_rows")


def tool(name):
    """The newest that is installed."""
    found = [os.path.join(d, name) for d in [*glob.glob("/usr/lib/postgresql/*/bin"), *os.environ["PATH"].split(":")]]
    def version(path):
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
        return int(re.search(r"\(PostgreSQL\) (\d+)", said)[1])
    return max((path for path in found if os.access(path, os.X_OK)), key=version)


def described(side, views=True):
    """What pg_dump says of each object but repl's: name, kind and schema -> its statements; those of views on request."""
    text = subprocess.run([tool("pg_dump"), "--schema-only", "--no-owner", "--no-acl", "--no-publications", "-N", "repl", "-d", side.uri],
                          capture_output=True, text=True, check=True).stdout
    entries = {}
    for entry in re.split(r"\n--\n(?=-- Name: )", text)[1:]:
        head, body = entry.split("\n--\n", 1)
        body = re.sub(r"\n--\n-- PostgreSQL database dump complete.*", "", body, flags=re.S)
        body = re.sub(r"^SET default_\w+ = .*;$", "", body, flags=re.M).strip()
        # A mark that servers keep for themselves, and an older release of pg_dump shows.
        body = re.sub(r"\n?ALTER TABLE [^\n]* SET \(pg_attver=\d+\);", "", body)
        if " repl_" not in head:
            entries[head] = body if views or "VIEW;" not in head else ""
    return entries


def provide(src_admin):
    """What the provider has done before the customer came."""
    src_admin.execute("create schema heroku_ext; grant usage on schema heroku_ext to public")
    for name in EXTENSIONS:
        src_admin.execute(f'create extension if not exists "{name}" schema heroku_ext cascade')
    src_admin.execute("""comment on extension citext is 'a comment of the provider'; comment on schema heroku_ext is 'of the provider';
        do $$ begin execute format('alter database %I set search_path = "$user", public, heroku_ext', current_database()); end $$;
        create function public.noted() returns event_trigger language plpgsql as 'begin end';
        create event trigger noted on ddl_command_end execute function public.noted();
        create publication everything for all tables""")


def realistic(src):
    text = (HERE / "realistic.sql").read_text(encoding="utf-8")
    if src.info.server_version < 140000:  # bodies that the server parses came with 14
        text = re.sub(r"begin atomic; (.*?); end;", r"as '\1';", text)
    src.execute(text)


def test_everything_comes_over(repl, source, target, src, src_admin, dst, dst_admin, equal):
    provide(src_admin)
    realistic(src)
    checked = repl.run("check", "--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET", code=None, at=False).out
    assert "CREATE ROLE app" in checked  # a policy names it
    repl.init(code=1)
    with target.admin() as c:
        c.execute("create role app")
    try:
        moved(repl, source, target, src, src_admin, dst, dst_admin, equal)
    finally:
        with target.admin() as c:
            c.execute("drop owned by app; drop role app")


def moved(repl, source, target, src, src_admin, dst, dst_admin, equal):
    before = described(source)
    said = repl.init().out
    for word in ("EVENT TRIGGER - noted", "PUBLICATION - everything", "search_path"):
        assert word in said, said
    repl.start()
    repl.wait_phase("following")
    src.execute("update account set name = name || '!' where folded like '%%7'; insert into billing.line select id, 2, 'y' from billing.invoice")
    repl.kick()
    equal()
    assert described(source) == before
    # A view's text is the server's own, and differs between some major versions.
    same = src.info.server_version // 10000 == dst.info.server_version // 10000
    here, there = described(source, views=same), described(target, views=same)
    left_out = {name: text for name, text in here.items() if there.get(name) != text}
    assert {re.sub(r"; Schema.*", "", name) for name in left_out} == {"-- Name: noted; Type: EVENT TRIGGER", "-- Name: EXTENSION citext; Type: COMMENT"}
    assert not set(there) - set(here)
    assert not dst_admin.execute("select from pg_event_trigger").fetchall() and not dst_admin.execute("select from pg_publication").fetchall()
    # Owners and grants stay behind.
    assert {r[0] for r in dst_admin.execute("select distinct relowner::regrole::text from pg_class c join pg_namespace n on n.oid = relnamespace "
                                            "where nspname in ('public', 'billing')").fetchall()} == {"rds"}
    assert not dst_admin.execute("select from pg_class where relname = 'account' and relacl is not null").fetchall()
    # It works there, not only looks so.
    dst.execute("set search_path = public, heroku_ext; insert into account (mail, name) values ('new@x.org', 'Zoë')")
    assert dst.execute("select billing.total(id), billing.last_invoice(id), fold(name) from account where mail = 'NEW@x.org'::heroku_ext.citext").fetchone() == \
        (None, None, "zoe")
    for view in ("richest", "over_totals", "grand", "tree", "totals"):
        dst.execute(f"select * from {view}")


def test_a_difference_is_found(source, target, src, dst):
    """The comparison itself can fail."""
    src.execute("create table t(id int primary key, v text default 'a'); create index on t(v)")
    dst.execute("create table t(id int primary key, v text default 'b'); create index on t(v) where id > 0")
    here, there = described(source), described(target)
    assert {name.split(";")[0] for name in here if here[name] != there.get(name)} == {"-- Name: t", "-- Name: t_v_idx"}


MIGRATED = """
create table author(id int primary key, name text not null, mail text unique);
create table book(id int primary key, author int not null references author on delete cascade, title text, isbn text unique, n int);
create index book_title on book(title); create index book_n on book(n); create index book_lower on book(lower(title));
create table page(book int references book deferrable initially deferred, no int, body text, prev int, primary key (book, no),
  foreign key (book, prev) references page);
create table noted(id int generated always as identity primary key, what text);
create function note() returns trigger language plpgsql as 'begin insert into noted(what) values (tg_op); return null; end';
create trigger note after insert or update or delete on book for each row execute function note();
"""


def test_a_schema_of_the_applications_own(repl, src, src_admin, dst, dst_admin, equal, source, target):
    """Indexes, foreign keys and triggers are there before the rows; many workers copy in any order, then it follows."""
    src.execute(MIGRATED)
    src.execute("""alter table book disable trigger note;
        insert into author select g, 'a' || g, 'm' || g from generate_series(1, 3000) g;
        insert into book select g, 1 + g % 3000, 't' || g, 'i' || g, g from generate_series(1, 30000) g;
        insert into page select g, 1, repeat('p', 50), null from generate_series(1, 30000) g; insert into page select g, 2, 'q', 1 from generate_series(1, 9000) g;
        alter table book enable trigger note""")
    dst.execute(MIGRATED.replace("title text, isbn text unique, n int", "n int, isbn text unique, title text"))
    before = described(target)
    checked = repl.run("check", "--no-schema", "--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET", at=False).out
    assert "(5 on 2 tables" in checked and "book_lower" in checked and "3 foreign keys" in checked and "DROP INDEX" in checked, checked
    repl.init("--no-schema", "--jobs", "4")
    repl.configure(chunk_min_bytes=65536, chunk_max_bytes=262144)
    repl.start()
    repl.wait_phase("following")
    src.execute("""update book set isbn = 'x' || isbn where id <= 1000; update book set isbn = substr(isbn, 2) where id <= 1000;
        delete from page where book in (select id from book where author in (7, 9)); delete from author where id = 7;
        insert into author values (5000, 'late', 'late'); insert into book values (50000, 5000, 'late', 'late', 0); insert into page values (50000, 1, 'x', 1)""")
    repl.kick()
    equal()
    assert described(target) == before
    assert dst.execute("select count(*) from noted").fetchone() == src.execute("select count(*) from noted").fetchone(), "a trigger fired for repl's rows"
    assert dst_admin.execute("select count(*) from pg_statistic where starelid = 'book'::regclass").fetchone()[0] > 0
