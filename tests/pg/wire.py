"""A server that is none: it speaks as much of PostgreSQL's protocol as a test wants, and lies where the test wants it to."""
import socket
import struct
import threading

SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST = 80877103, 80877104, 80877102


def message(kind, body=b""):
    return kind + struct.pack("!I", len(body) + 4) + body


def error(sqlstate, text, severity="FATAL", routine="auth_failed", **fields):
    """routine=None: as a pooler, which has none to name."""
    parts = {"S": severity, "V": "FATAL", "C": sqlstate, "M": text, **fields}
    if routine:
        parts.update(F="auth.c", L="330", R=routine)
    return message(b"E", b"".join(k.encode() + v.encode("utf-8", "surrogateescape") + b"\0" for k, v in parts.items()) + b"\0")


def read_exactly(s, n):
    data = b""
    while len(data) < n:
        piece = s.recv(n - len(data))
        if not piece:
            raise ConnectionError
        data += piece
    return data


class Wire:
    """`talk(self, s, startup)` is called for each connection behind its startup packet. received: all that clients sent since."""

    def __init__(self, talk, tls=b"N"):
        self.talk, self.tls, self.received, self.startups = talk, tls, [], 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def uri(self, user="u", password="s3cret", host="127.0.0.1", database="d", query=""):
        return f"postgres://{user}:{password}@{host}:{self.port}/{database}{query}"

    def _accept(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(s,), daemon=True).start()

    def _serve(self, s):
        try:
            with s:
                while True:
                    size, code = struct.unpack("!II", read_exactly(s, 8))
                    rest = read_exactly(s, size - 8)
                    if code in (SSL_REQUEST, GSS_REQUEST):
                        if not self.tls:
                            return
                        s.sendall(self.tls if code == SSL_REQUEST else b"N")
                    elif code == CANCEL_REQUEST:
                        return
                    else:
                        self.startups += 1
                        self.talk(self, s, rest)
                        return
        except (OSError, ConnectionError):
            pass

    def next(self, s):
        """The next message of the client: its kind and body."""
        kind, size = struct.unpack("!cI", read_exactly(s, 5))
        body = read_exactly(s, size - 4)
        self.received.append(kind + body)
        return kind, body

    def close(self):
        self.listener.close()


def refuses(*answer):
    """Says that and hangs up."""
    return lambda wire, s, startup: s.sendall(b"".join(answer))
