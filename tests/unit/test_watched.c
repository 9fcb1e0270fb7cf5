/* A socket that its owner closes while the loop watches it: what has its number next is neither watched nor closed. */
#include "unit.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../replicator/engine/watched.h"

struct ends {
    uv_loop_t loop;
    int here, there;
    int calls;
    struct watched *watched;
};

static void counts(void *arg)
{
    struct ends *x = arg;
    x->calls++;
}

static void ends_with_it(void *arg)
{
    struct ends *x = arg;
    x->calls++;
    watched_stop(x->watched);
}

static void begin(struct ends *x)
{
    int pair[2];
    struct err e;
    *x = (struct ends){0};
    assert_int_equal(uv_loop_init(&x->loop), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    x->here = pair[0];
    x->there = pair[1];
    x->watched = watched_start(&x->loop, x->here, counts, x, &e);
    assert_non_null(x->watched);
}

static void finish(struct ends *x)
{
    while (uv_run(&x->loop, UV_RUN_DEFAULT) != 0)
        ;
    assert_int_equal(uv_loop_close(&x->loop), 0);
}

static void what_arrives_is_told(void **arg)
{
    struct ends x;
    (void)arg;
    begin(&x);
    assert_int_equal(uv_run(&x.loop, UV_RUN_NOWAIT), 1);
    assert_int_equal(x.calls, 0);
    assert_int_equal(write(x.there, "x", 1), 1);
    uv_run(&x.loop, UV_RUN_NOWAIT);
    assert_int_equal(x.calls, 1);
    watched_stop(x.watched);
    uv_run(&x.loop, UV_RUN_NOWAIT);
    assert_int_equal(x.calls, 1);
    finish(&x);
    close(x.here);
    close(x.there);
}

/* As libpq does it, in the middle of a read, while other threads open descriptors. */
static void the_owner_closes_it(void **arg)
{
    struct ends x;
    struct err e;
    int others[2];
    char c;
    (void)arg;
    begin(&x);
    int number = x.here;
    close(x.here);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, others), 0);
    assert_int_equal(others[0], number); /* the lowest one that is free */
    assert_int_equal(write(others[1], "x", 1), 1);
    uv_run(&x.loop, UV_RUN_NOWAIT);
    assert_int_equal(x.calls, 0);
    struct watched *stranger = watched_start(&x.loop, number, ends_with_it, &x, &e);
    struct watched *first = x.watched;
    x.watched = stranger;
    watched_stop(first);
    uv_run(&x.loop, UV_RUN_ONCE);
    assert_int_equal(x.calls, 1);
    finish(&x);
    assert_int_equal(read(number, &c, 1), 1);  /* it is still open */
    assert_int_equal(read(x.there, &c, 1), 0); /* nobody holds the first socket any more */
    close(others[0]);
    close(others[1]);
    close(x.there);
}

static void no_descriptor_is_left(void **arg)
{
    struct ends x;
    struct err e;
    struct rlimit before, none;
    (void)arg;
    begin(&x);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = (rlim_t)x.here, .rlim_max = before.rlim_max}; /* all below are taken */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_null(watched_start(&x.loop, x.here, counts, &x, &e));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(e.kind, ERR_OS);
    assert_non_null(strstr(e.hint, "ulimit -n"));
    watched_stop(NULL);
    watched_stop(x.watched);
    finish(&x);
    close(x.here);
    close(x.there);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_arrives_is_told),
        cmocka_unit_test(the_owner_closes_it),
        cmocka_unit_test(no_descriptor_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
