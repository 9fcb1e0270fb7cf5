/* Connection strings: what they come to, what is safe to show, and what is said of those that are wrong. */
#include "unit.h"

#include <signal.h>
#include <unistd.h>

#include "repl/clock.h"
#include "repl/interrupt.h"
#include "repl/pg.h"

static void assert_safe(const char *spec, const char *expected)
{
    char *safe = dsn_safe(spec);
    assert_string_equal(safe, expected);
    free(safe);
}

static void a_connection_is_shown_without_its_password(void **arg)
{
    (void)arg;
    assert_safe("postgres://u:s3cret@h:5433/d", "u@h:5433/d");
    assert_safe("host=h dbname=d user=u password=s3cret", "u@h/d");
    assert_safe("postgres://u:s3cret@[h/d", "(not resolved)");
    assert_safe("postgres://u:s3@cret@h/d", "(not resolved)");
    assert_int_equal(setenv("REPL_UNIT_URL", "postgres://v:s3cret@k/e", 1), 0);
    assert_safe("env:REPL_UNIT_URL", "v@k/e");
    assert_safe("env:REPL_UNIT_NOT_SET", "(not resolved)");
    assert_safe("command:echo postgres://w@l/f", "w@l/f");
}

static void nothing_secret_stands_in_argv(void **arg)
{
    (void)arg;
    struct err e;
    char *resolved;
    struct dsn_child child;
    assert_true(dsn_resolve("postgres://u:s3%27cret@h/d?sslpassword=k3y%23", &resolved, &e));
    assert_true(dsn_for_child(resolved, &child, &e));
    assert_string_equal(child.password, "s3'cret");
    assert_null(strstr(child.conninfo, "cret"));
    assert_null(strstr(child.conninfo, "k3y"));
    assert_string_equal(child.service, "[repl_child]\nsslpassword=k3y#\n");
    char *value = dsn_get(child.conninfo, "dbname");
    assert_string_equal(value, "d");
    free(value);
    dsn_child_free(&child);
    free(resolved);
    assert_true(dsn_resolve("host=h sslpassword='a\nb'", &resolved, &e));
    assert_false(dsn_for_child(resolved, &child, &e));
    assert_null(strstr(e.text, "a\nb"));
    free(resolved);
}

static void a_secret_on_the_command_line_is_seen(void **arg)
{
    (void)arg;
    assert_true(dsn_shows_password("postgres://u:p@h/d"));
    assert_true(dsn_shows_password("host=h password=p"));
    assert_true(dsn_shows_password("postgres://u@h/d?sslpassword=p"));
    assert_false(dsn_shows_password("postgres://u@h/d"));
    assert_false(dsn_shows_password("postgres://u:@h/d"));
    assert_false(dsn_shows_password("env:DATABASE_URL"));
    assert_false(dsn_shows_password("command:echo postgres://u:p@h/d"));
}

static void assert_session_options(const char *spec, const char *expected)
{
    struct err e;
    char *resolved;
    assert_true(dsn_resolve(spec, &resolved, &e));
    char *options = dsn_session_options(resolved);
    assert_string_equal(options, expected);
    free(options);
    free(resolved);
}

static void a_session_begins_with_no_time_limit(void **arg)
{
    (void)arg;
    assert_int_equal(unsetenv("PGOPTIONS"), 0);
    assert_session_options("postgres://h/d", " -c statement_timeout=0");
    assert_session_options("postgres://h/d?options=-c%20work_mem%3D1MB",
                           "-c work_mem=1MB -c statement_timeout=0");
    assert_int_equal(setenv("PGOPTIONS", "-c geqo=off", 1), 0);
    assert_session_options("postgres://h/d", "-c geqo=off -c statement_timeout=0");
    assert_session_options("options='-c jit=off'", "-c jit=off -c statement_timeout=0");
    assert_int_equal(unsetenv("PGOPTIONS"), 0);
}

static void of_two_values_the_last_holds(void **arg)
{
    (void)arg;
    char *changed = dsn_with("host='h' options='a'", "options", "it's \\");
    char *value = dsn_get(changed, "options");
    assert_string_equal(value, "it's \\");
    free(value);
    free(changed);
}

static void assert_sslmode(const char *spec, const char *expected)
{
    struct err e;
    char *resolved;
    assert_true(dsn_resolve(spec, &resolved, &e));
    char *mode = dsn_get(resolved, "sslmode");
    if (expected == NULL)
        assert_null(mode);
    else
        assert_string_equal(mode, expected);
    free(mode);
    free(resolved);
}

static void assert_refused(const char *spec, const char *says)
{
    struct err e;
    char *resolved;
    assert_false(dsn_resolve(spec, &resolved, &e));
    assert_non_null(strstr(e.text, says));
    assert_non_null(strstr(e.hint, "sslmode=disable"));
}

static void far_hosts_are_spoken_to_in_private(void **arg)
{
    (void)arg;
    unsetenv("PGSSLMODE");
    assert_sslmode("postgres://u@db.example.com/d", "require");
    assert_sslmode("postgres://u@db.example.com/d?sslmode=verify-full", "verify-full");
    assert_sslmode("postgres://u@db.example.com/d?sslmode=disable", "disable");
    assert_sslmode("postgres://u@localhost/d", NULL);
    assert_sslmode("postgres://u@127.0.0.1/d", NULL);
    assert_sslmode("postgres://u@127.9.9.9/d?sslmode=prefer", "prefer");
    assert_sslmode("postgres://u@[::1]/d", NULL);
    assert_sslmode("postgres://u@[::ffff:127.0.0.1]/d", NULL);
    assert_sslmode("host=/run/postgresql dbname=d", NULL);
    assert_sslmode("host=@abstract dbname=d", NULL);
    /* Each of a list, and the address where both are given. */
    assert_sslmode("postgres://u@127.0.0.1,db.example.com/d", "require");
    assert_sslmode("postgres://u@db.example.com,127.0.0.1/d", "require");
    assert_sslmode("postgres://u@127.attacker.example/d", "require");
    assert_sslmode("host=localhost hostaddr=192.0.2.1", "require");
    assert_sslmode("host=localhost,localhost hostaddr=127.0.0.1,192.0.2.1", "require");
    assert_sslmode("host=db.example.com hostaddr=127.0.0.1", NULL);
    assert_refused("postgres://u@db.example.com/d?sslmode=prefer", "sslmode=prefer");
    assert_refused("postgres://u@db.example.com/d?sslmode=allow", "sslmode=allow");
    assert_refused("postgres://u@127.0.0.1,db.example.com/d?sslmode=allow", "sslmode=allow");
}

static void the_environment_does_not_lead_around_it(void **arg)
{
    (void)arg;
    setenv("PGHOST", "db.example.com", 1);
    assert_sslmode("postgres://u@/d", "require");
    setenv("PGSSLMODE", "verify-full", 1);
    assert_sslmode("postgres://u@/d", NULL);
    setenv("PGSSLMODE", "prefer", 1);
    assert_sslmode("postgres://u@/d", "require");
    setenv("PGSSLMODE", "disable", 1);
    assert_refused("postgres://u@/d", "PGSSLMODE=disable");
    assert_sslmode("postgres://u@/d?sslmode=disable", "disable");
    assert_safe("postgres://u@/d?sslmode=disable", "u@db.example.com/d");
    unsetenv("PGSSLMODE");
    setenv("PGHOSTADDR", "127.0.0.1", 1);
    assert_sslmode("postgres://u@/d", NULL);
    unsetenv("PGHOSTADDR");
    unsetenv("PGHOST");
}

static void nor_does_a_service(void **arg)
{
    (void)arg;
    char path[] = "/tmp/repl-unit-service-XXXXXX";
    int fd = mkstemp(path);
    static const char text[] = "[far]\nhost=db.example.com\nport=7000\nuser=u\ndbname=d\n"
                               "[plain]\nhost=db.example.com\nsslmode=disable\n"
                               "[full]\nhost=db.example.com\nsslmode=verify-full\n[near]\nhost=127.0.0.1\n";
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    setenv("PGSERVICEFILE", path, 1);
    assert_sslmode("service=far", "require");
    assert_safe("service=far", "u@db.example.com:7000/d");
    assert_sslmode("service=full", NULL);
    assert_sslmode("service=plain", NULL); /* it says so itself */
    assert_sslmode("service=near", NULL);
    setenv("PGSERVICE", "far", 1);
    assert_sslmode("dbname=d", "require");
    unsetenv("PGSERVICE");
    /* A child has a service file of repl's own where there is a secret: what the user's says is not lost. */
    struct err e;
    char *resolved;
    struct dsn_child child;
    assert_true(dsn_resolve("service=far sslpassword=k3y", &resolved, &e));
    assert_true(dsn_for_child(resolved, &child, &e));
    assert_non_null(strstr(child.conninfo, "host='db.example.com'"));
    assert_non_null(strstr(child.conninfo, "port='7000'"));
    assert_non_null(strstr(child.conninfo, "service='repl_child'"));
    assert_null(strstr(child.conninfo, "service='far'"));
    dsn_child_free(&child);
    free(resolved);
    unsetenv("PGSERVICEFILE");
    unlink(path);
}

static void unless_asked_for_by_name(void **arg)
{
    (void)arg;
    dsn_allow_plain(true);
    assert_sslmode("postgres://u@db.example.com/d?sslmode=prefer", "prefer");
    assert_true(dsn_may_be_plain("host=db.example.com sslmode=prefer"));
    dsn_allow_plain(false);
    assert_false(dsn_may_be_plain("host=db.example.com sslmode=require"));
    assert_true(dsn_may_be_plain("host=db.example.com sslmode=disable"));
}

/* What is wrong is named, and nothing of the string is shown: s3cret, or a piece of it, stands in each. */
static void what_is_wrong_is_named(void **arg)
{
    (void)arg;
    static const struct {
        const char *spec, *says, *hint;
    } cases[] = {
        {"env:REPL_UNIT_NOT_SET", "REPL_UNIT_NOT_SET", "export"},
        {"env:postgres://u:s3cret@h/d", "not the name of a variable", "env:DATABASE_URL"},
        {"env:", "no variable's name", "env:DATABASE_URL"},
        {"file:/nonexistent/url", "/nonexistent/url", ""},
        {"file:postgres://u:s3cret@h/d", "not a path", ""},
        {"file:/dev/null", "is empty", ""},
        {"file:/tmp", "directory", ""},
        {"command:", "no command", ""},
        {"command:exit 3", "command failed (exit status 3)", "shell"},
        {"command:echo 'not logged in' >&2; exit 1", "not logged in", "shell"},
        {"command:echo 'bad postgres://u:s3cret@h/d' >&2; exit 1", "bad (a connection string)", ""},
        {"command:kill -9 $$", "signal 9", ""},
        {"command:true", "printed nothing", "heroku config:get"},
        {"command:echo", "is empty", "heroku config:get"},
        {"command:printf 'a\\0b'", "no text", ""},
        {"command:printf '\\n\\npostgres://u:s3cret@h/d\\n'", "is empty", ""},
        {"", "is empty", "postgres://"},
        {"  \n", "is empty", "postgres://"},
        {"postgres://u:s3cret@[h/d", "no ]", ""},
        {"postgres://u:s3@s3cret@h/d", "more than one @", "%40"},
        {"postgres://u:s3/s3cret@h/d", "a / before the @", "%2F"},
        {"postgres://u:s3/s3cret@h:5432/d?sslmode=require", "a / before the @", "%2F"},
        {"postgres://u:s3#s3cret@h/d", "a # ", "%23"},
        {"postgres://u:s3%zzs3cret@h/d", "a % ", "%25"},
        {"postgres://u:s3cret%", "a % ", "%25"},
        {"postgres://u:s3cret", "port is no number", "%23"},
        {"postgres://u:s3@h:54s3cret/d", "port is no number", ""},
        {"postgres://u:s3@h:65536/d", "port is no number", ""},
        {"postgres://u:s3@h:0/d", "port is no number", ""},
        {"postgres://u:s3@h,k:1,l:s3cret/d", "port is no number", ""},
        {"postgres://u:s3@fe80::1:s3cret/d", "[ ]", ""},
        {"host=h port=s3cret", "port is no number", ""},
        {"'postgres://u:s3cret@h/d'", "begins with a quote", "quotes"},
        {"\"postgres://u:s3cret@h/d\"", "begins with a quote", "quotes"},
        {"postgres://u:s3cret@h/d\"", "ends with a quote", "quotes"},
        {"DATABASE_URL=postgres://u:s3cret@h/d", "DATABASE_URL=", "env:DATABASE_URL"},
        {"export DATABASE_URL=\"postgres://u:s3cret@h/d\"", "DATABASE_URL=", "env:DATABASE_URL"},
        {"$DATABASE_URL", "begins with $", "env:DATABASE_URL"},
        {"Postgres://u:s3cret@h/d", "lower case", ""},
        {"postgres:/u:s3cret@h/d", "two slashes", ""},
        {"jdbc:postgresql://u:s3cret@h/d", "another scheme", "jdbc:"},
        {"postgresql+psycopg2://u:s3cret@h/d", "postgres", "postgres://"},
        {"mysql://u:s3cret@h/d", "another scheme", ""},
        {"u:s3cret@h/d", "neither a URI", ""},
        {"s3cret", "neither a URI", "env:NAME"},
        {"postgres://u:s3cret@h/d?schema=public", "does not know: schema", "leave schema out"},
        {"postgres://u:s3cret@h/d?sslmode=require&pool=5", "does not know: pool", "leave pool out"},
        {"postgres://u:s3cret@h/d?sslmod=require", "does not know: sslmod", "sslmode"},
        {"postgres://u:s3cret@h/d?ssl=yes", "does not know: ssl", "sslmode=require"},
        {"postgres://u:s3cret@h/d?sslmode=no-verify", "sslmode that does not exist: no-verify",
         "verify-full"},
        {"postgres://u:s3cret@h/d?options=-c%20a=b", "parameter options has an =", "%3D"},
        {"postgres://u:s3?s3cret@h/d", NULL, NULL}, /* libpq takes a ? before the @ as it is */
        {"postgres://h/d?s3cret=x@h/d", "none of libpq's", "%40"},
        {"host=h password=a s3cret", "behind its password", "single quotes"},
        {"host=h password=a s3cret=b", "behind its password", "single quotes"},
        {"host=h password='s3cret", "is not closed", ""},
        {"host=h user s3cret", "no = follows", ""},
        {"host=h user='u' pool=5", "does not know: pool", ""},
        {"host=a@s3cret", "more than one @", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err e = {0};
        char *resolved;
        bool ok = dsn_resolve(cases[i].spec, &resolved, &e);
        if (cases[i].says == NULL) {
            assert_true(ok);
            free(resolved);
            continue;
        }
        if (ok || strstr(e.text, cases[i].says) == NULL || strstr(e.hint, cases[i].hint) == NULL)
            fail_msg("%s: %s / %s", cases[i].spec, e.text, e.hint);
        assert_null(strstr(e.text, "s3cret"));
        assert_null(strstr(e.hint, "s3cret"));
    }
}

/* Neither falls through to libpq's defaults, wherever they lead. */
static void a_variable_that_is_empty_is_none(void **arg)
{
    (void)arg;
    static const struct {
        const char *value, *says;
    } cases[] = {
        {"", "is empty"}, {" \n", "is empty"}, {"postgres://h/d\npostgres://k/e", "more than one line"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err e;
        char *resolved;
        setenv("REPL_UNIT_URL", cases[i].value, 1);
        assert_false(dsn_resolve("env:REPL_UNIT_URL", &resolved, &e));
        assert_non_null(strstr(e.text, cases[i].says));
    }
    setenv("REPL_UNIT_URL", " postgres://v@k/e\n", 1);
    assert_safe("env:REPL_UNIT_URL", "v@k/e");
}

/* Its whole group ends with it, and nobody waits for what it left in the background. */
static void a_command_is_ended_by_an_interrupt(void **arg)
{
    (void)arg;
    struct err e;
    char *resolved;
    char path[] = "/tmp/repl-unit-group-XXXXXX";
    int fd = mkstemp(path);
    struct interrupt *i = interrupt_new();
    interrupt_raise(i, INTERRUPT_SOON);
    assert_false(dsn_resolve_unless(i, "command:sleep 100", &resolved, &e));
    assert_int_equal(e.kind, ERR_STOPPED);
    interrupt_free(i);
    char *spec = xasprintf("command:sleep 100 & echo $! > %s; echo postgres://v@k/e", path);
    uint64_t began = clock_ms();
    assert_safe(spec, "v@k/e");
    assert_true(clock_ms() - began < 20000);
    char number[32] = "";
    assert_true(pread(fd, number, sizeof number - 1, 0) > 0);
    assert_int_equal(kill((pid_t)atoi(number), SIGKILL), 0); /* a tunnel may be what it is for */
    free(spec);
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_is_shown_without_its_password),
        cmocka_unit_test(nothing_secret_stands_in_argv),
        cmocka_unit_test(a_secret_on_the_command_line_is_seen),
        cmocka_unit_test(a_session_begins_with_no_time_limit),
        cmocka_unit_test(of_two_values_the_last_holds),
        cmocka_unit_test(far_hosts_are_spoken_to_in_private),
        cmocka_unit_test(the_environment_does_not_lead_around_it),
        cmocka_unit_test(nor_does_a_service),
        cmocka_unit_test(unless_asked_for_by_name),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(a_variable_that_is_empty_is_none),
        cmocka_unit_test(a_command_is_ended_by_an_interrupt),
    };
    return cmocka_run_group_tests_name("dsn", tests, NULL, NULL);
}
