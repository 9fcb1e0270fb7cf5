"""What goes on beside a test, in threads of its own."""
import threading


class Background:
    """From start() to stop(), or as long as a `with` block lasts, live() runs in a thread, until self.stopping is set.

    More threads: lives() names what each runs."""

    def __init__(self):
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=life) for life in self.lives()]

    def lives(self):
        return (self.live,)

    def start(self):
        for t in self.threads:
            t.start()
        return self

    def stop(self):
        self.stopping.set()
        for t in self.threads:
            t.join()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class Load(Background):
    """A statement again and again."""

    def __init__(self, source, sql, pause=0.1):
        self.source, self.sql, self.pause, self.done = source, sql, pause, 0
        super().__init__()

    def live(self):
        with self.source.connect() as c:
            while not self.stopping.is_set():
                c.execute(self.sql)
                self.done += 1
                self.stopping.wait(self.pause)
