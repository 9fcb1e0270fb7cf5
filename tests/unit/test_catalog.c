/* Selection by patterns, and whether a target's table can take the source's rows. */
#include "unit.h"

#include <string.h>

#include "repl/catalog.h"

static struct relation named(const char *schema, const char *name, const char *label)
{
    return (struct relation){.schema = schema, .name = name, .label = label, .sql = label};
}

static void everything_is_selected_but_repls_own(void **state)
{
    (void)state;
    struct selection s = {.own_schema = "repl"};
    assert_true(selection_includes(&s, "public", "account"));
    assert_false(selection_includes(&s, "repl", "sync"));
}

static void patterns_match_names_and_qualified_names(void **state)
{
    (void)state;
    struct selection s = {0};
    strlist_add_csv(&s.tables, "public.*, audit_?");
    strlist_add_csv(&s.exclude, "*.secret");
    assert_true(selection_includes(&s, "public", "account"));
    assert_false(selection_includes(&s, "public", "secret"));
    assert_true(selection_includes(&s, "other", "audit_1"));
    assert_false(selection_includes(&s, "other", "audit_12"));
    strlist_free(&s.tables);
    strlist_free(&s.exclude);
}

static void names_of_sixty_three_bytes_are_matched_whole(void **state)
{
    (void)state;
    char schema[64], name[64], pattern[160];
    memset(schema, 's', 63);
    memset(name, 'n', 63);
    schema[63] = name[63] = '\0';
    snprintf(pattern, sizeof pattern, "%s.%s", schema, name);
    struct selection s = {0};
    strlist_add(&s.tables, pattern);
    assert_true(selection_includes(&s, schema, name));
    name[62] = 'x';
    assert_false(selection_includes(&s, schema, name));
    strlist_free(&s.tables);
}

static void a_missing_table_is_named_with_the_nearest(void **state)
{
    (void)state;
    struct relation items[] = {named("public", "order", "public.order"),
                               named("public", "account", "public.account")};
    struct relations all = {items, 2};
    struct selection s = {0};
    struct err e = {0};
    strlist_add(&s.tables, "public.oder");
    assert_false(selection_check(&s, &all, &e));
    assert_int_equal(e.kind, ERR_CONFIG);
    assert_non_null(strstr(e.text, "public.oder"));
    assert_non_null(strstr(e.hint, "public.order"));
    strlist_free(&s.tables);
    strlist_add(&s.tables, "nothing_*"); /* a pattern may match nothing */
    assert_true(selection_check(&s, &all, &e));
    strlist_free(&s.tables);
}

static struct column source_columns[] = {
    {.name = "id", .type = "bigint", .base_type = "bigint", .binary_safe = true, .not_null = true},
    {.name = "v", .type = "text", .base_type = "text", .binary_safe = true},
    {.name = "g", .type = "text", .base_type = "text", .generated = true}};

static void columns_may_stand_in_another_order(void **state)
{
    (void)state;
    struct column target_columns[] = {
        {.name = "v", .type = "text", .base_type = "text", .binary_safe = true},
        {.name = "id", .type = "bigint", .base_type = "bigint", .binary_safe = true, .not_null = true}};
    struct relation s = named("public", "t", "public.t"), t = s;
    struct err e = {0};
    s.columns = source_columns;
    s.ncolumns = 3;
    t.columns = target_columns;
    t.ncolumns = 2;
    assert_true(catalog_compatible(&s, &t, &e));
    assert_true(relation_binary(&s));
}

static void what_differs_is_said_with_the_statement_that_mends_it(void **state)
{
    (void)state;
    struct column other[] = {{.name = "id", .type = "integer", .base_type = "integer"},
                             {.name = "v", .type = "text", .base_type = "text"}};
    struct relation s = named("public", "t", "public.t"), t = s;
    struct err e = {0};
    s.columns = source_columns;
    s.ncolumns = 2;
    t.columns = other;
    t.ncolumns = 2;
    assert_false(catalog_compatible(&s, &t, &e));
    assert_non_null(strstr(e.text, "bigint on the source and integer on the target"));
    assert_non_null(strstr(e.hint, "ALTER COLUMN \"id\" TYPE bigint"));
    t.ncolumns = 0;
    assert_false(catalog_compatible(&s, &t, &e));
    assert_non_null(strstr(e.text, "no column id"));
}

static void a_further_column_must_be_able_to_stay_empty(void **state)
{
    (void)state;
    struct column more[] = {{.name = "id", .type = "bigint", .base_type = "bigint"},
                            {.name = "v", .type = "text", .base_type = "text"},
                            {.name = "extra", .type = "text", .base_type = "text", .not_null = true}};
    struct relation s = named("public", "t", "public.t"), t = s;
    struct err e = {0};
    s.columns = source_columns;
    s.ncolumns = 2;
    t.columns = more;
    t.ncolumns = 3;
    assert_false(catalog_compatible(&s, &t, &e));
    assert_non_null(strstr(e.text, "extra"));
    more[2].has_default = true;
    assert_true(catalog_compatible(&s, &t, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_selected_but_repls_own),
        cmocka_unit_test(patterns_match_names_and_qualified_names),
        cmocka_unit_test(names_of_sixty_three_bytes_are_matched_whole),
        cmocka_unit_test(a_missing_table_is_named_with_the_nearest),
        cmocka_unit_test(columns_may_stand_in_another_order),
        cmocka_unit_test(what_differs_is_said_with_the_statement_that_mends_it),
        cmocka_unit_test(a_further_column_must_be_able_to_stay_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
