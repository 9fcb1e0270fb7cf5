"""What stands on the terminal of a person who watches: bars that stay in their place, or plain lines."""
import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import threading

import pytest

from test_pace import wide
from waiting import eventually


class Terminal:
    """A program on a terminal, and what that shows: as much of an xterm as repl needs."""

    def __init__(self, repl, *arguments, columns=100, rows=30, **environment):
        self.columns, self.rows, self.lines, self.row, self.column, self.raw = columns, rows, [""], 0, 0, ""
        self.master, slave = pty.openpty()
        self._size(slave)
        env = {**repl.environment, "TERM": "xterm", "LC_ALL": "C.UTF-8", **environment}
        env.pop("NO_COLOR", None) if "NO_COLOR" not in environment else None
        self.process = subprocess.Popen(repl.command(arguments[0], "-D", repl.dir, *arguments[1:]), stdin=slave, stdout=slave,
                                        stderr=slave, env=env, cwd=repl.folder, start_new_session=True)
        os.close(slave)
        self.lock, self.ended = threading.Lock(), threading.Event()
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _size(self, fd):
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", self.rows, self.columns, 0, 0))

    def _read(self):
        decoder, rest = codecs.getincrementaldecoder("utf-8")(), ""
        while not self.ended.is_set():
            if not select.select([self.master], [], [], 0.1)[0]:
                continue
            try:
                text = rest + decoder.decode(os.read(self.master, 65536))
            except OSError:  # the program has ended
                return
            whole = re.search(r"(\x1b(\[[0-9;?]*)?)?$", text).start()  # a sequence may go on in the next piece
            rest = text[whole:]
            with self.lock:
                self._feed(text[:whole])

    def _feed(self, text):
        self.raw += text
        for piece in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+", text):
            if piece == "\r":
                self.column = 0
            elif piece == "\n":
                self.row += 1
                if self.row == len(self.lines):
                    self.lines.append("")
            elif piece.startswith("\x1b"):
                self._sequence(piece[2:-1], piece[-1])
            else:
                for ch in piece:
                    if self.column == self.columns:
                        self._feed("\r\n")
                        self.raw = self.raw[:-2]
                    line = self.lines[self.row].ljust(self.column)
                    self.lines[self.row] = line[:self.column] + ch + line[self.column + 1:]
                    self.column += 1

    def _sequence(self, number, what):
        if what == "A":
            self.row -= min(int(number or 1), self.row, self.rows - 1)
        elif what == "H":
            self.row, self.column = max(0, len(self.lines) - self.rows), 0
        elif what == "K":
            self.lines[self.row] = self.lines[self.row][:self.column]
        elif what == "J":
            self.lines[self.row] = self.lines[self.row][:self.column]
            del self.lines[self.row + 1:]
        else:
            assert what == "m", f"an unknown sequence: {number}{what}"

    def narrow(self, columns):
        """As xterms do: lines that are wider go on in the next row."""
        with self.lock:
            wrapped = []
            for line in self.lines:
                wrapped += [line[i:i + columns] for i in range(0, max(len(line), 1), columns)]
            self.lines, self.columns, self.row = wrapped, columns, len(wrapped) - 1
            self._size(self.master)

    def shown(self):
        with self.lock:
            return [line.rstrip() for line in self.lines]

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        self.ended.set()
        self.thread.join()
        os.close(self.master)


@pytest.fixture
def slow_copy(repl, src):
    wide(src, 4)
    wide(src, 1, "narrow")
    repl.init("--max-rate", "200kB", "--jobs", "2")
    return repl


@pytest.fixture
def terminal(slow_copy):
    opened = []

    def show(*arguments, **how):
        opened.append(Terminal(slow_copy, *arguments, **how))
        return opened[-1]
    yield show
    for t in opened:
        t.close()


def one_of_each(t):
    """The bars stand there once, whatever was drawn before."""
    lines = t.shown()
    return all(sum(line.startswith(name) for line in lines) == 1 for name in ("all tables", "public.wide"))


def test_bars_stay_in_their_place(repl, terminal):
    t = terminal("start", columns=120)
    eventually(lambda: any("ETA" in line for line in t.shown()), what="bars with an ETA")
    drawn = t.raw.count("all tables")
    eventually(lambda: t.raw.count("all tables") > drawn + 2, what="they are drawn again")
    eventually(lambda: one_of_each(t), timeout=2, what="once each")
    bar = next(line for line in t.shown() if line.startswith("all tables"))
    assert re.search(r"[█░▏▎▍▌▋▊▉]{20}  +\d+ %  +\S+ [kM]B of 5\.\d MB  +[\d,]+ rows  +\d+ kB/s  ETA ", bar), bar
    assert "\x1b[32m" in t.raw
    assert len(t.shown()) < 12, t.shown()
    t.narrow(50)
    drawn = t.raw.count("all tables")
    eventually(lambda: t.raw.count("all tables") > drawn + 1, what="drawn again")
    eventually(lambda: one_of_each(t) and all(len(line) < 50 for line in t.shown()[2:]), timeout=3, what="narrow, and nothing is left over")
    repl.run("pause")
    eventually(lambda: any("paused while copying" in line for line in t.shown()), what="the pause is shown")
    repl.run("set", "--max-rate", "unlimited")
    repl.run("resume")
    eventually(lambda: any(line.startswith("following") for line in t.shown()), what="it follows")
    assert not any(line.startswith("all tables") for line in t.shown()), t.shown()
    repl.run("stop")
    assert t.process.wait(30) == 0
    eventually(lambda: any("the engine has stopped" in line for line in t.shown()), what="its last words")


def test_bars_of_a_plain_terminal(terminal):
    t = terminal("start", columns=200, LC_ALL="C", NO_COLOR="1")
    eventually(lambda: any("[" in line and "ETA" in line for line in t.shown()), what="bars in ASCII")
    assert t.raw.isascii() and not re.search(r"\x1b\[[0-9;]*m", t.raw)


@pytest.mark.parametrize("where", ["dumb", "pipe"])
def test_lines_where_nothing_can_be_drawn(repl, terminal, where):
    if where == "dumb":
        t = terminal("start", TERM="dumb")
        text = lambda: t.raw
    else:
        repl.start()
        text = repl.engine_tail
    eventually(lambda: repl.phase() == "copying" and repl.status()["copy"]["eta_seconds"], what="it copies")
    eventually(lambda: "copying (copying tables): " in text(), what="a line")
    repl.run("set", "--max-rate", "unlimited")
    repl.wait_phase("following")
    eventually(lambda: "following" in text(), what="a line for each phase")
    assert "\x1b" not in text()
    told = [line for line in text().splitlines() if " copying (" in line]
    assert 1 <= len(told) <= 4, told
    repl.run("stop")


def test_watch_shows_the_same_in_one_place(repl, terminal):
    repl.start()
    t = terminal("status", "--watch", rows=14)
    eventually(lambda: any("ETA" in line for line in t.shown()), what="the status with an ETA")
    drawn = t.raw.count("phase  ")
    eventually(lambda: t.raw.count("phase  ") > drawn + 1, what="it is shown again")
    eventually(lambda: len([line for line in t.shown() if line.startswith("phase")]) == 1 and t.shown()[0].startswith("phase"), timeout=2,
               what="in the same place")
    assert len(t.shown()) <= 14 and "..." in t.shown()
    table = next(line for line in repl.run("status").out.splitlines() if "public.wide" in line)
    assert re.search(r"copying +\d+ %  \S+ \S+ of 4\.\d MB, [\d,]+ rows, \S+ kB/s, ETA ", table), table
    repl.stop()
