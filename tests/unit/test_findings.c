/* What findings amount to. */
#include "unit.h"

#include "../../replicator/check/findings.h"

static void blockers_end_it_and_warnings_do_not(void **arg)
{
    struct arena *a = arena_new();
    struct findings f = {0};
    struct err e;
    (void)arg;
    assert_true(findings_pass(&f, &e));
    finding_add(&f, a, (struct finding){.level = FINDING_OK, .topic = "version", .text = "fine"});
    finding_add(&f, a, (struct finding){.level = FINDING_WARNING, .topic = "key", .text = "none"});
    assert_true(findings_pass(&f, &e));
    finding_add(&f, a,
                (struct finding){.level = FINDING_BLOCKER,
                                 .topic = "rows",
                                 .side = "target",
                                 .table = "public.a",
                                 .text = "holds rows",
                                 .hint = "TRUNCATE public.a"});
    assert_false(findings_pass(&f, &e));
    assert_int_equal(e.kind, ERR_CONFIG);
    assert_string_equal(e.text, "target: public.a: holds rows");
    assert_string_equal(e.hint, "TRUNCATE public.a");
    for (int i = 0; i < 100; i++)
        finding_add(&f, a, (struct finding){.level = FINDING_BLOCKER, .topic = "rows", .text = "more"});
    assert_false(findings_pass(&f, &e));
    assert_string_equal(e.text, "target: public.a: holds rows (and 100 more: `repl check` lists them)");
    assert_int_equal(f.count, 103);
    assert_string_equal(f.items[2].table, "public.a");
    assert_string_equal(f.items[102].text, "more");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blockers_end_it_and_warnings_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
