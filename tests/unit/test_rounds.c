/* The watchdog over rounds in vain: how rare they become, when they are reported, and what ends the report. */
#include "state.h"

#include <stdlib.h>
#include <string.h>

#include "../../replicator/engine/rounds.h"

static size_t reported(const struct engine *g, char *text, size_t size)
{
    struct status st = {0};
    rounds_status(g, &st);
    size_t n = st.nerrors;
    snprintf(text, size, "%s", n != 0 ? st.errors[0].message : "");
    status_free(&st);
    return n;
}

static void rounds_in_vain_are_reported(void **arg)
{
    struct fixture *f = *arg;
    const struct engine_options o = {.state = f->st};
    struct engine g = {.o = &o, .rounds = rounds_new()};
    char text[512];
    for (int i = 0; i < 3; i++)
        rounds_in_vain(&g, ROUND_LOOKS, "changes are pending and none moved");
    assert_int_equal(rounds_rest_ms(&g, ROUND_LOOKS), 0); /* a few are ordinary */
    assert_int_equal(reported(&g, text, sizeof text), 0);
    for (int i = 3; i < 12; i++)
        rounds_in_vain(&g, ROUND_LOOKS, "changes are pending and none moved");
    assert_in_range(rounds_rest_ms(&g, ROUND_LOOKS), 500, 2000);
    assert_int_equal(rounds_rest_ms(&g, ROUND_OPENINGS), 0);
    assert_int_equal(reported(&g, text, sizeof text), 1);
    assert_non_null(strstr(text, "changes are pending and none moved, 12 times in a row for "));
    for (int i = 12; i < 1000; i++)
        rounds_in_vain(&g, ROUND_LOOKS, "changes are pending and none moved");
    assert_in_range(rounds_rest_ms(&g, ROUND_LOOKS), 1900, 2000);

    struct status st = {0};
    assert_true(state_load_errors(f->st, 100, &st, &f->e));
    assert_int_equal(st.nerrors, 0); /* a warning of the log, not an error that has to be settled */
    status_free(&st);

    rounds_moved(&g);
    assert_int_equal(rounds_rest_ms(&g, ROUND_LOOKS), 0);
    assert_int_equal(reported(&g, text, sizeof text), 0);
    rounds_free(g.rounds);
}

/* Steps that bring rows end what was in vain of looks and openings, not that passes follow one another. */
static void only_a_batch_ends_rounds_of_passes(void **arg)
{
    struct fixture *f = *arg;
    const struct engine_options o = {.state = f->st};
    struct engine g = {.o = &o, .rounds = rounds_new()};
    char text[512];
    for (int i = 0; i < 12; i++) {
        rounds_in_vain(&g, ROUND_PASSES, "the passes ended");
        rounds_in_vain(&g, ROUND_OPENINGS, "both sides were read again");
        rounds_moved(&g);
    }
    assert_int_equal(reported(&g, text, sizeof text), 1);
    assert_non_null(strstr(text, "the passes ended, 12 times"));
    rounds_caught_up(&g);
    assert_int_equal(reported(&g, text, sizeof text), 0);
    rounds_free(g.rounds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(rounds_in_vain_are_reported),
        STORY(only_a_batch_ends_rounds_of_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
