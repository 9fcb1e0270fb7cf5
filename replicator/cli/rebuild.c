/*
 * A state file that is lost, damaged or too new is kept aside, and made again: the truth is on both servers (invariant
 * I5), and where they are is said by what remains of the file, by DIR/repl.conf, or by REPL_SOURCE and REPL_TARGET.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "repl/back.h"
#include "repl/clock.h"
#include "repl/engine.h"
#include "repl/mem.h"

#define LOCK "state.lock"

struct remains {
    struct strlist keys, values;
    const char *from; /* where the URLs were found */
};

static const char *remains_get(const struct remains *r, const char *key)
{
    for (size_t i = r->keys.count; i-- > 0;)
        if (strcmp(r->keys.items[i], key) == 0)
            return r->values.items[i];
    return NULL;
}

static void remains_add(void *arg, const char *key, const char *value)
{
    struct remains *r = arg;
    strlist_add(&r->keys, key);
    strlist_add(&r->values, value);
}

static bool knows_both(const struct remains *r)
{
    return remains_get(r, "source") != NULL && remains_get(r, "target") != NULL;
}

static bool add_configured(struct context *c, struct remains *r, struct err *e)
{
    static const char *const keys[] = {"source", "target", "schema"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char *value = NULL;
        if (!settings_text(c->dir, keys[i], &value, e))
            return false;
        if (value != NULL && remains_get(r, keys[i]) == NULL)
            remains_add(r, keys[i], value);
        free(value);
    }
    return true;
}

/* By name, so that no password is kept. */
static void add_environment(struct remains *r)
{
    static const struct {
        const char *key, *variable, *spec;
    } given[] = {{"source", "REPL_SOURCE", "env:REPL_SOURCE"}, {"target", "REPL_TARGET", "env:REPL_TARGET"}};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        const char *value = getenv(given[i].variable);
        if (value != NULL && *value != '\0' && remains_get(r, given[i].key) == NULL)
            remains_add(r, given[i].key, given[i].spec);
    }
    const char *schema = getenv("REPL_SCHEMA");
    if (schema != NULL && *schema != '\0' && remains_get(r, "schema") == NULL)
        remains_add(r, "schema", schema);
}

static bool find_remains(struct context *c, enum state_fault fault, struct remains *r, struct err *e)
{
    r->from = "what remains of it";
    if (fault == STATE_BROKEN || fault == STATE_NEWER)
        state_remains(c->dir, remains_add, r);
    if (!knows_both(r)) {
        r->from = "repl.conf";
        if (fault != STATE_MISSING || access(c->dir, F_OK) == 0)
            if (!add_configured(c, r, e))
                return false;
    }
    if (!knows_both(r)) {
        r->from = "REPL_SOURCE and REPL_TARGET";
        add_environment(r);
    }
    return true;
}

/* ---- making it again ---- */

/* An engine has the file open; its lock is held for no longer than it takes to see. */
static bool engine_runs(const char *dir)
{
    char *path = xasprintf("%s/engine.lock", dir);
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    bool runs = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0;
    if (fd >= 0)
        close(fd);
    free(path);
    return runs;
}

/* No other command may be at this: one that is, is waited for. The lock goes with the descriptor. */
static bool lock(const char *dir, int *fd, struct err *e)
{
    enum { WAIT_MS = 10000, LOOK_MS = 50 };
    uint64_t deadline = clock_ms() + WAIT_MS;
    char *path = xasprintf("%s/" LOCK, dir);
    *fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool ok = *fd >= 0 || err_set(e, ERR_OS, "cannot open %s: %s", path, strerror(errno));
    free(path);
    while (ok && flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        clock_sleep_ms(LOOK_MS);
        if (clock_ms() >= deadline)
            ok = err_set(e, ERR_CONFLICT,
                         "another command makes the state file of %s again, and does not end", dir);
    }
    return ok;
}

/* What is made again has to be there: an empty directory and a URL are no sync. */
static bool is_installed(const struct sync *s, struct err *e)
{
    struct conn *source = NULL;
    struct capture capture = {.schema = s->schema};
    bool ok = sync_connect(s, SIDE_SOURCE, "rebuild", &source, e) && capture_find(source, &capture, e);
    conn_close(source);
    if (ok && capture.sync_id[0] == '\0') {
        ok = err_set(e, ERR_STATE,
                     "the state file is lost, and nothing of repl is installed on the source (schema %s)",
                     s->schema);
        err_hint(e, "repl init --source URL --target URL; where another schema was chosen: REPL_SCHEMA");
    }
    return ok;
}

/* Only what sync_load will read; the way of the changes is asked of both sides. */
static bool write_settings(struct state *st, const struct remains *r, struct err *e)
{
    bool ok = true;
    for (size_t i = 0; ok && i < r->keys.count; i++)
        ok = strcmp(r->keys.items[i], "way") == 0 || state_set(st, r->keys.items[i], r->values.items[i], e);
    return ok;
}

static bool make_again(struct context *c, enum state_fault fault, const struct remains *r, struct err *e)
{
    static const char *const what[] = {[STATE_MISSING] = "was missing",
                                       [STATE_EMPTY] = "knew of no sync",
                                       [STATE_BROKEN] = "was damaged",
                                       [STATE_NEWER] = "was written by a newer repl"};
    char *aside = NULL;
    if (fault != STATE_MISSING && !state_put_aside(c->dir, &aside, e))
        return false;
    bool ok = state_open(c->dir, true, &c->state, e) && write_settings(c->state, r, e);
    struct ways ways;
    struct sync s = {0};
    ok = ok && sync_load(c->state, &s, e);
    if (ok) {
        struct err unknown; /* the engine asks again */
        if (!ways_settle(&s, c->state, &ways, &unknown))
            err_clear(&unknown);
    }
    sync_free(&s);
    if (ok) {
        char *text =
            xasprintf("the state file of %s %s: made again, the URLs by %s%s%s", c->dir, what[fault], r->from,
                      aside != NULL ? "; pauses, log and comparisons of before are in " : "",
                      aside != NULL ? aside : "");
        ok = state_log(c->state, "warn", NULL, text, NULL, e);
        fprintf(stderr, "repl: %s\n", text);
        free(text);
    }
    state_close(c->state);
    c->state = NULL;
    free(aside);
    return ok;
}

/* The file as it is, with what is known of it; *known: both URLs. */
static bool look(struct context *c, enum state_fault *fault, struct remains *r, struct err *e)
{
    strlist_free(&r->keys);
    strlist_free(&r->values);
    *r = (struct remains){0};
    *fault = state_examine(c->dir);
    return *fault == STATE_GOOD || *fault == STATE_UNUSABLE || find_remains(c, *fault, r, e);
}

/* Where nothing is left of a file, what the URLs lead to has to be there. */
static bool may_make(struct context *c, enum state_fault fault, const struct remains *r, struct err *e)
{
    struct sync s;
    if (fault == STATE_BROKEN || fault == STATE_NEWER)
        return true;
    sync_defaults(&s, c->dir);
    if (remains_get(r, "schema") != NULL)
        sync_name_schemas(&s, remains_get(r, "schema"));
    s.source = xstrdup(remains_get(r, "source"));
    s.target = xstrdup(remains_get(r, "target"));
    bool ok = is_installed(&s, e);
    sync_free(&s);
    return ok;
}

static bool give_up(enum state_fault fault, const struct err *why, struct err *e)
{
    *e = *why;
    if (fault == STATE_BROKEN || fault == STATE_NEWER) {
        e->hint[0] = '\0';
        err_hint(e, "where source and target are can be read nowhere: set REPL_SOURCE and REPL_TARGET, then "
                    "the same again: the file "
                    "is kept aside and made again from both sides");
    }
    return false;
}

/* Under the lock: another command may have been first. */
static bool rebuild(struct context *c, const struct err *why, struct remains *r, struct err *e)
{
    enum state_fault fault;
    if (!look(c, &fault, r, e))
        return false;
    if (fault == STATE_GOOD)
        return true;
    if (fault == STATE_UNUSABLE || !knows_both(r))
        return give_up(fault, why, e);
    if (engine_runs(c->dir)) {
        err_set(e, ERR_CONFLICT, "the state file of %s is lost, and an engine is running there", c->dir);
        return err_hint(e, "repl stop (or end the engine's process), then repl start");
    }
    return may_make(c, fault, r, e) && make_again(c, fault, r, e);
}

/* Nobody is at it where there is no lock; and none is left where nothing is to be made. */
static bool begins_it(struct context *c, const struct err *why, struct remains *r, struct err *e)
{
    enum state_fault fault;
    if (!look(c, &fault, r, e))
        return false;
    if (!knows_both(r))
        return give_up(fault, why, e);
    if (!may_make(c, fault, r, e))
        return false;
    return mkdir(c->dir, 0700) == 0 || errno == EEXIST ||
           err_set(e, ERR_STATE, "state directory %s cannot be made: %s", c->dir, strerror(errno));
}

bool context_rebuild(struct context *c, struct err *e)
{
    struct remains r = {0};
    const struct err why = *e;
    enum state_fault fault = state_examine(c->dir);
    char *path = xasprintf("%s/" LOCK, c->dir);
    int fd = -1;
    if (fault == STATE_GOOD || fault == STATE_UNUSABLE) {
        free(path);
        return fault == STATE_GOOD; /* one was made meanwhile */
    }
    bool ok = fault != STATE_MISSING || access(path, F_OK) == 0 || begins_it(c, &why, &r, e);
    ok = ok && lock(c->dir, &fd, e) && rebuild(c, &why, &r, e);
    if (fd >= 0)
        close(fd);
    free(path);
    strlist_free(&r.keys);
    strlist_free(&r.values);
    return ok;
}
