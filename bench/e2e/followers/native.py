"""Logical replication of PostgreSQL: a publication and a subscription; stopped is a slot that nobody reads, or that is disabled."""
NAME = "native logical replication"
PACKAGES = ()
STOPPED, FOLLOWING = "native, slot unread", "native following"
NEEDS_ROWS = True
SLOT = "bench_unread"


class Follower:
    def __init__(self, site, stopped):
        self.site, self.stopped = site, stopped

    def _target(self, sql):
        with self.site.target.admin(self.site.target_database) as c:
            c.execute(sql)

    def install(self):
        for site in (self.site, self.stopped):
            with site.source.admin(site.database) as c:
                c.execute("create publication bench for all tables")
        source = self.site.source_uri(superuser=True).replace("'", "''")
        self._target(f"create subscription bench_follow connection '{source}' publication bench with (copy_data = false)")
        self.stop()

    def start(self):
        self._target("alter subscription bench_follow enable")

    def stop(self):
        self._target("alter subscription bench_follow disable")

    def settle(self):
        """What it brings is there in the order of the commits."""

    def before_stopped(self):
        with self.stopped.source.admin(self.stopped.database) as c:
            c.execute("select pg_create_logical_replication_slot(%s, 'pgoutput')", (SLOT,))

    def after_stopped(self):
        """An unread slot keeps the WAL of all arms."""
        with self.stopped.source.admin(self.stopped.database) as c:
            c.execute("select pg_drop_replication_slot(%s)", (SLOT,))

    def forget(self):
        self._target("drop subscription if exists bench_follow")
        for site in (self.site, self.stopped):
            with site.source.admin(site.database) as c:
                c.execute("drop publication if exists bench")
