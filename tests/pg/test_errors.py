"""Bad input gets a clear error and changes nothing; passwords appear nowhere."""
import os
import re
import urllib.parse

import pytest

import compare
from background import Background
from waiting import eventually


@pytest.fixture
def table(src):
    src.execute("create schema shop; create table shop.orders(id int primary key, v text); "
                "insert into shop.orders select g, 'v' from generate_series(1, 20) g; create table customers(id int primary key)")


@pytest.fixture
def unchanged(src_admin, dst_admin):
    """What the test does changes nothing on either side."""
    before = compare.catalog(src_admin), compare.catalog(dst_admin), compare.digest(dst_admin)
    yield
    assert (compare.catalog(src_admin), compare.catalog(dst_admin), compare.digest(dst_admin)) == before


def refused(repl, *options, words=(), code=1, **how):
    """init fails, says each of the words (in any case), and shows no password."""
    out = repl.init(*options, code=code, timeout=60, **how)
    for word in words:
        assert word.lower() in out.all.lower(), f"{word!r} is not in {out!r}"
    for side in ("SOURCE", "TARGET"):
        password = urllib.parse.urlparse(repl.environment[f"REPL_TEST_{side}"]).password
        assert not password or password not in out.all
    return out


def elsewhere(uri, **parts):
    """The URI with another host, port, user, password or database."""
    u = urllib.parse.urlparse(uri)
    host, port = parts.get("host", u.hostname), parts.get("port", u.port)
    user, password = parts.get("user", u.username), parts.get("password", u.password)
    return f"postgresql://{user}:{password}@{host}:{port}/{parts.get('database', u.path[1:])}"


def test_unreachable(repl, source, target, table, unchanged):
    for side, uri in (("source", source.uri), ("target", target.uri)):
        out = refused(repl, **{side: elsewhere(uri, port=1)}, words=[side, "127.0.0.1", "refused"])
        assert "Traceback" not in out.all and len(out.err) < 2000
    refused(repl, source=elsewhere(source.uri, host="nowhere.invalid"), words=["source", "nowhere.invalid"])


def test_wrong_password(repl, source, target, table, unchanged):
    for side, uri in (("source", source.uri), ("target", target.uri)):
        out = refused(repl, **{side: elsewhere(uri, password="wrong-secret")}, words=[side, "password authentication failed"])
        assert "wrong-secret" not in out.all


def test_missing_database(repl, source, table, unchanged):
    refused(repl, source=elsewhere(source.uri, database="no_such"), words=["source", "no_such", "does not exist"])


def test_a_spec_that_says_nothing(repl, table, tmp_path, unchanged):
    refused(repl, source="env:NOT_SET_ANYWHERE", words=["NOT_SET_ANYWHERE"])
    refused(repl, source=f"file:{tmp_path}/nothing", words=[f"{tmp_path}/nothing"])
    refused(repl, source="command:exit 3", words=["command"])
    refused(repl, source="postgresql://[", words=["source"])


def test_missing_table(repl, table, unchanged):
    out = refused(repl, "--tables", "shop.order", words=["shop.order", "shop.orders"])
    assert "did you mean" in out.all.lower()
    refused(repl, "--exclude", "costumers", words=["costumers", "customers"])


def test_no_tables_at_all(repl, src, unchanged):
    refused(repl, words=["no table"])


def test_same_database(repl, src, source, table, unchanged):
    refused(repl, target="env:REPL_TEST_SOURCE", words=["same database"])
    # Under another name, too.
    refused(repl, target=elsewhere(source.uri, host="localhost"), words=["same database"])


def test_target_holds_rows(repl, src, dst, table, unchanged, dst_admin):
    out = refused_with_rows(repl, dst)
    assert "shop.orders" in out.all and "--overwrite" in out.all
    dst.execute("drop schema shop cascade")


def refused_with_rows(repl, dst):
    dst.execute("create schema shop; create table shop.orders(id int primary key, v text); insert into shop.orders values (1000, 'mine')")
    out = refused(repl, words=["rows"])
    assert dst.execute("select * from shop.orders").fetchall() == [(1000, "mine")]
    return out


def test_target_holds_rows_that_may_go(repl, src, dst, table, equal):
    refused_with_rows(repl, dst)
    repl.init("--overwrite")
    repl.kick()
    equal()


def test_target_table_differs(repl, src, dst, table):
    dst.execute("create schema shop; create table shop.orders(id int primary key)")
    refused(repl, words=["shop.orders", "v"])
    dst.execute("alter table shop.orders add v int")
    refused(repl, words=["shop.orders", "v", "text", "integer"])
    dst.execute("alter table shop.orders alter v type text, add must int not null")
    refused(repl, words=["shop.orders", "must"])
    assert not dst.execute("select from pg_namespace where nspname = 'repl'").fetchall()


def test_schema_of_that_name_is_somebody_elses(repl, src, table, unchanged):
    src.execute("create schema repl; create table repl.mine(id int)")
    refused(repl, words=["schema", "repl", "--schema"])
    src.execute("drop schema repl cascade")


@pytest.fixture
def stranger(source_cluster, src_admin, source):
    """A role with a right to connect and nothing else."""
    with source_cluster.admin() as c:
        c.execute("drop role if exists stranger")
        c.execute("create role stranger login password 'stranger-secret'")
    yield elsewhere(source.uri, user="stranger", password="stranger-secret")
    src_admin.execute("drop owned by stranger cascade")
    with source_cluster.admin() as c:
        c.execute("drop role stranger")


def test_each_privilege_is_named_with_its_grant(repl, src, src_admin, source, table, stranger):
    """As told, so done: after the GRANTs that it names, the next privilege is asked for, until it works."""
    repl.environment["REPL_TEST_SOURCE"] = stranger
    given = []
    for _ in range(12):
        out = repl.init(code=None)
        if out.code == 0:
            break
        assert "stranger-secret" not in out.all
        grants = re.findall(r"GRANT [^,;(\n]+? TO \S+?(?=[\s,;.)]|$)", out.all)
        assert any(g not in given for g in grants), f"after {given} it does not say what to grant: {out!r}"
        for g in grants:
            src_admin.execute(g)
        given += grants
    assert out.code == 0, f"after {given}: {out!r}"
    print("\n".join(given))


def test_target_privileges(repl, src, target, target_cluster, table, dst_admin):
    with target_cluster.admin() as c:
        c.execute("drop role if exists newcomer")
        c.execute("create role newcomer login password 'newcomer-secret'")
    try:
        out = refused(repl, target=elsewhere(target.uri, user="newcomer", password="newcomer-secret"), words=["target", "GRANT"])
        assert "newcomer-secret" not in out.all
    finally:
        dst_admin.execute("drop owned by newcomer cascade")
        with target_cluster.admin() as c:
            c.execute("drop role newcomer")


def test_row_level_security_must_not_hide_rows(repl, src, table, src_admin, unchanged):
    """A policy that is forced on the owner: rows would be missing without a word."""
    src.execute("alter table shop.orders enable row level security, force row level security; "
                "create policy half on shop.orders using (id % 2 = 0)")
    try:
        refused(repl, words=["shop.orders", "row"])
    finally:
        src.execute("drop policy half on shop.orders; alter table shop.orders no force row level security, disable row level security")


@pytest.mark.parametrize("pooler", ["extra_float_digits,options", "extra_float_digits"], indirect=True)
def test_pooled_url(repl, source, target, pooler, table, unchanged):
    out = refused(repl, source=pooler.uri(source.name), words=["source", "pool"])
    assert "transaction" in out.all.lower() or "direct" in out.all.lower(), "it does not say what to do"


def test_a_state_directory_that_others_read(repl, table, unchanged):
    repl.dir.mkdir(mode=0o755)
    os.chmod(repl.dir, 0o755)
    out = refused(repl, words=[str(repl.dir)])
    assert "700" in out.all


def test_connections_are_resolved_anew(repl, src, source, target, table, tmp_path, source_cluster, equal, src_admin):
    """Heroku rotates credentials and moves hosts: a file, an environment variable or a command says where it is now."""
    path = tmp_path / "url"
    path.write_text(source.uri + "\n", encoding="utf-8")
    repl.init(source=f"file:{path}", target=f"command:printf '%s' '{target.uri}'")
    repl.start()
    repl.wait_phase("following")
    with source_cluster.admin() as c:
        c.execute("alter role app password 'rotated-secret'")
    try:
        path.write_text(elsewhere(source.uri, password="rotated-secret"), encoding="utf-8")
        assert source.terminate() > 0
        src_admin.execute("update shop.orders set v = 'after the rotation'")
        repl.kick()
        equal()
        repl.stop()
    finally:
        with source_cluster.admin() as c:
            c.execute(f"alter role app password '{source_cluster.password}'")


class Watch(Background):
    """Every command line on the machine, and what sessions show of themselves, as often as can be."""

    def __init__(self, secrets, sides):
        self.secrets, self.sides, self.found, self.looked = [s.encode() for s in secrets], sides, [], 0
        super().__init__()
        self.start()

    def live(self):
        connections = [side.admin() for side in self.sides]
        while not self.stopping.is_set():
            for pid in os.listdir("/proc"):
                if pid.isdigit() and int(pid) != os.getpid():
                    self._look(f"/proc/{pid}/cmdline", pid)
            for c in connections:
                for row in c.execute("select application_name || query from pg_stat_activity").fetchall():
                    self._judge(row[0].encode(), "pg_stat_activity")
            self.looked += 1
            self.stopping.wait(0.002)
        for c in connections:
            c.close()

    def _look(self, path, pid):
        try:
            with open(path, "rb") as f:
                self._judge(f.read(), f"process {pid}")
        except OSError:
            pass

    def _judge(self, data, where):
        if any(s in data for s in self.secrets):
            self.found.append((where, data[:300]))

    def stop(self):
        super().stop()
        assert self.looked > 20


@pytest.mark.parametrize("how", ["env", "file"])
def test_passwords_appear_nowhere(repl, src, source, target, table, tmp_path, how, source_cluster, target_cluster):
    secrets = [source_cluster.password, target_cluster.password]
    src.execute("create materialized view m as select count(*) from shop.orders; create index on shop.orders(v)")
    watch = Watch(secrets, (source, target))
    said = []
    try:
        if how == "env":
            said.append(repl.init())
        else:
            for name, uri in (("s", source.uri), ("t", target.uri)):
                (tmp_path / name).write_text(uri, encoding="utf-8")
            said.append(repl.init(source=f"file:{tmp_path}/s", target=f"file:{tmp_path}/t"))
        repl.start()
        repl.wait_phase("following")
        src.execute("update shop.orders set v = 'w'")
        said.append(repl.kick())
        assert source.terminate() > 0
        src.execute("update shop.orders set v = 'x'")
        said.append(repl.kick())
        said += [repl.run("status"), repl.run("status", "--json"), repl.run("log")]
        repl.stop()
        kept = {p: p.read_bytes() for p in repl.dir.rglob("*") if p.is_file()}
        said.append(repl.run("cleanup", "--yes"))
    finally:
        watch.stop()
    assert not watch.found, watch.found[:3]
    text = "".join(o.all for o in said) + repl.engine_tail(10**7)
    for secret in secrets:
        assert secret not in text
        for path, data in kept.items():
            assert secret.encode() not in data, f"{path} holds a password"


def test_a_password_given_on_the_command_line_goes_no_further(repl, src, source, target, table):
    """The shell has shown it already; repl's own children, log and messages do not repeat it."""
    repl.init(source=source.uri, target=target.uri)
    repl.start()
    repl.wait_phase("following")
    secrets = [urllib.parse.urlparse(u).password for u in (source.uri, target.uri)]
    shown = repl.run("status").all + repl.run("status", "--json").all + repl.run("log").all + repl.engine_tail()
    watch = Watch(secrets, (source, target))
    try:
        eventually(lambda: watch.looked > 25, what="enough was looked at")
    finally:
        watch.stop()
    assert not watch.found and not any(s in shown for s in secrets)
    repl.stop()
