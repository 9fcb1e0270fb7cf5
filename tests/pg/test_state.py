"""The state directory: another user's is not gone by, a file that is lost or damaged is made again, and trouble with it under a
running engine is said."""
import contextlib
import json
import os
import pathlib
import pwd
import shutil
import socket
import sqlite3
import subprocess

import pytest

from program import binary
from waiting import eventually

TABLE = "create table t (id int primary key, v text); insert into t select g, 'a' from generate_series(1, 50) g"


@pytest.fixture
def stopped(repl, src):
    """A sync that has followed, and whose engine has ended."""
    src.execute(TABLE)
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.stop()
    return repl


# ---- whose it is

@pytest.fixture
def shared(tmp_path):
    """A folder that every user may write to; tests that change owners run as root."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to be two users")
    folder = pathlib.Path("/tmp") / f"repl-shared-{os.getpid()}"
    folder.mkdir(mode=0o777)
    os.chmod(folder, 0o1777)
    yield folder
    shutil.rmtree(folder)


COMMANDS = ("status", "verify", "kick", "log", "stop", "pause", "set --jobs 2", "start", "start --detach", "cleanup --yes", "check", "init",
            "cutover --yes", "add t")


def test_what_another_user_wrote_is_not_done(shared, stopped):
    """A sync whose source is a command of an attacker's, where the victim happens to stand."""
    proof = shared / "proof"
    theirs = shared / ".repl"
    shutil.copytree(stopped.dir, theirs)
    with contextlib.closing(sqlite3.connect(theirs / "state.db")) as db, db:
        db.execute("update setting set value = ? where key = 'source'", (f"command:touch {proof}; echo postgres://x@127.0.0.1:1/x",))
    nobody = pwd.getpwnam("nobody")
    for path in (theirs, *theirs.rglob("*")):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    for command in COMMANDS:
        out = subprocess.run([*binary(), *command.split()], cwd=shared, capture_output=True, text=True, timeout=60,
                             stdin=subprocess.DEVNULL, env=stopped.environment, check=False)
        assert out.returncode == 1, (command, out)
        assert "belongs to another user (nobody)" in out.stderr and "sudo -u nobody" in out.stderr, (command, out)
        assert not proof.exists(), command


def test_nor_are_single_files_and_links(shared, stopped, tmp_path):
    for name in ("state.db", "repl.conf"):
        path = stopped.dir / name
        path.touch()
        os.chown(path, pwd.getpwnam("nobody").pw_uid, -1)
        for command in ("start", "status"):
            assert f"{name} belongs to another user" in stopped.run(command, code=1).err
        os.chown(path, 0, -1)
        os.chmod(path, 0o622)
        assert f"chmod 600 {path}" in stopped.run("status", code=1).err
        os.chmod(path, 0o600)
    link = tmp_path / "link"
    link.symlink_to(stopped.dir)
    assert "symbolic link" in stopped.run("status", "-D", link, code=1, at=False).err
    moved = tmp_path / "elsewhere.db"
    (stopped.dir / "state.db").rename(moved)
    (stopped.dir / "state.db").symlink_to(moved)
    assert "symbolic link" in stopped.run("status", code=1).err


# ---- a file that is lost

def change(path, sql):
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute(sql)


def newer(path):
    change(path, "pragma user_version = 1000")


def half(path):
    with open(path, "r+b") as f:
        f.seek(3 * 4096)
        f.write(os.urandom(os.path.getsize(path) - 3 * 4096))


def header_gone(path):
    with open(path, "r+b") as f:
        f.write(b"\0" * 100)


REMAINS = {"newer": newer, "damaged pages": half, "header gone": header_gone}
NOTHING = {"random": lambda p: p.write_bytes(os.urandom(50000)), "zero bytes": lambda p: p.write_bytes(b""),
           "zeros": lambda p: p.write_bytes(b"\0" * 20000), "text": lambda p: p.write_text("no database\n" * 500),
           "missing": lambda p: p.unlink(),
           "no settings": lambda p: change(p, "delete from setting")}


def made_again(repl, src, equal):
    """`start` makes it again and goes on; what the engine does is shown by one change."""
    before = len(repl.engine_tail(10**7))
    src.execute("update t set v = v || 'b' where id % 2 = 0")
    repl.start()
    repl.wait_phase("following")
    repl.kick()
    equal()
    repl.stop()
    return repl.engine_tail(10**7)[before:] + repl.run("log", "-n", "1000").out


def test_what_remains_says_where_the_servers_are(stopped, src, equal):
    for how, spoil in REMAINS.items():
        spoil(stopped.dir / "state.db")
        assert "made again, the URLs by what remains of it" in made_again(stopped, src, equal), how
    assert len(list(stopped.dir.glob("state.db.aside-*"))) >= len(REMAINS)
    stopped.run("cleanup", "--yes")
    assert not stopped.dir.exists(), "what was kept aside holds connection strings, too"


def test_otherwise_the_environment_or_repl_conf_does(stopped, src, equal):
    known = dict(REPL_SOURCE=stopped.environment["REPL_TEST_SOURCE"], REPL_TARGET=stopped.environment["REPL_TEST_TARGET"])
    for how, spoil in NOTHING.items():
        for name in stopped.dir.glob("state.db-*"):
            name.unlink()
        spoil(stopped.dir / "state.db")
        assert "hint:" in stopped.run("start", code=1).err, how
        stopped.run("status", env=known)
        with contextlib.closing(sqlite3.connect(stopped.dir / "state.db")) as db:
            assert db.execute("select value from setting where key = 'source'").fetchall() == [("env:REPL_SOURCE",)], how
    (stopped.dir / "state.db").unlink()
    stopped.configure(source="env:REPL_TEST_SOURCE", target="command:echo \"$REPL_TEST_TARGET\" # where it is now", batch_rows=1000)
    assert "the URLs by repl.conf" in made_again(stopped, src, equal)
    shutil.rmtree(stopped.dir)
    stopped.environment.update(known)
    assert "the URLs by REPL_SOURCE and REPL_TARGET" in made_again(stopped, src, equal)


def test_two_commands_make_it_again_once(stopped):
    (stopped.dir / "state.db").write_bytes(b"no database " * 1000)
    known = dict(REPL_SOURCE=stopped.environment["REPL_TEST_SOURCE"], REPL_TARGET=stopped.environment["REPL_TEST_TARGET"])
    several = [stopped.start_in_background("status", env=known) for _ in range(5)]
    assert [p.wait(60) for p in several] == [0] * 5
    assert len(list(stopped.dir.glob("state.db.aside-*Z"))) == 1


def test_where_nothing_was_ever_installed_nothing_is_made(repl, src):
    src.execute(TABLE)
    repl.environment.update(REPL_SOURCE=repl.environment["REPL_TEST_SOURCE"], REPL_TARGET=repl.environment["REPL_TEST_TARGET"])
    out = repl.run("start", code=1)
    assert "nothing of repl is installed" in out.err and "repl init" in out.err
    assert not repl.dir.exists()
    repl.run("init")  # takes both from there
    assert repl.dir.exists()


# ---- under a running engine

def trouble(repl):
    errors = repl.status()["errors"]
    return errors[0]["message"] + " -> " + (errors[0]["hint"] or "") if errors else ""


@pytest.fixture
def small_disk(shared, repl):
    """A state directory on a file system of its own."""
    repl.dir.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "repl-test", repl.dir], check=True)
    yield repl.dir
    repl.kill()
    subprocess.run(["umount", "-l", repl.dir], check=True)


def test_a_full_disk_is_shown_and_a_pause_that_is_not_kept_says_so(small_disk, repl, src, equal):
    src.execute(TABLE)
    repl.init()
    repl.start()
    repl.wait_phase("following")
    filler = small_disk / "filler"
    fd = os.open(filler, os.O_WRONLY | os.O_CREAT, 0o600)
    with contextlib.suppress(OSError):
        while True:
            os.write(fd, b"x" * 4096)
    os.close(fd)

    def shown():
        src.execute("update t set v = v || 'x' where id = 1")
        return "state file" in trouble(repl) and "make room" in trouble(repl)
    eventually(shown, what="status says that the disk is full")
    out = repl.run("pause", code=1)
    assert "not recorded" in out.err
    assert repl.phase() == "paused"
    filler.unlink()
    eventually(lambda: not trouble(repl), what="and that it is no more")
    repl.run("resume")
    repl.kick()
    equal()
    repl.stop()


@pytest.mark.parametrize("whole", [False, True])
def test_a_directory_that_is_emptied_is_noticed(repl, src, equal, whole):
    src.execute(TABLE)
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.run("pause", "public.t")
    if whole:
        shutil.rmtree(repl.dir)
    else:
        for path in repl.dir.iterdir():
            path.unlink()
    eventually(lambda: repl.run("status", "--json", code=None, note=False).code == 0 and repl.status()["engine"]["running"],
               what="the engine answers again")
    assert "was emptied" in repl.run("log").out
    out = repl.run("start", code=1)
    assert "an engine is running" in out.err
    repl.kill()
    repl.start()
    eventually(lambda: [t for t in repl.status()["tables"] if t["phase"] == "paused"], what="the table is paused still")
    repl.run("resume", "public.t")
    repl.kick()
    equal()
    repl.stop()


# ---- the socket

def dial(repl):
    s = socket.socket(socket.AF_UNIX)
    s.connect(str(repl.dir / "control.sock"))
    return s


def ask(repl, **request):
    with dial(repl) as s, s.makefile() as lines:
        s.sendall(json.dumps({"protocol": 1, **request}).encode() + b"\n")
        return json.loads(lines.readline())


def test_a_pause_of_what_is_no_text_is_refused(repl, src):
    src.execute(TABLE)
    repl.init()
    repl.start()
    repl.wait_phase("following")
    for command in ("pause", "resume"):
        for table in (5, None, [], {}, True):
            answer = ask(repl, command=command, table=table)
            assert not answer["ok"] and "text" in answer["error"]["message"], answer
    repl.wait_phase("following")
    repl.stop()


def memory(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def test_what_is_kept_for_a_client_that_does_not_read_is_bounded(repl, src):
    src.execute(TABLE)
    src.execute("do $$ begin for i in 1..40 loop execute format('create table many_%s (id int primary key)', i); end loop; end $$")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    before, asked, answer = memory(repl.engine.pid), 0, len(json.dumps(repl.status()))
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            s = stack.enter_context(dial(repl))
            s.settimeout(1)
            with contextlib.suppress(TimeoutError, ConnectionError):
                while asked * answer < 10**9:
                    s.sendall(b'{"protocol":1,"command":"status"}\n' * 50)
                    asked += 50
        assert repl.status()["engine"]["running"]
        assert asked * answer > 8 * 10**6, "too little was asked to tell"
        assert memory(repl.engine.pid) - before < 40000
    repl.stop()
