/* How fast: the bucket of --max-rate and the ETA, by a clock of the test's own; workers that come and go. */
#include "unit.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../../replicator/engine/eta.h"
#include "repl/clock.h"
#include "repl/flow.h"

static const uint64_t SECOND = 1000000;

/* ---- the bucket ---- */

/* Reads in pieces for so long, as fast as the bucket lets; returns the bytes. */
static double read_for(struct bucket *b, uint64_t *now, uint64_t us, uint64_t piece, uint64_t *longest)
{
    double bytes = 0;
    for (uint64_t end = *now + us; *now < end;) {
        double ticket = bucket_take(b, piece, *now);
        uint64_t wait = bucket_wait_us(b, ticket, *now);
        if (longest != NULL && wait > *longest)
            *longest = wait;
        *now += wait != 0 ? wait : 1;
        bytes += (double)piece;
    }
    return bytes;
}

static void a_rate_is_held(void **state)
{
    (void)state;
    struct bucket b = {0};
    uint64_t now = 7 * SECOND, longest = 0;
    bucket_set(&b, 20000000, now);
    double bytes = read_for(&b, &now, 10 * SECOND, 131072, &longest);
    assert_true(fabs(bytes - 200e6) < 200e6 * 0.02);
    assert_true(longest < SECOND / 10); /* evenly, not in bursts */
}

static void an_idle_time_is_not_saved_up(void **state)
{
    (void)state;
    struct bucket b = {0};
    uint64_t now = 0;
    bucket_set(&b, 1000000, now);
    read_for(&b, &now, SECOND, 10000, NULL);
    now += 3600ull * SECOND;
    double bytes = read_for(&b, &now, SECOND / 10, 10000, NULL);
    assert_true(bytes < 100000 + 50000 + 20000);
}

static void several_readers_share_it(void **state)
{
    (void)state;
    struct bucket b = {0};
    uint64_t now = 0;
    double tickets[4], bytes = 0;
    bucket_set(&b, 1000000, now);
    for (int i = 0; i < 4; i++)
        tickets[i] = bucket_take(&b, 10000, now);
    for (; now < 10 * SECOND; now += 1000)
        for (int i = 0; i < 4; i++)
            if (bucket_wait_us(&b, tickets[i], now) == 0) {
                bytes += 10000;
                tickets[i] = bucket_take(&b, 10000, now);
            }
    assert_true(fabs(bytes - 10e6) < 10e6 * 0.02);
}

static void a_change_holds_for_those_who_wait(void **state)
{
    (void)state;
    struct bucket b = {0};
    uint64_t now = 0;
    bucket_set(&b, 100000, now);
    double ticket = bucket_take(&b, 1000000, now);
    assert_true(bucket_wait_us(&b, ticket, now) > 9 * SECOND);
    bucket_set(&b, 10000000, now);
    assert_true(bucket_wait_us(&b, ticket, now) <= SECOND / 10 + 1);
    bucket_set(&b, 0, now);
    assert_int_equal(bucket_wait_us(&b, ticket, now), 0);
    bucket_set(&b, 100000, now); /* what was read unlimited is no debt */
    assert_true(bucket_wait_us(&b, bucket_take(&b, 10000, now), now) <= SECOND / 10 + 1);
}

static void an_unlimited_one_never_waits(void **state)
{
    (void)state;
    struct bucket b = {0};
    for (uint64_t now = 0; now < 100; now++)
        assert_int_equal(bucket_wait_us(&b, bucket_take(&b, 1u << 30, now), now), 0);
    struct throttle *t = throttle_new(0);
    assert_int_equal(throttle_piece(t, 131072), 131072);
    throttle_set(t, 64000);
    assert_int_equal(throttle_piece(t, 131072), 4096);
    throttle_set(t, 1000000000);
    assert_int_equal(throttle_piece(t, 131072), 131072);
    throttle_free(t);
}

static void rates_as_people_write_them(void **state)
{
    (void)state;
    int64_t rate;
    char text[32];
    assert_true(str_parse_rate("20MB", &rate) && rate == 20000000);
    assert_true(str_parse_rate("50 MB/s", &rate) && rate == 50000000);
    assert_true(str_parse_rate("64kB/S", &rate) && rate == 64000);
    assert_true(str_parse_rate("unlimited", &rate) && rate == 0);
    for (const char *const *bad = (const char *const[]){"", "0", "/s", "fast", "-5MB", "63kB", "20 Mbit",
                                                        "20MB/min", "99999999TB", NULL};
         *bad != NULL; bad++)
        if (str_parse_rate(*bad, &rate))
            fail_msg("%s is a rate: %lld", *bad, (long long)rate);
    assert_string_equal(str_rate(text, sizeof text, 20000000), "20.0 MB/s");
    assert_string_equal(str_rate(text, sizeof text, 0), "unlimited");
}

/* ---- the ETA ---- */

static void an_even_copy_is_foretold_exactly(void **state)
{
    (void)state;
    struct eta m = {0};
    assert_true(eta_rate(&m) < 0 && eta_seconds(&m, 5) < 0);
    for (uint64_t s = 0; s <= 3600; s++) {
        eta_feed(&m, 1000 * s, 100.0 * (double)s);
        if (s >= 2)
            assert_true(fabs(eta_seconds(&m, 100.0 * (double)(3600 - s)) - (double)(3600 - s)) < 1);
    }
    assert_true(eta_seconds(&m, 0) <= 0);
}

/* Chunks end in leaps, checkpoints come every five minutes: within a quarter after the first tenth, all the way. */
static void an_uneven_copy_is_foretold_within_a_quarter(void **state)
{
    (void)state;
    struct eta m = {0};
    static double done[100000];
    unsigned seed = 1;
    size_t end = 0;
    const double total = 200000;
    for (double at = 0; at < total; end++) {
        seed = seed * 1103515245 + 12345;
        bool checkpoint = end % 300 > 270;
        at += (checkpoint ? 40 : 110) * (0.5 + (double)(seed >> 16 & 0x7fff) / 0x7fff);
        done[end] = floor(at / 700) * 700; /* leaps */
    }
    for (size_t s = 0; s < end; s++) {
        eta_feed(&m, 1000 * s, done[s]);
        double left = (double)(end - s);
        if (done[s] < total / 10 || left < 20)
            continue;
        double foretold = eta_seconds(&m, total - done[s]);
        if (fabs(foretold - left) > left / 4 + 10)
            fail_msg("second %zu: %.0f s are left, foretold are %.0f", s, left, foretold);
    }
}

static void a_pause_does_not_count(void **state)
{
    (void)state;
    struct eta m = {0};
    for (uint64_t s = 0; s <= 60; s++)
        eta_feed(&m, 1000 * s, 10.0 * (double)s);
    for (uint64_t s = 61; s <= 4000; s++)
        eta_skip(&m, 1000 * s);
    assert_true(fabs(eta_rate(&m) - 10) < 0.1);
    eta_feed(&m, 4001000, 610);
    assert_true(fabs(eta_rate(&m) - 10) < 0.1);
}

static void what_is_dropped_is_no_speed(void **state)
{
    (void)state;
    struct eta m = {0};
    for (uint64_t s = 0; s <= 30; s++)
        eta_feed(&m, 1000 * s, 10.0 * (double)s);
    eta_feed(&m, 31000, 150); /* chunks under way were put back */
    for (uint64_t s = 32; s <= 60; s++)
        eta_feed(&m, 1000 * s, 150 + 10.0 * (double)(s - 31));
    assert_true(fabs(eta_rate(&m) - 10) < 1);
}

static void a_new_speed_is_soon_believed(void **state)
{
    (void)state;
    struct eta m = {0};
    double done = 0;
    for (uint64_t s = 0; s <= 600; s++)
        eta_feed(&m, 1000 * s, done += 100);
    eta_forget(&m);
    for (uint64_t s = 601; s <= 605; s++)
        eta_feed(&m, 1000 * s, done += 5);
    assert_true(fabs(eta_rate(&m) - 5) < 0.1);
}

static void feed(struct eta *m, double rate)
{
    for (uint64_t s = 0; s <= 20; s++)
        eta_feed(m, 1000 * s, rate * (double)s);
}

/* 700 of 1000 come at 100 a second with all workers; the others, while half of them build indexes, at 50. */
static void builds_beside_the_copy_are_foreseen(void **state)
{
    (void)state;
    struct eta alone = {0}, beside = {0};
    assert_true(eta_course(&alone, &beside, 2, 700, 300) < 0);
    assert_true(eta_course(&alone, &beside, 2, 0, 0) <= 0);
    feed(&alone, 100);
    assert_true(fabs(eta_course(&alone, &beside, 2, 700, 300) - 13) < 0.1);
    assert_true(fabs(eta_course(&alone, &beside, 2, 0, 300) - 6) < 0.1);
    assert_true(fabs(eta_course(&alone, &beside, 1, 700, 300) - 10) < 0.1); /* a wire bounds it */
    feed(&beside, 60); /* what was measured holds, whatever was foreseen */
    assert_true(fabs(eta_course(&alone, &beside, 2, 0, 300) - 5) < 0.1);
    assert_true(fabs(eta_course(&alone, &beside, 2, 300, 0) - 3) < 0.1);
}

/* An engine that starts again in the middle has measured one of the two only. */
static void one_speed_tells_the_other(void **state)
{
    (void)state;
    struct eta alone = {0}, beside = {0};
    feed(&beside, 50);
    assert_true(fabs(eta_course(&alone, &beside, 2, 100, 100) - 3) < 0.1);
}

/* ---- workers ---- */

struct counted {
    struct job job;
    bool good;
};

static atomic_int running, most;

static bool run_counted(struct worker *w, struct job *job, struct err *e)
{
    (void)w;
    int now = atomic_fetch_add(&running, 1) + 1;
    if (now > atomic_load(&most))
        atomic_store(&most, now);
    clock_sleep_ms(5); /* the job itself: long enough for others to begin */
    atomic_fetch_sub(&running, 1);
    return ((struct counted *)job)->good || err_set(e, ERR_CONN, "too many clients");
}

static void no_wake(void *arg)
{
    (void)arg;
}

static void give(struct pool *p, struct counted *c, size_t n)
{
    atomic_store(&most, 0);
    for (size_t i = 0; i < n; i++) {
        c[i] = (struct counted){.job.run = run_counted, .good = true};
        pool_submit(p, &c[i].job);
    }
}

static void take(struct pool *p, size_t n)
{
    for (size_t i = 0; i < n;)
        if (pool_take(p) != NULL)
            i++;
        else
            clock_sleep_ms(1);
}

static void workers_come_and_go(void **state)
{
    (void)state;
    const struct pool_options o = {.workers = 1,
                                   .source_spec = "",
                                   .target_spec = "",
                                   .source.purpose = "",
                                   .target.purpose = "",
                                   .wake = no_wake};
    struct pool *p = pool_start(&o);
    struct counted jobs[40], first[6];
    give(p, jobs, 4);
    take(p, 4);
    assert_int_equal(atomic_load(&most), 1);
    for (int i = 0; i < 6; i++) { /* two of them cannot connect, and go */
        first[i] = (struct counted){.job.run = run_counted, .good = i >= 2};
        pool_grow(p, &first[i].job);
    }
    take(p, 6);
    give(p, jobs, 40);
    take(p, 40);
    assert_in_range(atomic_load(&most), 2, 5);
    pool_shrink(p, 4);
    give(p, jobs, 10);
    take(p, 10);
    assert_int_equal(atomic_load(&most), 1);
    pool_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rate_is_held),
        cmocka_unit_test(an_idle_time_is_not_saved_up),
        cmocka_unit_test(several_readers_share_it),
        cmocka_unit_test(a_change_holds_for_those_who_wait),
        cmocka_unit_test(an_unlimited_one_never_waits),
        cmocka_unit_test(rates_as_people_write_them),
        cmocka_unit_test(an_even_copy_is_foretold_exactly),
        cmocka_unit_test(an_uneven_copy_is_foretold_within_a_quarter),
        cmocka_unit_test(a_pause_does_not_count),
        cmocka_unit_test(what_is_dropped_is_no_speed),
        cmocka_unit_test(a_new_speed_is_soon_believed),
        cmocka_unit_test(builds_beside_the_copy_are_foreseen),
        cmocka_unit_test(one_speed_tells_the_other),
        cmocka_unit_test(workers_come_and_go),
    };
    return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
