/* Errors: made once, carried upwards, decided once. */
#include "unit.h"

#include "repl/err.h"
#include "repl/str.h"

static void it_says_what_happened(void **arg)
{
    (void)arg;
    struct err e = {.kind = ERR_SQL, .sqlstate = "42P01", .side = "source", .table = "a.b", .hint = "old"};
    assert_false(err_set(&e, ERR_CONFIG, "%d of %s", 3, "x"));
    assert_int_equal(e.kind, ERR_CONFIG);
    assert_string_equal(e.text, "3 of x");
    assert_string_equal(e.sqlstate, "");
    assert_string_equal(e.side, "");
    assert_string_equal(e.table, "");
    assert_string_equal(e.hint, "");
}

/* A text made from the error's own. */
static void it_can_be_set_from_itself(void **arg)
{
    (void)arg;
    struct err e;
    err_set(&e, ERR_OS, "inner");
    err_set(&e, ERR_STATE, "outer (%s)", e.text);
    assert_string_equal(e.text, "outer (inner)");
}

static void context_goes_in_front(void **arg)
{
    (void)arg;
    struct err e;
    err_set(&e, ERR_SQL, "syntax error");
    err_hint(&e, "mend it");
    assert_false(err_context(&e, "table %s", "t"));
    assert_false(err_context(&e, "batch"));
    assert_string_equal(e.text, "batch: table t: syntax error");
    assert_string_equal(e.hint, "mend it");
    assert_int_equal(e.kind, ERR_SQL);
}

static void who_knew_most_spoke_first(void **arg)
{
    (void)arg;
    struct err e;
    err_set(&e, ERR_SQL, "x");
    assert_false(err_hint(&e, "first"));
    assert_false(err_hint(&e, "second"));
    assert_string_equal(e.hint, "first");
    assert_false(err_table(&e, "public", "t"));
    assert_false(err_table(&e, "public", "u"));
    assert_string_equal(e.table, "public.t");
}

static void long_texts_are_cut(void **arg)
{
    (void)arg;
    struct err e;
    char longer[5000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    err_set(&e, ERR_OS, "%s", longer);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    err_context(&e, "%s", longer);
    err_hint(&e, "%s", longer);
    err_table(&e, longer, longer);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    assert_int_equal(strlen(e.hint), sizeof e.hint - 1);
    assert_int_equal(strlen(e.table), sizeof e.table - 1);
}

static bool ends_whole(const char *s)
{
    size_t len = strlen(s);
    return len >= 3 && memcmp(s + len - 3, "\xe2\x82\xac", 3) == 0;
}

/* Texts of servers are UTF-8, and so is what a client reads of ours. */
static void a_cut_is_between_characters(void **arg)
{
    (void)arg;
    struct err e;
    char longer[5000] = "";
    for (size_t i = 0; i < 1600; i++)
        memcpy(longer + 3 * i, "\xe2\x82\xac", 3);
    for (const char *shift = "xxx"; *shift != '\0'; shift++) {
        err_set(&e, ERR_OS, "%s%s", shift, longer);
        assert_true(ends_whole(e.text));
        assert_in_range(strlen(e.text), sizeof e.text - 3, sizeof e.text - 1);
        err_text(&e, "%s%s", shift, longer);
        err_context(&e, "%s", shift);
        err_hint(&e, "%s%s", shift, longer);
        err_table(&e, shift, longer);
        assert_true(ends_whole(e.text) && ends_whole(e.hint) && ends_whole(e.table));
    }
    char four[] = "ab\xf0\x9f\x90\x98", three[] = "ab\xf0\x9f\x90", plain[] = "abcdef";
    str_cut(four, sizeof four);
    assert_string_equal(four, "ab\xf0\x9f\x90\x98");
    str_cut(three, sizeof three);
    assert_string_equal(three, "ab");
    str_cut(plain, sizeof plain);
    assert_string_equal(plain, "abcdef");
}

static struct err sql_error(const char *sqlstate)
{
    struct err e;
    err_set(&e, ERR_SQL, "x");
    memcpy(e.sqlstate, sqlstate, sizeof e.sqlstate);
    return e;
}

static void codes_and_classes_are_told_apart(void **arg)
{
    (void)arg;
    struct err e = sql_error("40P01");
    assert_true(err_is(&e, "40P01"));
    assert_true(err_is(&e, "40"));
    assert_false(err_is(&e, "40001"));
    assert_false(err_is(&e, "42"));
    err_set(&e, ERR_OS, "x");
    assert_false(err_is(&e, "40"));
}

static void what_passes_is_tried_again(void **arg)
{
    (void)arg;
    static const char passes[][6] = {"08006", "40001", "40P01", "53300", "55P03", "57P01", "57014"};
    static const char stays[][6] = {"42P01", "42501", "23505", "22P02"};
    for (size_t i = 0; i < COUNT(passes); i++) {
        struct err e = sql_error(passes[i]);
        assert_true(err_is_transient(&e));
    }
    for (size_t i = 0; i < COUNT(stays); i++) {
        struct err e = sql_error(stays[i]);
        assert_false(err_is_transient(&e));
    }
    struct err e;
    err_set(&e, ERR_CONN, "x");
    assert_true(err_is_transient(&e));
    err_set(&e, ERR_CONFIG, "x");
    assert_false(err_is_transient(&e));
}

static void exit_codes_are_the_documented_ones(void **arg)
{
    (void)arg;
    struct err e = {0};
    assert_int_equal(err_exit_code(&e), 0);
    for (int k = ERR_USAGE; k <= ERR_STOPPED; k++) {
        err_set(&e, (enum err_kind)k, "x");
        int expected = k == ERR_USAGE ? 2 : k == ERR_NOT_YET ? 3 : 1;
        assert_int_equal(err_exit_code(&e), expected);
        assert_true(strlen(err_kind_name((enum err_kind)k)) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_what_happened),
        cmocka_unit_test(it_can_be_set_from_itself),
        cmocka_unit_test(context_goes_in_front),
        cmocka_unit_test(who_knew_most_spoke_first),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(a_cut_is_between_characters),
        cmocka_unit_test(codes_and_classes_are_told_apart),
        cmocka_unit_test(what_passes_is_tried_again),
        cmocka_unit_test(exit_codes_are_the_documented_ones),
    };
    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
