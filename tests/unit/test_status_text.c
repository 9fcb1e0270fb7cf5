/* The status for people: what stands first, what is left out, what is never left out. */
#include "repl/cli.h"
#include "status.h"

static const struct status_view view = {.source = "app@db.example.com:5432/shop",
                                        .target = "admin@rds.example.com:5432/shop",
                                        .now = 1769824800.0}; /* 2026-01-31 02:00:00 UTC */

static char *printed(struct status *s, bool all)
{
    struct buf b = {0};
    struct status_view v = view;
    v.all_tables = all;
    status_text(&b, s, &v);
    status_free(s);
    return b.data;
}

static void assert_shows(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void assert_order(const char *text, const char *first, const char *second)
{
    assert_shows(text, first);
    assert_shows(text, second);
    if (strstr(text, first) > strstr(text, second))
        fail_msg("\"%s\" comes after \"%s\" in:\n%s", first, second, text);
}

static void all_is_well(void **arg)
{
    (void)arg;
    struct status s = following(2);
    s.next = strdup("repl status --watch");
    char *text = printed(&s, false);
    assert_string_equal(text,
                        "phase     following\n"
                        "lag       0.2s\n"
                        "owed      1,234 rows\n"
                        "snapshot  the target shows one moment of the source, 100:105:101\n"
                        "engine    running as pid 4711 since 2026-01-30 22:00:00 UTC (repl 0.1.0)\n"
                        "source    app@db.example.com:5432/shop\n"
                        "target    admin@rds.example.com:5432/shop\n"
                        "batch     3.0s ago: 1,200 rows written, 3 deleted in 2 tables, 45.0 kB in 0.1s\n"
                        "\n"
                        "tables    2: 2 following\n"
                        "  public.t00    following\n"
                        "  public.t01    following\n"
                        "\n"
                        "next      repl status --watch\n");
    free(text);
}

static void on_the_way_back_the_sides_have_their_names(void **arg)
{
    (void)arg;
    struct status s = following(1);
    s.back = true;
    char *text = printed(&s, false);
    assert_shows(text, "direction back: what the application writes at the target comes to the source\n");
    assert_shows(text, "snapshot  the source shows one moment of the target, 100:105:101\n");
    free(text);
}

static void what_is_waited_for_is_named(void **arg)
{
    (void)arg;
    struct status s = following(1);
    s.nwaits = 2;
    s.waits = calloc(2, sizeof *s.waits);
    s.waits[0] = (struct status_wait){.side = strdup("source"),
                                      .step = strdup("lock on public.t"),
                                      .seconds = 12.5,
                                      .blocker = {4242, strdup("app"), strdup("psql"), 200}};
    s.waits[1] = (struct status_wait){
        .side = strdup("target"), .step = strdup("merge"), .seconds = 3, .blocker = {.query_seconds = -1}};
    char *text = printed(&s, false);
    assert_shows(text, "\nwaits     source: lock on public.t, 13s: pid 4242 (app, psql), its query began "
                       "3m 20s ago\n          target: merge, 3.0s\n");
    free(text);
}

/* The last good answer is not shown as if it were the present. */
static void what_is_not_known_now_was_known_then(void **arg)
{
    (void)arg;
    struct status s = following(1);
    s.phase = PHASE_RETRYING;
    s.reached = PHASE_FOLLOWING;
    s.state = STATE_RETRYING;
    s.lag_seconds = s.owed_rows = -1;
    s.unknown_seconds = 22;
    s.consistent = false;
    s.consistent_unknown = true;
    s.nerrors = 1;
    s.errors = calloc(1, sizeof *s.errors);
    s.errors[0] = (struct status_error){.at = strdup("2026-01-31T01:59:38.000Z"),
                                        .message = strdup("the source refuses the connection"),
                                        .hint = strdup("is the server up?")};
    s.source.error = strdup("the source refuses the connection");
    char *text = printed(&s, false);
    assert_shows(text,
                 "phase     retrying while following\n"
                 "error     the source refuses the connection, 22s ago; hint: is the server up?\n"
                 "lag       not known since 22s\n"
                 "owed      not known since 22s\n"
                 "snapshot  not known; the target showed one moment of the source when it was last asked, "
                 "100:105:101\n");
    free(text);
}

static void a_silent_side_is_named(void **arg)
{
    (void)arg;
    struct status s = following(1);
    s.state = STATE_DEGRADED;
    s.target.silent_seconds = 17;
    char *text = printed(&s, false);
    assert_shows(text, "phase     following, degraded\nsilent    the target has not answered for 17s\n");
    free(text);
}

/* No line is wider than the terminal, and what is wrapped stands below what it belongs to. */
static void lines_are_wrapped_below_their_text(void **arg)
{
    (void)arg;
    enum { COLUMNS = 40 };
    struct status s = following(1);
    s.next = strdup("the target follows; when you are ready to switch: repl cutover --dry-run");
    struct buf b = {0};
    struct status_view v = view;
    v.columns = COLUMNS;
    status_text(&b, &s, &v);
    status_free(&s);
    for (const char *l = b.data, *end; (end = strchr(l, '\n')) != NULL; l = end + 1)
        assert_true(text_columns(l, (size_t)(end - l)) <= COLUMNS);
    assert_shows(b.data, "next      the target follows; when you\n          are ready to switch: repl");
    buf_free(&b);
}

static void colors_and_blocks_are_for_terminals(void **arg)
{
    (void)arg;
    struct status s = following(2);
    s.phase = PHASE_COPYING;
    s.copy.bytes_done = 1;
    s.copy.bytes_total = 2;
    set(&s.tables[0].phase, "failed");
    set(&s.tables[1].phase, "paused");
    struct buf b = {0};
    struct status_view v = view;
    v.utf8 = v.color = true;
    status_text(&b, &s, &v);
    status_free(&s);
    assert_shows(b.data, "copy      \033[32m███████████████░░░░░░░░░░░░░░░\033[0m  50 %");
    assert_shows(b.data, "\033[31mfailed");
    assert_shows(b.data, "\033[33mpaused");
    buf_free(&b);
}

static void what_the_copy_took_is_a_table(void **arg)
{
    (void)arg;
    struct status s = following(1);
    s.ntimings = 5;
    s.timings = calloc(5, sizeof *s.timings);
    s.timings[0] = (struct status_timing){strdup("step"), strdup("copy"), 12.5, 1153809, 316000000};
    s.timings[1] = (struct status_timing){strdup("step"), strdup("indexes"), 8.2, -1, -1};
    s.timings[2] = (struct status_timing){strdup("table"), strdup("public.orders"), 9, 800000, 191000000};
    s.timings[3] = (struct status_timing){strdup("table"), strdup("public.t"), 1, 10, 1000};
    s.timings[4] = (struct status_timing){strdup("index"), strdup("index public.big_v"), 4.2, -1, -1};
    char *text = printed(&s, true);
    assert_shows(text, "first copy                time           rows     bytes        rate\n"
                       "copy                       13s      1,153,809    316 MB   25.3 MB/s\n"
                       "indexes                   8.2s\n"
                       "in all                     21s\n"
                       "slowest tables\n"
                       "  public.orders           9.0s        800,000    191 MB   21.2 MB/s\n"
                       "  public.t                1.0s             10    1.0 kB    1.0 kB/s\n"
                       "slowest indexes\n"
                       "  index public.big_v      4.2s\n");
    free(text);
    s = following(1);
    text = printed(&s, true);
    assert_null(strstr(text, "first copy"));
    free(text);
}

static void nothing_is_known(void **arg)
{
    (void)arg;
    struct status s = {
        .phase = PHASE_STOPPED, .lag_seconds = -1, .owed_rows = -1, .next = strdup("repl start")};
    struct buf b = {0};
    status_text(&b, &s, &(struct status_view){.now = 1});
    assert_string_equal(b.data, "phase     stopped\n"
                                "lag       not known\n"
                                "owed      not known\n"
                                "snapshot  the target is not consistent yet\n"
                                "engine    not running\n"
                                "\n"
                                "next      repl start\n");
    buf_free(&b);
    status_free(&s);
}

static void the_copy_has_a_bar_and_an_end(void **arg)
{
    (void)arg;
    struct status s = following(3);
    s.phase = PHASE_COPYING;
    s.lag_seconds = -1;
    s.consistent = false;
    s.copy.bytes_done = 4300000000;
    s.copy.bytes_total = 10000000000;
    s.copy.rows_done = 12345678;
    s.copy.rate_bytes_per_second = 52e6;
    s.copy.eta_seconds = 110;
    set(&s.tables[0].phase, "copied");
    set(&s.tables[1].phase, "planned");
    set(&s.tables[2].phase, "copying");
    s.tables[2].bytes_copied = 250;
    char *text = printed(&s, false);
    assert_shows(
        text, "copy      [############..................]  43 %  4.3 GB of 10.0 GB, 52.0 MB/s, ETA 1m 50s, "
              "then indexes, 12,345,678 rows\n");
    assert_shows(text, "tables    3: 1 copying, 1 planned, 1 copied\n");
    assert_shows(text, "public.t02    copying       25 %  250 B of 1.0 kB\n");
    assert_order(text, "public.t02", "public.t01");
    assert_order(text, "public.t01", "public.t00");
    free(text);
}

static struct status behind(void)
{
    struct status s = following(3);
    s.phase = s.reached = PHASE_CATCHING_UP;
    s.lag_seconds = 250;
    s.owed_rows = 500001; /* it counts no further */
    s.catch_up.goes_on = true;
    s.catch_up.tables_done = 1;
    s.catch_up.tables_total = 2;
    s.catch_up.bytes_done = 430;
    s.catch_up.bytes_total = 1000;
    s.catch_up.rows_done = 8600000;
    s.catch_up.rate_rows_per_second = 52000;
    s.catch_up.eta_seconds = 190;
    return s;
}

static void a_backlog_has_a_bar_and_an_end(void **arg)
{
    (void)arg;
    struct status s = behind();
    struct buf b = {0};
    progress_bars(&b, &s, &(struct progress_view){.columns = 100, .max_tables = 3});
    assert_string_equal(b.data,
                        "catching_up: 43 % of the backlog, 8,600,000 rows, 52,000 rows/s, ETA 3m 10s, "
                        "lag 4m 10s\n[########............]  1 of 2 tables\n");
    buf_free(&b);
    char *text = printed(&s, false);
    assert_shows(text,
                 "backlog   [############..................]  43 %  8,600,000 rows, 52,000 rows/s, ETA 3m "
                 "10s, 1 of 2 tables\n");
    assert_shows(text, "owed      500,001 rows or more\n");
    free(text);
}

static void trouble_comes_first(void **arg)
{
    (void)arg;
    struct status s = following(5);
    set(&s.tables[3].phase, "paused");
    s.tables[3].error = strdup("column v is missing on the target");
    set(&s.tables[4].phase, "failed");
    s.tables[4].error = strdup("relation has vanished");
    char *text = printed(&s, false);
    assert_order(text, "public.t04    failed", "public.t03    paused");
    assert_order(text, "public.t03    paused", "public.t00    following");
    assert_shows(text, "\n      column v is missing on the target\n");
    free(text);
}

static void the_healthy_are_counted_when_they_are_many(void **arg)
{
    (void)arg;
    struct status s = following(500);
    set(&s.tables[300].phase, "paused");
    set(&s.tables[301].phase, "catching_up");
    s.tables[301].owed_rows = 5000;
    char *text = printed(&s, false);
    assert_shows(text, "tables    500: 1 paused, 1 catching_up, 498 following\n");
    assert_shows(text, "public.t300");
    assert_shows(text, "public.t301   catching_up  5,000 owed\n");
    assert_shows(text, "(498 more: repl status -v)");
    assert_null(strstr(text, "public.t00 "));
    free(text);
    s = following(500);
    text = printed(&s, true);
    assert_shows(text, "public.t499");
    assert_null(strstr(text, "more: repl status -v"));
    free(text);
}

static void no_trouble_is_left_out(void **arg)
{
    (void)arg;
    struct status s = following(200);
    for (size_t i = 0; i < s.ntables; i++)
        set(&s.tables[i].phase, "failed");
    char *text = printed(&s, false);
    assert_shows(text, "public.t00");
    assert_shows(text, "public.t199");
    free(text);
}

static struct status_error error(const char *at, const char *table, const char *message, const char *hint)
{
    return (struct status_error){.at = strdup(at),
                                 .table = table != NULL ? strdup(table) : NULL,
                                 .message = strdup(message),
                                 .hint = hint != NULL ? strdup(hint) : NULL};
}

static void errors_say_what_to_do(void **arg)
{
    (void)arg;
    struct status s = following(1);
    s.nerrors = 4;
    s.errors = calloc(s.nerrors, sizeof *s.errors);
    s.errors[0] = error("2026-01-31T01:58:00.000Z", NULL, "connection refused", "is the server up?");
    s.errors[1] = error("2026-01-31T01:57:00.000Z", NULL, "connection refused", NULL);
    s.errors[2] = error("2026-01-31T01:56:00.000Z", NULL, "connection refused", NULL);
    s.errors[3] = error("2026-01-31T01:00:00.000Z", "public.t00", "it broke", NULL);
    char *text = printed(&s, false);
    assert_shows(text, "errors\n"
                       "  2m 00s ago: connection refused (3 times)\n"
                       "      hint: is the server up?\n"
                       "  1h 00m ago: public.t00: it broke\n");
    free(text);
}

static void lines_fit_the_terminal(void **arg)
{
    (void)arg;
    struct status s = following(12);
    s.phase = PHASE_COPYING;
    s.copy.bytes_done = 1;
    s.copy.bytes_total = 2;
    s.note = strdup("a note that is far too long for a narrow terminal, and goes on");
    for (size_t i = 0; i < s.ntables; i++) {
        set(&s.tables[i].phase, "copying");
        set(&s.tables[i].name,
            "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6");
    }
    for (int columns = 1; columns < 80; columns++) {
        struct buf b = {0};
        progress_bars(
            &b, &s,
            &(struct progress_view){
                .columns = columns, .max_tables = 3, .utf8 = columns % 2 == 0, .color = columns % 3 == 0});
        size_t lines = 0;
        for (char *l = strtok(b.data, "\n"); l != NULL; l = strtok(NULL, "\n")) {
            assert_true(text_columns(l, strlen(l)) <= columns);
            size_t n = strlen(l);
            assert_true(n == 0 || (unsigned char)l[n - 1] < 0xc0); /* no half character */
            lines++;
        }
        assert_in_range(lines, 1, 6);
        buf_free(&b);
    }
    status_free(&s);
}

static void a_step_shows_what_is_at_work(void **arg)
{
    (void)arg;
    struct status s = following(1);
    struct buf b = {0};
    const struct status_view v = {0};
    s.phase = PHASE_INDEXING;
    s.step.name = strdup("indexes");
    s.step.units_done = 1;
    s.step.units_total = 2;
    s.step.running = calloc(1, sizeof *s.step.running);
    s.step.nrunning = 1;
    s.step.running[0] =
        (struct status_unit){.what = strdup("index public.big_v"), .fraction = -1, .seconds = 2};
    status_text(&b, &s, &v);
    assert_non_null(strstr(b.data, "indexes   [###############...............]  50 %  1 of 2\n"));
    assert_non_null(strstr(b.data, "\n  index public.big_v  2.0s\n"));
    buf_free(&b);
    status_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_well),
        cmocka_unit_test(on_the_way_back_the_sides_have_their_names),
        cmocka_unit_test(nothing_is_known),
        cmocka_unit_test(what_the_copy_took_is_a_table),
        cmocka_unit_test(what_is_not_known_now_was_known_then),
        cmocka_unit_test(a_silent_side_is_named),
        cmocka_unit_test(lines_are_wrapped_below_their_text),
        cmocka_unit_test(colors_and_blocks_are_for_terminals),
        cmocka_unit_test(what_is_waited_for_is_named),
        cmocka_unit_test(the_copy_has_a_bar_and_an_end),
        cmocka_unit_test(a_backlog_has_a_bar_and_an_end),
        cmocka_unit_test(trouble_comes_first),
        cmocka_unit_test(the_healthy_are_counted_when_they_are_many),
        cmocka_unit_test(no_trouble_is_left_out),
        cmocka_unit_test(errors_say_what_to_do),
        cmocka_unit_test(lines_fit_the_terminal),
        cmocka_unit_test(a_step_shows_what_is_at_work),
    };
    return cmocka_run_group_tests_name("status_text", tests, NULL, NULL);
}
