/* The progress of a copy and of the steps after it: bars for a terminal, lines for a log. */
#include "repl/cli.h"
#include "status.h"

static struct status copying(void)
{
    struct status s = following(3);
    s.phase = PHASE_COPYING;
    s.note = strdup("copying tables");
    s.copy.bytes_done = 4300000000;
    s.copy.bytes_total = 10000000000;
    s.copy.rows_done = 12345678;
    s.copy.rate_bytes_per_second = 52e6;
    s.copy.eta_seconds = 110;
    set(&s.tables[0].phase, "copying");
    s.tables[0].bytes_copied = 505;
    s.tables[0].rows_copied = 7;
    s.tables[0].rate_bytes_per_second = 25;
    s.tables[0].eta_seconds = 20;
    set(&s.tables[1].phase, "copying");
    s.tables[1].rate_bytes_per_second = s.tables[1].eta_seconds = -1;
    set(&s.tables[2].phase, "copied");
    return s;
}

static void assert_bars(const struct status *s, const struct progress_view *v, const char *wanted)
{
    struct buf b = {0};
    progress_bars(&b, s, v);
    assert_string_equal(buf_text(&b), wanted);
    buf_free(&b);
}

static void bars_for_the_whole_and_each_table(void **arg)
{
    (void)arg;
    struct status s = copying();
    struct progress_view v = {.columns = 140, .max_tables = 8};
    assert_bars(
        &s, &v,
        "copying (copying tables)\n"
        "all tables  [############..................]   43 %    4.3 GB of 10.0 GB      12,345,678 rows"
        "   52.0 MB/s  ETA 1m 50s, then indexes\n"
        "public.t00  [###############...............]   50 %     505 B of 1.0 kB                7 rows"
        "      25 B/s  ETA 20s\n"
        "public.t01  [..............................]    0 %       0 B of 1.0 kB                0 rows\n");
    v.columns = 79;
    assert_bars(&s, &v,
                "copying (copying tables)\n"
                "all tables  [####......]   43 %    4.3 GB of 10.0 GB    52.0 MB/s  ETA 1m 50s\n"
                "public.t00  [#####.....]   50 %     505 B of 1.0 kB        25 B/s  ETA 20s\n"
                "public.t01  [..........]    0 %       0 B of 1.0 kB\n");
    v.columns = 40;
    v.max_tables = 1;
    assert_bars(&s, &v,
                "copying (copying tables)\n"
                "all tables   43 %  ETA 1m 50s\n"
                "public.t00   50 %  ETA 20s\n"
                "and 1 more\n");
    v = (struct progress_view){.columns = 60, .max_tables = 1, .utf8 = true, .color = true};
    assert_bars(&s, &v,
                "copying (copying tables)\n"
                "all tables  \033[32m████▎░░░░░\033[0m   43 %   52.0 MB/s  ETA 1m 50s\n"
                "public.t00  \033[32m█████░░░░░\033[0m   50 %      25 B/s  ETA 20s\n"
                "and 1 more\n");
    status_free(&s);
}

static void bars_of_a_paused_copy_stand_still(void **arg)
{
    (void)arg;
    struct status s = copying();
    s.phase = PHASE_PAUSED;
    s.reached = PHASE_COPYING;
    s.copy.rate_bytes_per_second = s.copy.eta_seconds = -1;
    set(&s.tables[0].phase, "planned");
    set(&s.tables[1].phase, "planned");
    const struct progress_view v = {.columns = 60, .max_tables = 1};
    assert_bars(&s, &v, "paused while copying\nall tables  [####......]   43 %    4.3 GB of 10.0 GB\n");
    struct buf b = {0};
    progress_line(&b, &s);
    assert_string_equal(b.data, "paused while copying: 43 %, 4.3 GB of 10.0 GB");
    buf_free(&b);
    status_free(&s);
}

/* What a worker is at comes first, then the largest; what nobody has begun waits. */
static void what_is_at_work_comes_first(void **arg)
{
    (void)arg;
    struct status s = following(5);
    s.phase = PHASE_COPYING;
    s.copy.bytes_total = 1000;
    s.copy.rate_bytes_per_second = s.copy.eta_seconds = -1;
    for (size_t i = 0; i < s.ntables; i++) {
        set(&s.tables[i].phase, i < 3 ? "copying" : "planned");
        s.tables[i].bytes_total = (int64_t)(i + 1) * 1000;
        s.tables[i].rate_bytes_per_second = s.tables[i].eta_seconds = -1;
    }
    s.tables[1].rate_bytes_per_second = 10;
    assert_bars(&s, &(struct progress_view){.columns = 79, .max_tables = 2},
                "copying\n"
                "all tables  [..........]    0 %       0 B of 1.0 kB\n"
                "public.t01  [..........]    0 %       0 B of 2.0 kB        10 B/s\n"
                "public.t02  [..........]    0 %       0 B of 3.0 kB\n"
                "and 1 more\n"
                "waiting: public.t04 (5.0 kB), public.t03 (4.0 kB)\n");
    status_free(&s);
}

static void a_comparison_has_the_same_frame(void **arg)
{
    (void)arg;
    const struct verify_progress p = {.bytes_done = 4300000000,
                                      .bytes_total = 10000000000,
                                      .rows = 12345678,
                                      .differences = 1,
                                      .keys = 12,
                                      .rate = 52e6,
                                      .eta_seconds = 110};
    for (int columns = 20; columns <= 140; columns++) {
        struct buf b = {0};
        progress_verify_bars(&b, &p, &(struct progress_view){.columns = columns, .max_tables = 1});
        for (const char *l = b.data, *end; (end = strchr(l, '\n')) != NULL; l = end + 1)
            assert_true(text_columns(l, (size_t)(end - l)) <= columns);
        buf_free(&b);
    }
    struct buf b = {0};
    progress_verify_bars(&b, &p, &(struct progress_view){.columns = 79, .max_tables = 1});
    assert_string_equal(b.data,
                        "comparing: 1 difference, 12 keys to compare again\n"
                        "all tables  [####......]   43 %    4.3 GB of 10.0 GB    52.0 MB/s  ETA 1m 50s\n");
    buf_clear(&b);
    progress_verify_line(&b, &p);
    assert_string_equal(b.data,
                        "comparing: 43 %, 4.3 GB of 10.0 GB, 12,345,678 rows, 52.0 MB/s, ETA 1m 50s; 1 "
                        "difference, 12 keys to compare again");
    buf_free(&b);
}

/* Nothing was read yet: there are no figures, and none are made up. */
static void before_both_sides_are_read(void **arg)
{
    (void)arg;
    struct status s = following(0);
    s.phase = PHASE_COPYING;
    s.note = strdup("reading both sides");
    assert_bars(&s, &(struct progress_view){.columns = 79, .max_tables = 1},
                "copying (reading both sides)\n");
    struct buf b = {0};
    progress_line(&b, &s);
    assert_string_equal(b.data, "copying (reading both sides)");
    buf_free(&b);
    status_free(&s);
}

static void a_line_says_what_is_wrong(void **arg)
{
    (void)arg;
    struct status s = following(1);
    s.phase = PHASE_RETRYING;
    s.reached = PHASE_FOLLOWING;
    s.state = STATE_RETRYING;
    s.lag_seconds = s.owed_rows = -1;
    s.unknown_seconds = 22;
    s.source.error = strdup("connection refused");
    s.nerrors = 1;
    s.errors = calloc(1, sizeof *s.errors);
    s.errors[0] = (struct status_error){.message = strdup("connection refused")};
    struct buf b = {0};
    progress_line(&b, &s);
    assert_string_equal(
        b.data, "retrying while following: source: connection refused, pending rows not known since 22s");
    buf_free(&b);
    status_free(&s);
}

static void a_line_names_the_tables_that_run(void **arg)
{
    (void)arg;
    struct status s = copying();
    struct buf b = {0};
    progress_line(&b, &s);
    assert_string_equal(b.data,
                        "copying (copying tables): 43 %, 4.3 GB of 10.0 GB, 52.0 MB/s, ETA 1m 50s, then "
                        "indexes; public.t00 50 %, public.t01 0 %");
    buf_free(&b);
    status_free(&s);
}

static void a_line_says_where_it_is(void **arg)
{
    (void)arg;
    struct status s = following(1);
    struct buf b = {0};
    progress_line(&b, &s);
    assert_string_equal(b.data, "following: lag 0.2s, 1,234 rows owed");
    buf_clear(&b);
    s.phase = PHASE_INDEXING;
    s.note = strdup("building indexes");
    s.copy.bytes_done = s.copy.bytes_total = 5000;
    progress_line(&b, &s);
    assert_string_equal(b.data, "indexing (building indexes): 100 %, 5.0 kB of 5.0 kB");
    buf_clear(&b);
    s.step.name = strdup("indexes");
    s.step.units_done = 3;
    s.step.units_total = 10;
    s.step.running = calloc(1, sizeof *s.step.running);
    s.step.nrunning = 1;
    s.step.running[0] = (struct status_unit){.what = strdup("index public.big_v"),
                                             .phase = strdup("building index: scanning table"),
                                             .fraction = 0.425,
                                             .seconds = 200};
    progress_line(&b, &s);
    assert_string_equal(b.data, "indexing (building indexes): 3 of 10, index public.big_v  building index: "
                                "scanning table 42 %, 3m 20s");
    buf_free(&b);
    status_free(&s);
}

static void bars_of_a_step(void **arg)
{
    (void)arg;
    struct status s = following(1);
    s.phase = PHASE_INDEXING;
    s.step.name = strdup("indexes");
    s.step.units_done = 1;
    s.step.units_total = 2;
    s.step.running = calloc(1, sizeof *s.step.running);
    s.step.nrunning = 1;
    s.step.running[0] =
        (struct status_unit){.what = strdup("index public.big_v"), .fraction = -1, .seconds = 2};
    assert_bars(&s, &(struct progress_view){.columns = 40, .max_tables = 3},
                "indexing\n[##########..........]  1 of 2\nindex public.big_v  2.0s\n");
    status_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bars_for_the_whole_and_each_table),
        cmocka_unit_test(bars_of_a_paused_copy_stand_still),
        cmocka_unit_test(a_line_names_the_tables_that_run),
        cmocka_unit_test(a_line_says_where_it_is),
        cmocka_unit_test(bars_of_a_step),
        cmocka_unit_test(what_is_at_work_comes_first),
        cmocka_unit_test(a_comparison_has_the_same_frame),
        cmocka_unit_test(before_both_sides_are_read),
        cmocka_unit_test(a_line_says_what_is_wrong),
    };
    return cmocka_run_group_tests_name("progress_text", tests, NULL, NULL);
}
