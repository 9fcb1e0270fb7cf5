"""Redmine, as Debian packages it, in a system of its own below a folder; DATABASE_URL says where its database is.

As a program, what `heroku config:set DATABASE_URL=...` does: the web process ends and another comes up, of the database in
$REPL_TARGET_URL; not before somebody has met the fence.   redmine.py ROOT PORT
"""
import contextlib
import http.client
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "pg"))
from waiting import SLOWER, eventually

HOME = "/usr/share/redmine"
PASSWORD = "let me in"
# What its administrator clicks together on the first day; says the key of the REST API.
FIRST_DAY = f"""
Setting.rest_api_enabled = '1'
admin = User.find_by_login('admin')
admin.password = admin.password_confirmation = '{PASSWORD}'
admin.must_change_passwd = false
admin.save!
puts admin.api_key
"""


class Redmine:
    def __init__(self, root, port):
        self.root, self.port = pathlib.Path(root), int(port)
        self.pid_file = self.root / f"tmp/redmine-{port}.pid"
        self.log = self.root / "tmp/redmine.log"
        self.own_log = self.root / "var/log/redmine/default/production.log"
        self.earlier = self.root / "var/log/redmine/default/earlier.log"
        self.process = None
        self.plugins = self.root / HOME[1:] / "plugins"

    def reset(self):
        """As freshly installed: without what an earlier life left outside its database."""
        shutil.rmtree(self.plugins, ignore_errors=True)
        for left in (self.log, self.own_log, self.earlier):
            left.unlink(missing_ok=True)

    # ---- its commands

    def _command(self, url, *command):
        settings = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "RAILS_ENV": "production",
                    "X_DEBIAN_SITEID": "default", "REDMINE_LANG": "en", "SCHEMA": "/tmp/schema.rb", "DATABASE_URL": url}
        inside = ["chroot", "--userspec=www-data:www-data", str(self.root), "sh", "-c", f'cd {HOME} && exec "$@"', "sh"]
        return {"args": [*inside, *command], "env": settings}

    def run(self, url, *command, stdin=""):
        p = subprocess.run(**self._command(url, *command), input=stdin, capture_output=True, text=True, check=False,
                           timeout=120 * SLOWER)
        assert p.returncode == 0, f"{command} failed:\n{p.stdout[-3000:]}{p.stderr[-3000:]}"
        return p.stdout

    def begin(self, url):
        """Its schema and its first rows, by its own migrations and tasks. Returns the API's key."""
        self.run(url, "bin/rake", "db:migrate")
        self.run(url, "bin/rake", "redmine:load_default_data")
        return self.run(url, "bin/rails", "runner", "-", stdin=FIRST_DAY).strip()

    # ---- its web process

    def up(self):
        try:
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
                connection.request("GET", "/login")
                with connection.getresponse() as answer:
                    return answer.status == 200
        except OSError:
            return False

    def start(self, url):
        self.plugins.mkdir(exist_ok=True)
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(**self._command(url, "puma", "-b", f"tcp://127.0.0.1:{self.port}", "-t", "4:4", "config.ru"),
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        self.pid_file.write_text(str(self.process.pid), encoding="ascii")

        def answers():
            assert self.process.poll() is None, self.log.read_text(encoding="utf-8")[-3000:]
            return self.up()
        eventually(answers, timeout=90, every=0.1, what="the application answers")

    def stop(self):
        """Requests that are under way come to their end."""
        if not self.pid_file.exists():
            return
        pid = int(self.pid_file.read_text(encoding="ascii"))
        self.pid_file.unlink()

        def gone():  # a child of this process, or one that cutover's command has left
            if self.process is not None and self.process.pid == pid:
                return self.process.poll() is not None
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                    return f.read().rpartition(")")[2].split()[0] == "Z"
            except FileNotFoundError:
                return True
        if not gone():
            os.kill(pid, signal.SIGTERM)
            eventually(gone, timeout=30, what="the application's web process ends")

    def restart(self, url):
        self.stop()
        self.start(url)

    # ---- its own log

    def forget(self):
        """The log begins anew; what it had is kept beside it."""
        with open(self.earlier, "ab") as kept:
            kept.write(self.own_log.read_bytes())
        os.truncate(self.own_log, 0)

    def errors(self):
        """What ended requests."""
        text = "".join(log.read_text(encoding="utf-8", errors="replace") for log in (self.earlier, self.own_log))
        return re.findall(r"^\[[0-9a-f-]{36}\] (\w+(?:::\w+)+ \([^\n]*)", text, re.M)

    def refused(self):
        """What it was told at the fence, by its log."""
        return re.search(r"PG::ReadOnlySqlTransaction[^\n]*", self.own_log.read_text(encoding="utf-8", errors="replace"))


def switch(app):
    eventually(app.refused, what="somebody meets the fence")
    app.restart(os.environ["REPL_TARGET_URL"])


if __name__ == "__main__":
    switch(Redmine(sys.argv[1], sys.argv[2]))
