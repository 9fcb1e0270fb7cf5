/* The server behind DIR/control.sock: see include/repl/control.h for what is said. */
#include "repl/control.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "private.h"
#include "repl/log.h"

enum { LONGEST_REQUEST = 4096 };

struct client {
    uv_pipe_t pipe;
    struct control *control;
    struct buf in;
    uint64_t waits_for; /* number of a request (follow_request); 0: none */
    bool waits_joined;  /* until no worker is joining */
    struct client *next;
};

struct control {
    struct engine *engine;
    uv_pipe_t *listener;
    struct client *clients;
};

/* ---- replies ---- */

struct reply {
    uv_write_t request;
    char *text;
};

static void written(uv_write_t *request, int status)
{
    struct reply *r = (struct reply *)request;
    (void)status; /* a client that went away needs no answer */
    free(r->text);
    free(r);
}

static void send_json(struct client *c, cJSON *json)
{
    struct reply *r = xcalloc(1, sizeof *r);
    char *text = cJSON_PrintUnformatted(json);
    r->text = xasprintf("%s\n", text);
    free(text);
    cJSON_Delete(json);
    uv_buf_t b = uv_buf_init(r->text, (unsigned)strlen(r->text));
    if (uv_write(&r->request, (uv_stream_t *)&c->pipe, &b, 1, written) != 0)
        written(&r->request, 0);
}

static void send_status(struct client *c)
{
    struct status st;
    progress_status(c->control->engine, &st);
    char *text = status_to_json(&st, false);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddTrueToObject(json, "ok");
    cJSON_AddItemToObject(json, "status", cJSON_Parse(text));
    send_json(c, json);
    free(text);
    status_free(&st);
}

static void send_error(struct client *c, const struct err *e)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddFalseToObject(json, "ok");
    cJSON *error = cJSON_AddObjectToObject(json, "error");
    cJSON_AddStringToObject(error, "kind", err_kind_name(e->kind));
    cJSON_AddStringToObject(error, "message", e->text);
    cJSON_AddStringToObject(error, "hint", e->hint);
    send_json(c, json);
}

/* ---- commands ---- */

static const struct relation *find_table(const struct engine *g, const char *label, struct err *e)
{
    for (size_t i = 0; g->world != NULL && i < g->world->relations.count; i++) {
        const struct relation *r = &g->world->relations.items[i];
        if (strcmp(r->label, label) == 0 || strcmp(r->name, label) == 0)
            return r;
    }
    err_set(e, ERR_CONFIG, "unknown table %s", label);
    err_hint(e, "name it as `repl status` lists it: schema.table");
    return NULL;
}

static bool remember_paused(struct engine *g, struct err *e)
{
    struct buf ids = {0};
    for (size_t i = 0; i < g->nleft_out; i++)
        buf_printf(&ids, "%s%d", i != 0 ? "," : "", g->left_out[i]);
    bool ok = state_set(g->o->state, "paused_tables", ids.len != 0 ? ids.data : NULL, e) &&
              state_set(g->o->state, "paused", g->paused ? "yes" : NULL, e);
    buf_free(&ids);
    return ok;
}

static void leave_out(struct engine *g, int id, bool out)
{
    size_t kept = 0;
    for (size_t i = 0; i < g->nleft_out; i++)
        if (g->left_out[i] != id)
            g->left_out[kept++] = g->left_out[i];
    g->nleft_out = kept;
    if (out) {
        g->left_out = xrealloc(g->left_out, (kept + 1) * sizeof *g->left_out);
        g->left_out[g->nleft_out++] = id;
    }
}

static void pause_or_resume(struct client *c, const char *table, bool pause)
{
    struct engine *g = c->control->engine;
    struct err e;
    int id = 0;
    if (table != NULL) {
        const struct relation *r = find_table(g, table, &e);
        if (r == NULL) {
            send_error(c, &e);
            return;
        }
        id = r->id;
        leave_out(g, id, pause);
    } else {
        g->paused = pause;
    }
    engine_say(g, LOG_INFO, NULL, "%s%s%s", pause ? "paused" : "resumed", table != NULL ? ": " : "",
               table != NULL ? table : "");
    if (!remember_paused(g, &e))
        log_err(LOG_WARN, &e);
    if (pause) {
        copy_hold(g, id);
    } else {
        copy_let_go(g);
        engine_go_on(g);
    }
    send_status(c);
}

/* Absent: as it is. */
static bool read_pace(const cJSON *json, int *jobs, int64_t *max_rate, struct err *e)
{
    const cJSON *j = cJSON_GetObjectItemCaseSensitive(json, "jobs");
    const cJSON *r = cJSON_GetObjectItemCaseSensitive(json, "max_rate");
    *jobs = 0;
    *max_rate = -1;
    if (j == NULL && r == NULL)
        return err_set(e, ERR_USAGE, "set needs jobs or max_rate");
    if (j != NULL && (!cJSON_IsNumber(j) || j->valuedouble < 1 || j->valuedouble > JOBS_MOST))
        return err_set(e, ERR_USAGE, "jobs is a number from 1 to %d", JOBS_MOST);
    if (j != NULL)
        *jobs = j->valueint;
    if (cJSON_IsNull(r))
        *max_rate = 0;
    else if (r != NULL && (!cJSON_IsNumber(r) || r->valuedouble < STR_LEAST_RATE || r->valuedouble >= 0x1p63))
        return err_set(e, ERR_USAGE, "max_rate is bytes a second, at least %d, or null", STR_LEAST_RATE);
    else if (r != NULL)
        *max_rate = (int64_t)r->valuedouble;
    return true;
}

/* Answered when the workers that were added have their connections, or have failed to get them. */
static void set(struct client *c, const cJSON *json)
{
    struct engine *g = c->control->engine;
    struct err e;
    int jobs;
    int64_t max_rate;
    if (!read_pace(json, &jobs, &max_rate, &e) || !workers_set(g, jobs, max_rate, &e))
        send_error(c, &e);
    else if (g->joining != 0)
        c->waits_joined = true;
    else
        send_status(c);
}

static void kick(struct client *c, bool wait)
{
    struct engine *g = c->control->engine;
    struct err e;
    uint64_t request = follow_request(g);
    if (!wait) {
        send_status(c);
    } else if (g->paused) {
        err_set(&e, ERR_NOT_YET, "the engine is paused");
        err_hint(&e, "repl resume");
        send_error(c, &e);
    } else {
        c->waits_for = request;
    }
}

/* A cutover tells what it has done at the source; the next opening would find it there. */
static void fence(struct client *c, bool up)
{
    struct engine *g = c->control->engine;
    if (g->fenced != up)
        engine_say(g, LOG_INFO, NULL,
                   up ? "writes to the source are switched off (cutover)"
                      : "writes to the source go through again");
    g->fenced = up;
    send_status(c);
}

/* Who asks for the stop waits for the end of the process, not of the loop: this copy of the connection is closed by
 * the exit, so that a start right after a stop finds no engine. */
static void hold_until_exit(struct client *c)
{
    uv_os_fd_t fd;
    if (uv_fileno((uv_handle_t *)&c->pipe, &fd) == 0 && fcntl(fd, F_DUPFD_CLOEXEC, 0) < 0)
        log_line(LOG_DEBUG, "a connection could not be kept: %s", strerror(errno));
}

static const char *text_of(const cJSON *json, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));
}

static void do_status(struct client *c, const cJSON *json)
{
    (void)json;
    send_status(c);
}

static void do_kick(struct client *c, const cJSON *json)
{
    kick(c, cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "wait")));
}

static void do_pause(struct client *c, const cJSON *json)
{
    pause_or_resume(c, text_of(json, "table"), true);
}

static void do_resume(struct client *c, const cJSON *json)
{
    pause_or_resume(c, text_of(json, "table"), false);
}

static void do_fence(struct client *c, const cJSON *json)
{
    (void)json;
    fence(c, true);
}

static void do_lift(struct client *c, const cJSON *json)
{
    (void)json;
    fence(c, false);
}

static void do_stop(struct client *c, const cJSON *json)
{
    (void)json;
    send_status(c);
    hold_until_exit(c);
    engine_stop(c->control->engine, INTERRUPT_SOON);
}

static const struct {
    const char *name;
    void (*run)(struct client *c, const cJSON *json);
} commands[] = {{"status", do_status}, {"kick", do_kick},   {"pause", do_pause}, {"resume", do_resume},
                {"set", set},          {"fence", do_fence}, {"lift", do_lift},   {"stop", do_stop}};

static void run_command(struct client *c, const cJSON *json)
{
    struct err e;
    struct buf names = {0};
    const char *command = text_of(json, "command");
    const cJSON *protocol = cJSON_GetObjectItemCaseSensitive(json, "protocol");
    if (!cJSON_IsNumber(protocol) || protocol->valueint != CONTROL_PROTOCOL) {
        err_set(&e, ERR_CONFIG, "this engine speaks protocol %d", CONTROL_PROTOCOL);
        err_hint(&e, "use the repl that started it, or restart it: repl stop, then repl start");
        send_error(c, &e);
        return;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (command != NULL && strcmp(command, commands[i].name) == 0) {
            commands[i].run(c, json);
            buf_free(&names);
            return;
        }
        buf_printf(&names, " %s", commands[i].name);
    }
    err_set(&e, ERR_USAGE, "unknown command; valid are:%s", buf_text(&names));
    send_error(c, &e);
    buf_free(&names);
}

/* ---- clients ---- */

static void client_closed(uv_handle_t *handle)
{
    struct client *c = (struct client *)handle;
    buf_free(&c->in);
    free(c);
}

static void client_close(struct client *c)
{
    for (struct client **p = &c->control->clients; *p != NULL; p = &(*p)->next)
        if (*p == c) {
            *p = c->next;
            break;
        }
    if (!uv_is_closing((uv_handle_t *)&c->pipe))
        uv_close((uv_handle_t *)&c->pipe, client_closed);
}

static void take_lines(struct client *c)
{
    for (char *end = memchr(c->in.data, '\n', c->in.len); end != NULL;
         end = c->in.len != 0 ? memchr(c->in.data, '\n', c->in.len) : NULL) {
        size_t used = (size_t)(end - c->in.data) + 1;
        *end = '\0';
        cJSON *json = cJSON_Parse(c->in.data);
        run_command(c, json); /* NULL has no protocol, and is told so */
        cJSON_Delete(json);
        memmove(c->in.data, c->in.data + used, c->in.len - used + 1);
        c->in.len -= used;
    }
}

static void give_memory(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)handle;
    *out = uv_buf_init(xmalloc(suggested), (unsigned)suggested);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *b)
{
    struct client *c = (struct client *)stream;
    if (n > 0)
        buf_add(&c->in, b->base, (size_t)n);
    free(b->base);
    if (n < 0 || c->in.len > LONGEST_REQUEST)
        client_close(c);
    else if (n > 0)
        take_lines(c);
}

/* The socket stands in a directory of mode 0700; this is the second lock on the door. */
static bool peer_allowed(const uv_pipe_t *pipe)
{
    int fd;
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (uv_fileno((const uv_handle_t *)pipe, &fd) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return false;
    return peer.uid == geteuid() || peer.uid == 0;
}

static void on_connection(uv_stream_t *server, int status)
{
    struct control *control = server->data;
    if (status != 0)
        return;
    struct client *c = xcalloc(1, sizeof *c);
    uv_pipe_init(&control->engine->loop, &c->pipe, 0);
    c->control = control;
    c->next = control->clients;
    control->clients = c;
    if (uv_accept(server, (uv_stream_t *)&c->pipe) != 0 || !peer_allowed(&c->pipe) ||
        uv_read_start((uv_stream_t *)&c->pipe, give_memory, on_read) != 0)
        client_close(c);
}

void control_answer_waiting(struct engine *g)
{
    for (struct client *c = g->control != NULL ? g->control->clients : NULL; c != NULL; c = c->next)
        if (c->waits_for != 0 && c->waits_for <= g->answered) {
            c->waits_for = 0;
            send_status(c);
        }
}

void control_answer_joined(struct engine *g)
{
    for (struct client *c = g->control != NULL ? g->control->clients : NULL; c != NULL; c = c->next)
        if (c->waits_joined) {
            c->waits_joined = false;
            send_status(c);
        }
}

/* ---- start and end ---- */

bool control_start(struct engine *g, struct err *e)
{
    struct sockaddr_un address;
    if (!control_address(g->o->sync->dir, &address, e))
        return false;
    struct control *control = xcalloc(1, sizeof *control);
    control->engine = g;
    control->listener = xcalloc(1, sizeof *control->listener);
    g->control = control;
    unlink(address.sun_path); /* of an engine that was killed: the lock file says that none runs */
    uv_pipe_init(&g->loop, control->listener, 0);
    control->listener->data = control;
    mode_t before = umask(0077);
    int r = uv_pipe_bind(control->listener, address.sun_path);
    umask(before);
    if (r == 0)
        r = uv_listen((uv_stream_t *)control->listener, 16, on_connection);
    return r == 0 || err_set(e, ERR_OS, "cannot listen on %s: %s", address.sun_path, uv_strerror(r));
}

static void listener_closed(uv_handle_t *handle)
{
    free(handle);
}

void control_close(struct engine *g)
{
    struct sockaddr_un address;
    struct err ignored; /* it could be said when the socket was made */
    if (g->control == NULL)
        return;
    while (g->control->clients != NULL)
        client_close(g->control->clients);
    uv_close((uv_handle_t *)g->control->listener, listener_closed);
    if (control_address(g->o->sync->dir, &address, &ignored))
        unlink(address.sun_path);
    free(g->control);
    g->control = NULL;
}
