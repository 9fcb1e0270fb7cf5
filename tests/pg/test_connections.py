"""Connections that do not come about: each failure has its own hint, in whatever language the server speaks, and no password
goes where others read it."""
import os
import socket
import ssl
import stat
import subprocess
import time

import pytest

from test_errors import Watch, elsewhere
from waiting import eventually
from wire import Wire, error, message, refuses

AUTHENTICATE_IN_CLEAR = message(b"R", b"\0\0\0\3")


@pytest.fixture
def server():
    made = []

    def make(*arguments, **options):
        made.append(Wire(*arguments, **options))
        return made[-1]
    yield make
    for wire in made:
        wire.close()


@pytest.fixture
def says(repl):
    """What check has to say of a source: its one finding about it."""
    def ask(source, **env):
        found = repl.run("check", "--source", source, "--target", "env:REPL_NOT_SET", "--no-probe", "--json", code=1, env=env).json()
        mine = [f for f in found["findings"] if f["topic"] == "connection" and f["side"] == "source"]
        assert len(mine) == 1, found
        assert "s3cret" not in str(found)
        return f"{mine[0]['text']} -> {mine[0]['hint']}"
    return ask


# The words are another server's language, and those of another error in English: only the code counts.
@pytest.mark.parametrize("sqlstate, routine, hint", [
    ("28P01", "auth_failed", "check user and password"),
    ("28000", "InitializeSessionUserId", "may not log in"),
    ("28000", "ClientAuthentication", "pg_hba.conf"),
    ("3D000", "InitPostgres", "check the database's name"),
    ("42501", "CheckMyDatabase", "GRANT CONNECT ON DATABASE"),
    ("55000", "CheckMyDatabase", "takes no connections"),
    ("53300", "InitializeSessionUserId", "CONNECTION LIMIT"),
    ("53300", "CheckMyDatabase", "ALTER DATABASE"),
    ("53300", "InitProcess", "max_connections"),
    ("57P03", "ProcessStartupPacket", "try again in a moment"),
    ("XX000", "somewhere", "check --source"),
])
def test_what_a_server_says_is_known_by_its_code(says, server, sqlstate, routine, hint):
    wire = server(refuses(error(sqlstate, "Passwort-Authentifizierung: does not exist", severity="FATAL", routine=routine)))
    said = says(wire.uri())
    assert hint in said and "Passwort-Authentifizierung: does not exist" in said
    assert sqlstate not in said.split(" -> ")[0] and "LOCATION" not in said


def test_a_pooler_is_known_by_its_code(says, server):
    wire = server(refuses(error("08P01", "nicht unterstützt: options", routine=None)))
    assert "pooler" in says(wire.uri())


def test_the_same_of_a_real_server(says, source, source_cluster, src_admin):
    with source_cluster.admin() as c:
        c.execute("drop role if exists nologin; create role nologin nologin password 'p'; "
                  "drop role if exists few; create role few login connection limit 0 password 'p'")
    try:
        assert "check user and password" in says(elsewhere(source.uri, password="s3cret"))
        assert "check the database's name" in says(source.uri.replace(f"/{source.name}", "/nothing_here"))
        assert "may not log in" in says(elsewhere(source.uri, user="nologin", password="p"))
        assert "CONNECTION LIMIT" in says(elsewhere(source.uri, user="few", password="p"))
        src_admin.execute(f"revoke connect on database {source.name} from public")
        with source_cluster.admin() as c:
            c.execute("alter role few connection limit -1")
        assert "GRANT CONNECT" in says(elsewhere(source.uri, user="few", password="p"))
    finally:
        with source_cluster.admin() as c:
            c.execute("drop role nologin; drop role few")


def closed_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def test_what_the_system_says(says, server, tmp_path):
    assert "nothing listens there" in says(f"postgres://u:s3cret@127.0.0.1:{closed_port()}/d")
    assert "cannot be resolved" in says("postgres://u:s3cret@nowhere.invalid/d")
    assert "no server has its socket there" in says(f"host={tmp_path} user=u password=s3cret dbname=d")
    wire = server(lambda wire, s, startup: None)
    assert "does it speak" in says(wire.uri()) or "is it up" in says(wire.uri())


def test_tls_that_the_server_has_not(says, server):
    wire = server(refuses(AUTHENTICATE_IN_CLEAR))
    said = says(wire.uri(query="?sslmode=require"))
    assert "offers no TLS" in said and "sslmode=disable" in said
    hung_up = server(refuses(), tls=b"")
    assert "hung up" in says(hung_up.uri(query="?sslmode=require"))
    assert wire.startups == hung_up.startups == 0


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=db.example",
                    "-addext", "subjectAltName=DNS:db.example", "-keyout", folder / "key", "-out", folder / "cert"],
                   check=True, capture_output=True)
    return folder


class TlsWire(Wire):
    def __init__(self, talk, folder):
        super().__init__(talk, tls=b"S")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "cert", folder / "key")

    def _serve(self, s):
        try:
            s.recv(8)
            s.sendall(b"S")
            with self.context.wrap_socket(s, server_side=True) as t:
                super()._serve(t)
        except OSError:
            pass


def test_a_certificate_that_is_not_accepted(says, certificate):
    wire = TlsWire(refuses(AUTHENTICATE_IN_CLEAR), certificate)
    root = f"&sslrootcert={certificate}/cert"
    try:
        said = says(wire.uri(query="?sslmode=verify-full" + root))  # it is another host's
        assert "certificate was not accepted" in said and "global-bundle.pem" in said
        said = says(wire.uri(query="?sslmode=verify-full&sslrootcert=/nonexistent/root.crt"))
        assert "/nonexistent/root.crt cannot be read" in said and "global-bundle.pem" in said
        assert not wire.received
    finally:
        wire.close()


# ---- passwords

def test_no_password_goes_to_another_machine_in_clear(repl, says, server, tmp_path):
    """A server that has no TLS and asks for the password in clear, under each name that looks like this machine's. Another machine
    is one whose address is not a loopback's: here a name of its own, which leads to this one."""
    def asks(wire, s, startup):
        s.sendall(AUTHENTICATE_IN_CLEAR)
        wire.next(s)

    address = socket.gethostbyname(socket.gethostname())
    if address.startswith("127."):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # sends nothing; says which address this machine has
            address = probe.getsockname()[0]
    wire = server(asks)
    wire.listener.close()
    wire.listener = socket.create_server((address, 0))
    wire.port = wire.listener.getsockname()[1]
    import threading
    threading.Thread(target=wire._accept, daemon=True).start()
    service = tmp_path / "services"
    service.write_text(f"[far]\nhost={address}\nport={wire.port}\n", encoding="utf-8")
    uri = wire.uri(host=address)
    assert "offers no TLS" in says(uri)
    for mode in ("prefer", "allow"):
        assert "unencrypted" in says(uri + f"?sslmode={mode}")
    assert "offers no TLS" in says(f"postgres://u:s3cret@127.0.0.1:{closed_port()},{address}:{wire.port}/d")
    assert "offers no TLS" in says(f"postgres://u:s3cret@:{wire.port}/d", PGHOST=address)
    assert "offers no TLS" in says("service=far user=u password=s3cret", PGSERVICEFILE=str(service))
    assert "offers no TLS" in says("user=u password=s3cret", PGSERVICEFILE=str(service), PGSERVICE="far")
    assert "unencrypted" in says(uri, PGSSLMODE="disable")
    assert "offers no TLS" in says(uri, PGSSLMODE="prefer")
    assert not wire.received, "a password was sent"
    # What leads there under the name of this machine is seen by its address.
    assert "not encrypted: the password was not sent" in says(f"host=localhost port={wire.port} user=u password=s3cret dbname=d",
                                                              LD_PRELOAD=elsewhere_library(tmp_path, address))
    assert not wire.received, "a password was sent"
    # In so many words it is.
    says(uri + "?sslmode=disable")
    assert any(b"s3cret" in m for m in wire.received)
    del wire.received[:]
    repl.run("check", "--source", uri + "?sslmode=prefer", "--target", "env:REPL_NOT_SET", "--no-probe", "--allow-plaintext", code=1)
    assert any(b"s3cret" in m for m in wire.received)


def elsewhere_library(folder, address):
    """A getaddrinfo that finds this address for localhost, as a bad /etc/hosts would."""
    source, library = folder / "hosts.c", folder / "hosts.so"
    source.write_text("""#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(node != NULL && strcmp(node, "localhost") == 0 ? "%s" : node, service, hints, out);
}
""" % address, encoding="utf-8")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return str(library)


def test_a_secret_of_the_url_is_in_no_argument(repl, src, source, target):
    """pg_dump gets what no other user may read by a file of mode 0600, which is gone when it has ended."""
    src.execute("create table t (id int primary key)")
    secrets = [source.cluster.password, "key-s3cret"]
    watch = Watch(secrets, (source, target))
    try:
        repl.environment["REPL_TEST_SOURCE"] = source.uri + ("&" if "?" in source.uri else "?") + "sslpassword=key-s3cret"
        repl.init()
    finally:
        watch.stop()
    assert not watch.found, watch.found[:3]
    assert not (repl.dir / "schema.service").exists()
    assert all(stat.S_IMODE(os.stat(p).st_mode) == 0o600 for p in repl.dir.iterdir())


# ---- command:

def running(text):
    return [p for p in os.listdir("/proc") if p.isdigit() and text in cmdline(p)]


def cmdline(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return f.read().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


@pytest.mark.slow
def test_a_command_that_hangs_is_ended_with_its_group(says):
    began = time.monotonic()
    said = says("command:echo 'asking the vault' >&2; sleep 4242 | cat")
    assert "within 30 s" in said and "asking the vault" in said
    assert 29 < time.monotonic() - began < 60
    eventually(lambda: not running("sleep 4242"), what="its group is gone")


def test_a_stop_does_not_wait_for_a_command(repl, src, source, target):
    src.execute("create table t (id int primary key)")
    slow = repl.folder / "slow"
    repl.init(source=f"command:test -e {slow} && sleep 4343; echo '{source.uri}'")
    repl.start()
    repl.wait_phase("following")
    slow.touch()
    source.terminate()
    eventually(lambda: running("sleep 4343"), what="the command hangs")
    repl.stop()
    eventually(lambda: not running("sleep 4343"), what="its group is gone")
