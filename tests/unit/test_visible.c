/* What others wrote, on its way to a terminal or a log: nothing of it moves a cursor, forges a line or turns the direction. */
#include "unit.h"

#include <unistd.h>

#include "repl/cli.h"
#include "repl/engine.h"
#include "repl/log.h"
#include "repl/str.h"
#include "repl/verify_report.h"

static void assert_shown(const char *text, const char *expected)
{
    char *shown = str_visible_copy(text);
    assert_string_equal(shown, expected);
    free(shown);
}

static void what_is_harmless_stays(void **arg)
{
    (void)arg;
    static const char *const same[] = {"", "public.order", "naïve Straße 価格 🙂",
                                       "back\\slash \"quotes\" %s%n", "אבג"};
    for (size_t i = 0; i < COUNT(same); i++)
        assert_shown(same[i], same[i]);
}

static void what_is_not_is_shown_as_what_it_is(void **arg)
{
    (void)arg;
    assert_shown("a\x1b[2Jb", "a\\x1b[2Jb");
    assert_shown("\x1b]0;title\x07", "\\x1b]0;title\\x07");
    assert_shown("one\ntwo\r\tthree\x7f", "one\\ntwo\\r\\tthree\\x7f");
    assert_shown("c1 \xc2\x9b 31m", "c1 \\u009b 31m");
    assert_shown("\xe2\x80\xae turned \xe2\x81\xa6", "\\u202e turned \\u2066");
    assert_shown("line\xe2\x80\xa8sep \xef\xbb\xbf", "line\\u2028sep \\ufeff");
    assert_shown("tag \xf3\xa0\x81\x81", "tag \\U000e0041");
    assert_shown("no utf-8 \xff \xc3", "no utf-8 \\xff \\xc3");
    assert_shown("too long \xc0\x8a \xe0\x80\x8a", "too long \\xc0\\x8a \\xe0\\x80\\x8a");
    assert_shown("half \xed\xa0\x80 high \xf4\x90\x80\x80", "half \\xed\\xa0\\x80 high \\xf4\\x90\\x80\\x80");
}

#define EVIL "e\\u001b[31m\\nFORGED\\u202e"

static void no_text_of_a_status_gets_through(void **arg)
{
    (void)arg;
    static const char json[] =
        "{\"phase\":\"copying\",\"reached\":\"copying\",\"engine\":{\"running\":true,\"pid\":1,\"version\":"
        "\"" EVIL "\",\"since\":\"" EVIL
        "\"},\"workers\":{\"running\":1,\"wanted\":2,\"busy\":1,\"error\":\"" EVIL "\"},\"position\":\"" EVIL
        "\",\"copy\":{\"from\":\"" EVIL
        "\",\"bytes_done\":1,\"bytes_total\":2,\"rows_done\":1},\"note\":\"" EVIL "\",\"next\":\"" EVIL
        "\",\"tables\":[{\"id\":1,\"schema\":\"" EVIL "\",\"name\":\"" EVIL
        "\",\"phase\":\"copying\",\"error\":\"" EVIL
        "\",\"rows_copied\":0,\"bytes_copied\":1,\"bytes_total\":2}],\"errors\":[{\"at\":\"" EVIL
        "\",\"table\":\"" EVIL "\",\"message\":\"" EVIL "\",\"hint\":\"" EVIL "\"}]}";
    struct status st;
    assert_true(status_from_json(json, &st));
    assert_non_null(strchr(st.tables[0].name, '\x1b'));
    status_visible(&st);
    struct buf b = {0};
    const struct status_view v = {.all_tables = true};
    const struct progress_view p = {.columns = 300, .max_tables = 10};
    status_text(&b, &st, &v);
    progress_line(&b, &st);
    progress_bars(&b, &st, &p);
    assert_null(strchr(buf_text(&b), '\x1b'));
    assert_null(strstr(buf_text(&b), "\nFORGED"));
    assert_null(strstr(buf_text(&b), "\xe2\x80\xae"));
    assert_non_null(strstr(buf_text(&b), "e\\x1b[31m\\nFORGED\\u202e"));
    buf_free(&b);
    status_free(&st);
}

static void nor_of_a_log_line(void **arg)
{
    (void)arg;
    int ends[2], saved = dup(STDERR_FILENO);
    char said[4096];
    assert_int_equal(pipe(ends), 0);
    fflush(stderr);
    dup2(ends[1], STDERR_FILENO);
    struct err e = {.kind = ERR_SQL};
    err_set(&e, ERR_SQL, "bad\x1b[2J");
    err_hint(&e, "run: x\n2026-01-01T00:00:00.000Z error FORGED");
    log_err(LOG_ERROR, &e);
    log_setup(LOG_INFO, true);
    log_error("json \x1b \xe2\x80\xae \xff");
    log_setup(LOG_INFO, false);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    ssize_t n = read(ends[0], said, sizeof said - 1);
    close(ends[0]);
    assert_true(n > 0);
    said[n] = '\0';
    size_t lines = 0;
    for (const char *p = said; (p = strchr(p, '\n')) != NULL; p++)
        lines++;
    assert_int_equal(lines, 3);
    assert_null(strchr(said, '\x1b'));
    assert_null(strchr(said, '\xff'));
    assert_non_null(strstr(said, "bad\\x1b[2J"));
    assert_non_null(strstr(said, "x\\n2026-01-01"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_harmless_stays),
        cmocka_unit_test(what_is_not_is_shown_as_what_it_is),
        cmocka_unit_test(no_text_of_a_status_gets_through),
        cmocka_unit_test(nor_of_a_log_line),
    };
    return cmocka_run_group_tests_name("visible", tests, NULL, NULL);
}
