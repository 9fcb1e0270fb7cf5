/* repl.conf. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../replicator/engine/settings.h"
#include "repl/engine.h"

static char dir[] = "/tmp/repl-settings-XXXXXX";

static bool load(const char *text, struct settings *s, struct err *e)
{
    char path[64];
    snprintf(path, sizeof path, "%s/repl.conf", dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    bool ok = settings_load(dir, s, e);
    unlink(path);
    return ok;
}

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) == NULL;
}

static int remove_dir(void **state)
{
    (void)state;
    return rmdir(dir);
}

static void without_a_file_all_are_default(void **state)
{
    (void)state;
    struct settings s;
    struct err e = {0};
    assert_true(settings_load(dir, &s, &e));
    assert_int_equal(s.poll_ms, 1000);
    assert_int_equal(s.batch_rows, 500000);
    assert_int_equal(s.batch_bytes, 256000000);
}

static void values_have_units_and_comments(void **state)
{
    (void)state;
    struct settings s;
    struct err e = {0};
    assert_true(load("# a comment\n\nbatch_rows = 42   # another\nchunk_max_bytes=2 GB\n", &s, &e));
    assert_int_equal(s.batch_rows, 42);
    assert_int_equal(s.chunk_max_bytes, 2000000000);
    assert_int_equal(s.poll_ms, 1000);
}

static void an_unknown_name_is_told_with_the_valid_ones(void **state)
{
    (void)state;
    struct settings s;
    struct err e = {0};
    assert_false(load("batch_rows = 5\nbatchrows = 5\n", &s, &e));
    assert_non_null(strstr(e.text, "line 2"));
    assert_non_null(strstr(e.text, "batchrows"));
    assert_non_null(strstr(e.hint, "batch_rows"));
}

static void a_value_out_of_range_is_told_with_the_range(void **state)
{
    (void)state;
    struct settings s;
    struct err e = {0};
    assert_false(load("poll_ms = 1\n", &s, &e));
    assert_non_null(strstr(e.hint, "10 to 60000"));
    assert_false(load("poll_ms = -5\n", &s, &e));
    assert_false(load("poll_ms = soon\n", &s, &e));
    assert_false(load("poll_ms\n", &s, &e));
    assert_non_null(strstr(e.hint, "name = value"));
}

static void settings_are_listed_in_order_and_within_their_range(void **state)
{
    (void)state;
    for (const struct setting *s = engine_settings; s->name != NULL; s++) {
        assert_true(s->fallback >= s->min && s->fallback <= s->max);
        if (s[1].name != NULL)
            assert_true(strcmp(s->name, s[1].name) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_file_all_are_default),
        cmocka_unit_test(values_have_units_and_comments),
        cmocka_unit_test(an_unknown_name_is_told_with_the_valid_ones),
        cmocka_unit_test(a_value_out_of_range_is_told_with_the_range),
        cmocka_unit_test(settings_are_listed_in_order_and_within_their_range),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
