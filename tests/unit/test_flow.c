/* The pure parts of flow: what a merge says, and an INSERT. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "../../replicator/flow/insert.h"
#include "../../replicator/flow/merge.h"
#include "../../replicator/flow/queue.h"
#include "repl/flow.h"

/* ---- the merge's text ---- */

static struct column columns[] = {
    {.name = "id", .type = "bigint", .base_type = "bigint", .not_null = true},
    {.name = "e mail", .type = "text", .base_type = "text", .in_unique = true},
    {.name = "n", .type = "public.positive", .base_type = "integer", .is_domain = true},
    {.name = "made", .type = "text", .base_type = "text", .generated = true},
};
static struct key_column key[] = {{.column = 0, .as = "::pg_catalog.int8", .eq = "OPERATOR(pg_catalog.=)"}};

static struct relation table(void)
{
    return (struct relation){.id = 7,
                             .schema = "public",
                             .name = "t",
                             .label = "public.t",
                             .sql = "public.t",
                             .columns = columns,
                             .ncolumns = 4,
                             .key_kind = KEY_PRIMARY,
                             .key = key,
                             .nkey = 1,
                             .rows_estimate = 1000000};
}

static bool has(const struct script *s, const char *text)
{
    return strstr(s->sql.data, text) != NULL;
}

static size_t steps_of(const struct script *s, enum step_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < s->nsteps; i++)
        n += s->steps[i].kind == kind;
    return n;
}

static void merge_deletes_before_it_inserts(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct relation r = table();
    struct apply_table t = {.source = &r, .target = &r, .stage = "stage", .owed = 10};
    struct script s = {0};
    merge_add(&s, a, &t);
    const char *gone = strstr(s.sql.data, "AND NOT s.present"),
               *again = strstr(s.sql.data, "DELETE FROM ONLY public.t t USING");
    const char *update = strstr(s.sql.data, "UPDATE ONLY public.t"),
               *insert = strstr(s.sql.data, "INSERT INTO public.t");
    assert_non_null(gone);
    assert_non_null(again);
    assert_true(gone < update && update < insert);
    script_free(&s);
    arena_free(a);
}

static void merge_makes_rows_anew_whose_unique_columns_change(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct relation r = table();
    struct apply_table t = {.source = &r, .target = &r, .stage = "stage", .owed = 10};
    struct script s = {0};
    merge_add(&s, a, &t);
    assert_true(has(&s, "ROW(t.\"e mail\")::pg_catalog.record OPERATOR(pg_catalog.*<>)"));
    assert_false(has(&s, "\"e mail\" = s.c2")); /* never updated in place */
    assert_true(has(&s, "\"n\" = s.c3"));
    script_free(&s);
    arena_free(a);
}

static void merge_compares_domains_as_what_the_stage_holds(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct relation r = table();
    struct apply_table t = {.source = &r, .target = &r, .stage = "stage", .owed = 10};
    struct script s = {0};
    merge_add(&s, a, &t);
    assert_true(has(&s, "t.\"n\"::integer"));
    assert_string_equal(stage_columns(a, &t), "present boolean, k1 bigint, c1 bigint, c2 text, c3 integer");
    script_free(&s);
    arena_free(a);
}

static void merge_never_writes_generated_columns(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct relation r = table();
    struct apply_table t = {.source = &r, .target = &r, .stage = "stage", .owed = 10};
    struct script s = {0};
    merge_add(&s, a, &t);
    assert_false(has(&s, "made"));
    script_free(&s);
    arena_free(a);
}

static void merge_looks_up_few_rows_of_a_large_table(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct relation r = table();
    struct apply_table few = {.source = &r, .target = &r, .stage = "stage", .owed = 10},
                       many = {.source = &r, .target = &r, .stage = "stage", .owed = 900000};
    struct script s = {0}, m = {0};
    merge_add(&s, a, &few);
    merge_add(&m, a, &many);
    assert_true(has(&s, "SET LOCAL enable_hashjoin = off"));
    assert_true(has(&m, "SET LOCAL enable_hashjoin = on"));
    assert_true(has(&s, "SET LOCAL enable_nestloop = on"));
    assert_true(has(&m, "SET LOCAL enable_nestloop = off"));
    script_free(&s);
    script_free(&m);
    arena_free(a);
}

static void operands_have_the_type_of_the_operator(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct key_column source_key[] = {
        {.column = 2, .as = "::pg_catalog.int4", .eq = "OPERATOR(pg_catalog.=)"}};
    struct key_column target_key[] = {{.column = 2, .as = "::ext.\"Odd\"", .eq = "OPERATOR(ext.=)"}};
    struct relation r = table(), there = table();
    r.key = source_key;
    there.key = target_key;
    struct apply_table t = {.source = &r, .target = &there, .stage = "stage", .owed = 10};
    struct script s = {0};
    merge_add(&s, a, &t);
    assert_true(has(&s, "s.k1::ext.\"Odd\" OPERATOR(ext.=) t.\"n\"::ext.\"Odd\""));
    script_free(&s);
    /* A target without that key has the source's operators. */
    there.nkey = 0;
    s = (struct script){0};
    merge_add(&s, a, &t);
    assert_true(has(&s, "s.k1::pg_catalog.int4 OPERATOR(pg_catalog.=) t.\"n\"::pg_catalog.int4"));
    script_free(&s);
    arena_free(a);
}

static void merge_replaces_a_table_without_key(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct relation r = table();
    r.key_kind = KEY_NONE;
    r.nkey = 0;
    struct apply_table t = {.source = &r, .target = &r, .stage = "stage", .owed = 1};
    struct script s = {0};
    merge_add(&s, a, &t);
    assert_true(has(&s, "DELETE FROM ONLY public.t;"));
    assert_false(has(&s, "present"));
    assert_int_equal(steps_of(&s, STEP_UPSERT), 1);
    script_free(&s);
    arena_free(a);
}

static void truncations_of_a_batch_are_one_command(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct relation one = table(), two = table();
    two.sql = "public.u";
    struct apply_table t[] = {{.source = &one, .target = &one, .truncated = true},
                              {.source = &two, .target = &two, .truncated = true}};
    struct script s = {0};
    truncate_add(&s, a, t, 2);
    assert_int_equal(s.nsteps, 3); /* the locks one by one, so that an error names the table */
    assert_true(has(&s, "LOCK TABLE ONLY public.t IN ACCESS EXCLUSIVE MODE"));
    assert_ptr_equal(s.steps[0].table, &t[0]);
    assert_ptr_equal(s.steps[1].table, &t[1]);
    assert_null(s.steps[2].table);
    assert_true(has(&s, "TRUNCATE ONLY public.t, ONLY public.u"));
    script_free(&s);
    t[0].truncated = t[1].truncated = false;
    truncate_add(&s, a, t, 2);
    assert_int_equal(s.nsteps, 0);
    arena_free(a);
}

/* ---- rows of COPY's text as an INSERT ---- */

static void insert_of_no_rows_is_nothing(void **state)
{
    (void)state;
    struct relation r = table();
    struct buf b = {0};
    insert_add(&b, &r, "", 0);
    assert_int_equal(b.len, 0);
}

static void insert_takes_back_what_copy_escaped(void **state)
{
    (void)state;
    static const char rows[] = "1\t\\N\t\n2\tit's \\\\N \\t\\n\\r\\b\\f\\v\t-5\n";
    struct relation r = table();
    struct buf b = {0};
    insert_add(&b, &r, rows, sizeof rows - 1);
    assert_string_equal(b.data,
                        "INSERT INTO public.t (\"id\", \"e mail\", \"n\") OVERRIDING SYSTEM VALUE VALUES "
                        "('1', NULL, ''), ('2', 'it''s \\N \t\n\r\b\f\v', '-5');");
    buf_free(&b);
}

static void insert_of_rows_without_columns_counts_them(void **state)
{
    (void)state;
    struct relation r = table();
    struct buf b = {0};
    r.ncolumns = 0;
    insert_add(&b, &r, "\n\n\n", 3);
    assert_string_equal(b.data, "INSERT INTO public.t SELECT FROM pg_catalog.generate_series(1, 3);");
    buf_free(&b);
}

/* ---- the mailbox ---- */

static void queue_is_first_in_first_out(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    struct job a = {0}, b = {0};
    assert_null(queue_try(q));
    queue_put(q, &a);
    queue_put(q, &b);
    assert_ptr_equal(queue_take(q), &a);
    assert_ptr_equal(queue_try(q), &b);
    queue_put(q, &a);
    assert_ptr_equal(queue_try(q), &a);
    queue_free(q);
}

static void what_nobody_took_can_be_withdrawn(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    struct job a = {0}, b = {0}, c = {0};
    queue_put(q, &a);
    queue_put(q, &b);
    queue_put(q, &c);
    assert_true(queue_withdraw(q, &b));
    assert_false(queue_withdraw(q, &b));
    assert_true(queue_withdraw(q, &c)); /* the last: another can be put behind those that are left */
    queue_put(q, &b);
    assert_ptr_equal(queue_take(q), &a);
    assert_false(queue_withdraw(q, &a));
    assert_ptr_equal(queue_take(q), &b);
    assert_null(queue_try(q));
    queue_free(q);
}

static void a_closed_queue_gives_nothing_out(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    struct job a = {0};
    queue_put(q, &a);
    queue_close(q);
    assert_null(queue_take(q));
    queue_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merge_deletes_before_it_inserts),
        cmocka_unit_test(merge_makes_rows_anew_whose_unique_columns_change),
        cmocka_unit_test(merge_compares_domains_as_what_the_stage_holds),
        cmocka_unit_test(merge_never_writes_generated_columns),
        cmocka_unit_test(merge_looks_up_few_rows_of_a_large_table),
        cmocka_unit_test(operands_have_the_type_of_the_operator),
        cmocka_unit_test(merge_replaces_a_table_without_key),
        cmocka_unit_test(truncations_of_a_batch_are_one_command),
        cmocka_unit_test(insert_of_no_rows_is_nothing),
        cmocka_unit_test(insert_takes_back_what_copy_escaped),
        cmocka_unit_test(insert_of_rows_without_columns_counts_them),
        cmocka_unit_test(queue_is_first_in_first_out),
        cmocka_unit_test(what_nobody_took_can_be_withdrawn),
        cmocka_unit_test(a_closed_queue_gives_nothing_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
