/* SQL texts and connection strings: what the pg room does without a server. */
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

static void assert_safe(const char *spec, const char *expected)
{
    char *safe = dsn_safe(spec);
    assert_string_equal(safe, expected);
    free(safe);
}

static void a_connection_is_shown_without_its_password(void **arg)
{
    (void)arg;
    assert_safe("postgres://u:s3cret@h:5433/d", "u@h:5433/d");
    assert_safe("host=h dbname=d user=u password=s3cret", "u@h/d");
    assert_safe("postgres://u:s3cret@[h/d", "(not resolved)");
    assert_safe("postgres://u:s3@cret@h/d", "(not resolved)");
    assert_int_equal(setenv("REPL_UNIT_URL", "postgres://v:s3cret@k/e", 1), 0);
    assert_safe("env:REPL_UNIT_URL", "v@k/e");
    assert_safe("env:REPL_UNIT_NOT_SET", "(not resolved)");
    assert_safe("command:echo postgres://w@l/f", "w@l/f");
}

static void a_password_is_kept_from_argv(void **arg)
{
    (void)arg;
    struct err e;
    char *resolved, *conninfo, *password;
    assert_true(dsn_resolve("postgres://u:s3%27cret@h/d", &resolved, &e));
    assert_true(dsn_split_password(resolved, &conninfo, &password, &e));
    assert_string_equal(password, "s3'cret");
    assert_null(strstr(conninfo, "cret"));
    char *value = dsn_get(conninfo, "dbname");
    assert_string_equal(value, "d");
    free(value);
    free(resolved);
    free(conninfo);
    free(password);
}

static void assert_session_options(const char *spec, const char *expected)
{
    struct err e;
    char *resolved;
    assert_true(dsn_resolve(spec, &resolved, &e));
    char *options = dsn_session_options(resolved);
    assert_string_equal(options, expected);
    free(options);
    free(resolved);
}

static void a_session_begins_with_no_time_limit(void **arg)
{
    (void)arg;
    assert_int_equal(unsetenv("PGOPTIONS"), 0);
    assert_session_options("postgres://h/d", " -c statement_timeout=0");
    assert_session_options("postgres://h/d?options=-c%20work_mem%3D1MB",
                           "-c work_mem=1MB -c statement_timeout=0");
    assert_int_equal(setenv("PGOPTIONS", "-c geqo=off", 1), 0);
    assert_session_options("postgres://h/d", "-c geqo=off -c statement_timeout=0");
    assert_session_options("options='-c jit=off'", "-c jit=off -c statement_timeout=0");
    assert_int_equal(unsetenv("PGOPTIONS"), 0);
}

static void of_two_values_the_last_holds(void **arg)
{
    (void)arg;
    char *changed = dsn_with("host='h' options='a'", "options", "it's \\");
    char *value = dsn_get(changed, "options");
    assert_string_equal(value, "it's \\");
    free(value);
    free(changed);
}

static void assert_sslmode(const char *spec, const char *expected)
{
    struct err e;
    char *resolved;
    assert_true(dsn_resolve(spec, &resolved, &e));
    char *mode = dsn_get(resolved, "sslmode");
    if (expected == NULL)
        assert_null(mode);
    else
        assert_string_equal(mode, expected);
    free(mode);
    free(resolved);
}

static void far_hosts_are_spoken_to_in_private(void **arg)
{
    (void)arg;
    unsetenv("PGSSLMODE");
    assert_sslmode("postgres://u@db.example.com/d", "require");
    assert_sslmode("postgres://u@db.example.com/d?sslmode=verify-full", "verify-full");
    assert_sslmode("postgres://u@localhost/d", NULL);
    assert_sslmode("postgres://u@127.0.0.1/d", NULL);
    assert_sslmode("host=/run/postgresql dbname=d", NULL);
}

static void a_spec_that_cannot_be_read_says_so(void **arg)
{
    (void)arg;
    static const struct {
        const char *spec, *says;
    } cases[] = {
        {"env:REPL_UNIT_NOT_SET", "REPL_UNIT_NOT_SET"},
        {"file:/nonexistent/url", "/nonexistent/url"},
        {"command:exit 3", "command failed"},
        {"postgres://u:s3cret@[h/d", "cannot be understood"},
        {"postgres://u:s3@s3cret@h/d", "more than one @"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err e;
        char *resolved;
        assert_false(dsn_resolve(cases[i].spec, &resolved, &e));
        assert_non_null(strstr(e.text, cases[i].says));
        assert_null(strstr(e.text, "s3cret"));
        assert_null(strstr(e.hint, "s3cret"));
    }
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
        cmocka_unit_test(a_connection_is_shown_without_its_password),
        cmocka_unit_test(a_password_is_kept_from_argv),
        cmocka_unit_test(a_session_begins_with_no_time_limit),
        cmocka_unit_test(of_two_values_the_last_holds),
        cmocka_unit_test(far_hosts_are_spoken_to_in_private),
        cmocka_unit_test(a_spec_that_cannot_be_read_says_so),
    };
    return cmocka_run_group_tests_name("pg_text", tests, NULL, NULL);
}
