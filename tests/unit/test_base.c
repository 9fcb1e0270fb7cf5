/* Buffers, strings, arenas, time, hashes, interrupts. */
#include "unit.h"

#include <poll.h>

#include "repl/buf.h"
#include "repl/clock.h"
#include "repl/hash.h"
#include "repl/interrupt.h"
#include "repl/mem.h"
#include "repl/str.h"

/* ---- buf ---- */

static void a_buffer_is_always_text(void **arg)
{
    (void)arg;
    struct buf b = {0};
    assert_string_equal(buf_text(&b), "");
    buf_puts(&b, "");
    assert_string_equal(buf_text(&b), "");
    buf_puts(&b, "ab");
    buf_add(&b, "c\0d", 3);
    assert_int_equal(b.len, 5);
    assert_memory_equal(b.data, "abc\0d", 6);
    buf_clear(&b);
    assert_int_equal(b.len, 0);
    assert_string_equal(buf_text(&b), "");
    buf_printf(&b, "%s-%d", "x", 7);
    assert_string_equal(buf_text(&b), "x-7");
    buf_free(&b);
    assert_null(b.data);
    buf_free(&b);
}

static void a_buffer_grows(void **arg)
{
    (void)arg;
    struct buf b = {0};
    for (int i = 0; i < 20000; i++)
        buf_printf(&b, "%d,", i % 10);
    assert_int_equal(b.len, 40000);
    assert_int_equal(strlen(b.data), 40000);
    char wide[3000];
    memset(wide, 'w', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    buf_printf(&b, "%s", wide);
    assert_int_equal(b.len, 40000 + sizeof wide - 1);
    buf_free(&b);
}

/* ---- arena ---- */

static void an_arena_keeps_things_apart(void **arg)
{
    (void)arg;
    struct arena *a = arena_new();
    char *all[500];
    for (int i = 0; i < 500; i++) {
        size_t n = (size_t)i * 37 % 1000 + 1;
        all[i] = arena_alloc(a, n);
        assert_int_equal((uintptr_t)all[i] % _Alignof(max_align_t), 0);
        for (size_t k = 0; k < n; k++)
            assert_int_equal(all[i][k], 0);
        memset(all[i], i & 0x7f, n);
    }
    for (int i = 0; i < 500; i++)
        assert_int_equal(all[i][(size_t)i * 37 % 1000], i & 0x7f);
    memset(arena_alloc(a, 1000000), 1, 1000000);
    assert_string_equal(arena_printf(a, "%05d", 42), "00042");
    assert_string_equal(arena_strdup(a, "text"), "text");
    assert_null(arena_strdup(a, NULL));
    arena_reset(a);
    assert_string_equal(arena_strdup(a, "again"), "again");
    arena_free(a);
    arena_free(NULL);
}

/* ---- str ---- */

static void lists_are_taken_apart_and_put_together(void **arg)
{
    (void)arg;
    struct strlist l = {0};
    strlist_add_csv(&l, " a , b.c,, \"d e\" ,");
    strlist_add_csv(&l, "");
    strlist_add(&l, "last");
    assert_int_equal(l.count, 4);
    assert_string_equal(l.items[0], "a");
    assert_string_equal(l.items[1], "b.c");
    assert_string_equal(l.items[3], "last");
    char *csv = strlist_csv(&l);
    assert_string_equal(csv, "a,b.c,\"d e\",last");
    free(csv);
    strlist_free(&l);
    assert_int_equal(l.count, 0);
    csv = strlist_csv(&l);
    assert_string_equal(csv, "");
    free(csv);
}

static void patterns_match_the_whole(void **arg)
{
    (void)arg;
    static const struct {
        const char *pattern, *s;
        bool matches;
    } cases[] = {
        {"", "", true},       {"", "a", false},           {"*", "", true},
        {"*", "abc", true},   {"a*", "abc", true},        {"a*", "bca", false},
        {"*c", "abc", true},  {"*b", "abc", false},       {"a?c", "abc", true},
        {"a?c", "ac", false}, {"a*b*c", "aXbYbZc", true}, {"a*b*c", "acb", false},
        {"abc", "abc", true}, {"abc", "abcd", false},     {"*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaa", false},
        {"p.*", "p.t", true}, {"[a]", "a", false},        {"**", "x", true},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        if (str_matches(cases[i].pattern, cases[i].s) != cases[i].matches)
            fail_msg("pattern %s against %s", cases[i].pattern, cases[i].s);
}

static void distances_are_edits(void **arg)
{
    (void)arg;
    assert_int_equal(str_distance("", ""), 0);
    assert_int_equal(str_distance("abc", ""), 3);
    assert_int_equal(str_distance("", "abc"), 3);
    assert_int_equal(str_distance("kitten", "sitting"), 3);
    assert_int_equal(str_distance("status", "statsu"), 2);
    assert_int_equal(str_distance("same", "same"), 0);
}

static void sizes_are_for_people(void **arg)
{
    (void)arg;
    static const struct {
        double bytes;
        const char *text;
    } cases[] = {{0, "0 B"},          {999, "999 B"},    {12000, "12.0 kB"},
                 {1500000, "1.5 MB"}, {150e6, "150 MB"}, {2e12, "2.0 TB"}};
    char out[32];
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(str_bytes(out, sizeof out, cases[i].bytes), cases[i].text);
}

static void durations_are_for_people(void **arg)
{
    (void)arg;
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {{0, "0.0s"},      {0.44, "0.4s"},   {59.4, "59s"},    {200, "3m 20s"},
                 {7500, "2h 05m"}, {3600, "1h 00m"}, {90000, "1d 01h"}};
    char out[32];
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(str_duration(out, sizeof out, cases[i].seconds), cases[i].text);
}

static void numbers_are_whole_and_in_range(void **arg)
{
    (void)arg;
    long long v;
    assert_true(str_parse_int("-5", -10, 10, &v));
    assert_int_equal(v, -5);
    static const char *const bad[] = {"", "x", "5x", "11", "-11", "99999999999999999999"};
    for (size_t i = 0; i < COUNT(bad); i++)
        if (str_parse_int(bad[i], -10, 10, &v))
            fail_msg("%s is taken for a number", bad[i]);
    uint64_t size;
    assert_true(str_parse_size("0", &size));
    assert_true(str_parse_size("12 mb", &size));
    assert_int_equal(size, 12000000);
    assert_true(str_parse_size("3GB", &size));
    assert_int_equal(size, 3000000000u);
    static const char *const no_size[] = {
        "", "-1", "MB", "1.5GB", "1 XB", "99999999999 TB", "99999999999999999999"};
    for (size_t i = 0; i < COUNT(no_size); i++)
        if (str_parse_size(no_size[i], &size))
            fail_msg("%s is taken for a size", no_size[i]);
}

/* ---- clock ---- */

static void times_are_written_in_utc(void **arg)
{
    (void)arg;
    char out[32];
    assert_string_equal(clock_iso(out, sizeof out, 0), "1970-01-01T00:00:00.000Z");
    assert_string_equal(clock_iso(out, sizeof out, 1769824800.5), "2026-01-31T02:00:00.500Z");
    uint64_t before = clock_us();
    assert_true(clock_us() >= before);
    assert_true(clock_wall() > 1.7e9);
}

static void backoff_grows_within_its_bounds(void **arg)
{
    (void)arg;
    struct backoff b = {.base_ms = 100, .max_ms = 5000, .seed = 1};
    unsigned largest = 0;
    for (unsigned n = 0; n < 1000; n++) {
        unsigned ceiling = n < 6 ? 100u << n : 5000;
        unsigned ms = backoff_next_ms(&b);
        assert_in_range(ms, 50, ceiling < 5000 ? ceiling : 5000);
        largest = ms > largest ? ms : largest;
    }
    assert_true(largest > 4000); /* it does use the range */
    backoff_reset(&b);
    assert_in_range(backoff_next_ms(&b), 50, 100);
}

static void two_seeds_do_not_wait_alike(void **arg)
{
    (void)arg;
    struct backoff a = {.base_ms = 100, .max_ms = 60000, .seed = 1}, b = a, c = a;
    c.seed = 2;
    unsigned differ = 0;
    for (int n = 0; n < 10; n++) {
        unsigned ms = backoff_next_ms(&a);
        assert_int_equal(backoff_next_ms(&b), ms);
        differ += backoff_next_ms(&c) != ms;
    }
    assert_true(differ > 0);
}

/* ---- hash ---- */

static void a_digest_knows_where_strings_end(void **arg)
{
    (void)arg;
    static const char *const lists[][3] = {
        {"ab", "c", "x"}, {"a", "bc", "x"}, {"abc", "", "x"}, {"abc", NULL, "x"}, {"", "abc", "x"}};
    uint64_t seen[COUNT(lists)];
    for (size_t i = 0; i < COUNT(lists); i++) {
        struct hash_stream *h = hash_stream_new();
        for (size_t k = 0; k < 3; k++)
            hash_stream_add_str(h, lists[i][k]);
        seen[i] = hash_stream_value(h);
        hash_stream_free(h);
        for (size_t k = 0; k < i; k++)
            assert_true(seen[k] != seen[i]);
    }
}

static void a_digest_of_pieces_is_that_of_the_whole(void **arg)
{
    (void)arg;
    struct hash_stream *h = hash_stream_new();
    hash_stream_add(h, "hello ", 6);
    hash_stream_add(h, "world", 5);
    assert_true(hash_stream_value(h) == hash64("hello world", 11));
    assert_true(hash64_str("hello world") == hash64("hello world", 11));
    hash_stream_free(h);
}

/* ---- interrupt ---- */

static bool readable(struct interrupt *i)
{
    struct pollfd fd = {.fd = interrupt_fd(i), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

static void an_interrupt_only_rises(void **arg)
{
    (void)arg;
    struct interrupt *i = interrupt_new();
    assert_int_equal(interrupt_level(i), INTERRUPT_NONE);
    assert_int_equal(interrupt_level(NULL), INTERRUPT_NONE);
    assert_false(readable(i));
    interrupt_raise(i, INTERRUPT_NOW);
    interrupt_raise(i, INTERRUPT_SOON);
    assert_int_equal(interrupt_level(i), INTERRUPT_NOW);
    assert_true(readable(i));
    interrupt_free(i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_is_always_text),
        cmocka_unit_test(a_buffer_grows),
        cmocka_unit_test(an_arena_keeps_things_apart),
        cmocka_unit_test(lists_are_taken_apart_and_put_together),
        cmocka_unit_test(patterns_match_the_whole),
        cmocka_unit_test(distances_are_edits),
        cmocka_unit_test(sizes_are_for_people),
        cmocka_unit_test(durations_are_for_people),
        cmocka_unit_test(numbers_are_whole_and_in_range),
        cmocka_unit_test(times_are_written_in_utc),
        cmocka_unit_test(backoff_grows_within_its_bounds),
        cmocka_unit_test(two_seeds_do_not_wait_alike),
        cmocka_unit_test(a_digest_knows_where_strings_end),
        cmocka_unit_test(a_digest_of_pieces_is_that_of_the_whole),
        cmocka_unit_test(an_interrupt_only_rises),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
