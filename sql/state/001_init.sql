-- The state file, first layout. SQLite; run once, inside the transaction that raises user_version to 1.
-- Writes: setting, mark, status, status_table, event, batch. Returns nothing. No parameters.
-- Nothing here is the truth (the positions stand on the target): losing the file loses convenience alone.
-- Later layouts are new files, 002_*.sql and so on; this one never changes.

-- What init was told: source, target, schema, ... as text.
CREATE TABLE setting (
    key   text NOT NULL PRIMARY KEY,
    value text NOT NULL
) WITHOUT ROWID;

-- Numbers that the state keeps for itself: 'settled' is the last event that is over.
CREATE TABLE mark (
    name  text NOT NULL PRIMARY KEY,
    value integer NOT NULL
) WITHOUT ROWID;

-- What the engine last knew, one row. NULL where it did not know.
CREATE TABLE status (
    id                         integer NOT NULL PRIMARY KEY CHECK (id = 1),
    phase                      text NOT NULL,
    version                    text,
    since                      text,
    lag_seconds                real,
    owed_rows                  integer,
    position                   text,
    copy_bytes_done            integer NOT NULL,
    copy_bytes_total           integer NOT NULL,
    copy_rows_done             integer NOT NULL,
    copy_rate                  real,
    copy_eta                   real,
    batch_at                   text,
    batch_tables               integer NOT NULL,
    batch_rows_upserted        integer NOT NULL,
    batch_rows_deleted         integer NOT NULL,
    batch_bytes                integer NOT NULL,
    batch_seconds              real NOT NULL,
    next                       text,
    consistent                 integer NOT NULL,
    note                       text
);

-- The tables of that status in the order in which they are shown.
CREATE TABLE status_table (
    place        integer NOT NULL PRIMARY KEY,
    id           integer NOT NULL,
    schema       text NOT NULL,
    name         text NOT NULL,
    phase        text,
    rows_copied  integer NOT NULL,
    bytes_copied integer NOT NULL,
    bytes_total  integer NOT NULL,
    owed_rows    integer,
    error        text
);

-- The log. Ids only grow, so that a reader that follows it misses nothing.
CREATE TABLE event (
    id         integer PRIMARY KEY AUTOINCREMENT,
    at         text NOT NULL,
    level      text NOT NULL CHECK (level IN ('error', 'warn', 'info')),
    table_name text,
    message    text NOT NULL,
    hint       text
);

-- The newest batches, for graphs and for asking what happened in the night.
CREATE TABLE batch (
    id            integer PRIMARY KEY AUTOINCREMENT,
    at            text,
    tables        integer NOT NULL,
    rows_upserted integer NOT NULL,
    rows_deleted  integer NOT NULL,
    bytes         integer NOT NULL,
    seconds       real NOT NULL
);
