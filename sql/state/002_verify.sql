-- The state file, second layout: what `repl verify` found. SQLite; run once, inside the transaction that raises
-- user_version to 2. Writes: verify_run and what hangs on it. Returns nothing. No parameters.

-- One comparison; ended_at is NULL until it is through. options: what it compares and how, as text; another run with
-- the same text goes on with one that has not ended.
CREATE TABLE verify_run (
    id       integer PRIMARY KEY AUTOINCREMENT,
    began_at text NOT NULL,
    ended_at text,
    options  text NOT NULL,
    result   text,
    seconds  real NOT NULL DEFAULT 0,
    network  integer NOT NULL DEFAULT 0
);

-- What is left out of the comparison, or is no table: one line each, with a count.
CREATE TABLE verify_note (
    run   integer NOT NULL REFERENCES verify_run ON DELETE CASCADE,
    what  text NOT NULL,
    count integer NOT NULL,
    PRIMARY KEY (run, what)
) WITHOUT ROWID;

-- planned_to: the key up to which ranges were cut; planned: all were.
CREATE TABLE verify_table (
    run         integer NOT NULL REFERENCES verify_run ON DELETE CASCADE,
    id          integer NOT NULL,
    schema      text NOT NULL,
    name        text NOT NULL,
    state       text NOT NULL,
    reason      text,
    planned_to  text,
    planned     integer NOT NULL DEFAULT 0,
    ranges      integer NOT NULL DEFAULT 0,
    left_out    integer NOT NULL DEFAULT 0,
    rows        integer NOT NULL DEFAULT 0,
    bytes       integer NOT NULL DEFAULT 0,
    missing     integer NOT NULL DEFAULT 0,
    extra       integer NOT NULL DEFAULT 0,
    different   integer NOT NULL DEFAULT 0,
    repaired    integer NOT NULL DEFAULT 0,
    unsettled   integer NOT NULL DEFAULT 0,
    PRIMARY KEY (run, id)
) WITHOUT ROWID;

-- Ranges that are cut and not compared yet. NULL: from the beginning, to the end.
CREATE TABLE verify_range (
    run      integer NOT NULL REFERENCES verify_run ON DELETE CASCADE,
    relation integer NOT NULL,
    number   integer NOT NULL,
    from_key text,
    to_key   text,
    PRIMARY KEY (run, relation, number)
) WITHOUT ROWID;

-- Keys to look at again: they were moving, or they are owed since they were repaired.
CREATE TABLE verify_key (
    id       integer PRIMARY KEY AUTOINCREMENT,
    run      integer NOT NULL REFERENCES verify_run ON DELETE CASCADE,
    relation integer NOT NULL,
    key      text NOT NULL,
    repaired integer NOT NULL
);
CREATE INDEX verify_key_run ON verify_key (run, id);

-- The first differences of each table.
CREATE TABLE verify_difference (
    id         integer PRIMARY KEY AUTOINCREMENT,
    run        integer NOT NULL REFERENCES verify_run ON DELETE CASCADE,
    relation   integer NOT NULL,
    table_name text NOT NULL,
    kind       text NOT NULL,
    key        text NOT NULL,
    shown      text NOT NULL,
    columns    text,
    source     text,
    target     text,
    repaired   integer NOT NULL DEFAULT 0
);
