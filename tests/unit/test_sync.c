/* A sync: which sequences are moved on, and its settings in the state file. */
#include "unit.h"

#include "repl/sequences.h"
#include "repl/sync.h"

#define SEQUENCE(s, n, c, v, u)                                                                              \
    {                                                                                                        \
        .schema = (s), .name = (n), .sql = (n), .called = (c), .value = (v), .up = (u)                       \
    }

static void sequences_only_move_ahead(void **arg)
{
    struct sequence from[] = {
        SEQUENCE("a", "behind", true, 5, true),  SEQUENCE("a", "fresh", false, 0, true),
        SEQUENCE("a", "further", true, 9, true), SEQUENCE("a", "gone", true, 9, true),
        SEQUENCE("b", "down", true, -9, false),  SEQUENCE("b", "down_behind", true, -3, false),
        SEQUENCE("b", "first", true, 1, true),   SEQUENCE("b", "same", true, 7, true),
    };
    struct sequence to[] = {
        SEQUENCE("0", "other", true, 1, true),  SEQUENCE("a", "behind", true, 6, true),
        SEQUENCE("a", "fresh", false, 0, true), SEQUENCE("a", "further", true, 8, true),
        SEQUENCE("b", "down", true, -8, false), SEQUENCE("b", "down_behind", true, -4, false),
        SEQUENCE("b", "first", false, 0, true), SEQUENCE("b", "same", true, 7, true),
    };
    const struct sequences source = {from, COUNT(from)}, target = {to, COUNT(to)}, none = {NULL, 0};
    struct arena *a = arena_new();
    struct sequence_value *v;
    size_t n;
    (void)arg;
    sequences_ahead(&source, &target, a, &v, &n);
    assert_int_equal(n, 3);
    assert_string_equal(v[0].sql, "further");
    assert_int_equal(v[0].value, 9);
    assert_string_equal(v[1].sql, "down");
    assert_int_equal(v[1].value, -9);
    assert_false(v[1].up);
    assert_string_equal(v[2].sql, "first");
    sequences_ahead(&source, &none, a, &v, &n);
    assert_int_equal(n, 0);
    sequences_ahead(&none, &target, a, &v, &n);
    assert_int_equal(n, 0);
    arena_free(a);
}

static void settings_come_back(void **arg)
{
    char *dir = fresh_folder();
    struct state *st;
    struct err e;
    struct sync s = {.dir = dir,
                     .source = strdup("env:SOURCE"),
                     .target = strdup("file:/t"),
                     .schema = strdup("moves"),
                     .jobs = 7,
                     .no_schema = true};
    struct sync back;
    (void)arg;
    strlist_add_csv(&s.selection.tables, "public.*,odd name");
    assert_true(state_open(dir, true, &st, &e));
    assert_false(sync_load(st, &back, &e)); /* nothing there yet */
    assert_int_equal(e.kind, ERR_STATE);
    assert_true(sync_save(&s, st, &e));
    assert_true(sync_load(st, &back, &e));
    assert_string_equal(back.dir, dir);
    assert_string_equal(back.source, "env:SOURCE");
    assert_string_equal(back.target, "file:/t");
    assert_string_equal(back.schema, "moves");
    assert_string_equal(back.selection.own_schema, "moves");
    assert_int_equal(back.selection.tables.count, 2);
    assert_string_equal(back.selection.tables.items[1], "odd name");
    assert_int_equal(back.selection.exclude.count, 0);
    assert_int_equal(back.jobs, 7);
    assert_true(back.no_schema);
    assert_false(back.overwrite);
    sync_free(&back);
    assert_true(sync_load_way(st, &back, &e)); /* there is no other way yet */
    assert_false(back.back);
    assert_string_equal(back.twin, "moves_back");
    sync_free(&back);
    assert_true(state_set(st, "way", "back", &e));
    assert_true(sync_load_way(st, &back, &e));
    assert_true(back.back);
    assert_string_equal(back.source, "file:/t");
    assert_string_equal(back.target, "env:SOURCE");
    assert_string_equal(back.schema, "moves_back");
    assert_string_equal(back.twin, "moves");
    assert_string_equal(back.selection.own_schema, "moves_back");
    assert_string_equal(side_name(SIDE_SOURCE), "target"); /* as init named it */
    sync_free(&back);
    assert_true(sync_load(st, &back, &e));
    assert_string_equal(back.source, "env:SOURCE");
    assert_string_equal(side_name(SIDE_SOURCE), "source");
    state_close(st);
    assert_true(state_remove(dir, &e));
    sync_free(&back);
    sync_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_only_move_ahead),
        cmocka_unit_test(settings_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
