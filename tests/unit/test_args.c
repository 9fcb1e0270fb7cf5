/* The command line's options. */
#include "unit.h"

#include <getopt.h>

#include "repl/cli.h"

static const struct option_spec first[] = {
    {"source", required_argument, 0, "URL", "from"},   {"tables", required_argument, 't', "LIST", "which"},
    {"jobs", required_argument, 'j', "N", "how many"}, {"timeout", required_argument, 0, "S", "how long"},
    {"json", no_argument, 0, NULL, "as JSON"},         {NULL, 0, 0, NULL, NULL},
};
static const struct option_spec second[] = {
    {"dir", required_argument, 'D', "DIR", "where"},
    {"verbose", no_argument, 'v', NULL, "more"},
    {NULL, 0, 0, NULL, NULL},
};
static const struct option_spec *const tables[] = {first, second, NULL};

/* A command line that may be written to, as main's. */
struct line {
    char text[512];
    char *argv[32];
    int argc;
};

static struct line *line(const char *words)
{
    static struct line l;
    memset(&l, 0, sizeof l);
    snprintf(l.text, sizeof l.text, "repl %s", words);
    for (char *word = strtok(l.text, " "); word != NULL; word = strtok(NULL, " "))
        l.argv[l.argc++] = word;
    return &l;
}

static struct args parse(const char *words)
{
    struct args a = {0};
    struct err e;
    struct line *l = line(words);
    assert_true(args_parse(&a, l->argc, l->argv, tables, false, "init", &e));
    return a;
}

static struct err refused(const char *words)
{
    struct args a = {0};
    struct err e;
    struct line *l = line(words);
    assert_false(args_parse(&a, l->argc, l->argv, tables, false, "init", &e));
    assert_int_equal(e.kind, ERR_USAGE);
    args_free(&a);
    return e;
}

static void options_stand_anywhere(void **arg)
{
    (void)arg;
    struct args a = parse("one --source=env:A -v two -j 3 --json -D dir --source env:B");
    assert_int_equal(a.nwords, 2);
    assert_string_equal(a.words[0], "one");
    assert_string_equal(a.words[1], "two");
    assert_string_equal(args_text(&a, "source"), "env:B");
    assert_string_equal(args_text(&a, "jobs"), "3");
    assert_string_equal(args_text(&a, "dir"), "dir");
    assert_true(args_has(&a, "verbose") && args_has(&a, "json"));
    assert_false(args_has(&a, "tables"));
    assert_null(args_text(&a, "tables"));
    args_free(&a);
}

static void leading_options_end_at_the_command(void **arg)
{
    (void)arg;
    struct args a = {0};
    struct err e;
    struct line *l = line("-D dir status --json");
    assert_true(args_parse(&a, l->argc, l->argv, tables, true, NULL, &e));
    assert_int_equal(a.nwords, 2);
    assert_string_equal(a.words[0], "status");
    assert_false(args_has(&a, "json"));
    /* And go on behind it, into the same set. */
    assert_true(args_parse(&a, (int)a.nwords, a.words, tables, false, "status", &e));
    assert_true(args_has(&a, "json"));
    assert_string_equal(args_text(&a, "dir"), "dir");
    assert_int_equal(a.nwords, 0);
    args_free(&a);
}

static void what_follows_two_dashes_is_no_option(void **arg)
{
    (void)arg;
    struct args a = parse("--json -- --odd.table");
    assert_int_equal(a.nwords, 1);
    assert_string_equal(a.words[0], "--odd.table");
    args_free(&a);
}

static void lists_add_up(void **arg)
{
    (void)arg;
    struct args a = parse("--tables a,b -t c.* --tables d");
    struct strlist l = {0};
    args_list(&a, "tables", &l);
    char *csv = strlist_csv(&l);
    assert_string_equal(csv, "a,b,c.*,d");
    free(csv);
    strlist_free(&l);
    args_free(&a);
}

static void numbers_have_bounds(void **arg)
{
    (void)arg;
    struct err e;
    long long v;
    struct args a = parse("-j 7");
    assert_true(args_int(&a, "jobs", 1, 64, 4, &v, &e));
    assert_int_equal(v, 7);
    assert_false(args_int(&a, "jobs", 1, 6, 4, &v, &e));
    assert_int_equal(e.kind, ERR_USAGE);
    args_free(&a);
    a = parse("");
    assert_true(args_int(&a, "jobs", 1, 64, 4, &v, &e));
    assert_int_equal(v, 4);
    args_free(&a);
}

static void seconds_may_have_a_fraction(void **arg)
{
    (void)arg;
    static const struct {
        const char *text;
        unsigned ms;
    } cases[] = {{"1", 1000}, {"1.5", 1500}, {"0", 1}, {"0.25", 250}, {"3600", 3600000}};
    static const char *const bad[] = {"x", "1s", "-1", "nan", "inf", "1e12"};
    struct err e;
    unsigned ms;
    for (size_t i = 0; i < COUNT(cases) + COUNT(bad); i++) {
        char words[64];
        bool good = i < COUNT(cases);
        snprintf(words, sizeof words, "--timeout=%s", good ? cases[i].text : bad[i - COUNT(cases)]);
        struct args a = parse(words);
        assert_int_equal(args_seconds(&a, "timeout", &ms, &e), good);
        if (good)
            assert_int_equal(ms, cases[i].ms);
        else
            assert_int_equal(e.kind, ERR_USAGE);
        args_free(&a);
    }
    struct args none = parse("");
    assert_true(args_seconds(&none, "timeout", &ms, &e));
    assert_int_equal(ms, 0);
    args_free(&none);
}

static void a_wrong_option_gets_the_right_one(void **arg)
{
    (void)arg;
    struct err e = refused("--sorce x");
    assert_non_null(strstr(e.text, "unknown option --sorce"));
    assert_non_null(strstr(e.hint, "did you mean --source?"));
    e = refused("--utterly-different");
    assert_null(strstr(e.hint, "did you mean"));
    assert_non_null(strstr(e.hint, "repl help init"));
    e = refused("-x");
    assert_non_null(strstr(e.text, "-x"));
    e = refused("--json=3");
    assert_non_null(strstr(e.text, "--json takes no value"));
    e = refused("--jobs");
    assert_non_null(strstr(e.text, "--jobs needs a value"));
    e = refused("-j");
    assert_non_null(strstr(e.text, "--jobs needs a value"));
}

static void a_connection_string_is_kept_and_wiped(void **arg)
{
    (void)arg;
    static const char url[] = "postgres://u:s3cret@h/d";
    struct args a = {0};
    struct err e;
    char words[128];
    snprintf(words, sizeof words, "--source=%s --tables keep", url);
    struct line *l = line(words);
    assert_true(args_parse(&a, l->argc, l->argv, tables, false, "init", &e));
    assert_string_equal(args_text(&a, "source"), url);
    for (int i = 0; i < l->argc; i++)
        assert_null(strstr(l->argv[i], "s3cret"));
    assert_string_equal(l->argv[3], "keep");
    args_free(&a);
    e = refused("--sorce=postgres://u:s3cret@h/d");
    assert_null(strstr(e.text, "s3cret"));
}

static void the_nearest_word_is_near(void **arg)
{
    (void)arg;
    static const char *const words[] = {"init", "start", "status", "stop"};
    assert_string_equal(nearest_word("strat", words, COUNT(words)), "start");
    assert_string_equal(nearest_word("statsu", words, COUNT(words)), "status");
    assert_string_equal(nearest_word("stop", words, COUNT(words)), "stop");
    assert_null(nearest_word("migrate", words, COUNT(words)));
    assert_null(nearest_word("", words, COUNT(words)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_anywhere),
        cmocka_unit_test(leading_options_end_at_the_command),
        cmocka_unit_test(what_follows_two_dashes_is_no_option),
        cmocka_unit_test(lists_add_up),
        cmocka_unit_test(numbers_have_bounds),
        cmocka_unit_test(seconds_may_have_a_fraction),
        cmocka_unit_test(a_wrong_option_gets_the_right_one),
        cmocka_unit_test(a_connection_string_is_kept_and_wiped),
        cmocka_unit_test(the_nearest_word_is_near),
    };
    return cmocka_run_group_tests_name("args", tests, NULL, NULL);
}
