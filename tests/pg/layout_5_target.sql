-- repl's schema on a target, as repl 0.1 (layout 5) left it behind a move that follows: pg_dump -O -x -n repl.
SET check_function_bodies = false;
CREATE SCHEMA repl;
CREATE TABLE repl.chunk (
    relation integer NOT NULL,
    heap bigint NOT NULL,
    chunk bigint NOT NULL,
    rows bigint NOT NULL,
    bytes bigint NOT NULL,
    done_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE repl.cut (
    relation integer NOT NULL,
    heap bigint NOT NULL,
    chunk bigint NOT NULL,
    block bigint NOT NULL,
    key text,
    bytes bigint NOT NULL
);
CREATE TABLE repl.heap (
    relation integer NOT NULL,
    heap bigint NOT NULL,
    filenode bigint NOT NULL,
    blocks bigint NOT NULL,
    bytes bigint NOT NULL,
    range_key text
);
CREATE TABLE repl."position" (
    batch bigint NOT NULL,
    snapshot text NOT NULL,
    system_identifier text NOT NULL,
    timeline bigint NOT NULL,
    source_database bigint NOT NULL,
    applied_at timestamp with time zone
)
WITH (fillfactor='50');
CREATE TABLE repl.relation (
    id integer NOT NULL,
    nspname name NOT NULL,
    relname name NOT NULL,
    copied boolean DEFAULT false NOT NULL,
    origin text DEFAULT 'source'::text NOT NULL,
    snapshot text DEFAULT ''::text,
    goal text,
    side "char",
    block bigint DEFAULT 0 NOT NULL,
    afresh boolean DEFAULT false NOT NULL,
    CONSTRAINT relation_origin_check CHECK ((origin = ANY (ARRAY['source'::text, 'fork'::text, 'seed'::text])))
);
CREATE TABLE repl.step (
    name text NOT NULL,
    done_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE repl.sync (
    sync_id uuid NOT NULL,
    version integer NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
COPY repl.chunk (relation, heap, chunk, rows, bytes, done_at) FROM stdin;
2	16386	0	20	321	2026-12-01 10:35:16.379801+00
\.
COPY repl.cut (relation, heap, chunk, block, key, bytes) FROM stdin;
2	16386	0	0	\N	16384
\.
COPY repl.heap (relation, heap, filenode, blocks, bytes, range_key) FROM stdin;
2	16386	16386	1	16384	\N
1	16393	16393	0	0	\N
\.
COPY repl."position" (batch, snapshot, system_identifier, timeline, source_database, applied_at) FROM stdin;
1	735:735:	7714282248129802428	1	16385	2026-12-01 10:35:17.069993+00
\.
COPY repl.relation (id, nspname, relname, copied, origin, snapshot, goal, side, block, afresh) FROM stdin;
1	public	keyless	t	source	\N	\N	\N	0	f
2	public	t	t	source	\N	\N	\N	0	f
\.
COPY repl.step (name, done_at) FROM stdin;
schema	2026-12-01 10:35:15.587803+00
indexes	2026-12-01 10:35:17.028219+00
constraints	2026-12-01 10:35:17.467483+00
analyze	2026-12-01 10:35:17.556746+00
\.
COPY repl.sync (sync_id, version, created_at) FROM stdin;
73f2c9da-3cb3-4428-b547-de57a79c2b65	5	2026-12-01 10:35:14.721313+00
\.
ALTER TABLE ONLY repl.chunk
    ADD CONSTRAINT chunk_pkey PRIMARY KEY (relation, heap, chunk);
ALTER TABLE ONLY repl.cut
    ADD CONSTRAINT cut_pkey PRIMARY KEY (relation, heap, chunk);
ALTER TABLE ONLY repl.heap
    ADD CONSTRAINT heap_pkey PRIMARY KEY (relation, heap);
ALTER TABLE ONLY repl.relation
    ADD CONSTRAINT relation_pkey PRIMARY KEY (id);
ALTER TABLE ONLY repl.step
    ADD CONSTRAINT step_pkey PRIMARY KEY (name);
ALTER TABLE ONLY repl.sync
    ADD CONSTRAINT sync_pkey PRIMARY KEY (sync_id);
ALTER TABLE ONLY repl.chunk
    ADD CONSTRAINT chunk_relation_fkey FOREIGN KEY (relation) REFERENCES repl.relation(id) ON DELETE CASCADE;
ALTER TABLE ONLY repl.cut
    ADD CONSTRAINT cut_relation_heap_fkey FOREIGN KEY (relation, heap) REFERENCES repl.heap(relation, heap) ON DELETE CASCADE;
ALTER TABLE ONLY repl.heap
    ADD CONSTRAINT heap_relation_fkey FOREIGN KEY (relation) REFERENCES repl.relation(id) ON DELETE CASCADE;
