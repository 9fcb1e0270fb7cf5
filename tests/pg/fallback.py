"""What the stories of the way back share."""
import psycopg
import pytest

OWN = ("repl", "repl_back")
REFUSED = [psycopg.errors.ReadOnlySqlTransaction]

# What must not fire, and must not stand in the way, when repl writes at the source: each does something that rows show.
HINDRANCES = """
create table audit(id bigint generated always as identity primary key, what text);
create function audit() returns trigger language plpgsql as $$
begin insert into public.audit(what) values (tg_op || ' ' || tg_table_name); return null; end $$;
create trigger audit after insert or update or delete on acc for each row execute function audit();
create trigger audit_always after update on purse for each row execute function audit();
alter table purse enable always trigger audit_always;
create trigger sleeping before update on note for each row execute function audit();
alter table note disable trigger sleeping;
create rule shadow as on insert to note do also insert into audit(what) values ('rule');
create table chapter(id int primary key, place int unique, title text);
create table page(id int primary key, chapter int not null, text text);
alter table page add constraint strict foreign key (chapter) references chapter on delete restrict;
comment on constraint strict on page is 'a page has a chapter';
create table remark(id int primary key, page int, chapter int, answers int);
alter table remark add constraint on_page foreign key (page) references page;
alter table remark add constraint on_chapter foreign key (chapter) references chapter on delete set null;
alter table remark add constraint thread foreign key (answers) references remark on delete cascade;
create table measure(id int, at int, page int, chapter int, v int, primary key (id, at)) partition by range (at);
alter table measure add constraint of_page foreign key (page) references page on delete cascade;
alter table measure add constraint of_chapter foreign key (chapter) references chapter;
create table measure_1 partition of measure for values from (0) to (100);
create table measure_2 partition of measure for values from (100) to (1000);
create trigger audit_measure after update on measure for each row execute function audit();
alter table measure_2 disable trigger audit_measure;
insert into chapter select g, g, 'c' from generate_series(1, 20) g;
insert into page select g, 1 + g % 20, 'p' from generate_series(1, 200) g;
insert into remark select g, 1 + g % 200, 1 + g % 20, nullif(g / 10, 0) from generate_series(1, 300) g;
insert into measure select g, g, 1 + g % 200, 1 + g % 20, 0 from generate_series(1, 300) g;
"""


def refused(side, sql):
    """A write that meets the fence."""
    with side.connect() as c, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        c.execute(sql)


def without_repl(lines):
    """A catalog (compare.catalog) less what is repl's."""
    return {line for line in lines if " repl" not in line}


def swap_chapters(connection, a, b):
    """Unique values change places in a table that others refer to."""
    places = dict(connection.execute("select id, place from chapter where id in (%s, %s)", (a, b)).fetchall())
    with connection.transaction():
        connection.execute("update chapter set place = -place where id in (%s, %s)", (a, b))
        connection.execute("update chapter set place = %s where id = %s", (places[b], a))
        connection.execute("update chapter set place = %s where id = %s", (places[a], b))
