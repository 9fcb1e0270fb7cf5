"""repl: triggers by `repl init`, an engine by `repl start`."""
from engine import Repl

NAME = "repl"
PACKAGES = ()
STOPPED, FOLLOWING = "repl stopped", "repl following"
NEEDS_ROWS = False  # its own copy brings them


class Follower:
    def __init__(self, site, stopped):
        self.repl = Repl(site.source_uri(), site.target_uri(), site.jobs)
        self.stopped = Repl(stopped.source_uri(), stopped.target_uri(), site.jobs)

    def install(self):
        for r in (self.repl, self.stopped):
            r.init()
        self.start()
        self.repl.wait("following")
        self.stop()

    def start(self):
        self.repl.start()

    def settle(self):
        """A backlog that is too large for one batch comes over table by table."""
        self.repl.kick()

    def stop(self):
        self.repl.stop()

    def before_stopped(self):
        pass

    after_stopped = before_stopped

    def forget(self):
        for r in (self.repl, self.stopped):
            r.__exit__()
