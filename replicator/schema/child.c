#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "repl/clock.h"
#include "repl/mem.h"
#include "repl/pg.h"

/* How much of standard error is kept: its end, since the reason stands there. */
enum { TAIL = 16384, GRACE_MS = 5000 };

struct run {
    const struct child *c;
    pid_t pid;
    bool own_group;
    int out, err; /* our ends of the pipes; -1: closed */
    struct buf tail;
    uint64_t killed_at; /* 0: not asked to end */
    bool dead;          /* what it waits for does not answer: why says so */
    struct err why;
    bool killed_hard;
};

/* ---- the environment ---- */

static bool starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Messages in English, since child_error reads them, and nothing that would change what the archive holds. */
static char **environment(const struct child *c)
{
    static const char *const replaced[] = {"LC_ALL=", "LANGUAGE=", "PGOPTIONS=", "PGCLIENTENCODING="};
    size_t n = 0, count = 0;
    while (environ[n] != NULL)
        n++;
    char **env = xcalloc(n + 4, sizeof *env);
    for (size_t i = 0; i < n; i++) {
        bool drop = (c->password != NULL && starts(environ[i], "PGPASSWORD=")) ||
                    (c->service_file != NULL && starts(environ[i], "PGSERVICEFILE="));
        for (size_t k = 0; k < sizeof replaced / sizeof *replaced; k++)
            drop = drop || starts(environ[i], replaced[k]);
        if (!drop)
            env[count++] = xstrdup(environ[i]);
    }
    env[count++] = xstrdup("LC_ALL=C");
    if (c->password != NULL)
        env[count++] = xasprintf("PGPASSWORD=%s", c->password);
    if (c->service_file != NULL)
        env[count] = xasprintf("PGSERVICEFILE=%s", c->service_file);
    return env;
}

static void free_environment(char **env)
{
    for (char **p = env; *p != NULL; p++) {
        if (starts(*p, "PGPASSWORD="))
            explicit_bzero(*p, strlen(*p));
        free(*p);
    }
    free(env);
}

/* ---- starting ---- */

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* The child starts with the default signals and none blocked, whatever our threads do. */
static void set_attributes(posix_spawnattr_t *attr, bool own_group)
{
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    const int reset[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD, SIGQUIT};
    for (size_t i = 0; i < sizeof reset / sizeof *reset; i++)
        sigaddset(&defaults, reset[i]);
    posix_spawnattr_init(attr);
    posix_spawnattr_setsigmask(attr, &none);
    posix_spawnattr_setsigdefault(attr, &defaults);
    posix_spawnattr_setpgroup(attr, 0);
    posix_spawnattr_setflags(attr, (short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                           (own_group ? POSIX_SPAWN_SETPGROUP : 0)));
}

static int spawn(const struct child *c, struct run *r, int out, int err)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    char **env = environment(c);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    if (out >= 0)
        posix_spawn_file_actions_adddup2(&files, out, 1);
    else
        posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files, err, 2);
    set_attributes(&attr, r->own_group);

    size_t argc = 0;
    while (c->argv[argc] != NULL)
        argc++;
    char **argv =
        xcalloc(argc + 1, sizeof *argv); /* posix_spawn does not write, but its type says it might */
    for (size_t i = 0; i < argc; i++)
        argv[i] = xstrdup(c->argv[i]);
    int rc = argc == 0 ? EINVAL : posix_spawn(&r->pid, argv[0], &files, &attr, argv, env);
    for (size_t i = 0; i < argc; i++)
        free(argv[i]);
    free(argv);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    free_environment(env);
    return rc;
}

static bool start(const struct child *c, struct run *r, struct err *e)
{
    int out[2] = {-1, -1}, err[2] = {-1, -1};
    if (pipe2(err, O_CLOEXEC) != 0)
        return err_set(e, ERR_OS, "pipe: %s", strerror(errno));
    if (c->out != NULL && pipe2(out, O_CLOEXEC) != 0) {
        err_set(e, ERR_OS, "pipe: %s", strerror(errno));
        close_fd(&err[0]);
        close_fd(&err[1]);
        return false;
    }
    int rc = spawn(c, r, out[1], err[1]);
    close_fd(&out[1]);
    close_fd(&err[1]);
    r->out = out[0];
    r->err = err[0];
    if (rc == 0)
        return true;
    close_fd(&r->out);
    close_fd(&r->err);
    return err_set(e, ERR_OS, "cannot run %s: %s", c->argv[0], strerror(rc));
}

/* ---- running ---- */

static void keep_tail(struct buf *tail, const char *data, size_t n)
{
    buf_add(tail, data, n);
    if (tail->len <= 2 * (size_t)TAIL)
        return;
    memmove(tail->data, tail->data + (tail->len - TAIL), TAIL);
    tail->len = TAIL;
    tail->data[TAIL] = '\0';
}

/* Takes what is there; closes at the end of the stream. */
static void take(int *fd, struct buf *to, bool tail)
{
    char piece[4096];
    ssize_t n = read(*fd, piece, sizeof piece);
    if (n > 0 && tail)
        keep_tail(to, piece, (size_t)n);
    else if (n > 0)
        buf_add(to, piece, (size_t)n);
    else if (n == 0 || (errno != EINTR && errno != EAGAIN))
        close_fd(fd);
}

/* Asks the child to end, and makes it end when it has not done so in time. Its own helpers are in its group. */
static void end_child(struct run *r)
{
    pid_t whom = r->own_group ? -r->pid : r->pid;
    uint64_t now = clock_ms();
    if (r->killed_at == 0) {
        r->killed_at = now;
        kill(whom, SIGTERM);
    } else if (!r->killed_hard && now - r->killed_at > GRACE_MS) {
        r->killed_hard = true;
        kill(whom, SIGKILL);
    }
}

static void pump(const struct child *c, struct run *r)
{
    const unsigned quiet = pg_patience_ms() / 2;
    while (r->out >= 0 || r->err >= 0) {
        bool raised = r->dead || (c->interrupt != NULL && interrupt_level(c->interrupt) != INTERRUPT_NONE);
        if (raised)
            end_child(r);
        struct pollfd fds[3] = {
            {.fd = r->err, .events = POLLIN},
            {.fd = r->out, .events = POLLIN},
            {.fd = c->interrupt != NULL && !raised ? interrupt_fd(c->interrupt) : -1, .events = POLLIN}};
        int n = poll(fds, 3, raised ? 100 : c->alive != NULL ? (int)quiet : -1);
        if (n < 0 && errno != EINTR)
            return;
        if (n == 0 && !raised)
            r->dead = !c->alive(c->arg, &r->why);
        if (n > 0 && fds[0].revents != 0)
            take(&r->err, &r->tail, true);
        if (n > 0 && fds[1].revents != 0)
            take(&r->out, c->out, false);
    }
}

static bool verdict(const struct child *c, const struct run *r, int status, struct err *e)
{
    const char *slash = strrchr(c->argv[0], '/');
    const char *name = slash != NULL ? slash + 1 : c->argv[0];
    if (r->dead) {
        *e = r->why;
        return err_context(e, "while %s was at work", name);
    }
    if (r->killed_at != 0)
        return err_set(e, ERR_STOPPED, "%s was interrupted", name);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (WIFSIGNALED(status))
        return err_set(e, ERR_OS, "%s was killed by signal %d", name, WTERMSIG(status));
    return child_error(name, buf_text(&r->tail), e);
}

bool child_begin(const struct child *c, struct run **out, struct err *e)
{
    struct run *r = xcalloc(1, sizeof *r);
    *r = (struct run){.c = c, .out = -1, .err = -1, .own_group = c->interrupt != NULL};
    if (!start(c, r, e)) {
        free(r);
        return false;
    }
    *out = r;
    return true;
}

bool child_end(struct run *r, struct err *e)
{
    int status = 0;
    pump(r->c, r);
    close_fd(&r->out);
    close_fd(&r->err);
    while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    bool ok = verdict(r->c, r, status, e);
    buf_free(&r->tail);
    free(r);
    return ok;
}

void child_give_up(struct run *r)
{
    struct err ignored; /* that it was interrupted */
    bool ok;
    if (r == NULL)
        return;
    end_child(r);
    ok = child_end(r, &ignored);
    (void)ok;
}

bool child_run(const struct child *c, struct err *e)
{
    struct run *r;
    return child_begin(c, &r, e) && child_end(r, e);
}

/* ---- what it said ---- */

static bool holds_one_of(const char *s, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strstr(s, *words) != NULL)
            return true;
    return false;
}

static enum err_kind kind_of(const char *said)
{
    static const char *const conn[] = {"connection to server",
                                       "server closed the connection",
                                       "terminating connection",
                                       "could not connect",
                                       "no connection to the server",
                                       "could not translate host name",
                                       "the database system is",
                                       "SSL SYSCALL error",
                                       "could not receive data from server",
                                       NULL};
    /* pg_dump's --lock-wait-timeout is a statement timeout, and neither program has another. */
    static const char *const conflict[] = {"lock timeout", "statement timeout", "deadlock detected",
                                           "could not obtain lock", NULL};
    static const char *const config[] = {"permission denied", "must be owner of", "must be superuser",
                                         "password authentication failed", NULL};
    if (strstr(said, "could not open output file") != NULL || strstr(said, "No space left on device") != NULL)
        return ERR_OS;
    if (holds_one_of(said, config))
        return ERR_CONFIG;
    if (holds_one_of(said, conn))
        return ERR_CONN;
    return holds_one_of(said, conflict) ? ERR_CONFLICT : ERR_SQL;
}

/* The rest of the first line that holds word, or NULL; *len is its length. */
static const char *line_after(const char *said, const char *word, size_t *len)
{
    const char *at = strstr(said, word);
    if (at == NULL)
        return NULL;
    at += strlen(word);
    *len = strcspn(at, "\n");
    return at;
}

bool child_error(const char *program, const char *said, struct err *e)
{
    size_t n = 0, m = 0;
    const char *what = line_after(said, "error: ", &n), *at = line_after(said, "Command was: ", &m);
    if (what == NULL)
        what = line_after(said, "fatal: ", &n);
    if (what == NULL) { /* some other program's way of speaking: its first line */
        what = said;
        n = strcspn(said, "\n");
    }
    if (n == 0)
        return err_set(e, ERR_OS, "%s failed and said nothing", program);
    enum err_kind kind = kind_of(said);
    if (at != NULL)
        return err_set(e, kind, "%s: %.*s (at %.*s)", program, (int)n, what, (int)m, at);
    return err_set(e, kind, "%s: %.*s", program, (int)n, what);
}
