/* The client of the control socket: one request, one reply, one connection. */
#include "client.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "figures.h"
#include "repl/buf.h"
#include "repl/clock.h"
#include "repl/engine.h"
#include "repl/mem.h"
#include "repl/state.h"

/* A status of a hundred thousand tables has some 30 MB. */
enum { MAX_REPLY = 256 * 1024 * 1024, STILL_EVERY_MS = 5000, EXPLAIN_MS = 2000 };

struct call {
    int fd;
    uint64_t deadline; /* of the monotonic clock; 0: never */
    unsigned timeout_ms;
    const struct interrupt *interrupt;
    bool silent; /* it went away and had said nothing */
    const char *dir;
    const struct control_request *request;
    uint64_t still_at; /* when request->still is called next; 0: never */
};

/* What the engine waits for, as it says itself. */
static bool late(const struct call *c, struct err *e)
{
    const struct control_request ask = {.command = "status", .timeout_ms = EXPLAIN_MS};
    struct status st;
    struct err ignored;
    bool running;
    const char *what = c->request->wait ? "not everything was on the target" : "no answer from the engine";
    err_set(e, ERR_NOT_YET, "%s within %.1f s", what, c->timeout_ms / 1000.0);
    if (strcmp(c->request->command, "status") != 0 && control_ask(c->dir, &ask, &running, &st, &ignored) &&
        running) {
        char *reason = status_reason(&st);
        if (reason != NULL)
            err_set(e, ERR_NOT_YET, "%s within %.1f s: %s", what, c->timeout_ms / 1000.0, reason);
        if (reason != NULL && st.nerrors != 0 && st.errors[0].hint != NULL)
            err_hint(e, "%s", st.errors[0].hint);
        free(reason);
        status_free(&st);
    }
    return err_hint(e, "repl status shows what it waits for; try again with a longer --timeout");
}

static bool went_away(struct call *c, bool silent, struct err *e)
{
    c->silent = silent;
    err_set(e, ERR_CONN, "the engine went away before it answered");
    return err_hint(e, "repl status");
}

/* ---- the socket ---- */

/* *fd is -1 where nobody listens. */
static bool dial(const char *dir, int *fd, struct err *e)
{
    struct sockaddr_un address;
    *fd = -1;
    if (access(dir, F_OK) != 0)
        return true;
    if (!state_dir_trusted(dir, e))
        return false;
    if (!control_address(dir, &address, e))
        return false;
    /* An engine that is stopped takes no more than its queue holds, and connect() would wait for it. */
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s < 0)
        return err_set(e, ERR_OS, "socket: %s", strerror(errno));
    if (connect(s, (const struct sockaddr *)&address, sizeof address) == 0) {
        fcntl(s, F_SETFL, fcntl(s, F_GETFL) & ~O_NONBLOCK);
        *fd = s;
        return true;
    }
    int why = errno;
    close(s);
    if (why == ENOENT || why == ENOTDIR || why == ECONNREFUSED)
        return true;
    if (why == EAGAIN) {
        err_set(e, ERR_NOT_YET, "the engine of %s does not take requests", dir);
        return err_hint(e, "its process is stopped, or hangs: see repl log, and end it (kill -CONT, or kill "
                           "-9: nothing is lost)");
    }
    err_set(e, ERR_OS, "the engine of %s cannot be asked: %s", dir, strerror(why));
    if (why == EACCES)
        err_hint(e, "be the user that runs the engine, or root");
    return false;
}

/* Whoever listens in a directory of ours should be us, or root. */
static bool check_peer(int fd, struct err *e)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return err_set(e, ERR_OS, "the engine's user cannot be known: %s", strerror(errno));
    if (peer.uid == geteuid() || peer.uid == 0 || geteuid() == 0)
        return true;
    return err_set(e, ERR_OS, "the control socket belongs to another user (uid %u)", (unsigned)peer.uid);
}

static bool send_all(struct call *c, const char *data, size_t len, struct err *e)
{
    while (len > 0) {
        ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return went_away(c, true, e);
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return true;
}

/* Waits until something can be read, the end too. */
static bool wait_readable(struct call *c, struct err *e)
{
    for (;;) {
        int timeout = -1;
        uint64_t now = clock_ms(), next = c->deadline;
        if (c->deadline != 0 && now >= c->deadline)
            return late(c, e);
        if (c->still_at != 0 && now >= c->still_at) {
            c->request->still(c->request->arg);
            c->still_at = clock_ms() + STILL_EVERY_MS;
        }
        if (c->still_at != 0 && (next == 0 || c->still_at < next))
            next = c->still_at;
        if (next != 0) {
            uint64_t left = next > now ? next - now : 0;
            timeout = left < 3600000 ? (int)left : 3600000;
        }
        const struct interrupt *i = c->interrupt;
        struct pollfd fds[] = {{.fd = c->fd, .events = POLLIN},
                               {.fd = i != NULL ? interrupt_fd(i) : -1, .events = POLLIN}};
        int n = poll(fds, 2, timeout);
        if (interrupt_level(i) != INTERRUPT_NONE)
            return err_set(e, ERR_STOPPED, "interrupted");
        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return err_set(e, ERR_OS, "poll: %s", strerror(errno));
    }
}

/* One line, without its end. */
static bool read_line(struct call *c, struct buf *line, struct err *e)
{
    char piece[65536];
    while (line->len < MAX_REPLY) {
        if (!wait_readable(c, e))
            return false;
        ssize_t n = recv(c->fd, piece, sizeof piece, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return went_away(c, line->len == 0, e);
        buf_add(line, piece, (size_t)n);
        char *end = memchr(line->data + line->len - (size_t)n, '\n', (size_t)n);
        if (end != NULL) {
            *end = '\0';
            return true;
        }
    }
    return err_set(e, ERR_OS, "the engine's answer is too long");
}

static bool wait_closed(struct call *c, struct err *e)
{
    char piece[4096];
    for (;;) {
        if (!wait_readable(c, e))
            return false;
        ssize_t n = recv(c->fd, piece, sizeof piece, 0);
        if (n == 0 || (n < 0 && errno != EINTR))
            return true;
    }
}

/* ---- the words ---- */

static char *request_line(const struct control_request *r)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "protocol", CONTROL_PROTOCOL);
    cJSON_AddStringToObject(o, "command", r->command);
    if (r->table != NULL)
        cJSON_AddStringToObject(o, "table", r->table);
    if (r->state != NULL)
        cJSON_AddStringToObject(o, "state", r->state);
    if (r->wait)
        cJSON_AddTrueToObject(o, "wait");
    if (r->jobs != 0)
        cJSON_AddNumberToObject(o, "jobs", r->jobs);
    if (r->sets_rate && r->max_rate != 0)
        cJSON_AddNumberToObject(o, "max_rate", (double)r->max_rate);
    else if (r->sets_rate)
        cJSON_AddNullToObject(o, "max_rate");
    char *json = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    if (json == NULL)
        abort(); /* out of memory */
    char *line = xasprintf("%s\n", json);
    free(json);
    return line;
}

static enum err_kind kind_of(const char *name)
{
    for (int k = ERR_USAGE; k <= ERR_STOPPED; k++)
        if (name != NULL && strcmp(err_kind_name((enum err_kind)k), name) == 0)
            return (enum err_kind)k;
    return ERR_CONFIG;
}

static const char *text_of(const cJSON *o, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));
}

static bool take_refusal(const cJSON *root, struct err *e)
{
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(root, "error");
    const char *message = text_of(error, "message"), *hint = text_of(error, "hint");
    if (message == NULL)
        return err_set(e, ERR_OS, "the engine's answer cannot be understood");
    err_set(e, kind_of(text_of(error, "kind")), "%s", message);
    if (hint != NULL)
        err_hint(e, "%s", hint);
    return false;
}

static bool take_status(const cJSON *root, struct status *st, struct err *e)
{
    const cJSON *status = cJSON_GetObjectItemCaseSensitive(root, "status");
    if (st == NULL || status == NULL)
        return true;
    char *text = cJSON_PrintUnformatted(status);
    bool ok = text != NULL && status_from_json(text, st);
    free(text);
    return ok ||
           err_set(e, ERR_OS, "the engine's status cannot be understood: is it another version of repl?");
}

static bool take_reply(const char *line, struct status *st, struct err *e)
{
    cJSON *root = cJSON_Parse(line);
    bool ok;
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "ok")))
        ok = take_status(root, st, e);
    else
        ok = take_refusal(root, e);
    cJSON_Delete(root);
    return ok;
}

/* ---- the call ---- */

static bool talk(struct call *c, const struct control_request *r, struct status *st, struct err *e)
{
    struct buf line = {0};
    char *request = request_line(r);
    bool ok = check_peer(c->fd, e) && send_all(c, request, strlen(request), e) && read_line(c, &line, e) &&
              take_reply(buf_text(&line), st, e);
    if (ok && strcmp(r->command, "stop") == 0 && !wait_closed(c, e)) {
        if (st != NULL)
            status_free(st);
        ok = false;
    }
    free(request);
    buf_free(&line);
    return ok;
}

/* A process that was killed answers nobody, but its socket takes connections until the kernel is through with it. */
static bool has_gone(const char *dir, int *fd, struct err *e)
{
    enum { GONE_MS = 1000, AGAIN_MS = 50 };
    const uint64_t until = clock_ms() + GONE_MS;
    do {
        clock_sleep_ms(AGAIN_MS);
        if (!dial(dir, fd, e))
            return false;
        if (*fd < 0)
            return true;
        close(*fd);
    } while (clock_ms() < until);
    return false;
}

bool control_ask(const char *dir, const struct control_request *r, bool *running, struct status *st,
                 struct err *e)
{
    struct call c = {.timeout_ms = r->timeout_ms, .interrupt = r->interrupt, .dir = dir, .request = r};
    if (r->still != NULL)
        c.still_at = clock_ms() + STILL_EVERY_MS;
    struct err ignored; /* the first error is told */
    if (r->timeout_ms != 0)
        c.deadline = clock_ms() + r->timeout_ms;
    if (st != NULL)
        memset(st, 0, sizeof *st);
    *running = false;
    if (!dial(dir, &c.fd, e))
        return false;
    if (c.fd < 0)
        return true;
    bool ok = talk(&c, r, st, e);
    close(c.fd);
    if (!ok && e->kind == ERR_CONN && c.silent && has_gone(dir, &c.fd, &ignored)) {
        err_clear(e);
        return true;
    }
    *running = true;
    return ok;
}
