/* Which of the installed pg_dump and pg_restore are used. */
#include "unit.h"

#include "../../replicator/schema/tools.h"

static void the_newest_tools_are_chosen(void **arg)
{
    const int majors[] = {0, 13, 17, 15, 16};
    (void)arg;
    assert_int_equal(tools_choose(majors, COUNT(majors), 15), 2);
    assert_int_equal(tools_choose(majors, COUNT(majors), 13), 2);
    assert_int_equal(tools_choose(majors, COUNT(majors), 17), 2);
    assert_int_equal(tools_choose(majors, COUNT(majors), 18), -1);
    assert_int_equal(tools_choose(majors, 0, 13), -1);
}

static void versions_are_read(void **arg)
{
    (void)arg;
    assert_int_equal(tools_major("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), 15);
    assert_int_equal(tools_major("pg_dump (PostgreSQL) 17devel\n"), 17);
    assert_int_equal(tools_major("pg_dump of something else"), 0);
    assert_int_equal(tools_major(""), 0);
}

static void missing_tools_name_the_package(void **arg)
{
    struct tools t;
    struct err e;
    (void)arg;
    assert_false(tools_find(150000, 990001, &t, &e));
    assert_int_equal(e.kind, ERR_CONFIG);
    assert_non_null(strstr(e.hint, "postgresql-client-99"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_tools_are_chosen),
        cmocka_unit_test(versions_are_read),
        cmocka_unit_test(missing_tools_name_the_package),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
