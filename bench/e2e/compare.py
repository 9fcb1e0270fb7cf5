"""Both sides, every row of every table, byte for byte."""
import hashlib
import threading

PINNED = """set bytea_output = 'hex'; set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres'; set timezone = 'UTC';
set extra_float_digits = 3; set client_encoding = 'UTF8'"""

# A table's columns, and the order in which its rows are read: by primary key, else by the whole row.
TABLES = """select format('%I.%I', n.nspname, c.relname),
       (select string_agg(format('t.%I', a.attname), ', ' order by a.attname)
          from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
       coalesce((select string_agg(format('t.%I', a.attname), ', ' order by k.n)
                   from pg_index i, unnest(i.indkey) with ordinality k(attnum, n), pg_attribute a
                  where i.indrelid = c.oid and i.indisprimary and a.attrelid = c.oid and a.attnum = k.attnum),
                't::text collate "C"')
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p') and not c.relispartition and n.nspname not in ('repl', 'information_schema')
   and n.nspname !~ '^pg_' order by 1"""


def digest(connection, columns, table, order):
    """(rows, hash) of what COPY says the table holds."""
    h, rows = hashlib.sha256(), 0
    with connection.cursor() as cursor, cursor.copy(f"copy (select {columns} from {table} t order by {order}) to stdout") as data:
        for block in data:
            h.update(block)
            rows += 1  # a message a row
    return rows, h.digest()


def compare(source, target, source_db, target_db):
    """Returns ({table: rows}, [what differs])."""
    found = {}

    def read(side, server, database):
        try:
            with server.connect(database) as c:
                c.execute(PINNED)
                tables = c.execute(TABLES).fetchall()
                found[side] = {t: digest(c, columns, t, order) for t, columns, order in tables}
                found[side]["sequences"] = (0, c.execute("select array_agg((schemaname, sequencename, last_value)::text order by 1, 2)"
                                                         " from (select * from pg_sequences where schemaname <> 'repl'"
                                                         " order by 1, 2) s").fetchone())
        except Exception as e:
            found[side] = {"error": (0, repr(e))}

    sides = [threading.Thread(target=read, args=a) for a in (("source", source, source_db), ("target", target, target_db))]
    for t in sides:
        t.start()
    for t in sides:
        t.join()
    s, t = found["source"], found["target"]
    wrong = [f"{name}: {s.get(name, 'missing')} on the source, {t.get(name, 'missing')} on the target"
             for name in sorted(s.keys() | t.keys()) if s.get(name) != t.get(name) or name == "error"]
    return {name: rows for name, (rows, _) in s.items() if name != "sequences"}, wrong
