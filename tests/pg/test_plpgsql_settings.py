"""plpgsql as a server's owner likes it: whatever plpgsql.* is set to, on either side, every function of repl can be made and
does the same; there and back."""
import pytest

import compare
from fallback import swap_chapters, without_repl
from waiting import eventually
from workload import Workload

STRICT = {"plpgsql.extra_errors": "all", "plpgsql.extra_warnings": "all", "plpgsql.print_strict_params": "on",
          "plpgsql.check_asserts": "on"}


@pytest.fixture
def set_up(src_admin, dst_admin, source, target):
    """Settings of both databases, as every session has them from then on."""
    def apply(**settings):
        for admin, side in ((src_admin, source), (dst_admin, target)):
            for name, value in {**STRICT, **settings}.items():
                admin.execute(f'alter database "{side.name}" set {name} = "{value}"')
    return apply


@pytest.mark.parametrize("conflict", ["error", "use_variable", "use_column"])
def test_there_and_back(repl, following_back, set_up, source, target, src, dst, same_back, conflict):
    set_up(**{"plpgsql.variable_conflict": conflict})
    src.execute("create table keyless(a int, b text); insert into keyless values (1, 'x'); "
                "create table parted(id int primary key, v int) partition by range (id); "
                "create table parted_1 partition of parted for values from (0) to (1000); "
                "insert into parted select g, g from generate_series(1, 100) g")
    following_back()
    before = without_repl(compare.catalog(src))
    for here, there, switch in ((source, target, "--fallback"), (target, source, "--back")):
        with Workload(here.uri, writers=2) as w, here.connect() as c:
            eventually(lambda w=w: w.committed > 60, what="the writers are at it")
            swap_chapters(c, 1, 2)
            c.execute("insert into keyless values (2, 'y'); update parted set id = id + 500 where id % 3 = 0; delete from parted where id = 1")
            c.execute("truncate parted_1")
            c.execute("insert into parted select g, g from generate_series(1, 50) g")
        repl.kick()
        repl.run("cutover", switch, "--yes")
        with there.connect() as c:
            c.execute("update acc set bal = bal where id = 1")
    repl.kick()
    same_back(with_sequences=False)
    assert before == without_repl(compare.catalog(src))
    repl.stop()
    repl.run("cleanup", "--yes")
