"""Both sides, every row, byte for byte."""
import hashlib

PINNED = """set bytea_output = 'hex'; set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres'; set timezone = 'UTC';
set extra_float_digits = 3; set xmloption = 'content'; set lc_monetary = 'C';
set client_encoding = 'UTF8'; set row_security = off"""

TABLES = """select n.nspname, c.relname, array(select a.attname::text from pg_attribute a where a.attrelid = c.oid
       and a.attnum > 0 and not a.attisdropped order by a.attnum)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p') and not c.relispartition and n.nspname <> all(%s)
   and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1, 2"""

SEQUENCES = """select schemaname, sequencename, last_value from pg_sequences
 where schemaname <> all(%s) order by 1, 2"""


def quote(name):
    return '"' + name.replace('"', '""') + '"'


def tables(connection, own=("repl",)):
    return {(s, t): cols for s, t, cols in connection.execute(TABLES, (list(own),)).fetchall()}


def rows(connection, table, columns):
    """The rows as COPY text, sorted; columns by name, so that their order does not matter."""
    listed = ", ".join(quote(c) for c in columns)
    with connection.cursor() as cursor:
        with cursor.copy(f"copy (select {listed} from {quote(table[0])}.{quote(table[1])}) to stdout") as data:
            text = b"".join(bytes(block) for block in data)
    return sorted(text.split(b"\n"))


def sequences(connection, own=("repl",)):
    return {(s, n): v for s, n, v in connection.execute(SEQUENCES, (list(own),)).fetchall()}


def difference(name, a, b):
    only_a, only_b = sorted(set(a) - set(b)), sorted(set(b) - set(a))
    return (f"{'.'.join(name)}: {len(a) - 1} rows on the source, {len(b) - 1} on the target; "
            f"only on the source {len(only_a)}: {only_a[:3]}; only on the target {len(only_b)}: {only_b[:3]}")


def compare_all(source, target, only=None, own=("repl",), with_sequences=True, path="pg_catalog"):
    """Compares every table (or those in only, as (schema, name)) and every sequence; returns the number of rows. path: for
    functions of indexes that the server plans with."""
    for c in (source, target):
        c.execute(PINNED)
        c.execute(f"set search_path = {path}")
    try:
        return _compare(source, target, only, list(own), with_sequences)
    finally:
        for c in (source, target):
            c.execute("reset all")


def _compare(source, target, only, own, with_sequences):
    here, there = tables(source, own), tables(target, own)
    if only is not None:
        here = {k: v for k, v in here.items() if k in only}
        assert len(here) == len(only), f"not on the source: {set(only) - set(here)}"
    missing = sorted(set(here) - set(there))
    assert not missing, f"tables that are not on the target: {missing}"
    wrong, count = [], 0
    for table, columns in here.items():
        assert sorted(columns) == sorted(there[table]), f"{table}: columns {columns} and {there[table]}"
        a, b = rows(source, table, columns), rows(target, table, columns)
        count += len(a) - 1
        if a != b:
            wrong.append(difference(table, a, b))
    if with_sequences:
        s, t = sequences(source, own), sequences(target, own)
        wrong += [f"sequence {k}: {v} on the source, {t.get(k, 'none')} on the target"
                  for k, v in s.items() if t.get(k, "none") != v]
    assert not wrong, "the sides differ:\n" + "\n".join(wrong)
    return count


def digest(connection, own=("repl",)):
    """One value for everything that the tables hold."""
    connection.execute(PINNED)
    h = hashlib.sha256()
    for table, columns in tables(connection, own).items():
        h.update(repr(table).encode())
        for row in rows(connection, table, columns):
            h.update(row + b"\n")
    connection.execute("reset all")
    return h.hexdigest()


# What describes a database but its rows: one line an object. For proving that repl leaves no trace, and that the
# schema came over. Internal triggers carry oids in their names and are left out. So is what servers of different
# versions say differently: members of extensions, NOT NULL as a constraint, the qualifiers of columns in views.
CATALOG = r"""
with n as (select oid, nspname, nspacl from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'),
     c as (select * from pg_class where relnamespace in (select oid from n))
select concat_ws(' ', 'schema', nspname, nspacl) from n
union all select concat_ws(' ', 'relation', oid::regclass, relkind, relpersistence, relacl, reloptions, relrowsecurity)
  from c
union all select concat_ws(' ', 'column', c.oid::regclass, attname, format_type(atttypid, atttypmod), attnotnull,
       attidentity, attgenerated, pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, attnum))
  from c join pg_attribute a on a.attrelid = c.oid and attnum > 0 and not attisdropped
  left join pg_attrdef d on (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
union all select concat_ws(' ', 'index', pg_get_indexdef(indexrelid), indisvalid)
  from pg_index where indexrelid in (select oid from c)
union all select concat_ws(' ', 'constraint', nullif(conrelid, 0)::regclass, nullif(contypid, 0)::regtype, conname,
       pg_get_constraintdef(oid), convalidated) from pg_constraint where connamespace in (select oid from n) and contype <> 'n'
union all select concat_ws(' ', 'trigger', pg_get_triggerdef(oid), tgenabled) from pg_trigger where not tgisinternal
union all select concat_ws(' ', 'function', oid::regprocedure, md5(prosrc), prosecdef, proconfig, proacl)
  from pg_proc where pronamespace in (select oid from n)
   and not exists (select from pg_depend where classid = 'pg_proc'::regclass and objid = pg_proc.oid and deptype = 'e')
union all select concat_ws(' ', 'type', oid::regtype, typtype, typnotnull) from pg_type where typnamespace in (select oid from n)
   and not exists (select from pg_depend where classid = 'pg_type'::regclass and objid in (pg_type.oid, typelem) and deptype = 'e')
union all select concat_ws(' ', 'enum', enumtypid::regtype, string_agg(enumlabel, ',' order by enumsortorder))
  from pg_enum group by enumtypid
union all select concat_ws(' ', 'view', oid::regclass, regexp_replace(pg_get_viewdef(oid), '\y\w+\.(?=\w)', '', 'g'), relispopulated)
  from c where relkind in ('v', 'm')
union all select concat_ws(' ', 'rule', pg_get_ruledef(oid))
  from pg_rewrite where rulename <> '_RETURN' and ev_class in (select oid from c)
union all select concat_ws(' ', 'policy', polname, polrelid::regclass) from pg_policy
union all select concat_ws(' ', 'comment', oid::regclass, obj_description(oid, 'pg_class'))
  from c where obj_description(oid, 'pg_class') is not null
union all select concat_ws(' ', 'extension', extname) from pg_extension
union all select concat_ws(' ', 'event trigger', evtname) from pg_event_trigger
union all select concat_ws(' ', 'publication', pubname) from pg_publication
union all select concat_ws(' ', 'default acl', defaclrole::regrole, defaclacl) from pg_default_acl
union all select concat_ws(' ', 'setting', setrole::regrole, setconfig) from pg_db_role_setting
  where setdatabase = (select oid from pg_database where datname = current_database())
"""


def catalog(connection):
    """Every object of the database as a set of lines."""
    connection.execute("set search_path = pg_catalog")
    lines = {r[0] for r in connection.execute(CATALOG).fetchall()}
    connection.execute("reset search_path")
    return lines
