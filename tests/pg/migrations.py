"""Random migrations of an application's schema, for test_migrations.py. Each goes to both sides, to each at a time of its own,
in the order of its table. What DDL itself makes of values (a volatile default, USING) is not captured and not in here."""
import re

import psycopg

from background import Background
from waiting import eventually

TABLES = """
create schema shop;
create table plain(id int not null unique, other int not null unique, v text, n int, constraint pk1 primary key (other, id));
create table shop.two(id int not null unique, other int not null unique, v varchar(20), n int, constraint pk2 primary key (id, other));
create table parted(id int, at int, v text, n int, primary key (id, at)) partition by range (at);
create table parted_0 partition of parted for values from (0) to (100);
create table parted_1 partition of parted for values from (100) to (200);
create table keyless(v text, n int);
create table give(n int primary key); create table take(n int primary key);
"""
ALONE = ("give", "take")  # which no migration comes near: they show whether the target is consistent
# What the application sees when its statements and its migrations meet, whether repl is there or not.
OWN = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn, psycopg.errors.DeadlockDetected, psycopg.errors.UniqueViolation,
       psycopg.errors.CheckViolation, psycopg.errors.InvalidSchemaName,
       psycopg.errors.SerializationFailure)  # a row that moves to another partition meanwhile
WIDER = {"int": "bigint", "bigint": "numeric", "varchar(20)": "text"}


class Table:
    """What it looks like once all of its migrations are made, and how far each side is."""

    def __init__(self, schema, name, columns, unique, pk, parts=()):
        self.columns, self.unique, self.pk, self.parts = dict(columns), list(unique), pk, list(parts)
        self.where = {"source": (schema, name), "target": (schema, name)}
        self.steps, self.done = [], {"source": 0, "target": 0}
        self.gone = False

    def behind(self, side):
        return self.done[side] < len(self.steps)


def first_tables():
    ids = {"id": "int", "other": "int", "v": "text", "n": "int"}
    return [Table("public", "plain", ids, ["id", "other"], "pk1"),
            Table("shop", "two", {**ids, "v": "varchar(20)"}, ["id", "other"], "pk2"),
            Table("public", "parted", {"id": "int", "at": "int", "v": "text", "n": "int"}, ["id"], None, ["parted_0", "parted_1"]),
            Table("public", "keyless", {"v": "text", "n": "int"}, [], None)]


class Migrations:
    """Makes up migrations, and makes them on one side or the other."""

    def __init__(self, rnd, log):
        self.rnd, self.log, self.tables, self.number = rnd, log, first_tables(), 2
        self.schemas = {side: {"public": "public", "shop": "shop"} for side in ("source", "target")}
        self.shops, self.shop = [], {"source": 0, "target": 0}
        self.copied = False  # before that the target has no keys and indexes yet

    def name(self, what):
        self.number += 1
        return f"{what}{self.number}"

    # ---- what there is to do

    def invent(self):
        live = [t for t in self.tables if not t.gone]
        t = self.rnd.choice(live)
        kinds = [self.add, self.add, self.drop, self.rename, self.rename_column, self.rename_column, self.retype, self.retype, self.move]
        if not self.copied:
            pass
        elif t.parts:
            kinds += [self.part, self.part, self.attach, self.attach, self.unpart]
        elif t.unique:
            kinds += [self.another_key, self.another_key, self.drop_key_column]
        kinds += [self.drop_table] if len(live) > 4 else [self.create] if len(live) < 6 else []
        if self.rnd.random() < .05:
            self.shops.append(self.name("shop"))
        else:
            self.rnd.choice(kinds)(t)

    def free(self, t):
        return [c for c in t.columns if c not in t.unique and c not in ("n", "at")]

    def add(self, t):
        name, kind = self.name("c"), self.rnd.choice(("int", "text"))
        t.columns[name] = kind
        default = self.rnd.choice(("", "default 7", "not null default 3") if kind == "int" else ("", "default 'd'"))
        t.steps.append(f"alter table {{t}} add column {name} {kind} {default}")

    def drop(self, t):
        if self.free(t):
            name = self.rnd.choice(self.free(t))
            del t.columns[name]
            t.steps.append(f"alter table {{t}} drop column {name}")

    def rename_column(self, t):
        was, name = self.rnd.choice(self.free(t) + t.unique or ["n"]), self.name("r")
        if was != "n":
            t.columns = {name if c == was else c: kind for c, kind in t.columns.items()}
            t.unique = [name if c == was else c for c in t.unique]
            t.steps.append(f"alter table {{t}} rename column {was} to {name}")

    def retype(self, t):
        columns = [c for c, kind in t.columns.items() if kind in WIDER and c != "at"]
        if columns:
            name = self.rnd.choice(columns)
            t.columns[name] = WIDER[t.columns[name]]
            t.steps.append(f"alter table {{t}} alter column {name} type {t.columns[name]}")

    def rename(self, t):
        name = self.name("t")
        t.steps.append((f"alter table {{t}} rename to {name}", None, name))

    def move(self, t):
        schema = self.rnd.choice(("public", "shop"))
        t.steps.append((f"alter table {{t}} set schema {{{schema}}}", schema, None))

    def another_key(self, t):
        parts = [f"drop constraint {t.pk}"] if t.pk else []
        t.pk = self.name("pk") if not t.pk or self.rnd.random() < .7 else None
        if t.pk:
            parts.append(f"add constraint {t.pk} primary key ({', '.join(self.rnd.sample(t.unique, self.rnd.randint(1, len(t.unique))))})")
        t.steps.append(f"alter table {{t}} {', '.join(parts)}")

    def drop_key_column(self, t):
        """A primary key with it goes too."""
        if len(t.unique) > 1:
            name = t.unique.pop(self.rnd.randrange(len(t.unique)))
            del t.columns[name]
            drop = f"drop constraint {t.pk}, " if t.pk else ""
            t.pk = None
            t.steps.append(f"alter table {{t}} {drop}drop column {name}")

    def part(self, t):
        name, i = self._next_part(t)
        t.steps.append(f"create table {{public}}.{name} partition of {{t}} for values from ({i}00) to ({i}99)")

    def attach(self, t):
        name, i = self._next_part(t)
        t.steps.append({side: f"create table {{public}}.{name} (like {{t}} including all);{rows} alter table {{t}} attach partition "
                              f"{{public}}.{name} for values from ({i}00) to ({i}99)"
                        for side, rows in (("target", ""), ("source", f"insert into {{public}}.{name}({t.unique[0]}, at, n) "
                                                            f"select g, {i}00 + g, g from generate_series(1, 50) g;"))})

    def _next_part(self, t):
        name = self.name("parted_")
        t.parts.append(name)
        return name, self.number

    def unpart(self, t):
        if len(t.parts) > 1:
            t.steps.append(f"drop table {{public}}.{t.parts.pop(self.rnd.randrange(len(t.parts)))}")

    def drop_table(self, t):
        if not t.parts:
            t.gone = True
            t.steps.append("drop table {t}")

    def create(self, _):
        name, pk = self.name("t"), self.name("pk")
        t = Table("public", name, {"id": "int", "other": "int", "v": "text", "n": "int"}, ["id", "other"], pk)
        t.steps.append(f"create table {{t}}(id int not null unique, other int not null unique, v text, n int, constraint {pk} primary key (other, id))")
        self.tables.append(t)

    # ---- doing it

    def pending(self):
        found = [(t, side) for t in self.tables for side in t.done if t.behind(side)]
        return found + [(None, side) for side, n in self.shop.items() if n < len(self.shops)]

    def advance(self, t, side, connection):
        schemas = self.schemas[side]
        if t is None:
            new = self.shops[self.shop[side]]
            self._run(side, connection, f"alter schema {schemas['shop']} rename to {new}")
            schemas["shop"] = new
            self.shop[side] += 1
            return
        step = t.steps[t.done[side]]
        text, schema, name = step if isinstance(step, tuple) else (step[side] if isinstance(step, dict) else step, None, None)
        at = t.where[side]
        self._run(side, connection, text.format(t=f"{schemas[at[0]]}.{at[1]}", **schemas))
        t.where[side] = (schema or at[0], name or at[1])
        t.done[side] += 1

    def _run(self, side, connection, sql):
        """An application's migration goes through whatever repl does; it may have to be tried again among its own sessions, and
        on a target where the key of a partition is there and not yet attached to that of the table. Of a table that has just
        joined the key may be there already, with what else the source's had."""
        self.log.write(f"{side}: {sql}\n")
        self.log.flush()

        def done():
            try:
                connection.execute(sql)
            except (psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable):
                return False
            except psycopg.errors.InvalidTableDefinition as e:
                assert side == "target" and "multiple primary keys" in str(e), sql
                key = re.search(r"add constraint (\w+) primary key", sql)
                return key and connection.execute("select 1 from pg_constraint where conname = %s", (key[1],)).rowcount
            return True

        eventually(done, timeout=60, what=sql)


COLUMNS = """select format('%%I.%%I', n.nspname, c.relname), array_agg(quote_ident(a.attname) order by a.attnum),
       array_agg(format_type(a.atttypid, null) order by a.attnum)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
 where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^(pg_|information_schema|repl)' and c.relname <> all(%s)
   and a.attnum > 0 and not a.attisdropped group by c.oid, n.nspname, c.relname order by random() limit 1"""


class Application(Background):
    """Writes to whatever tables there are, in a session that keeps its plans, until it is told to stop."""

    def __init__(self, side, rnd):
        self.side, self.rnd, self.wrong, self.count = side, rnd, [], 0
        super().__init__()

    def live(self):
        with self.side.connect() as c:
            while not self.stopping.wait(.004):
                try:
                    self._one(c)
                    self.count += 1
                except psycopg.Error as e:
                    context = e.diag.context or ""
                    if not isinstance(e, OWN) or "repl" in context:
                        self.wrong.append(f"{e!r} {context}")

    def _value(self, kind):
        return "'v' || (random() * 900)::int" if kind in ("text", "character varying") else "(random() * 400)::int"

    def _one(self, c):
        table, names, kinds = c.execute(COLUMNS, (list(ALONE),)).fetchone()
        what = self.rnd.random()
        if what < .5:
            c.execute(f"insert into {table}({', '.join(names)}) select {', '.join(map(self._value, kinds))} "
                      f"from generate_series(1, {self.rnd.choice((1, 3, 20))}) on conflict do nothing")
        elif what < .8:
            i = self.rnd.randrange(len(names))
            c.execute(f"update {table} set {names[i]} = {self._value(kinds[i])} where n::int % 41 = {self.rnd.randrange(41)}")
        elif what < .99:
            c.execute(f"delete from {table} where n::int % 17 = {self.rnd.randrange(17)}")
        else:
            c.execute(f"truncate {table}")
        if self.rnd.random() < .2:
            with c.transaction():
                c.execute("insert into give select coalesce(max(n), 0) + 1 from give")
                c.execute("insert into take select max(n) from give")
