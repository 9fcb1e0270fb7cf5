/* The steps after the load: a dump's script is cut into its entries, plans are ordered, the server's means are shared. */
#include "unit.h"

#include "../../replicator/schema/script.h"
#include "../../replicator/schema/unit.h"

static const char script[] =
    "--\n-- PostgreSQL database dump\n--\n\n\\restrict x\n\nSET transaction_timeout = 0;\n\n"
    "--\n-- TOC entry 217 (class 1255 OID 16415)\n-- Name: f(); Type: FUNCTION\n--\n\n"
    "CREATE FUNCTION public.f() RETURNS text\n    AS $$select '\n--\n-- TOC entry 1 (class 1 OID "
    "1)\n--\n\n'$$;\n\n\n"
    "SET default_table_access_method = heap;\n\n"
    "--\n-- TOC entry 214 (class 0 OID 0)\n-- Dependencies: 217\n-- Name: a; Type: TABLE ATTACH\n-- Data "
    "Pos: 0\n--\n\n"
    "ALTER TABLE a;\n\n\n-- Completed on 2026-01-31\n\n--\n-- PostgreSQL database dump "
    "complete\n--\n\n\\unrestrict x\n\n";

static void a_script_is_cut_into_its_entries(void **arg)
{
    struct toc_entry f = {
        .id = 217, .class_oid = 1255, .oid = 16415, .kind = "FUNCTION", .rest = "public f()"};
    struct toc_entry t = {.id = 214, .kind = "TABLE ATTACH", .rest = "public a"};
    struct toc_entry *const both[] = {&f, &t}, *const wrong[] = {&t, &f};
    struct err e;
    (void)arg;
    char *text = strdup(script);
    assert_true(script_cut(text, both, 2, true, &e));
    assert_string_equal(f.sql,
                        "CREATE FUNCTION public.f() RETURNS text\n    AS $$select '\n--\n-- TOC entry 1 "
                        "(class 1 OID 1)\n--\n\n'$$;\n\n\nSET default_table_access_method = heap;");
    assert_string_equal(t.sql, "ALTER TABLE a;\n\n\n-- Completed on 2026-01-31");
    free(text);
    text = strdup(script);
    assert_false(script_cut(text, wrong, 2, true, &e));
    assert_int_equal(e.kind, ERR_OS);
    assert_non_null(strstr(e.text, "FUNCTION public f()"));
    free(text);
    text = strdup("nothing");
    assert_true(script_cut(text, both, 0, true, &e));
    free(text);
}

static void a_mark_of_the_servers_own_is_dropped(void **arg)
{
    struct toc_entry t = {.id = 1, .class_oid = 1259, .oid = 2, .kind = "TABLE", .rest = "public a"};
    struct toc_entry *const one[] = {&t};
    struct err e;
    (void)arg;
    char *text = strdup("\n--\n-- TOC entry 1 (class 1259 OID 2)\n-- Name: a\n--\n\nCREATE TABLE a (v text "
                        "DEFAULT 'pg_attver=1');\n"
                        "ALTER TABLE ONLY a ALTER COLUMN u SET (pg_attver=22161880);\n"
                        "ALTER TABLE ONLY a ALTER COLUMN v SET (n_distinct=7, pg_attver=2);\n"
                        "ALTER TABLE ONLY a ALTER COLUMN w SET (pg_attver=2, n_distinct=7);\n\n\n");
    assert_true(script_cut(text, one, 1, true, &e));
    assert_non_null(strstr(t.sql, "DEFAULT 'pg_attver=1'"));
    assert_null(strstr(t.sql, "COLUMN u"));
    assert_non_null(strstr(t.sql, "COLUMN v SET (n_distinct=7"));
    assert_non_null(strstr(t.sql, "n_distinct=7);"));
    assert_null(strstr(strstr(t.sql, "COLUMN v"), "pg_attver"));
    free(text);
}

static void stages_follow_and_the_largest_come_first(void **arg)
{
    struct arena *a = arena_new();
    struct units u = {0};
    (void)arg;
    unit_add(&u, a, UNIT_KEY, 2, "key", "k");
    unit_add(&u, a, UNIT_INDEX, 1, "small", "s")->bytes = 1;
    unit_add(&u, a, UNIT_INDEX, 1, "large", "l")->bytes = 100;
    unit_add(&u, a, UNIT_INDEX, 1, "small too", "s")->bytes = 1;
    for (int i = 0; i < 5; i++) {
        struct unit *one = unit_add(&u, a, UNIT_OBJECT, 0, arena_printf(a, "%d", i), "o");
        one->serial = true;
        one->bytes = i;
    }
    units_sort(&u);
    static const char *const order[] = {"0", "1", "2", "3", "4", "large", "small", "small too", "key"};
    assert_int_equal(u.count, COUNT(order));
    for (size_t i = 0; i < COUNT(order); i++)
        assert_string_equal(u.items[i].what, order[i]);
    for (int i = 0; i < 9; i++)
        unit_also(&u.items[0], a, "more");
    assert_int_equal(u.items[0].nsql, 10);
    assert_string_equal(u.items[0].sql[0], "o");
    assert_string_equal(u.items[0].sql[9], "more");
    arena_free(a);
}

static void the_servers_means_are_shared(void **arg)
{
    /* db.r6g.xlarge: 32 GB, shared_buffers 8 GB, maintenance_work_mem 524 MB, 4 CPUs. */
    const struct units u = {.memory_kb = 4 << 20, .own_kb = 524288, .workers = 8, .workers_each = 2};
    (void)arg;
    assert_int_equal(units_share(&u, 4).sort_kb, 1 << 20);
    assert_int_equal(units_share(&u, 4).workers, 2);
    assert_int_equal(units_share(&u, 1).sort_kb, 2097151); /* a sort makes use of no more */
    assert_int_equal(units_share(&u, 1).workers, 8);       /* the last index has the server for itself */
    assert_int_equal(units_share(&u, 16).sort_kb, 524288); /* never less than the server gives to each */
    assert_int_equal(units_share(&u, 16).workers, 2);
    assert_int_equal(units_share(&u, 0).workers, 8);
    const struct units none = {.memory_kb = 65536, .own_kb = 65536, .workers = 8, .workers_each = 0};
    assert_int_equal(units_share(&none, 1).workers, 0); /* somebody's wish */
    const struct units large = {
        .memory_kb = INT64_C(1) << 30, .own_kb = 65536, .workers = 64, .workers_each = 2};
    assert_int_equal(units_share(&large, 2).workers, 8);
    assert_int_equal(units_share(&large, 2).sort_kb, 2097151);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_script_is_cut_into_its_entries),
        cmocka_unit_test(a_mark_of_the_servers_own_is_dropped),
        cmocka_unit_test(stages_follow_and_the_largest_come_first),
        cmocka_unit_test(the_servers_means_are_shared),
    };
    return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
