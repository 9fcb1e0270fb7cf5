/* A state file for each test. */
#ifndef TESTS_STATE_H
#define TESTS_STATE_H

#include "unit.h"

#include <unistd.h>

#include "repl/state.h"

struct fixture {
    char *dir;
    struct state *st;
    struct err e;
};

/* An open state file in a folder of its own. */
static inline int setup(void **arg)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = fresh_folder();
    assert_true(state_open(f->dir, true, &f->st, &f->e));
    *arg = f;
    return 0;
}

static inline int teardown(void **arg)
{
    struct fixture *f = *arg;
    state_close(f->st);
    assert_true(state_remove(f->dir, &f->e));
    assert_int_not_equal(access(f->dir, F_OK), 0);
    free(f->dir);
    free(f);
    return 0;
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
