-- repl's tables on the target: where it stands, and what of the first copy is done.
-- Writes: the schema.   Variables: schema, sync_id, version.
CREATE SCHEMA :"schema";
-- By this text other syncs know the schema, and leave it alone.
COMMENT ON SCHEMA :"schema" IS 'made by repl, removed by repl cleanup';

CREATE TABLE :"schema".sync (
    sync_id    uuid PRIMARY KEY,
    version    int NOT NULL,
    target_id  uuid NOT NULL, -- by which the source knows this target, the one that it is moved to
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
INSERT INTO :"schema".sync (sync_id, version, target_id) VALUES (:'sync_id', :version, :'target_id');

-- One row: the source snapshot that the target shows, committed with the rows themselves; '' where everything is to be
-- brought again. epoch, number and lsn name the logged write on the source that came before the commit: by these the
-- source proves that it still has what it had then.
CREATE TABLE :"schema".position (
    batch             bigint NOT NULL,
    snapshot          text NOT NULL,
    system_identifier text NOT NULL,
    timeline          bigint NOT NULL,
    source_database   bigint NOT NULL,
    epoch             bigint NOT NULL DEFAULT 0,
    number            bigint NOT NULL DEFAULT 0,
    lsn               pg_catalog.pg_lsn NOT NULL DEFAULT '0/0',
    applied_at        timestamptz
) WITH (fillfactor = 50);
INSERT INTO :"schema".position (batch, snapshot, system_identifier, timeline, source_database) VALUES (0, '', '', 0, 0);

-- When source and target were found not to belong to one history any more. A table stays in doubt until it was compared.
CREATE TABLE :"schema".doubt (
    id       bigint PRIMARY KEY, -- a number of the source's slot: that of the epoch which began then
    found_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    reason   text NOT NULL
);

CREATE TABLE :"schema".relation (
    id       int PRIMARY KEY,
    relid    pg_catalog.oid,   -- the table here, as an engine found it by its name first; null: none has
    nspname  pg_catalog.name NOT NULL,
    relname  pg_catalog.name NOT NULL,
    copied   boolean NOT NULL DEFAULT false,
    origin   text NOT NULL DEFAULT 'source' CHECK (origin IN ('source', 'fork', 'seed')), -- of the first copy
    snapshot text DEFAULT '',  -- own position: '' everything is owed, null stands with the sync
    goal     text,             -- a catch-up pass towards this snapshot
    side     "char",
    block    bigint NOT NULL DEFAULT 0,
    afresh   boolean NOT NULL DEFAULT false, -- its key has changed: it is emptied, and copied anew
    number   bigint NOT NULL DEFAULT 0,      -- of the logged write before the last step of a pass
    doubt    bigint                          -- the doubt since which nobody has compared it; null: none
);

-- How a heap was cut for the first copy: into ranges of blocks, or of keys of range_key. Chunk n goes from cut n to
-- cut n + 1. And which chunks of it are here.
CREATE TABLE :"schema".heap (
    relation  int NOT NULL REFERENCES :"schema".relation ON DELETE CASCADE,
    heap      bigint NOT NULL,
    filenode  bigint NOT NULL,
    blocks    bigint NOT NULL,
    bytes     bigint NOT NULL,
    range_key text,
    PRIMARY KEY (relation, heap)
);
CREATE TABLE :"schema".cut (
    relation int NOT NULL,
    heap     bigint NOT NULL,
    chunk    bigint NOT NULL,
    block    bigint NOT NULL,
    key      text[], -- the values of the key's columns
    bytes    bigint NOT NULL,
    PRIMARY KEY (relation, heap, chunk),
    FOREIGN KEY (relation, heap) REFERENCES :"schema".heap ON DELETE CASCADE
);
CREATE TABLE :"schema".chunk (
    relation int NOT NULL REFERENCES :"schema".relation ON DELETE CASCADE,
    heap     bigint NOT NULL,
    chunk    bigint NOT NULL,
    rows     bigint NOT NULL,
    bytes    bigint NOT NULL,
    number   bigint NOT NULL, -- of the logged write before it; 0: it came from a fork
    done_at  timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (relation, heap, chunk)
);

CREATE TABLE :"schema".step (
    name    text PRIMARY KEY,
    done_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);

-- What repl made on the target before the rows, each recorded by the transaction that made it; and, within such a
-- transaction alone, what had been there before it.
CREATE TABLE :"schema".made (
    classid  oid NOT NULL,
    objid    oid NOT NULL,
    rank     int NOT NULL,
    type     text NOT NULL,
    identity text NOT NULL,
    PRIMARY KEY (classid, objid)
);
CREATE TABLE :"schema".made_before (classid oid NOT NULL, objid oid NOT NULL, PRIMARY KEY (classid, objid));
