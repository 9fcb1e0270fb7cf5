"""The fence of a cutover, as the source's sessions meet it."""
import psycopg
import pytest


def fenced(src):
    return src.execute("select count(*) from repl.fence").fetchone()[0] > 0


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
