-- The state file, third layout: when the figures of the status were last learned from the servers, and how long the copy took.
-- SQLite; run once, inside the transaction that raises user_version to 3. Writes: status, timing. Returns nothing. No parameters.
ALTER TABLE status ADD COLUMN known_at text;

-- kind: step, table, index. Seconds add up over the engines that worked on it; rows and bytes are those that it has in the end.
CREATE TABLE timing (
    kind    text NOT NULL,
    name    text NOT NULL,
    place   integer NOT NULL,
    seconds real NOT NULL,
    rows    integer,
    bytes   integer,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;
