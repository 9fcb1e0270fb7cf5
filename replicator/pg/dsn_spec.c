/*
 * The connection string behind a spec: itself, a variable's value, the first line of a file or of what a command
 * prints. An empty one is an error: libpq would take it for "whatever the environment says".
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dsn_private.h"
#include "repl/clock.h"
#include "repl/log.h"
#include "repl/str.h"

/* READ_MS: how long a command or a pipe may take; GRACE_MS: from the request to end to the kill. */
enum {
    LINE_MOST = 65536,
    SAID_MOST = 2000,
    SHOWN_MOST = 400,
    READ_MS = 30000,
    GRACE_MS = 1000,
    LOOK_MS = 50
};

/* ---- what comes through a descriptor ---- */

/* The first line, without blanks and a byte order mark around it. */
static char *first_line(const struct buf *b)
{
    const char *p = buf_text(b);
    if (strncmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3;
    size_t n = strcspn(p, "\n");
    while (n > 0 && isspace((unsigned char)*p)) {
        p++;
        n--;
    }
    while (n > 0 && isspace((unsigned char)p[n - 1]))
        n--;
    return xasprintf("%.*s", (int)n, p);
}

static bool nul_within(const struct buf *b)
{
    return b->len != 0 && memchr(b->data, '\0', b->len) != NULL;
}

/* Reads what is there, up to most bytes; the rest is dropped. False: nothing more will come. */
static bool take(int fd, struct buf *to, size_t most)
{
    char piece[4096];
    ssize_t n = read(fd, piece, sizeof piece);
    if (n > 0 && to->len < most)
        buf_add(to, piece, (size_t)n < most - to->len ? (size_t)n : most - to->len);
    return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

static bool interrupted(const struct interrupt *i, struct err *e)
{
    return interrupt_level(i) == INTERRUPT_NONE || err_set(e, ERR_STOPPED, "interrupted");
}

/* ---- file:PATH ---- */

static bool read_file(int fd, const char *path, const struct interrupt *i, struct buf *out, struct err *e)
{
    uint64_t deadline = clock_ms() + READ_MS;
    while (out->len < LINE_MOST && (out->len == 0 || memchr(out->data, '\n', out->len) == NULL)) {
        struct pollfd fds[] = {{.fd = fd, .events = POLLIN},
                               {.fd = i != NULL ? interrupt_fd(i) : -1, .events = POLLIN}};
        uint64_t now = clock_ms();
        if (now >= deadline)
            return err_set(e, ERR_CONN, "the connection file %s gave no line within %d s", path,
                           READ_MS / 1000);
        if (poll(fds, 2, (int)(deadline - now)) < 0 && errno != EINTR)
            return err_set(e, ERR_OS, "poll: %s", strerror(errno));
        if (!interrupted(i, e))
            return false;
        if (fds[0].revents != 0 && !take(fd, out, LINE_MOST))
            break;
    }
    return true;
}

static bool from_file(const char *path, const struct interrupt *i, char **out, struct err *e)
{
    struct buf b = {0};
    struct stat st;
    if (strstr(path, "://") != NULL) {
        err_set(e, ERR_CONFIG, "what follows file: is a connection string, not a path");
        return err_hint(e, "leave file: out, or put the connection string into a file and name it");
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_set(e, ERR_CONFIG, "cannot read the connection file %s: %s", path, strerror(errno));
    bool ok = true;
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
        ok = err_set(e, ERR_CONFIG, "the connection file %s is a directory", path);
    else if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) != 0)
        log_debug("the connection file %s is open to other users (mode %04o): chmod 600 it", path,
                  (unsigned)st.st_mode & 07777);
    ok = ok && read_file(fd, path, i, &b, e);
    close(fd);
    if (ok && nul_within(&b))
        ok = err_set(e, ERR_CONFIG, "the connection file %s is no text", path);
    if (ok) {
        *out = first_line(&b);
        if (**out == '\0') {
            free(*out);
            ok = err_set(e, ERR_CONFIG, "the first line of the connection file %s is empty", path);
            err_hint(e, "put the connection string into its first line");
        }
    }
    if (b.data != NULL)
        explicit_bzero(b.data, b.len);
    buf_free(&b);
    return ok;
}

/* ---- command:CMD ---- */

struct command {
    pid_t pid;
    int out, err; /* -1: closed */
    struct buf line, said;
    bool ended;
    int status;
    uint64_t killed_at; /* 0: not asked to end */
};

/* In a group of its own, so that all of it can be ended; it ends with repl, too. */
static _Noreturn void be_command(const char *text, pid_t parent, int out, int err)
{
    static const int reset[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD, SIGQUIT};
    sigset_t none;
    int null = open("/dev/null", O_RDONLY);
    for (size_t k = 0; k < sizeof reset / sizeof *reset; k++)
        signal(reset[k], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
        dup2(err, STDERR_FILENO) < 0 || getppid() != parent)
        _exit(126);
    execl("/bin/sh", "sh", "-c", text, (char *)NULL);
    _exit(127);
}

static bool start(struct command *c, const char *text, struct err *e)
{
    int out[2], err[2];
    pid_t parent = getpid();
    if (pipe2(out, O_CLOEXEC) != 0)
        return err_set(e, ERR_OS, "pipe: %s", strerror(errno));
    if (pipe2(err, O_CLOEXEC) != 0) {
        err_set(e, ERR_OS, "pipe: %s", strerror(errno));
        close(out[0]);
        close(out[1]);
        return false;
    }
    c->pid = fork();
    if (c->pid == 0)
        be_command(text, parent, out[1], err[1]);
    int why = errno;
    close(out[1]);
    close(err[1]);
    c->out = out[0];
    c->err = err[0];
    if (c->pid > 0) {
        setpgid(c->pid, c->pid); /* whichever of the two is first */
        return true;
    }
    close(c->out);
    close(c->err);
    return err_set(e, ERR_OS, "cannot run the connection command: %s", strerror(why));
}

/* Asks the group to end; makes it end when it has not done so in time. Only while its first process is not reaped: the
 * number is its own until then. */
static void end_group(struct command *c)
{
    uint64_t now = clock_ms();
    if (c->ended)
        return;
    if (c->killed_at == 0) {
        c->killed_at = now;
        kill(-c->pid, SIGTERM);
    } else if (now - c->killed_at >= GRACE_MS) {
        kill(-c->pid, SIGKILL);
    }
}

static void close_stream(int *fd)
{
    close(*fd);
    *fd = -1;
}

/* Of what it says the end is kept: the reason stands there. */
static bool take_said(struct command *c)
{
    bool more = take(c->err, &c->said, (size_t)2 * SAID_MOST);
    if (c->said.len == (size_t)2 * SAID_MOST) {
        memmove(c->said.data, c->said.data + SAID_MOST, SAID_MOST);
        c->said.len = SAID_MOST;
        c->said.data[SAID_MOST] = '\0';
    }
    return more;
}

/* Takes what comes within ms; false where nothing came. */
static bool take_both(struct command *c, const struct interrupt *i, int ms)
{
    struct pollfd fds[] = {{.fd = c->out, .events = POLLIN},
                           {.fd = c->err, .events = POLLIN},
                           {.fd = i != NULL && c->killed_at == 0 ? interrupt_fd(i) : -1, .events = POLLIN}};
    int n = poll(fds, 3, ms);
    if (n > 0 && fds[0].revents != 0 && !take(c->out, &c->line, LINE_MOST))
        close_stream(&c->out);
    if (n > 0 && fds[1].revents != 0 && !take_said(c))
        close_stream(&c->err);
    return n > 0;
}

/* What it left in the background may hold the pipes: behind its end what is there is taken, and no more awaited. */
static void look(struct command *c, const struct interrupt *i)
{
    take_both(c, i, LOOK_MS);
    if (waitpid(c->pid, &c->status, WNOHANG) != c->pid)
        return;
    c->ended = true;
    for (int k = 0; k < LINE_MOST / 4096 && take_both(c, NULL, 0); k++)
        continue;
}

static bool await(struct command *c, const struct interrupt *i, struct err *e)
{
    uint64_t deadline = clock_ms() + READ_MS;
    bool ok = true;
    while (!c->ended) {
        look(c, i);
        if (ok && !interrupted(i, e))
            ok = false;
        if (ok && !c->ended && clock_ms() >= deadline)
            ok = err_set(e, ERR_CONN, "the connection command gave no answer within %d s and was ended",
                         READ_MS / 1000);
        if (!ok)
            end_group(c);
    }
    return ok;
}

/* The end of its standard error, for a message: what looks like a password in a URL is left out. */
static char *said_text(const struct buf *said)
{
    const char *p = buf_text(said);
    size_t len = strlen(p);
    while (len > 0 && isspace((unsigned char)p[len - 1]))
        len--;
    char *end = xasprintf("%.*s", (int)len, p);
    struct buf shown = {0};
    buf_puts(&shown, "");
    for (char *q = len > SHOWN_MOST ? end + len - SHOWN_MOST : end; *q != '\0';) {
        size_t n = strcspn(q, " \t\r\n");
        const char *secret = memmem(q, n, "://", 3) != NULL ? memchr(q, '@', n) : NULL;
        if (secret != NULL)
            buf_puts(&shown, "(a connection string)");
        else
            buf_add(&shown, q, n);
        q += n;
        size_t blank = strspn(q, " \t\r\n");
        if (blank != 0 && *(q += blank) != '\0')
            buf_puts(&shown, " ");
    }
    free(end);
    return shown.data;
}

static bool judge_command(struct command *c, char **out, struct err *e)
{
    if (WIFSIGNALED(c->status))
        return err_set(e, ERR_CONN, "the connection command failed (signal %d)", WTERMSIG(c->status));
    /* Worth another try: such commands ask services that have bad days. */
    if (WEXITSTATUS(c->status) != 0)
        return err_set(e, ERR_CONN, "the connection command failed (exit status %d)", WEXITSTATUS(c->status));
    if (nul_within(&c->line))
        return err_set(e, ERR_CONFIG, "the connection command printed what is no text");
    *out = first_line(&c->line);
    if (**out != '\0')
        return true;
    free(*out);
    *out = NULL;
    err_set(e, ERR_CONFIG,
            c->line.len == 0 ? "the connection command printed nothing"
                             : "the first line that the connection command printed is empty");
    return err_hint(e,
                    "try it in a shell; `heroku config:get NAME` prints an empty line for a variable that is "
                    "not set");
}

static bool from_command(const char *text, const struct interrupt *i, char **out, struct err *e)
{
    struct command c = {.out = -1, .err = -1};
    *out = NULL;
    if (text[strspn(text, " \t")] == '\0') {
        err_set(e, ERR_CONFIG, "no command follows command:");
        return err_hint(e, "command:heroku config:get DATABASE_URL --app APP");
    }
    if (!interrupted(i, e) || !start(&c, text, e))
        return false;
    bool ok = await(&c, i, e) && judge_command(&c, out, e);
    if (c.out >= 0)
        close(c.out);
    if (c.err >= 0)
        close(c.err);
    char *said = said_text(&c.said);
    if (*said != '\0' && ok)
        log_debug("the connection command says: %s", said);
    else if (*said != '\0' && e->kind != ERR_STOPPED) {
        char *why = xstrdup(e->text), *hint = xstrdup(e->hint);
        err_set(e, e->kind, "%s; it says: %s", why, said);
        if (*hint != '\0')
            err_hint(e, "%s", hint);
        free(why);
        free(hint);
    }
    if (!ok && e->kind == ERR_CONN)
        err_hint(e, "try the command in a shell, without standard input");
    if (c.line.data != NULL)
        explicit_bzero(c.line.data, c.line.len);
    buf_free(&c.line);
    buf_free(&c.said);
    free(said);
    return ok;
}

/* ---- env:NAME ---- */

static bool from_variable(const char *name, char **out, struct err *e)
{
    size_t n = 0;
    while (isalnum((unsigned char)name[n]) || name[n] == '_')
        n++;
    /* env:$DATABASE_URL holds the value itself by now: it is not repeated. */
    if (n == 0 || name[n] != '\0' || isdigit((unsigned char)*name)) {
        err_set(e, ERR_CONFIG,
                n == 0 && *name == '\0' ? "no variable's name follows env:"
                                        : "what follows env: is not the name of a variable");
        return err_hint(e, "give env:DATABASE_URL, without a $: repl reads the variable at each connection");
    }
    const char *value = getenv(name);
    if (value == NULL) {
        err_set(e, ERR_CONFIG, "the environment variable %s is not set", name);
        return err_hint(e, "export %s=postgres://USER@HOST:5432/DBNAME", name);
    }
    struct buf b = {0};
    buf_puts(&b, value);
    bool lines = strchr(value + strspn(value, " \t\r\n"), '\n') != NULL &&
                 value[strcspn(value, "\n") + strspn(value + strcspn(value, "\n"), " \t\r\n")] != '\0';
    *out = first_line(&b);
    buf_free(&b);
    if (**out != '\0' && !lines)
        return true;
    bool empty = **out == '\0';
    free(*out);
    *out = NULL;
    err_set(e, ERR_CONFIG,
            empty ? "the environment variable %s is empty"
                  : "the environment variable %s has more than one line",
            name);
    return err_hint(e, "export %s=postgres://USER@HOST:5432/DBNAME", name);
}

unsigned dsn_read_ms(const char *spec)
{
    spec += strspn(spec, " \t\r\n");
    bool waits = strncmp(spec, "command:", 8) == 0 || strncmp(spec, "file:", 5) == 0;
    return waits ? READ_MS + 2 * GRACE_MS : 0;
}

bool spec_read(const char *spec, const struct interrupt *i, char **out, struct err *e)
{
    *out = NULL;
    spec += strspn(spec, " \t\r\n");
    if (strncmp(spec, "file:", 5) == 0)
        return from_file(spec + 5, i, out, e);
    if (strncmp(spec, "command:", 8) == 0)
        return from_command(spec + 8, i, out, e);
    if (strncmp(spec, "env:", 4) == 0)
        return from_variable(spec + 4, out, e);
    size_t n = strlen(spec);
    while (n > 0 && isspace((unsigned char)spec[n - 1]))
        n--;
    if (n == 0) {
        err_set(e, ERR_CONFIG, "the connection string is empty");
        return err_hint(e,
                        "give postgres://USER:PASSWORD@HOST:5432/DBNAME, env:NAME, file:PATH or command:CMD");
    }
    *out = xasprintf("%.*s", (int)n, spec);
    return true;
}
