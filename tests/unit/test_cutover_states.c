/* The table of the cutover's states: what it promises to those that read it. */
#include "unit.h"

#include "repl/fence.h"

static bool has(const char *from, const char *event)
{
    struct cutover_row r;
    for (unsigned i = 0; cutover_row(i, &r); i++)
        if (strcmp(r.from, from) == 0 && strcmp(r.event, event) == 0)
            return true;
    return false;
}

/* A move is asked for by its event alone. */
static void an_event_leads_to_one_state(void **arg)
{
    struct cutover_row a, b;
    (void)arg;
    for (unsigned i = 0; cutover_row(i, &a); i++)
        for (unsigned k = 0; cutover_row(k, &b); k++) {
            if (strcmp(a.event, b.event) != 0)
                continue;
            assert_string_equal(a.to, b.to);
            assert_true(i == k || strcmp(a.from, b.from) != 0);
        }
    for (int e = CUTOVER_BEGIN; e <= CUTOVER_CLEAN; e++)
        assert_non_null(cutover_state_name(cutover_leads_to((enum cutover_event)e)));
}

static void names_are_read_back(void **arg)
{
    struct err e;
    (void)arg;
    for (int s = CUTOVER_NONE; s <= CUTOVER_CLEANED; s++) {
        enum cutover_state out;
        assert_true(cutover_state_parse(cutover_state_name((enum cutover_state)s), &out, &e));
        assert_int_equal(out, s);
    }
    enum cutover_state out;
    assert_false(cutover_state_parse("begun", &out, &e));
}

/* Behind a complete cutover nothing begins, gives up or lapses; only the operator's word leads out of it. */
static void complete_is_left_by_the_operator_alone(void **arg)
{
    static const char *const own[] = {"begin", "up",      "drain", "switch", "resume",
                                      "done",  "give up", "lapse", "reserve"};
    (void)arg;
    for (size_t i = 0; i < COUNT(own); i++)
        assert_false(has("complete", own[i]));
    assert_true(has("complete", "abort") && has("complete", "turn") && has("complete", "clean"));
    assert_false(has("switching", "begin"));
    assert_true(has("switching", "resume") && has("switching", "abort"));
}

/* A command may be killed anywhere: every state on the way has a way out without it. */
static void nothing_is_left_without_a_way_out(void **arg)
{
    (void)arg;
    for (int s = CUTOVER_NONE; s < CUTOVER_CLEANED; s++) {
        const char *name = cutover_state_name((enum cutover_state)s);
        assert_true(has(name, "clean"));
        if (cutover_under_way((enum cutover_state)s))
            assert_true(has(name, "abort") && has(name, "lapse") && has(name, "give up"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_leads_to_one_state),
        cmocka_unit_test(names_are_read_back),
        cmocka_unit_test(complete_is_left_by_the_operator_alone),
        cmocka_unit_test(nothing_is_left_without_a_way_out),
    };
    return cmocka_run_group_tests_name("cutover_states", tests, NULL, NULL);
}
