/* The functions that every batch or row goes through, alone: nanoseconds a call, the best of several passes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repl/buf.h"
#include "repl/clock.h"
#include "repl/embedded.h"
#include "repl/hash.h"
#include "repl/mem.h"
#include "repl/pg.h"

enum { PASSES = 7, PASS_US = 200000 };

static volatile uint64_t sink; /* keeps results alive */

static void bench(const char *name, size_t bytes, void (*run)(void *), void *arg)
{
    double best = 0;
    for (int i = 0; i < PASSES; i++) {
        uint64_t calls = 0, began = clock_us(), now = began;
        for (; now - began < PASS_US; now = clock_us())
            for (int k = 0; k < 100; k++, calls++)
                run(arg);
        double ns = (double)(now - began) * 1000 / (double)calls;
        if (best == 0 || ns < best)
            best = ns;
    }
    printf("| %s | %.0f | ", name, best);
    if (bytes != 0)
        printf("%.1f", (double)bytes / best);
    printf(" |\n");
}

struct text {
    const char *data;
    size_t len;
};

static void hash_text(void *arg)
{
    const struct text *t = arg;
    sink += hash64(t->data, t->len);
}

static void fill_batch(void *arg)
{
    const struct sql_var *vars = arg;
    char *sql = sql_fill(sql_capture_batch, vars);
    sink += (uint64_t)strlen(sql);
    free(sql);
}

static void quote_name(void *arg)
{
    struct buf b = {0};
    sql_ident(&b, arg);
    sink += b.len;
    buf_free(&b);
}

static void use_arena(void *arg)
{
    struct arena *a = arg;
    for (int i = 0; i < 100; i++)
        sink += (uint64_t)arena_strdup(a, "a name of some length")[0];
    arena_reset(a);
}

int main(void)
{
    static char row[1000];
    char name[] = "a \"quoted\" name";
    memset(row, 'x', sizeof row);
    struct text small = {row, 20}, large = {row, sizeof row};
    struct sql_var vars[] = {
        {"present", "t.ctid IS NOT NULL"},
        {"keys", "d.k1"},
        {"columns", ", t.\"id\", t.\"name\", t.\"state\""},
        {"distinct", "k1"},
        {"delta_a", "\"repl\".\"d1_a\""},
        {"delta_b", "\"repl\".\"d1_b\""},
        {"owed_a", "NOT pg_catalog.txid_visible_in_snapshot(xid, '1:1:')"},
        {"owed_b", "NOT pg_catalog.txid_visible_in_snapshot(xid, '1:1:')"},
        {"order", "ORDER BY k1"},
        {"table", "ONLY \"public\".\"item\""},
        {"on", "d.k1 OPERATOR(pg_catalog.=) t.\"id\""},
        {"copy", "COPY ("},
        {"to", ") TO STDOUT (FORMAT binary);"},
        {NULL, NULL},
    };
    struct arena *arena = arena_new();
    printf("| function | ns a call | GB/s |\n| --- | --- | --- |\n");
    bench("hash64, 20 bytes", small.len, hash_text, &small);
    bench("hash64, 1000 bytes", large.len, hash_text, &large);
    bench("sql_fill of a batch's COPY", 0, fill_batch, vars);
    bench("sql_ident of a quoted name", 0, quote_name, name);
    bench("arena: 100 strings and a reset", 0, use_arena, arena);
    arena_free(arena);
    return 0;
}
