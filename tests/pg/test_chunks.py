"""How the first copy is cut: ranges of keys of every kind, and tiny tables that go together."""
import pytest

from waiting import eventually

# So small that a table of a megabyte is cut; each chunk takes a while.
KEYS = {"chunk_by_key": 1, "chunk_min_bytes": "64kB", "chunk_max_bytes": "200kB"}
SLOWLY = "chunk.before_commit:40"


def chunks(dst):
    return dst.execute("select count(*) from repl.chunk").fetchone()[0]


def cuts(dst):
    """How many chunks each table was cut into."""
    return dict(dst.execute("select r.relname::text, count(c.chunk) from repl.relation r left join repl.cut c on c.relation = r.id "
                            "group by 1").fetchall())


def wide(src, name, columns, select, rows=6000, key=None):
    """A table of about a megabyte whose key is `columns`."""
    key = key or f"primary key ({', '.join(c.rsplit(' ', 1)[0] if ' collate ' not in c else c.split(' ')[0] for c in columns)})"
    src.execute(f"create table {name} ({', '.join(columns)}, n int default 0, pad text, {key})")
    src.execute(f"insert into {name} select {select}, g, repeat('x', 150) from generate_series(1, {rows}) g")


def tables_of_every_key(src):
    src.execute("""create extension if not exists citext; create type mood as enum ('sad', 'ok', 'glad');
                   create domain code as text check (value <> ''); create schema "Odd one";
                   create collation numbers (provider = icu, locale = 'und-u-kn-true')""")
    # In an order that is not that of the rows, with quotes and backslashes in them.
    wide(src, "k_text", ["k text"], r"E'it''s \\ ' || md5(g::text)")
    wide(src, "k_collated", ["k text collate numbers"], "'a' || (g * 7919 % 6007)")
    wide(src, "k_uuid", ["k uuid"], "md5(g::text)::uuid")
    wide(src, "k_numeric", ["k numeric"], "case g when 1 then 'NaN' else (g - 3000) / 7.0 end")
    wide(src, "k_float", ["k float8"], "case g when 1 then 'NaN' when 2 then '-Infinity' when 3 then 'Infinity' else g / 3.0::float8 end")
    wide(src, "k_when", ["k timestamptz"],
         "case g when 1 then 'infinity' when 2 then '-infinity' when 3 then '0044-03-15 BC' else now() - g * interval '1 hour' end")
    wide(src, "k_citext", ["k citext"], "case when g % 2 = 0 then upper(md5(g::text)) else md5(g::text) end")
    wide(src, "k_domain", ["k code", "g int"], "md5(g::text), g")
    wide(src, "k_bytes", ["k bytea"], "sha256(g::text::bytea)")
    wide(src, "k_char", ["k char(12)", "c \"char\""], "(g / 2)::text, (g % 2 + 65)::\"char\"")
    wide(src, "k_two", ["a int", "b text"], "g % 5, md5(g::text)")
    wide(src, "k_mixed", ["a int", "b citext"], "g, md5(g::text)")
    wide(src, "k_three", ["a mood", "b date", "c inet"],
         "(array['sad','ok','glad'])[g % 3 + 1]::mood, current_date - g % 100, '10.0.0.0'::inet + g")
    wide(src, "k_tenant", ["tenant int", "id bigint"], "1, g")
    wide(src, '"Odd one"."K ""quoted"""', ['"the key" int', '"of % two" int'], "g / 10, g")
    wide(src, "k_array", ["k int[]"], "array[g % 10, g]")
    wide(src, "k_down", ["k int not null", "b int not null"], "g, g", key="unique (n, k)")
    src.execute("alter table k_down drop constraint k_down_n_k_key; create unique index on k_down (k desc, b desc)")
    wide(src, "k_updown", ["k int not null", "b int not null"], "g / 3, g", key="check (true)")
    src.execute("create unique index on k_updown (k, b desc)")
    wide(src, "k_other", ["k text not null"], "md5(g::text)", key="check (true)")
    src.execute('create unique index on k_other (k collate "C" text_pattern_ops)')
    src.execute("create table k_parts (a int, b text, pad text, primary key (a, b)) partition by range (a);"
                "create table k_parts1 partition of k_parts for values from (0) to (3000);"
                "create table k_parts2 (pad text, gone int, b text not null, a int not null); alter table k_parts2 drop gone;"
                "alter table k_parts attach partition k_parts2 for values from (3000) to (9000);"
                "create table k_parts3 partition of k_parts default;"
                "insert into k_parts select g, md5(g::text), repeat('x', 150) from generate_series(1, 6000) g")
    src.execute("analyze")
    return 20


def test_keys_of_every_kind(repl, src, dst, equal):
    """Any ordered key can be cut; a killed engine goes on with the same chunks; changes meanwhile are lost by none."""
    n = tables_of_every_key(src)
    repl.init()
    repl.configure(**KEYS)
    for least in (8, 40):
        repl.start(pause_at=SLOWLY)
        eventually(lambda least=least: chunks(dst) >= least, what=f"{least} chunks are done")
        for (name,) in src.execute("select oid::regclass::text from pg_class where relkind = 'r' and not relispartition and "
                                   "relnamespace in ('public'::regnamespace, '\"Odd one\"'::regnamespace)").fetchall():
            src.execute(f"update {name} set n = -n where n % 10 = {least % 10}; delete from {name} where n % 10 = {least % 9}")
        repl.kill()
    plan = "select relation, heap, chunk, key::text, bytes from repl.cut"
    done = "select relation, heap, chunk, done_at::text from repl.chunk"
    before, done_before = set(dst.execute(plan).fetchall()), set(dst.execute(done).fetchall())
    repl.start()
    repl.wait_phase("following", timeout=90)
    assert before <= set(dst.execute(plan).fetchall()), "the restart did not go on with the same ranges"
    assert done_before <= set(dst.execute(done).fetchall()), "chunks that were done were copied again"
    sizes = cuts(dst)
    assert len(sizes) == n and min(sizes.values()) >= 4, sizes
    assert dst.execute("select count(*) from repl.heap where range_key is null").fetchone()[0] == 0
    repl.kick()
    assert equal() > 80000


@pytest.mark.parametrize("by_key", [0, 1])
def test_a_chunk_reads_no_more_than_its_part(repl, source, src, dst, equal, by_key):
    """Blocks by their numbers where the server can, else keys by their index: never the table for each chunk."""
    wide(src, "k_int", ["k int"], "g", rows=20000)
    src.execute("analyze")
    with source.admin() as c:
        c.execute(f"alter role app in database {source.name} set enable_tidscan = off")
    repl.init()
    repl.configure(**{**KEYS, "chunk_by_key": by_key})
    scans = "select seq_scan::int from pg_stat_user_tables where relname = 'k_int'"
    before = src.execute(scans).fetchone()[0]
    repl.start()
    repl.wait_phase("following")
    repl.stop()  # its sessions tell the statistics when they end
    assert chunks(dst) >= 12
    with source.connect() as c:
        c.execute("select from k_int where n = -1")
    eventually(lambda: src.execute(scans).fetchone()[0] > before, what="the statistics know of a scan that came later")
    assert src.execute(scans).fetchone()[0] - before <= 3  # that one, and the sample
    equal()


def test_the_largest_table_comes_first(repl, src, dst):
    for name, rows in (("b_small", 2000), ("a_middle", 6000), ("c_large", 15000), ("d_tiny", 3)):
        wide(src, name, ["k int"], "g", rows=rows)
    repl.init("--jobs", "1")
    repl.configure(**{**KEYS, "chunk_by_key": 0})
    repl.start()
    repl.wait_phase("following")
    begun = dst.execute("select r.relname::text from repl.relation r join repl.chunk c on c.relation = r.id "
                        "group by 1 order by min(c.done_at), max(c.done_at)").fetchall()
    assert [n for (n,) in begun] == ["c_large", "a_middle", "b_small", "d_tiny"]


def test_a_range_of_several_columns_reads_the_index(repl, src, dst, equal):
    """A first column that is the same in all rows tells the planner nothing: it must not scan the table for each chunk."""
    wide(src, "k_tenant", ["tenant int", "id bigint"], "1, g", rows=20000)
    src.execute("analyze")
    repl.init()
    repl.configure(**KEYS)
    scans = ("select pg_stat_get_numscans(c.oid)::int from pg_class c where c.oid = 'k_tenant'::regclass")
    before = src.execute(scans).fetchone()[0]
    repl.start()
    repl.wait_phase("following")
    repl.stop()  # its sessions tell the statistics when they end
    assert chunks(dst) >= 12
    eventually(lambda: src.execute(
        "select idx_scan from pg_stat_user_indexes where indexrelname = 'k_tenant_pkey'").fetchone()[0] >= chunks(dst),
        what="each chunk reads the index")
    assert src.execute(scans).fetchone()[0] - before <= 2  # the sample
    equal()


@pytest.mark.parametrize("rewrite", ["vacuum full k_two", "cluster k_two using k_two_pkey",
                                     "alter table k_two alter n type bigint using n + 1"])
def test_rewritten_while_its_keys_are_copied(repl, src, dst, equal, rewrite):
    wide(src, "k_two", ["a int", "b text"], "g % 5, md5(g::text)", rows=20000)
    repl.init()
    repl.configure(**KEYS)
    repl.start(pause_at=SLOWLY)
    eventually(lambda: chunks(dst) > 3, what="some chunks are done")
    if "alter" in rewrite:
        dst.execute("alter table k_two alter n type bigint")
    src.execute(rewrite)
    src.execute("update k_two set pad = 'after' where n % 100 = 1; delete from k_two where n % 100 = 2")
    repl.wait_phase("following")
    repl.kick()
    assert "k_two was rewritten on the source: its copy starts over" in repl.engine_tail() or "alter" in rewrite
    assert equal() == 19800


# ---- tiny tables

TINY = 150


def tiny(src):
    src.execute(f"""do $$ begin for i in 1..{TINY} loop
        execute format('create table t%s (id int primary key, v text)', i);
        if i % 3 > 0 then execute format('insert into t%s select g, %L from generate_series(1, 5) g', i, i); end if;
    end loop; end $$""")


def test_tiny_tables_go_together(repl, src, dst, equal):
    """One transaction for many of them; an empty one costs none."""
    tiny(src)
    repl.init("--jobs", "1")
    repl.start()
    repl.wait_phase("following", timeout=90)
    assert chunks(dst) == TINY * 2 // 3
    together = dst.execute("select count(distinct xmin::text) from repl.chunk").fetchone()[0]
    assert together <= TINY / 48 + 1, f"{together} transactions for {TINY} tables"
    assert dst.execute("select count(*) from repl.relation where copied").fetchone()[0] == TINY
    assert equal() == TINY * 2 // 3 * 5


@pytest.mark.parametrize("rewrite", ["vacuum full {}", "cluster {} using {}_pkey", "truncate {}"])
def test_one_of_many_is_rewritten(repl, src, dst, equal, rewrite):
    tiny(src)
    repl.init("--jobs", "1")
    repl.start(pause_at="chunk.before_commit:1500")
    eventually(lambda: chunks(dst) > 0, what="the first group is done")
    for name in ("t98", "t97"):
        src.execute(rewrite.format(name, name))
        src.execute(f"insert into {name} values (7, 'after')")
    repl.wait_phase("following", timeout=90)
    assert "t98 was rewritten on the source: its copy starts over" in repl.engine_tail()
    repl.kick()
    equal()


def test_the_failure_of_one_is_its_own(repl, src, dst, equal):
    """The error names the table; nothing of its group is there; it goes on once that is mended."""
    tiny(src)
    repl.init("--jobs", "1")
    dst.execute("alter table t140 add constraint no_way check (v = '') not valid")
    repl.start()
    repl.wait_phase("failed")
    status = repl.status()
    failed = [t for t in status["tables"] if t["phase"] == "failed"]
    assert [t["name"] for t in failed] == ["t140"] and "no_way" in failed[0]["error"], failed
    dst.execute("alter table t140 drop constraint no_way")
    repl.kick()
    repl.wait_phase("following", timeout=90)
    equal()


def test_killed_between_groups(repl, src, dst, equal):
    tiny(src)
    repl.init("--jobs", "1")
    for point in ("chunk.before_commit", "chunk.after_commit", "chunk.copied"):
        repl.start(fail_at=point, wait=False)
        repl.wait_exit()
    repl.start()
    repl.wait_phase("following", timeout=90)
    assert equal() == TINY * 2 // 3 * 5
