/* How the first copy is cut, and that its workers end together: the scheduler, simulated. */
#include "unit.h"

#include <stdlib.h>

#include "repl/flow.h"

static const int64_t KB = 1000, MB = 1000000, GB = 1000000000;

/* As job_plan does: heaps in the order given. Returns the number of chunks. */
static size_t cut_all(const int64_t *heaps, size_t nheaps, struct cutter c, int64_t *chunks, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < nheaps; i++)
        c.left += heaps[i];
    for (size_t i = 0; i < nheaps; i++)
        for (int64_t done = 0; done < heaps[i];) {
            int64_t bytes = cut_next(&c, heaps[i] - done);
            assert_true(bytes > 0 && n < cap);
            chunks[n++] = bytes;
            done += bytes;
            assert_true(done <= heaps[i]);
        }
    assert_int_equal(c.left, 0);
    return n;
}

/* ---- sizes ---- */

static void a_small_table_is_one_chunk(void **state)
{
    (void)state;
    int64_t chunks[4], heap = 80 * KB;
    assert_int_equal(cut_all(&heap, 1, (struct cutter){0, 4, 4 * MB, 512 * MB}, chunks, 4), 1);
}

static void no_chunk_is_larger_than_allowed(void **state)
{
    (void)state;
    static int64_t chunks[10000];
    int64_t heap = 1500 * GB;
    size_t n = cut_all(&heap, 1, (struct cutter){0, 4, 4 * MB, 512 * MB}, chunks, 10000);
    for (size_t i = 0; i < n; i++)
        assert_true(chunks[i] <= 512 * MB);
    assert_true(n < 3100); /* and the small ones at the end are few */
}

static void chunks_get_smaller_toward_the_end(void **state)
{
    (void)state;
    static int64_t chunks[1000];
    int64_t heap = 10 * GB;
    size_t n = cut_all(&heap, 1, (struct cutter){0, 4, 4 * MB, 512 * MB}, chunks, 1000);
    for (size_t i = 1; i < n; i++)
        assert_true(chunks[i] <= chunks[i - 1] + 1);
    assert_true(chunks[0] > 450 * MB && chunks[n - 1] <= 4 * MB && chunks[n - 1] >= 2 * MB);
}

static void one_huge_table_gives_every_worker_work_from_the_start(void **state)
{
    (void)state;
    static int64_t chunks[1000];
    int64_t heap = 200 * MB;
    assert_true(cut_all(&heap, 1, (struct cutter){0, 16, 4 * MB, 512 * MB}, chunks, 1000) >= 16 * 2);
}

/* ---- the whole ---- */

/* The same numbers at each run: a test that fails once in a while teaches nobody. */
static double chance(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(*seed >> 40) / (double)(1 << 24);
}

enum { MAX_JOBS = 16 };

/* Chunks in order, each to the worker that is free first; a worker is up to a third slower than the fastest, and a chunk
 * takes up to a fifth more or less than its size says. Returns how long the first to end waits for the last, as a part of
 * the whole. */
static double waits(const int64_t *chunks, size_t n, int jobs, uint64_t seed)
{
    double end[MAX_JOBS] = {0}, speed[MAX_JOBS];
    for (int w = 0; w < jobs; w++)
        speed[w] = (double)(50 * MB) * (1 - chance(&seed) / 3);
    for (size_t i = 0; i < n; i++) {
        int first = 0;
        for (int w = 1; w < jobs; w++)
            first = end[w] < end[first] ? w : first;
        end[first] += 0.005 + (double)chunks[i] * (0.8 + 0.4 * chance(&seed)) / speed[first];
    }
    double least = end[0], most = end[0];
    for (int w = 1; w < jobs; w++) {
        least = end[w] < least ? end[w] : least;
        most = end[w] > most ? end[w] : most;
    }
    return (most - least) / most;
}

static void workers_end_together(const char *what, const int64_t *heaps, size_t nheaps)
{
    static int64_t chunks[20000];
    for (int jobs = 1; jobs <= MAX_JOBS; jobs *= 2) {
        size_t n = cut_all(heaps, nheaps, (struct cutter){0, jobs, 4 * MB, 512 * MB}, chunks, 20000);
        double worst = 0;
        for (uint64_t seed = 1; seed <= 50; seed++) {
            double w = waits(chunks, n, jobs, seed);
            worst = w > worst ? w : worst;
        }
        print_message("%s, %d workers: %zu chunks, idle at most %.1f %% of the time\n", what, jobs, n,
                      worst * 100);
        assert_true(worst < 0.01);
    }
}

static void workers_end_together_on_one_huge_table(void **state)
{
    (void)state;
    int64_t heap = 20 * GB;
    workers_end_together("one table of 20 GB", &heap, 1);
}

static void workers_end_together_where_one_table_is_most(void **state)
{
    (void)state;
    int64_t heaps[31] = {7 * GB};
    for (size_t i = 1; i < 31; i++)
        heaps[i] = 100 * MB;
    workers_end_together("one table of 7 GB and 30 of 100 MB", heaps, 31);
}

static void workers_end_together_on_thousands_of_tables(void **state)
{
    (void)state;
    static int64_t heaps[5000];
    for (size_t i = 0; i < 5000; i++)
        heaps[i] = 8 * GB / (int64_t)(i + 1); /* as sizes are: the first few are nearly all */
    workers_end_together("5000 tables of 8 GB and less", heaps, 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_table_is_one_chunk),
        cmocka_unit_test(no_chunk_is_larger_than_allowed),
        cmocka_unit_test(chunks_get_smaller_toward_the_end),
        cmocka_unit_test(one_huge_table_gives_every_worker_work_from_the_start),
        cmocka_unit_test(workers_end_together_on_one_huge_table),
        cmocka_unit_test(workers_end_together_where_one_table_is_most),
        cmocka_unit_test(workers_end_together_on_thousands_of_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
