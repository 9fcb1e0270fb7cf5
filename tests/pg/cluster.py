"""Real PostgreSQL servers for the tests: initdb in a temporary folder, as a user that is not root."""
import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import psycopg

from waiting import eventually

SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = '{folder}'
shared_buffers = 48MB
max_connections = 120
max_wal_size = 512MB
fsync = on
wal_level = replica
log_line_prefix = '%m %p %u@%d %a: '
log_lock_waits = on
timezone = 'UTC'
password_encryption = 'scram-sha-256'
"""

HBA = """
local all postgres trust
local replication postgres trust
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
"""


def as_server_user(command, root=""):
    """PostgreSQL refuses to run as root. root: the folder of another system, which has another PostgreSQL."""
    if root:
        return ["chroot", "--userspec=postgres", root, *command]
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else list(command)


def server_user(root):
    """The ids that the server's user has in that system."""
    with open(f"{root}/etc/passwd", encoding="utf-8") as f:
        entry = next(line.split(":") for line in f if line.startswith("postgres:"))
    return int(entry[2]), int(entry[3])


def server_bin(root):
    """The folder of initdb as seen from within root: the newest that is installed there."""
    found = glob.glob(f"{root}/usr/lib/postgresql/*/bin/initdb") or glob.glob(f"{root}/usr/pgsql-*/bin/initdb")
    if found:
        return os.path.dirname(max(found, key=lambda p: int(re.search(r"(\d+)/bin", p).group(1))))[len(root):]
    return subprocess.run(["pg_config", "--bindir"], check=True, capture_output=True, text=True).stdout.strip()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Cluster:
    """One server. `role` is the one that repl connects as, never a superuser."""

    def __init__(self, name, role, password, root=""):
        self.name, self.role, self.password, self.root, self.bin = name, role, password, root, server_bin(root)
        self.folder = tempfile.mkdtemp(prefix=f"repl-{name}-", dir=f"{root}/tmp")
        self.data = os.path.join(self.folder, "data")
        self.log = os.path.join(self.folder, "server.log")
        self.port = None
        if os.geteuid() == 0:
            os.chown(self.folder, *server_user(root))
        os.chmod(self.folder, 0o755)
        self._make()
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as f:
            f.write(SETTINGS.format(folder=self.inside(self.folder)))

    def _make(self):
        self._run("initdb", "-D", self.inside(self.data), "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        with open(os.path.join(self.data, "pg_hba.conf"), "w", encoding="utf-8") as f:
            f.write(HBA)

    def inside(self, path):
        """The path as the server sees it."""
        return path[len(self.root):]

    def _run(self, program, *arguments, check=True):
        # The output goes to a file, not a pipe: a server that pg_ctl starts would hold the pipe open.
        with open(os.path.join(self.folder, "commands.log"), "ab") as out:
            p = subprocess.run(as_server_user([os.path.join(self.bin, program), *arguments], self.root),
                               stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.folder, check=False)
        if check and p.returncode != 0:
            with open(out.name, encoding="utf-8", errors="replace") as f:
                raise RuntimeError(f"{program} of {self.name} failed:\n{f.read()[-4000:]}")
        return p.returncode == 0

    def start(self):
        ports = [self.port] if self.port else [free_port() for _ in range(5)]
        for port in ports:
            if self._run("pg_ctl", "-D", self.inside(self.data), "-l", self.inside(self.log), "-w", "-t", "60", "-o", f"-p {port}", "start",
                         check=port == ports[-1]):
                self.port = port
                return

    def stop(self, mode="fast"):
        self._run("pg_ctl", "-D", self.inside(self.data), "-m", mode, "-w", "-t", "60", "stop")

    def crash(self):
        """As when the power goes: nothing is flushed that was not flushed already."""
        self.stop("immediate")

    def restart(self, mode="fast"):
        self.stop(mode)
        self.start()

    def running(self):
        """As pg_ctl status has it."""
        try:
            with open(os.path.join(self.data, "postmaster.pid"), encoding="utf-8") as f:
                os.kill(int(f.readline()), 0)
            return True
        except (OSError, ValueError):
            return False

    def freeze(self):
        """SIGSTOP to the server and all its processes; returns them, for thaw()."""
        with open(os.path.join(self.data, "postmaster.pid"), encoding="utf-8") as f:
            first = int(f.readline())
        with open(f"/proc/{first}/task/{first}/children", encoding="ascii") as f:
            os.kill(first, signal.SIGSTOP)
            pids = [first, *map(int, f.read().split())]
        for pid in pids[1:]:
            os.kill(pid, signal.SIGSTOP)
        return pids

    @staticmethod
    def thaw(pids):
        for pid in reversed(pids):
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass

    def ensure_up(self):
        if not self.running():
            self.start()

    def configure(self, **settings):
        """ALTER SYSTEM and reload; None resets."""
        with self.admin() as c:
            for name, value in settings.items():
                c.execute(f"alter system reset {name}" if value is None else f"alter system set {name} = '{value}'")
            c.execute("select pg_reload_conf()")
            for name, value in settings.items():
                eventually(lambda n=name, v=value: v is None or
                           c.execute("select setting from pg_settings where name = %s", (n,)).fetchone()[0] == str(v),
                           what=f"{name} is in force")

    def remove(self):
        if self.running():
            self._run("pg_ctl", "-D", self.inside(self.data), "-m", "immediate", "-w", "stop", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def admin(self, database="postgres", **options):
        """A superuser's connection; repl itself never has one."""
        options.setdefault("autocommit", True)
        return psycopg.connect(host=self.folder, port=self.port, user="postgres", dbname=database, **options)

    def connect(self, database, **options):
        options.setdefault("autocommit", True)
        return psycopg.connect(self.uri(database), **options)

    def uri(self, database, password=None, role=None, port=None):
        return (f"postgresql://{role or self.role}:{password or self.password}@127.0.0.1:{port or self.port}/"
                f"{database}")

    def create_database(self, name):
        with self.admin() as c:
            c.execute(f'drop database if exists "{name}" with (force)')
            c.execute(f'create database "{name}" owner "{self.role}" template template0')

    def drop_database(self, name):
        with self.admin() as c:
            c.execute(f'drop database if exists "{name}" with (force)')

    def terminate(self, database, application="repl%"):
        """Ends the backends of that application; says how many there were."""
        with self.admin() as c:
            return len(c.execute("select pg_terminate_backend(pid) from pg_stat_activity "
                                 "where datname = %s and application_name like %s", (database, application)).fetchall())


class Fork(Cluster):
    """A physical copy of a server as it is now: of its own from here on, or, with follow, its standby."""

    def __init__(self, of, follow=False):
        self.of, self.follow = of, follow
        super().__init__("fork", of.role, of.password, of.root)
        self.start()
        with self.admin() as c:
            eventually(lambda: c.execute("select pg_is_in_recovery()").fetchone()[0] == follow, what="the fork is up")

    def _make(self):
        primary = ["-h", self.of.inside(self.of.folder), "-p", str(self.of.port), "-U", "postgres"]
        self._run("pg_basebackup", *primary, "-D", self.inside(self.data), "-c", "fast", "-X", "stream", "--no-sync",
                  *(["-R"] if self.follow else []))
        if not self.follow:  # to the end of what came along, and then on a timeline of its own
            open(os.path.join(self.data, "recovery.signal"), "w", encoding="utf-8").close()
            with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as f:
                f.write("restore_command = 'false'\n")


class Pooler:
    """PgBouncer in transaction mode in front of a cluster. It refuses startup parameters that it knows not and was not told
    to ignore."""

    def __init__(self, cluster, ignored="extra_float_digits,options"):
        self.cluster, self.port = cluster, free_port()
        self.folder = tempfile.mkdtemp(prefix="repl-pooler-", dir="/tmp")
        users = os.path.join(self.folder, "users.txt")
        config = os.path.join(self.folder, "pgbouncer.ini")
        with open(users, "w", encoding="utf-8") as f:
            f.write(f'"{cluster.role}" "{cluster.password}"\n')
        with open(config, "w", encoding="utf-8") as f:
            f.write(f"[databases]\n* = host=127.0.0.1 port={cluster.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
                    f"listen_port = {self.port}\nunix_socket_dir =\nauth_type = plain\nauth_file = {users}\n"
                    f"pool_mode = transaction\nlogfile = {self.folder}/pooler.log\n"
                    f"ignore_startup_parameters = {ignored}\n")
        if os.geteuid() == 0:
            for path in (self.folder, users, config):
                shutil.chown(path, "postgres")
        program = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
        assert program, "pgbouncer is not installed; tests/run installs it"
        # Without runuser, which takes two seconds to end.
        self.process = subprocess.Popen([program, config], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True,
                                        **({"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0
                                           else {}))
        eventually(self._answers, what="pgbouncer answers")

    def _answers(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def uri(self, database):
        return self.cluster.uri(database, port=self.port)

    def remove(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
