/* Children: what they say becomes an error, the password stays out of their arguments, an interrupt ends them. */
#include "unit.h"

#include <pthread.h>

#include "../../replicator/schema/child.h"
#include "repl/clock.h"

static void the_reason_is_found_in_what_was_said(void **arg)
{
    struct err e;
    (void)arg;
    assert_false(
        child_error("pg_restore",
                    "pg_restore: while PROCESSING TOC:\n"
                    "pg_restore: error: could not execute query: ERROR:  type \"citext\" does not exist\n"
                    "LINE 3:     email citext\n"
                    "Command was: CREATE TABLE public.account (\n    email citext\n);\n"
                    "\n",
                    &e));
    assert_int_equal(e.kind, ERR_SQL);
    assert_string_equal(e.text, "pg_restore: could not execute query: ERROR:  type \"citext\" does not exist "
                                "(at CREATE TABLE public.account ()");
}

static void the_kind_says_whether_trying_again_helps(void **arg)
{
    static const struct {
        const char *said;
        enum err_kind kind;
    } cases[] = {
        {"pg_dump: error: query failed: ERROR:  canceling statement due to lock timeout", ERR_CONFLICT},
        {"pg_dump: error: query failed: ERROR:  canceling statement due to statement timeout", ERR_CONFLICT},
        {"pg_dump: error: connection to server at \"db\" (::1), port 5432 failed: Connection refused",
         ERR_CONN},
        {"pg_restore: error: could not execute query: server closed the connection unexpectedly", ERR_CONN},
        {"pg_restore: error: could not execute query: ERROR:  permission denied for schema public",
         ERR_CONFIG},
        {"pg_dump: error: connection to server at \"db\" failed: FATAL:  password authentication failed for "
         "user "
         "\"app\"",
         ERR_CONFIG},
        {"pg_restore: error: could not execute query: ERROR:  deadlock detected", ERR_CONFLICT},
    };
    (void)arg;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err e;
        assert_false(child_error("x", cases[i].said, &e));
        assert_int_equal(e.kind, cases[i].kind);
    }
}

static void a_child_that_says_nothing_has_failed_too(void **arg)
{
    struct err e;
    (void)arg;
    assert_false(child_error("pg_dump", "", &e));
    assert_int_equal(e.kind, ERR_OS);
    assert_false(child_error("pg_dump", "Segmentation fault\n", &e));
    assert_string_equal(e.text, "pg_dump: Segmentation fault");
}

static bool run(const char *script, const char *password, struct interrupt *i, struct buf *out, struct err *e)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    return child_run(&(struct child){.argv = argv, .password = password, .interrupt = i, .out = out}, e);
}

static void output_and_environment(void **arg)
{
    struct buf out = {0};
    struct err e;
    (void)arg;
    setenv("PGOPTIONS", "-c surprise=on", 1);
    assert_true(
        run("printf '%s|%s|%s' \"$PGPASSWORD\" \"$LC_ALL\" \"$PGOPTIONS\"", "s3cret", NULL, &out, &e));
    unsetenv("PGOPTIONS");
    assert_string_equal(buf_text(&out), "s3cret|C|");
    buf_free(&out);
}

static void a_failure_carries_the_reason(void **arg)
{
    struct err e;
    (void)arg;
    assert_false(run("i=0; while [ $i -lt 20000 ]; do echo noise $i >&2; i=$((i+1)); done;"
                     "echo 'sh: error: the end' >&2; exit 3",
                     NULL, NULL, NULL, &e));
    assert_string_equal(e.text, "sh: the end");
    assert_false(run("kill -9 $$", NULL, NULL, NULL, &e));
    assert_int_equal(e.kind, ERR_OS);
}

static void a_missing_program_is_an_error(void **arg)
{
    const char *const argv[] = {"/nonexistent/pg_dump", NULL};
    struct err e;
    (void)arg;
    assert_false(child_run(&(struct child){.argv = argv}, &e));
    assert_int_equal(e.kind, ERR_OS);
}

static void *raise_it(void *arg)
{
    interrupt_raise(arg, INTERRUPT_SOON);
    return NULL;
}

static void an_interrupt_ends_the_child_and_its_helpers(void **arg)
{
    struct interrupt *i = interrupt_new();
    struct err e;
    pthread_t thread;
    (void)arg;
    uint64_t began = clock_ms();
    assert_int_equal(pthread_create(&thread, NULL, raise_it, i), 0);
    assert_false(run("sleep 300 & sleep 300; wait", NULL, i, NULL, &e));
    pthread_join(thread, NULL);
    assert_int_equal(e.kind, ERR_STOPPED);
    assert_true(clock_ms() - began < 30000);
    interrupt_free(i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reason_is_found_in_what_was_said),
        cmocka_unit_test(the_kind_says_whether_trying_again_helps),
        cmocka_unit_test(a_child_that_says_nothing_has_failed_too),
        cmocka_unit_test(output_and_environment),
        cmocka_unit_test(a_failure_carries_the_reason),
        cmocka_unit_test(a_missing_program_is_an_error),
        cmocka_unit_test(an_interrupt_ends_the_child_and_its_helpers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
