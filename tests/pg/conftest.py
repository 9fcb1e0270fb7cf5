"""Two servers a session, fresh databases a test, roles as in the field: nobody is a superuser."""
import itertools
import os
import secrets

import pytest

import compare
import fallback
import workload
from cluster import Cluster, Fork, Pooler
from program import Repl, binary
from report import Report
from proxy import Proxy


def pytest_addoption(parser):
    parser.addoption("--seed", type=int, help="test_model.py, test_migrations.py: the one round to play, with the seed that it printed")
    parser.addoption("--minutes", type=float, help="the same: how long the long run goes on")


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: minutes of work; run by ctest's label slow, not by default")


def pytest_sessionstart(session):
    program = binary()[-1]
    if not os.access(program, os.X_OK):
        pytest.exit(f"{program} is not there: build first, or set REPL_BIN", 2)


@pytest.fixture(scope="session")
def source_cluster():
    """As Heroku: an owner of the database without superuser and without REPLICATION."""
    cluster = Cluster("source", "app", "source-" + secrets.token_hex(8), os.environ.get("REPL_PG_SOURCE_ROOT", ""))
    try:
        cluster.start()
        with cluster.admin() as c:
            c.execute("create role app login nosuperuser nocreatedb nocreaterole noreplication "
                      f"password '{cluster.password}'")
        yield cluster
    finally:
        cluster.remove()


@pytest.fixture(scope="session")
def target_cluster():
    """As RDS: a master user without superuser that may set session_replication_role."""
    cluster = Cluster("target", "rds", "target-" + secrets.token_hex(8), os.environ.get("REPL_PG_TARGET_ROOT", ""))
    try:
        cluster.start()
        with cluster.admin() as c:
            c.execute(f"create role rds login nosuperuser createdb createrole password '{cluster.password}'")
            c.execute("grant set on parameter session_replication_role to rds")
        yield cluster
    finally:
        cluster.remove()


_numbers = itertools.count(1)


class Side:
    """One database of the test on one cluster."""

    def __init__(self, cluster, name):
        self.cluster, self.name = cluster, name

    @property
    def uri(self):
        return self.cluster.uri(self.name)

    def connect(self, **options):
        return self.cluster.connect(self.name, **options)

    def admin(self, **options):
        return self.cluster.admin(self.name, **options)

    def terminate(self, application="repl%"):
        return self.cluster.terminate(self.name, application)


def _side(cluster, prefix):
    cluster.ensure_up()
    side = Side(cluster, f"{prefix}{next(_numbers)}")
    cluster.create_database(side.name)
    return side


@pytest.fixture
def sides(source_cluster, target_cluster):
    """Makes pairs of databases, more than one in a test; the last one and those before are dropped at the end."""
    made = []

    def pair():
        made.extend((_side(source_cluster, "src"), _side(target_cluster, "dst")))
        return made[-2:]
    yield pair
    for side in made:
        side.cluster.ensure_up()
        side.cluster.drop_database(side.name)


@pytest.fixture
def source(source_cluster):
    side = _side(source_cluster, "src")
    yield side
    source_cluster.ensure_up()
    source_cluster.drop_database(side.name)


@pytest.fixture
def target(target_cluster):
    side = _side(target_cluster, "dst")
    yield side
    target_cluster.ensure_up()
    target_cluster.drop_database(side.name)


@pytest.fixture
def src(source):
    """A connection to the source as its owner, autocommit."""
    with source.connect() as c:
        yield c


@pytest.fixture
def dst(target):
    with target.connect() as c:
        yield c


@pytest.fixture
def src_admin(source):
    with source.admin() as c:
        yield c


@pytest.fixture
def dst_admin(target):
    with target.admin() as c:
        yield c


@pytest.fixture
def pooler(source_cluster, request):
    p = Pooler(source_cluster, *([request.param] if hasattr(request, "param") else []))
    yield p
    p.remove()


@pytest.fixture
def wires(source, target, repl):
    """Wires to the source and the target, that the program's connections go over."""
    both = Proxy(source.cluster.port), Proxy(target.cluster.port)
    for wire, side, name in zip(both, (source, target), ("SOURCE", "TARGET")):
        repl.environment[f"REPL_TEST_{name}"] = wire.uri(side)
    yield both
    repl.close()
    for wire in both:
        wire.close()


@pytest.fixture
def make_fork(source_cluster):
    """Call it to get a fork of the source's server as it is at that moment."""
    forks = []

    def make(**options):
        forks.append(Fork(source_cluster, **options))
        return forks[-1]
    yield make
    for fork in forks:
        fork.remove()


@pytest.fixture
def repl(tmp_path, source, target, request):
    """The program with its own state directory; it is stopped, and its logs are shown, when the test has failed."""
    program = Repl(tmp_path, source.uri, target.uri)
    request.node.repl = program
    yield program
    program.close()


@pytest.fixture
def equal(source, target):
    """Compares both sides in every row, over fresh connections (the servers may have been restarted)."""
    def check(**options):
        with source.admin() as a, target.admin() as b:
            return compare.compare_all(a, b, **options)
    return check


@pytest.fixture
def writers(source):
    """Creates the workload's tables; call it to get a Workload."""
    with source.connect() as c:
        workload.create(c)
    return lambda **options: workload.Workload(source.uri, **options)


@pytest.fixture
def same_back(source, target):
    """As equal, where there is a way back."""
    def check(**options):
        with source.admin() as a, target.admin() as b:
            return compare.compare_all(a, b, own=fallback.OWN, **options)
    return check


@pytest.fixture
def following(repl, writers):
    """A sync of the workload's tables that follows."""
    def begin(*options):
        repl.init(*options)
        repl.start()
        repl.wait_phase("following")
    return begin


@pytest.fixture
def following_back(repl, writers, src, dst):
    """A sync that follows, of tables with all that a way back must get past at the old source."""
    def begin(*options):
        src.execute(fallback.HINDRANCES)
        repl.init(*options)
        repl.start()
        repl.wait_phase("following")
        dst.execute("drop trigger audit_always on purse")  # there it would fire for repl's rows, like any that is ALWAYS
    return begin


@pytest.fixture
def check(repl):
    """Checks; without the probe unless asked."""
    def run(*options, probe=False, source="env:REPL_TEST_SOURCE", target="env:REPL_TEST_TARGET", **how):
        return Report(repl, "--source", source, "--target", target, *([] if probe else ["--no-probe"]), *options, **how)
    return run


@pytest.fixture
def text(repl):
    def run(*options, code=0):
        return repl.run("check", "--source", "env:REPL_TEST_SOURCE", "--target", "env:REPL_TEST_TARGET", "--no-probe",
                        *options, code=code).out
    return run


@pytest.fixture
def restarted(source_cluster, target_cluster):
    """Settings that take a restart; undone at the end."""
    changed = []

    def change(cluster, **settings):
        changed.append((cluster, settings))
        with cluster.admin() as c:
            for name, value in settings.items():
                c.execute(f"alter system set {name} = '{value}'")
        cluster.restart()
    yield change
    for cluster, settings in changed:
        with cluster.admin() as c:
            for name in settings:
                c.execute(f"alter system reset {name}")
        cluster.restart()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    program = getattr(item, "repl", None)
    if report.failed and program is not None:
        for path in sorted(program.folder.glob("*.log")):
            text = path.read_text(encoding="utf-8", errors="replace")
            report.sections.append((path.name, text[-6000:]))
