"""The fence of a cutover, as the source's sessions meet it."""
import psycopg
import pytest


def state(connection, schema="repl"):
    return connection.execute(f"select state from {schema}.cutover").fetchone()[0]


def fenced(src):
    """Writes are refused now."""
    return src.execute("select closed from repl.cutover_now()").fetchone()[0]


def writes(src):
    """A write goes through, and is captured."""
    src.execute("update acc set bal = bal where id = 1")
    return True


def refused(connection, sql):
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction) as e:
        connection.execute(sql)
    return e.value


def functions(src):
    return src.execute("select proname, prosrc, proconfig, prosecdef from pg_proc where pronamespace = 'repl'::regnamespace order by 1").fetchall()
