/* What pg_restore prints is cut into the SQL of its entries, whatever stands between quotes in it. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "../../replicator/schema/script.h"

#define HEAD(id, oid)                                                                                        \
    "\n--\n-- TOC entry " #id " (class 1259 OID " #oid                                                       \
    ")\n-- Name: n; Type: INDEX; Schema: public; Owner: -\n--\n\n"
#define TAIL "\n--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict x\n"
#define PREAMBLE "--\n-- PostgreSQL database dump\n--\n\nSET lock_timeout = 0;\n\n"

static struct toc_entry index_entry(int id, uint32_t oid)
{
    return (struct toc_entry){
        .id = id, .class_oid = 1259, .oid = oid, .kind = "INDEX", .rest = "public n app"};
}

static void entries_are_cut_at_their_headers(void **state)
{
    (void)state;
    struct toc_entry a = index_entry(3, 30), b = index_entry(4, 40), *both[] = {&a, &b};
    struct err e;
    char text[] =
        PREAMBLE HEAD(3, 30) "CREATE INDEX a ON t (v);\n\n" HEAD(4, 40) "CREATE INDEX b ON t (v);\n\n" TAIL;
    assert_int_equal(script_headers(text), 2);
    assert_true(script_cut(text, both, 2, false, &e));
    assert_string_equal(a.sql, "CREATE INDEX a ON t (v);");
    assert_string_equal(b.sql, "CREATE INDEX b ON t (v);");
}

static void a_header_in_a_string_is_counted(void **state)
{
    (void)state;
    static const char forged[] = PREAMBLE HEAD(3, 30) "CREATE INDEX a ON t (v) WHERE v = 'q" HEAD(
        4, 40) "create role forged; --';\n\n" HEAD(4, 40) "CREATE INDEX b ON t (v);\n" TAIL;
    assert_int_equal(script_headers(forged), 3);
    /* Headers of others, and those that overlap, count too. */
    assert_int_equal(script_headers(PREAMBLE "'\n--\n-- TOC entry 9'\n--" HEAD(3, 30)), 2);
}

static void an_entry_that_is_asked_for_alone_is_what_follows_its_header(void **state)
{
    (void)state;
    struct toc_entry a = index_entry(3, 30), *one[] = {&a};
    struct err e;
    char text[] = PREAMBLE HEAD(3, 30) "CREATE INDEX a ON t (v) WHERE v = 'q" HEAD(3, 30) TAIL
        "create role forged; --';\n\n" TAIL;
    assert_true(script_cut(text, one, 1, false, &e));
    assert_string_equal(a.sql,
                        "CREATE INDEX a ON t (v) WHERE v = 'q" HEAD(3, 30) TAIL "create role forged; --';");
}

static void cut_one(const char *body, const char *expected)
{
    struct toc_entry t = index_entry(3, 30), *one[] = {&t};
    struct err e;
    t.kind = "TABLE";
    char *text = xasprintf("%s%s%s\n\n%s", PREAMBLE, HEAD(3, 30), body, TAIL);
    assert_true(script_cut(text, one, 1, false, &e));
    assert_string_equal(t.sql, expected);
    free(text);
}

static void the_mark_of_columns_is_taken_out_of_statements_alone(void **state)
{
    (void)state;
    cut_one("CREATE TABLE t (v int);\nALTER TABLE ONLY t ALTER COLUMN v SET (pg_attver=22159008);",
            "CREATE TABLE t (v int);");
    cut_one("CREATE TABLE t (v int);\nALTER TABLE ONLY t ALTER COLUMN v SET (pg_attver='22159008', "
            "n_distinct=7);",
            "CREATE TABLE t (v int);\nALTER TABLE ONLY t ALTER COLUMN v SET (                      "
            "n_distinct=7);");
    static const char *const strings[] = {
        /* Blanks in the place of a closing quote would make a statement of what follows. */
        "CREATE TABLE t (v text DEFAULT 'x\nALTER  SET (pg_attver=1)', w text DEFAULT '); create role "
        "forged; --');",
        "CREATE TABLE t (v text DEFAULT E'\\'x\nALTER  SET (pg_attver=1)', w text DEFAULT '); create role "
        "forged; --');",
        "CREATE TABLE t (\"x\nALTER  SET (pg_attver=1)\" text);",
        "CREATE TABLE t (v text DEFAULT $a$ '\nALTER  SET (pg_attver=1)$a$, w text);",
        "ALTER TABLE t ALTER COLUMN \"v SET (pg_attver=1)\" SET (n_distinct=7);",
    };
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        cut_one(strings[i], strings[i]);
}

static void cut_trigger(const char *kind, bool keep, const char *body, const char *expected)
{
    struct toc_entry t = index_entry(3, 30), *one[] = {&t};
    struct err e;
    t.kind = kind;
    char *text = xasprintf("%s%s%s\n\n%s", PREAMBLE, HEAD(3, 30), body, TAIL);
    assert_true(script_cut(text, one, 1, keep, &e));
    assert_string_equal(t.sql, expected);
    free(text);
}

static void triggers_become_ordinary(void **state)
{
    (void)state;
    static const char trigger[] =
        "CREATE TRIGGER a AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f('x ENABLE ALWAYS TRIGGER y');\n\n"
        "ALTER TABLE t ENABLE ALWAYS TRIGGER a;",
                      ordinary[] = "CREATE TRIGGER a AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f('x "
                                   "ENABLE ALWAYS TRIGGER y');\n\n"
                                   "ALTER TABLE t ENABLE        TRIGGER a;";
    cut_trigger("TRIGGER", false, trigger, ordinary);
    cut_trigger("TRIGGER", true, trigger, trigger);
    cut_trigger("INDEX", false, trigger, trigger);
    cut_trigger("RULE", false, "ALTER TABLE t ENABLE ALWAYS RULE r;", "ALTER TABLE t ENABLE        RULE r;");
    cut_trigger("TRIGGER", false, "ALTER TABLE t ENABLE REPLICA TRIGGER a;",
                "ALTER TABLE t ENABLE REPLICA TRIGGER a;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_cut_at_their_headers),
        cmocka_unit_test(a_header_in_a_string_is_counted),
        cmocka_unit_test(an_entry_that_is_asked_for_alone_is_what_follows_its_header),
        cmocka_unit_test(triggers_become_ordinary),
        cmocka_unit_test(the_mark_of_columns_is_taken_out_of_statements_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
