/* The judgements of preflight that need no server: groups of findings, clocks, seats, rows of a sample. */
#include "unit.h"

#include "../../replicator/check/preflight.h"
#include "../../replicator/check/probe.h"

static void add(struct findings *f, struct arena *a, enum finding_level level, const char *topic,
                const char *table, const char *text)
{
    finding_add(f, a,
                (struct finding){.level = level,
                                 .topic = topic,
                                 .side = "source",
                                 .table = table,
                                 .text = text,
                                 .hint = arena_printf(a, "mend %s", table)});
}

static void what_is_said_of_many_tables_is_one_group(void **arg)
{
    struct arena *a = arena_new();
    struct findings f = {0};
    struct finding_group *g;
    size_t n;
    (void)arg;
    add(&f, a, FINDING_WARNING, "key", "public.one", "no key");
    add(&f, a, FINDING_OK, "version", "", "fine");
    for (int i = 0; i < 5000; i++)
        add(&f, a, FINDING_WARNING, i % 2 == 0 ? "key" : "unlogged", arena_printf(a, "public.t%d", i),
            i % 2 == 0 ? "no key" : "unlogged");
    findings_group(&f, FINDING_WARNING, a, &g, &n);
    assert_int_equal(n, 2);
    assert_int_equal(g[0].ntables, 2501);
    assert_string_equal(g[0].tables[2500], "public.t4998");
    assert_int_equal(g[1].ntables, 2500);
    assert_string_equal(
        finding_line(&g[0], a),
        "warning: source: 2501 tables (public.one, public.t0, public.t2, public.t4, public.t6 ...): "
        "no key (mend public.one)");
    findings_group(&f, FINDING_BLOCKER, a, &g, &n);
    assert_int_equal(n, 0);
    arena_free(a);
}

static void texts_that_differ_by_table_are_counted_in_the_end(void **arg)
{
    struct arena *a = arena_new();
    struct findings f = {0};
    struct finding_group *g;
    size_t n;
    (void)arg;
    for (int i = 0; i < 100; i++)
        add(&f, a, FINDING_BLOCKER, "columns", arena_printf(a, "t%d", i),
            arena_printf(a, "column c%d differs", i));
    for (int i = 0; i < 20; i++) /* of no table: never left out */
        add(&f, a, FINDING_BLOCKER, "extension", "", arena_printf(a, "extension e%d is missing", i));
    findings_group(&f, FINDING_BLOCKER, a, &g, &n);
    assert_int_equal(n, 8 + 20);
    assert_int_equal(g[7].alike, 92);
    assert_string_equal(finding_line(&g[7], a),
                        "blocker: source: t7: column c7 differs (mend t7); and 92 more like this");
    assert_string_equal(finding_line(&g[8], a), "blocker: source: extension e0 is missing (mend )");
    arena_free(a);
}

static void a_finding_is_one_line(void **arg)
{
    struct arena *a = arena_new();
    struct findings f = {0};
    struct finding_group *g;
    size_t n;
    (void)arg;
    finding_add(
        &f, a,
        (struct finding){FINDING_BLOCKER, "rows", "target", "public.a", "holds rows", "TRUNCATE public.a"});
    finding_add(&f, a, (struct finding){.level = FINDING_BLOCKER, .topic = "version", .text = "old"});
    findings_group(&f, FINDING_BLOCKER, a, &g, &n);
    assert_int_equal(n, 2);
    assert_string_equal(finding_line(&g[0], a), "blocker: target: public.a: holds rows (TRUNCATE public.a)");
    assert_string_equal(finding_line(&g[1], a), "blocker: old");
    arena_free(a);
}

static void clocks_are_judged_beyond_what_the_wire_may_hide(void **arg)
{
    (void)arg;
    assert_int_equal(clock_level(0.3, 0.01), FINDING_OK);
    assert_int_equal(clock_level(-0.9, 0.0), FINDING_OK);
    assert_int_equal(clock_level(1.5, 0.01), FINDING_WARNING);
    assert_int_equal(clock_level(-1.5, 0.01), FINDING_WARNING);
    assert_int_equal(clock_level(1.5, 0.6), FINDING_OK);
}

static void only_what_leaves_the_machine_must_be_encrypted(void **arg)
{
    (void)arg;
    assert_int_equal(encryption_level(false, false), FINDING_WARNING);
    assert_int_equal(encryption_level(false, true), FINDING_OK);
    assert_int_equal(encryption_level(true, false), FINDING_OK);
}

static void the_narrowest_limit_says_how_many_seats_are_free(void **arg)
{
    struct seats s = {
        .open = 97, .role_limit = -1, .db_limit = -1, .used = 30, .used_role = 10, .used_db = 25};
    const char *limit;
    int64_t of;
    (void)arg;
    assert_int_equal(seats_free(&s, &limit, &of), 67);
    assert_string_equal(limit, "max_connections");
    assert_int_equal(of, 97);
    s.role_limit = 20;
    assert_int_equal(seats_free(&s, &limit, &of), 10);
    assert_string_equal(limit, "the role's CONNECTION LIMIT");
    assert_int_equal(of, 20);
    s.db_limit = 25;
    assert_int_equal(seats_free(&s, &limit, &of), 0);
    assert_string_equal(limit, "the database's CONNECTION LIMIT");
    s.db_limit = 20; /* more than allowed are there already, as after ALTER DATABASE */
    assert_int_equal(seats_free(&s, &limit, &of), 0);
}

#define HEADER "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
#define ROW "\0\2\0\0\0\1x\377\377\377\377" /* a byte and a null */

static void assert_cut(const char *data, size_t len, bool binary, size_t from, size_t to)
{
    size_t f, t;
    char *copy = malloc(len + 1); /* of its own size, so that a sanitizer sees a read beyond it */
    assert_non_null(copy);
    memcpy(copy, data, len);
    probe_cut(copy, len, binary, &f, &t);
    free(copy);
    assert_int_equal(f, from);
    assert_int_equal(t, to);
}

static void a_sample_is_cut_at_whole_rows(void **arg)
{
    static const char one[] = HEADER ROW, two[] = HEADER ROW ROW "\377\377", none[] = HEADER "\377\377";
    (void)arg;
    assert_int_equal(sizeof HEADER - 1, 19);
    assert_int_equal(sizeof ROW - 1, 11);
    assert_cut(two, sizeof two - 1, true, 19, 41);
    assert_cut(one, sizeof one - 1, true, 19, 30);
    assert_cut(none, sizeof none - 1, true, 19, 19);
    for (size_t len = 19; len < 30; len++)
        assert_cut(one, len, true, 19, 19);
    for (size_t len = 0; len < 19; len++)
        assert_cut(one, len, true, 0, 0);
    assert_cut("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\2ab" ROW, 32, true, 21, 32);
    assert_cut("PGCOPY\n\377\r\n\0\0\0\0\0\377\377\377\377ab" ROW, 32, true, 0, 0);
    assert_cut("1\ta\n2\tb\n3\t", 10, false, 0, 8);
    assert_cut("1\ta", 3, false, 0, 0);
    assert_cut("", 0, false, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_of_many_tables_is_one_group),
        cmocka_unit_test(texts_that_differ_by_table_are_counted_in_the_end),
        cmocka_unit_test(a_finding_is_one_line),
        cmocka_unit_test(clocks_are_judged_beyond_what_the_wire_may_hide),
        cmocka_unit_test(only_what_leaves_the_machine_must_be_encrypted),
        cmocka_unit_test(the_narrowest_limit_says_how_many_seats_are_free),
        cmocka_unit_test(a_sample_is_cut_at_whole_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
