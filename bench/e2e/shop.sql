-- The database of a small software-as-a-service company, a project tracker: uuid and composite keys, an enum, a domain,
-- jsonb, arrays, generated and identity columns, foreign keys with cascades, a table without any key, a trigger, views.
-- One table, events, holds most of the bytes.   Variable: scale (1 is about 200 MB with its indexes).
CREATE EXTENSION citext;
CREATE TYPE task_state AS ENUM ('open', 'doing', 'done', 'dropped');
CREATE DOMAIN color AS text CHECK (VALUE ~ '^#[0-9a-f]{6}$');

CREATE TABLE accounts (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    number     bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    name       text NOT NULL,
    credit     bigint NOT NULL,
    settings   jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE users (
    id         bigserial PRIMARY KEY,
    account_id uuid NOT NULL,
    email      citext NOT NULL,
    name       text NOT NULL,
    last_seen  timestamptz
);
CREATE TABLE projects (
    id         bigserial PRIMARY KEY,
    account_id uuid NOT NULL,
    name       text NOT NULL,
    shade      color NOT NULL
);
CREATE TABLE memberships (
    project_id bigint NOT NULL,
    user_id    bigint NOT NULL,
    role       text NOT NULL,
    since      date NOT NULL DEFAULT current_date
);
CREATE TABLE tasks (
    id         bigserial PRIMARY KEY,
    project_id bigint NOT NULL,
    author_id  bigint NOT NULL,
    title      text NOT NULL,
    body       text,
    state      task_state NOT NULL DEFAULT 'open',
    labels     text[] NOT NULL DEFAULT '{}',
    due        date,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE comments (
    id         uuid DEFAULT gen_random_uuid(),
    task_id    bigint NOT NULL,
    author_id  bigint NOT NULL,
    body       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE events (
    account_id uuid NOT NULL,
    id         bigserial,
    at         timestamptz NOT NULL DEFAULT now(),
    kind       text NOT NULL,
    payload    jsonb NOT NULL
);
CREATE TABLE invoices (
    id         bigserial PRIMARY KEY,
    account_id uuid NOT NULL,
    number     text NOT NULL,
    issued     date NOT NULL DEFAULT current_date,
    paid       boolean NOT NULL DEFAULT false
);
CREATE TABLE invoice_lines (
    invoice_id bigint NOT NULL,
    line       int NOT NULL,
    what       text NOT NULL,
    quantity   numeric(12, 3) NOT NULL,
    price      numeric(12, 2) NOT NULL,
    amount     numeric GENERATED ALWAYS AS (quantity * price) STORED
);
CREATE TABLE imported_lines (source text, line text);

INSERT INTO accounts (name, credit, settings)
SELECT 'Account ' || g, 100000, jsonb_build_object('plan', (ARRAY ['free', 'team', 'scale'])[1 + g % 3], 'seats', g % 40)
FROM generate_series(1, :scale * 500) g;
CREATE TEMPORARY TABLE a AS SELECT number AS n, id FROM accounts;
ALTER TABLE a ADD PRIMARY KEY (n);
ANALYZE a;

INSERT INTO users (account_id, email, name, last_seen)
SELECT a.id, 'User' || g || '@example.com', 'User ' || g, now() - g * interval '1 minute'
FROM generate_series(1, :scale * 8000) g JOIN a ON a.n = 1 + g % (:scale * 500);
INSERT INTO projects (account_id, name, shade)
SELECT a.id, 'Project ' || g, '#' || substr(md5(g::text), 1, 6)
FROM generate_series(1, :scale * 2500) g JOIN a ON a.n = 1 + g % (:scale * 500);
INSERT INTO memberships (project_id, user_id, role)
SELECT 1 + g % (:scale * 2500), 1 + g % (:scale * 8000), (ARRAY ['owner', 'editor', 'viewer'])[1 + g % 3]
FROM generate_series(1, :scale * 24000) g ON CONFLICT DO NOTHING;
INSERT INTO tasks (project_id, author_id, title, body, state, labels, due)
SELECT 1 + g % (:scale * 2500), 1 + g % (:scale * 8000), 'Task ' || g || ' ' || md5(g::text), repeat(md5(g::text) || ' ', 1 + g % 7),
       (enum_range(NULL::task_state))[1 + g % 4], ARRAY ['l' || g % 10, 'm' || g % 7], current_date + g % 90
FROM generate_series(1, :scale * 55000) g;
INSERT INTO comments (task_id, author_id, body)
SELECT 1 + g % (:scale * 55000), 1 + g % (:scale * 8000), repeat('A remark on ' || md5(g::text) || '. ', 1 + g % 4)
FROM generate_series(1, :scale * 80000) g;
INSERT INTO events (account_id, at, kind, payload)
SELECT a.id, now() - g * interval '1 second', (ARRAY ['view', 'edit', 'login', 'api'])[1 + g % 4],
       jsonb_build_object('user', g % (:scale * 8000), 'ip', '10.0.' || g % 255 || '.' || g % 253, 'agent', repeat(md5(g::text), 3),
                          'path', '/projects/' || g % (:scale * 2500) || '/tasks/' || g, 'ms', g % 977)
FROM generate_series(1, :scale * 300000) g JOIN a ON a.n = 1 + g % (:scale * 500);
INSERT INTO invoices (account_id, number, paid)
SELECT a.id, 'INV-' || g, g % 5 <> 0 FROM generate_series(1, :scale * 5000) g JOIN a ON a.n = 1 + g % (:scale * 500);
INSERT INTO invoice_lines (invoice_id, line, what, quantity, price)
SELECT i, l, 'Seats ' || l, l * 1.5, 19.90 FROM generate_series(1, :scale * 5000) i, generate_series(1, 4) l;
INSERT INTO imported_lines SELECT 'crm', 'line ' || g || ',' || md5(g::text) FROM generate_series(1, 2000) g;

ALTER TABLE users ADD UNIQUE (email), ADD FOREIGN KEY (account_id) REFERENCES accounts ON DELETE CASCADE;
ALTER TABLE projects ADD FOREIGN KEY (account_id) REFERENCES accounts ON DELETE CASCADE;
ALTER TABLE memberships ADD PRIMARY KEY (project_id, user_id), ADD FOREIGN KEY (project_id) REFERENCES projects ON DELETE CASCADE,
    ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
ALTER TABLE tasks ADD FOREIGN KEY (project_id) REFERENCES projects ON DELETE CASCADE, ADD FOREIGN KEY (author_id) REFERENCES users;
ALTER TABLE comments ADD PRIMARY KEY (id), ADD FOREIGN KEY (task_id) REFERENCES tasks ON DELETE CASCADE,
    ADD FOREIGN KEY (author_id) REFERENCES users;
ALTER TABLE events ADD PRIMARY KEY (account_id, id);
ALTER TABLE invoices ADD UNIQUE (number), ADD FOREIGN KEY (account_id) REFERENCES accounts;
ALTER TABLE invoice_lines ADD PRIMARY KEY (invoice_id, line), ADD FOREIGN KEY (invoice_id) REFERENCES invoices ON DELETE CASCADE;
CREATE INDEX ON tasks (project_id, state);
CREATE INDEX ON tasks (due) WHERE state = 'open';
CREATE INDEX ON comments (task_id);
CREATE INDEX ON events (at);

CREATE VIEW open_tasks AS
    SELECT t.*, p.name AS project, u.email FROM tasks t JOIN projects p ON p.id = t.project_id JOIN users u ON u.id = t.author_id
    WHERE t.state IN ('open', 'doing');
CREATE MATERIALIZED VIEW account_sizes AS
    SELECT account_id, count(*) AS projects FROM projects GROUP BY account_id;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END $$;
CREATE TRIGGER touch BEFORE UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION touch();
VACUUM ANALYZE;
