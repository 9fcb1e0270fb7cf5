/* What of a target's memory and a source's proof is one history, and what is not. */
#include "unit.h"

#include "repl/history.h"

/* A target that was brought to write 20 of the epoch 7, by the batch behind write 18. */
static const struct target_mark mark = {.target = "t",
                                        .epoch = 7,
                                        .number = 20,
                                        .batch = 5,
                                        .of_batch = 18,
                                        .lsn = 1000,
                                        .snapshot = "90:95:92",
                                        .source = {"700", 1, 5}};
/* Its source: the next one to write has number 21. */
static const struct slot_proof proof = {.source = {"700", 1, 5},
                                        .lsn = 1000,
                                        .xmax = 95,
                                        .slot = 1,
                                        .epoch = 7,
                                        .written = 20,
                                        .applied = 18,
                                        .applied_batch = 5,
                                        .known = true,
                                        .first = 11,
                                        .last = 20};

#define JUDGE_MARK(field, value, expected)                                                                   \
    do {                                                                                                     \
        struct target_mark m = mark;                                                                         \
        m.field = (value);                                                                                   \
        assert_int_equal(history_judge(&m, &proof), expected);                                               \
    } while (0)
#define JUDGE_PROOF(field, value, expected)                                                                  \
    do {                                                                                                     \
        struct slot_proof given = proof;                                                                     \
        given.field = (value);                                                                               \
        assert_int_equal(history_judge(&mark, &given), expected);                                            \
    } while (0)

static void what_is_proven(void **arg)
{
    (void)arg;
    assert_int_equal(history_judge(&mark, &proof), HISTORY_PROVEN);
    JUDGE_PROOF(last, 21, HISTORY_PROVEN); /* a write of which the target never heard: it was killed before */
    JUDGE_PROOF(epoch, 8,
                HISTORY_PROVEN); /* the engine after it was killed before the target heard of its epoch */
    JUDGE_MARK(number, 5, HISTORY_PROVEN); /* nothing since an epoch before this one */
    JUDGE_MARK(snapshot, "", HISTORY_PROVEN);
    JUDGE_PROOF(applied, 0, HISTORY_PROVEN);
}

static void a_source_that_went_back(void **arg)
{
    (void)arg;
    JUDGE_PROOF(last, 19, HISTORY_SOURCE_WENT_BACK);     /* within the epoch, or it ended before */
    JUDGE_PROOF(known, false, HISTORY_SOURCE_WENT_BACK); /* to before it, however far it has come since */
    JUDGE_PROOF(lsn, 999, HISTORY_SOURCE_WENT_BACK);
    JUDGE_PROOF(xmax, 94, HISTORY_SOURCE_WENT_BACK);
    struct slot_proof before_all = {.source = proof.source, .lsn = 5000, .xmax = 500};
    assert_int_equal(history_judge(&mark, &before_all), HISTORY_SOURCE_WENT_BACK);
}

static void another_server(void **arg)
{
    struct slot_proof p = proof;
    struct target_mark fresh = {.target = "t", .snapshot = ""};
    (void)arg;
    p.source.timeline = 2;
    assert_int_equal(history_judge(&mark, &p), HISTORY_ANOTHER_SERVER);
    p = proof;
    p.source.database = 6;
    assert_int_equal(history_judge(&mark, &p), HISTORY_ANOTHER_SERVER);
    /* It has seen nothing of any. */
    p = (struct slot_proof){.source = proof.source};
    assert_int_equal(history_judge(&fresh, &p), HISTORY_PROVEN);
}

static void a_target_that_went_back(void **arg)
{
    struct slot_proof p = proof;
    (void)arg;
    JUDGE_MARK(of_batch, 17, HISTORY_TARGET_WENT_BACK);
    JUDGE_MARK(batch, 4, HISTORY_TARGET_WENT_BACK);
    JUDGE_PROOF(applied, 19, HISTORY_TARGET_WENT_BACK);
    /* Whatever else is wrong: nothing but a comparison finds what is missing. */
    p.source.timeline = 2;
    p.applied_batch = 6;
    assert_int_equal(history_judge(&mark, &p), HISTORY_TARGET_WENT_BACK);
}

static void it_is_said_what_happened(void **arg)
{
    struct arena *a = arena_new();
    struct err e;
    (void)arg;
    assert_string_equal(history_reason(a, HISTORY_PROVEN, &mark, &proof), "");
    assert_non_null(strstr(history_reason(a, HISTORY_ANOTHER_SERVER, &mark, &proof), "failed over"));
    assert_non_null(strstr(history_reason(a, HISTORY_SOURCE_WENT_BACK, &mark, &proof), "write 20"));
    assert_false(history_refuse(&mark, &proof, &e));
    assert_non_null(strstr(e.text, "the target has gone back in time: it is at batch 5"));
    assert_non_null(strstr(e.hint, "repl verify --repair"));
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_proven),           cmocka_unit_test(a_source_that_went_back),
        cmocka_unit_test(another_server),           cmocka_unit_test(a_target_that_went_back),
        cmocka_unit_test(it_is_said_what_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
