"""What the stories of verify share."""


def followed(repl, *options):
    repl.init(*options)
    repl.start()
    repl.wait_phase("following")
    repl.kick()


def verify(repl, *options, code=0, **how):
    return repl.run("verify", "--json", *options, code=code, **how).json()


def found(report):
    """(table, kind, key, columns) of every difference."""
    return sorted(((d["table"], d["kind"], d["key"], d["columns"]) for d in report["differences"]), key=str)


def plant(target, *statements):
    """As nobody should: on the target, where nothing captures it, and no trigger or foreign key has a say."""
    with target.admin() as c:
        c.execute("set session_replication_role = replica")
        for s in statements:
            c.execute(s)
