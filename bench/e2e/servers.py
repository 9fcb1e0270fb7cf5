"""Throw-away PostgreSQL servers for the demo and the benches: initdb in a temporary folder, a free port, fsync on, and
roles as the field gives them, never a superuser for repl."""
import glob
import os
import re
import shutil
import socket
import subprocess
import tempfile

import psycopg

ACCESS = """
local all postgres trust
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
"""


def as_server_user(command):
    """PostgreSQL refuses to run as root."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else list(command)


def server_bin():
    """The folder of initdb: $REPL_PG_BIN, else the newest that is installed."""
    if os.environ.get("REPL_PG_BIN"):
        return os.environ["REPL_PG_BIN"]
    found = glob.glob("/usr/lib/postgresql/*/bin/initdb")
    if not found:
        raise SystemExit("no PostgreSQL server is installed: apt-get install postgresql")
    return os.path.dirname(max(found, key=lambda p: int(re.search(r"/(\d+)/bin", p).group(1))))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """`with Server("source", "app", shared_buffers="1GB") as s:` runs until the end of the block and leaves nothing."""

    superuser, superuser_password = "bench_superuser", "superuser-secret"

    def __init__(self, name, role, **settings):
        self.name, self.role, self.password = name, role, f"{role}-secret"
        self.bin = server_bin()
        self.folder = tempfile.mkdtemp(prefix=f"repl-bench-{name}-")
        self.data = os.path.join(self.folder, "data")
        self.port = free_port()
        self.settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": self.folder, "port": self.port,
                         "fsync": "on", **settings}

    def __enter__(self):
        try:
            if os.geteuid() == 0:
                shutil.chown(self.folder, "postgres")
            os.chmod(self.folder, 0o755)
            self._run("initdb", "-D", self.data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
            if self.settings.get("ssl") == "on":
                self._make_certificate()
            with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as f:
                f.writelines(f"{k} = '{v}'\n" for k, v in self.settings.items())
            with open(os.path.join(self.data, "pg_hba.conf"), "w", encoding="utf-8") as f:
                f.write(ACCESS)
            self._run("pg_ctl", "-D", self.data, "-l", os.path.join(self.folder, "server.log"), "-w", "start")
            self._make_role()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_):
        self.remove()

    def _run(self, program, *arguments, check=True):
        # The output goes to a file, not a pipe: a server that pg_ctl starts would hold the pipe open.
        with open(os.path.join(self.folder, "commands.log"), "ab") as out:
            done = subprocess.run(as_server_user([os.path.join(self.bin, program), *arguments]), stdout=out, stderr=out,
                                  stdin=subprocess.DEVNULL, cwd=self.folder, check=False)
        if check and done.returncode != 0:
            with open(out.name, encoding="utf-8", errors="replace") as f:
                raise RuntimeError(f"{program} of the {self.name} server failed:\n{f.read()[-3000:]}")

    def _make_certificate(self):
        key, certificate = os.path.join(self.data, "server.key"), os.path.join(self.data, "server.crt")
        subprocess.run(as_server_user(["openssl", "req", "-new", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-newkey",
                                       "rsa:2048", "-keyout", key, "-out", certificate]), check=True, capture_output=True, cwd=self.folder)
        os.chmod(key, 0o600)

    def _make_role(self):
        with self.admin() as c:
            c.execute(f"create role {self.role} login nosuperuser password '{self.password}'")
            self.version = c.info.server_version

    def allow_replica_mode(self):
        """What the master user of RDS and Aurora has. Before PostgreSQL 15 the right cannot be granted by itself: there
        the role of this throw-away server becomes a superuser."""
        with self.admin() as c:
            if self.version >= 150000:
                c.execute(f"grant set on parameter session_replication_role to {self.role}")
            else:
                c.execute(f"alter role {self.role} superuser")

    def make_superuser(self):
        """For programs that need one, not for repl."""
        with self.admin() as c:
            c.execute(f"create role {self.superuser} login superuser password '{self.superuser_password}'")

    def remove(self):
        if os.path.exists(os.path.join(self.data, "postmaster.pid")):
            self._run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def uri(self, database, port=None, superuser=False, tls=False):
        role, password = (self.superuser, self.superuser_password) if superuser else (self.role, self.password)
        return f"postgresql://{role}:{password}@127.0.0.1:{port or self.port}/{database}{'?sslmode=require' if tls else ''}"

    def connect(self, database, **options):
        options.setdefault("autocommit", True)
        return psycopg.connect(self.uri(database), **options)

    def admin(self, database="postgres"):
        return psycopg.connect(host=self.folder, port=self.port, user="postgres", dbname=database, autocommit=True)

    def create_database(self, name, template="template0"):
        with self.admin() as c:
            c.execute(f'drop database if exists "{name}" with (force)')
            c.execute(f'create database "{name}" owner {self.role} template "{template}"')

    def drop_database(self, name):
        with self.admin() as c:
            c.execute(f'drop database if exists "{name}" with (force)')

    def _postmaster(self):
        with open(os.path.join(self.data, "postmaster.pid"), encoding="ascii") as f:
            return int(f.readline())

    def processes(self):
        """All that the postmaster has started, and that are there now."""
        pid = self._postmaster()
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return set(f.read().split())

    def sessions(self, database):
        """The processes of the sessions on that database."""
        found = set()
        for child in self.processes():
            try:
                with open(f"/proc/{child}/cmdline", "rb") as f:
                    title = f.read()
            except OSError:  # it has ended meanwhile
                continue
            # One that has ended has no title until the postmaster takes note of it.
            if not title or title.startswith(f"postgres: {self.role} {database} ".encode()):
                found.add(child)
        return found

    def living_seconds(self, database):
        """CPU seconds of the sessions that are on that database now."""
        total = 0
        for pid in self.sessions(database):
            try:
                with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                    fields = f.read().rsplit(")", 1)[1].split()
            except OSError:  # it has ended meanwhile
                continue
            total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")

    def session_seconds(self):
        """CPU seconds of all sessions that have ended, as the postmaster counted them: what a load cost the server,
        however busy the machine is with other things."""
        with open(f"/proc/{self._postmaster()}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")

    def checkpoint(self):
        with self.admin() as c:
            c.execute("checkpoint")

    def psql(self, database, *arguments, variables=None):
        options = [o for k, v in (variables or {}).items() for o in ("-v", f"{k}={v}")]
        subprocess.run([os.path.join(self.bin, "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", *options,
                        "-d", self.uri(database), *arguments],
                       stdout=subprocess.DEVNULL, check=True, env={**os.environ, "PGOPTIONS": "-c client_min_messages=error"})
