"""The source fails over: on another timeline ids of transactions may be used again, and what the old server had given
out may be gone. The target is made to believe that it read from another timeline than the one that is there."""
from test_copy import SMALL, big, chunks

FAILED_OVER = "update repl.position set timeline = timeline + 1"


def test_passes_begin_anew(repl, src, dst, equal):
    src.execute("create table t(id int primary key, v int); insert into t select g, 0 from generate_series(1, 6000) g")
    repl.init()
    repl.start()
    repl.wait_phase("following")
    repl.stop()
    repl.configure(batch_rows=500, step_rows=500)
    src.execute("update t set v = 1")
    repl.start(wait=False, fail_at="apply.after_commit:3")
    assert repl.wait_exit() == -9, repl.engine_tail()
    assert dst.execute("select goal is not null and block > 0 from repl.relation").fetchone()[0]
    # A row of a step that is done already: as if that step had read it from the server that is gone.
    dst.execute("update t set v = 7 where id = 1")
    dst.execute(FAILED_OVER)
    repl.start()
    repl.kick()
    assert equal() == 6000


def test_a_copy_does_not_go_on(repl, src, dst):
    """Rows were left out for deltas that the new server may lack."""
    big(src)
    repl.init()
    repl.configure(**SMALL)
    repl.start(wait=False, fail_at="chunk.after_commit:4")
    assert repl.wait_exit() == -9, repl.engine_tail()
    assert chunks(dst) > 0
    dst.execute(FAILED_OVER)
    refused = repl.run("start", code=1)
    assert "during the first copy" in refused.all and "repl cleanup" in refused.all


def test_before_the_first_row_it_does_not_matter(repl, src, dst, equal):
    big(src, rows=1000)
    repl.init()
    repl.start(wait=False, fail_at="engine.opened")
    assert repl.wait_exit() == -9, repl.engine_tail()
    dst.execute(FAILED_OVER)
    repl.start()
    repl.kick()
    assert equal() == 1000
