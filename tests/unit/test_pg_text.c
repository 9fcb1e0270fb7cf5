/* SQL texts: what the pg room does without a server. */
#include "unit.h"

#include "repl/pg.h"

static void assert_filled(const char *text, const char *expected)
{
    const struct sql_var vars[] = {
        {"name", "or'der\"s"}, {"schema", "repl"}, {"n", "42"}, {"na", "SHORT"}, {NULL, NULL}};
    char *sql = sql_fill(text, vars);
    assert_string_equal(sql, expected);
    free(sql);
}

static void variables_are_filled_as_psql_does(void **arg)
{
    (void)arg;
    assert_filled("SELECT :n", "SELECT 42");
    assert_filled(":n,:n", "42,42");
    assert_filled("FROM :\"schema\".t", "FROM \"repl\".t");
    assert_filled("= :'schema'", "= 'repl'");
    assert_filled(":\"name\"", "\"or'der\"\"s\"");
    assert_filled(":'name'", "'or''der\"s'");
    assert_filled(":na :name", "SHORT or'der\"s");
}

static void what_is_no_variable_is_left_alone(void **arg)
{
    (void)arg;
    static const char *const same[] = {
        "x::text", "':n'", "'it''s :n'", "\":n\"", "\"a\"\":n\"", "$$ :n $$", "$body$ :n $x$ :n $body$",
    };
    for (size_t i = 0; i < COUNT(same); i++)
        assert_filled(same[i], same[i]);
}

static void quotes_are_written_right(void **arg)
{
    (void)arg;
    struct buf b = {0};
    sql_ident(&b, "a\"b");
    buf_puts(&b, " ");
    sql_literal(&b, "it's");
    buf_puts(&b, " ");
    sql_literal(&b, "back\\slash'");
    assert_string_equal(buf_text(&b), "\"a\"\"b\" 'it''s' E'back\\\\slash'''");
    buf_free(&b);
    struct arena *a = arena_new();
    assert_string_equal(sql_qualified(a, "Odd Schema.1", "t"), "\"Odd Schema.1\".\"t\"");
    arena_free(a);
}

static void arrays_are_values(void **state)
{
    (void)state;
    static const char *const none[] = {"",      "a",        "{",        "{a",     "{a}}",      "{a},{b}",
                                       "{a}b",  "{,}",      "{a,}",     "{NULL}", "{a,null}",  "{{a},{b}}",
                                       "{\"a}", "{\"a\"b}", "{a\"b\"}", "{a\\",   "[0:0]={a}", "{\"a\\\"}"};
    struct arena *a = arena_new();
    char **values;
    size_t n;
    assert_true(sql_array_parse(a, "{}", &values, &n));
    assert_int_equal(n, 0);
    assert_true(sql_array_parse(a, "{1,\"a,b\",\"\",\"NULL\",\"q\\\"\\\\{}\",ü}", &values, &n));
    assert_int_equal(n, 6);
    assert_string_equal(values[0], "1");
    assert_string_equal(values[1], "a,b");
    assert_string_equal(values[2], "");
    assert_string_equal(values[3], "NULL");
    assert_string_equal(values[4], "q\"\\{}");
    assert_string_equal(values[5], "ü");
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_false(sql_array_parse(a, none[i], &values, &n));
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_are_values),
        cmocka_unit_test(variables_are_filled_as_psql_does),
        cmocka_unit_test(what_is_no_variable_is_left_alone),
        cmocka_unit_test(quotes_are_written_right),
    };
    return cmocka_run_group_tests_name("pg_text", tests, NULL, NULL);
}
