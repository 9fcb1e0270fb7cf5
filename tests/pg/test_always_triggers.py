"""What owners of source tables define runs on the target: triggers that fire for replicated rows, functions that change their owner."""
import pytest

SCHEMA = """
create table acc (id int primary key, v text);
create table parts (id int primary key, v text) partition by range (id);
create table parts_0 partition of parts for values from (0) to (1000);
create table audit (id bigint generated always as identity primary key, what text);
create function note() returns trigger language plpgsql as $$
begin insert into public.audit (what) values (tg_table_name || ' ENABLE ALWAYS TRIGGER ' || tg_argv[0]); return null; end $$;
create trigger always after insert or update on acc for each row execute function note('x ENABLE ALWAYS TRIGGER y');
alter table acc enable always trigger always;
create trigger "Odd ""one" after update on parts for each row execute function note('p');
alter table parts enable always trigger "Odd ""one";
create trigger asleep after update on acc for each row execute function note('never');
alter table acc disable trigger asleep;
create table shadowed (id int primary key);
create rule shadow as on insert to shadowed do also insert into audit (what) values ('rule');
alter table shadowed enable always rule shadow;
create function secret() returns text language sql security definer as 'select current_user::text';
insert into acc values (1, 'v'), (2, 'v');
insert into parts values (1, 'v');
insert into shadowed values (1);
"""

CHANGES = "update acc set v = v || '.'; insert into acc values ({n}, 'v'); update parts set v = v || '.'; insert into shadowed values ({n})"


def enabled(connection):
    return dict(connection.execute("select tgname::text, tgenabled::text from pg_trigger where tgrelid in ('acc'::regclass, 'parts'::regclass) and not tgisinternal "
                                   "and tgname !~ '^repl' union select rulename::text, ev_enabled::text from pg_rewrite where rulename = 'shadow'").fetchall())


def test_replicated_rows_are_not_audited_twice(repl, src, dst, equal):
    """By default the source's ENABLE ALWAYS triggers are ordinary ones on the target; the application fires each once, on either side."""
    src.execute(SCHEMA)
    out = repl.init().all
    assert "public.acc" in out and "trigger always" in out and "--always-triggers keep" in out and "becomes an ordinary one" in out, out
    assert "trigger Odd" in out and "rule shadow" in out and "secret" in out
    repl.start()
    repl.wait_phase("following")
    src.execute(CHANGES.format(n=10))
    repl.kick()
    equal()
    assert enabled(dst) == {"always": "O", 'Odd "one': "O", "asleep": "D", "shadow": "O"}
    assert enabled(src) == {"always": "A", 'Odd "one': "A", "asleep": "D", "shadow": "A"}
    repl.run("cutover", "--fallback", "--yes")
    before = dst.execute("select count(*) from audit").fetchone()[0]
    dst.execute(CHANGES.format(n=11))
    assert dst.execute("select count(*) from audit").fetchone()[0] == before + 3 + 1 + 1 + 1
    repl.kick()
    assert src.execute("select what from audit order by id").fetchall() == dst.execute("select what from audit order by id").fetchall()
    repl.run("cutover", "--back", "--yes")
    assert enabled(src) == {"always": "A", 'Odd "one': "A", "asleep": "D", "shadow": "A"}


def test_they_can_be_kept(repl, src, dst):
    """As they are on the source: they fire for what repl writes too."""
    src.execute(SCHEMA)
    assert "keep or ordinary" in repl.init("--always-triggers=sometimes", code=2).err
    out = repl.init("--always-triggers=keep").all
    assert "fires for replicated rows too" in out and "--always-triggers ordinary" in out
    repl.start()
    repl.wait_phase("following")
    assert enabled(dst) == {"always": "A", 'Odd "one': "A", "asleep": "D", "shadow": "A"}


@pytest.mark.parametrize("how", ["ordinary", "keep"])
def test_check_names_them_before_the_copy(check, src, how):
    src.execute(SCHEMA)
    src.execute("create trigger copy after insert on acc for each row execute function note('r'); alter table acc enable replica trigger copy")
    report = check("--always-triggers", how)
    report.one("triggers", "trigger always", "ordinary", side="source", table="public.acc") if how == "ordinary" else \
        report.one("triggers", "trigger always", "stays so", side="source", table="public.acc")
    report.one("triggers", "ENABLE REPLICA", "trigger copy", side="source", table="public.acc")
    report.one("triggers", "rule shadow", side="source", table="public.shadowed")
    report.one("security definer", "public.secret()", "app", "will run as rds", side="source")
