"""Tables that are altered while repl runs: nothing is passed over without a word, and nothing is lost."""
from waiting import eventually


def trouble(repl):
    """The errors that status shows, as one text."""
    return " ".join(f"{e['table']}: {e['message']} {e['hint']}" for e in repl.status()["errors"])


def drifted(repl, name="t"):
    """Waits until the table has been left out for what its sides look like."""
    def phase():
        return [t["phase"] for t in repl.status()["tables"] if t["name"] == name] == ["drifted"]
    eventually(phase, what=f"{name} has drifted")


def test_a_column_on_the_source_alone(repl, src, dst, equal):
    """The engine says which column is missing; when the target has it too, it goes on by itself with every value."""
    src.execute("create table t(id int primary key, v text); insert into t select g, 'old' from generate_series(1, 100) g")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    src.execute("alter table t add column more text; update t set more = 'new' where id <= 50")
    drifted(repl)
    repl.wait_phase("following")
    assert "public.t" in trouble(repl) and "more" in trouble(repl) and "ADD COLUMN" in trouble(repl)
    src.execute("insert into t values (101, 'late', 'new')")
    left = repl.run("kick", "--wait", code=3)
    assert "public.t" in left.all and "ADD COLUMN" in left.all
    dst.execute("alter table t add column more text")
    repl.kick()
    equal()
    assert dst.execute("select count(*) from t where more = 'new'").fetchone()[0] == 51
    eventually(lambda: not repl.status()["errors"], what="status forgets what is over")


def test_what_the_hint_says_is_enough(repl, src, dst, equal):
    """With the default: the rows that are there already have it on the source, though no trigger fired for them."""
    src.execute("create table t(id int primary key, v text); insert into t select g, 'old' from generate_series(1, 100) g")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    columns = {"channel": "text not null default 'w' || 'eb'", "at": "timestamp default '2020-02-29'", "n": "serial", "plain": "int"}
    for name, definition in columns.items():
        src.execute(f"alter table t add column {name} {definition}; update t set v = v where id = 7")
        drifted(repl)
        hint = eventually(lambda n=name: next((e["hint"] for e in repl.status()["errors"] if f'ADD COLUMN "{n}" ' in (e["hint"] or "")), None),
                          what="status says what to run")
        dst.execute(hint.removeprefix("on the target: "))
        if name == "n":
            src.execute("update t set v = v")  # its values are the statement's own
        repl.kick()
        equal(with_sequences=False)
    default = "select column_name, column_default, is_nullable from information_schema.columns where column_name in ('at', 'channel')"
    assert src.execute(default).fetchall() == dst.execute(default).fetchall()


def test_a_column_goes_on_both_sides(repl, src, dst, equal):
    src.execute("create table t(id int primary key, gone text, v text); insert into t values (1, 'x', 'y')")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    for side in (src, dst):
        side.execute("alter table t drop column gone")
    src.execute("update t set v = 'z'; insert into t values (2, 'w')")
    repl.kick()
    equal()


def test_altered_while_it_is_copied(repl, src, dst, equal):
    """Chunks of the old shape stand; those of the new one come with the new column."""
    src.execute("create table t(id int primary key, v text);"
                "insert into t select g, repeat('x', 500) from generate_series(1, 20000) g")
    repl.init()
    repl.configure(chunk_min_bytes=200000, chunk_max_bytes=1000000)
    repl.start("--jobs", "1", pause_at="chunk.before_commit:150")
    eventually(lambda: dst.execute("select count(*) from repl.chunk").fetchone()[0] >= 2, what="chunks are copied")
    src.execute("alter table t add column more int not null default 7")
    repl.wait_phase("failed")
    assert "more" in trouble(repl)
    dst.execute("alter table t add column more int not null default 7")
    repl.run("kick")
    repl.wait_phase("following")
    repl.kick()
    equal()
    assert dst.execute("select count(*) from t where more = 7").fetchone()[0] == 20000


def test_another_key(repl, src, dst, equal):
    """The deltas hold values of the old key: the table waits, and goes on where it was once it has that key again."""
    src.execute("create table t(id int primary key, other int not null); insert into t values (1, 1), (2, 2)")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    src.execute("alter table t drop constraint t_pkey, add primary key (other); insert into t values (3, 3)")
    drifted(repl)
    assert '"other"' in trouble(repl) and "ADD PRIMARY KEY" in trouble(repl)
    src.execute("alter table t drop constraint t_pkey, add primary key (id)")
    repl.kick()
    equal()


def test_a_table_without_key_gets_one(repl, src, dst, equal):
    """As the warning of init advises. It is copied whole as before, and nothing stops."""
    src.execute("create table t(id int, v text); insert into t values (1, 'a')")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    src.execute("alter table t add primary key (id); insert into t values (2, 'b')")
    repl.kick()
    equal()
