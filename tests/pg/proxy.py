"""A wire to a server that can be cut, held and made silent: a proxy on a port of its own."""
import selectors
import socket
import threading


class Proxy:
    """Passes bytes both ways. silent(): nothing passes any more, connections stay open and new ones are taken; forget(): that
    for the connections that are there, new ones pass; cut(): those that are there are reset; refuse(): as cut, and no new one."""

    def __init__(self, port):
        self.to = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.selector = selectors.DefaultSelector()
        self.pairs, self.dumb, self.is_silent, self.refuses, self.ended = {}, set(), False, False, False
        self.left = None  # bytes that still pass from the server
        self.lock = threading.RLock()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def uri(self, side, **options):
        return side.cluster.uri(side.name, port=self.port, **options)

    def _run(self):
        while not self.ended:
            for key, _ in self.selector.select(0.05):
                with self.lock:
                    if key.fileobj is self.listener:
                        self._accept()
                    elif key.fileobj in self.pairs:
                        self._pass(key.fileobj)

    def _accept(self):
        client, _ = self.listener.accept()
        if self.refuses:
            self._reset(client)
            return
        if self.is_silent:
            self.dumb.add(client)
            return
        try:
            server = socket.create_connection(("127.0.0.1", self.to))
        except OSError:
            self._reset(client)
            return
        for s, other in ((client, server), (server, client)):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.pairs[s] = other
            self.selector.register(s, selectors.EVENT_READ)

    def _pass(self, s):
        try:
            data = s.recv(65536)
            if data:
                self.pairs[s].sendall(data)
                if self.left is not None and s.getpeername()[1] == self.to:
                    self.left -= len(data)
                    if self.left <= 0:
                        self.silent()
                return
        except OSError:
            pass
        self._end(s)

    @staticmethod
    def _reset(s):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        s.close()

    def _end(self, s, reset=False):
        other = self.pairs.pop(s)
        self.pairs.pop(other)
        for each in (s, other):
            self.selector.unregister(each)
            if reset:
                self._reset(each)
            else:
                each.close()

    # ---- what may happen to it

    def _make_dumb(self):
        for s in list(self.pairs):
            self.selector.unregister(s)
            self.dumb.add(s)
        self.pairs.clear()

    def silent(self):
        with self.lock:
            self.is_silent = True
            self._make_dumb()

    def silent_after(self, size):
        """When the server has sent so many bytes."""
        with self.lock:
            self.left = size

    def forget(self):
        with self.lock:
            self._make_dumb()

    def cut(self):
        with self.lock:
            for s in list(self.pairs):
                if s in self.pairs:
                    self._end(s, reset=True)

    def refuse(self):
        with self.lock:
            self.refuses = True
            self.cut()

    def heal(self):
        """New connections pass again; those that were silent stay so, as behind a proxy that forgot them."""
        with self.lock:
            self.is_silent = self.refuses = False
            self.left = None

    def close(self):
        self.ended = True
        self.thread.join()
        with self.lock:
            for s in [*self.pairs, *self.dumb, self.listener]:
                s.close()
        self.selector.close()
