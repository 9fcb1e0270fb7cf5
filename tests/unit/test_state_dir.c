/* The state directory: who may look, what is taken for one, what stays when it is removed. */
#include "state.h"

#include <sys/stat.h>

static unsigned mode_of(const char *dir, const char *name)
{
    char path[512];
    struct stat st;
    snprintf(path, sizeof path, "%s%s", dir, name);
    assert_int_equal(stat(path, &st), 0);
    return (unsigned)st.st_mode & 07777;
}

static void nobody_else_may_look(void **arg)
{
    struct fixture *f = *arg;
    struct state *second;
    assert_true(state_set(f->st, "source", "x", &f->e));
    assert_int_equal(mode_of(f->dir, "/state.db"), 0600);
    assert_int_equal(mode_of(f->dir, "/state.db-wal"), 0600);
    assert_int_equal(chmod(f->dir, 0750), 0);
    assert_false(state_open(f->dir, true, &second, &f->e));
    assert_int_equal(f->e.kind, ERR_STATE);
    assert_non_null(strstr(f->e.hint, "chmod 700 "));
    assert_int_equal(chmod(f->dir, 0700), 0);
}

static void a_new_directory_is_private(void **arg)
{
    struct fixture *f = *arg;
    char inner[256];
    struct state *st;
    mode_t old = umask(0);
    snprintf(inner, sizeof inner, "%s/inner", f->dir);
    assert_true(state_open(inner, true, &st, &f->e));
    umask(old);
    assert_int_equal(mode_of(inner, ""), 0700);
    assert_int_equal(mode_of(inner, "/state.db"), 0600);
    assert_string_equal(state_dir(st), inner);
    state_close(st);
    assert_true(state_remove(inner, &f->e));
}

static void a_missing_one_says_what_to_type(void **arg)
{
    struct fixture *f = *arg;
    char inner[256];
    struct state *st;
    snprintf(inner, sizeof inner, "%s/none", f->dir);
    assert_false(state_open(inner, false, &st, &f->e));
    assert_int_equal(f->e.kind, ERR_STATE);
    assert_non_null(strstr(f->e.hint, "repl init"));
    assert_int_not_equal(access(inner, F_OK), 0);
    assert_int_equal(mkdir(inner, 0700), 0);
    assert_false(state_open(inner, false, &st, &f->e));
    assert_non_null(strstr(f->e.hint, "repl init"));
    assert_int_equal(rmdir(inner), 0);
    assert_true(state_remove(inner, &f->e)); /* nothing there is nothing to do */
}

static void what_is_no_state_file_is_refused(void **arg)
{
    struct fixture *f = *arg;
    char path[512];
    struct state *st;
    state_close(f->st);
    f->st = NULL;
    assert_true(state_remove(f->dir, &f->e));
    assert_int_equal(mkdir(f->dir, 0700), 0);
    snprintf(path, sizeof path, "%s/state.db", f->dir);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 200; i++)
        fputs("this is not a database, whatever its name says\n", file);
    fclose(file);
    assert_false(state_open(f->dir, false, &st, &f->e));
    assert_int_equal(f->e.kind, ERR_STATE);
    assert_non_null(strstr(f->e.hint, "repl init"));
}

static void what_a_person_put_there_stays(void **arg)
{
    struct fixture *f = *arg;
    char path[512];
    snprintf(path, sizeof path, "%s/repl.conf", f->dir);
    fclose(fopen(path, "w"));
    state_close(f->st);
    f->st = NULL;
    assert_true(state_remove(f->dir, &f->e));
    assert_int_equal(access(path, F_OK), 0);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(nobody_else_may_look),
        STORY(a_new_directory_is_private),
        STORY(a_missing_one_says_what_to_type),
        STORY(what_is_no_state_file_is_refused),
        STORY(what_a_person_put_there_stays),
    };
    return cmocka_run_group_tests_name("state_dir", tests, NULL, NULL);
}
