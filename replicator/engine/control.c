/* The server behind DIR/control.sock: see include/repl/control.h for what is said. */
#include "repl/control.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control_private.h"
#include "state_watch.h"

/* UNSENT_MOST: what is kept for a client that does not read, and one answer more; UNREAD_MS: how long it may take none of it. */
enum {
    LONGEST_REQUEST = 4096,
    PATIENCE_MS = 5000,
    UNREAD_MS = 30000,
    CLIENTS_MOST = 512,
    UNSENT_MOST = 8 << 20
};

/* ---- the end of a connection ---- */

static bool has_room(const struct client *c)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&c->pipe) < UNSENT_MOST;
}

static bool has_unsent(const struct client *c)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&c->pipe) != 0;
}

static void client_closed(uv_handle_t *handle)
{
    struct client *c = handle->data;
    if (--c->handles != 0)
        return;
    buf_free(&c->in);
    free(c);
}

static void close_handles(struct client *c)
{
    if (uv_is_closing((uv_handle_t *)&c->pipe))
        return;
    c->handles = 2;
    uv_close((uv_handle_t *)&c->pipe, client_closed);
    uv_close((uv_handle_t *)&c->patience, client_closed);
}

/* ---- replies ---- */

static void patience_ends(uv_timer_t *timer);

struct reply {
    uv_write_t request;
    char *text;
};

static void reply_free(struct reply *r)
{
    free(r->text);
    free(r);
}

static void take_lines(struct client *c);
static void read_on(struct client *c);

/* Whether it went well makes no difference: a client that went away needs no answer. */
static void written(uv_write_t *request, int status)
{
    struct client *c = request->handle->data;
    reply_free((struct reply *)request);
    if (uv_is_closing((uv_handle_t *)&c->pipe))
        return;
    if (has_unsent(c) && !c->leaving)
        uv_timer_start(&c->patience, patience_ends, UNREAD_MS, 0);
    else if (!c->leaving)
        uv_timer_stop(&c->patience);
    else if (!has_unsent(c))
        close_handles(c);
    if (c->held && !c->leaving && status == 0 && has_room(c))
        read_on(c);
}

/* Takes the line, its end included. */
static void send_line(struct client *c, char *line)
{
    struct reply *r = xcalloc(1, sizeof *r);
    r->text = line;
    uv_buf_t b = uv_buf_init(r->text, (unsigned)strlen(r->text));
    if (uv_write(&r->request, (uv_stream_t *)&c->pipe, &b, 1, written) != 0)
        reply_free(r);
    else if (has_unsent(c) && !c->leaving && !uv_is_active((uv_handle_t *)&c->patience))
        uv_timer_start(&c->patience, patience_ends, UNREAD_MS, 0);
}

void control_send_status(struct client *c)
{
    struct status st;
    progress_status(c->control->engine, &st);
    char *text = status_to_json(&st, false);
    send_line(c, xasprintf("{\"ok\":true,\"status\":%s}\n", text));
    free(text);
    status_free(&st);
}

void control_send_error(struct client *c, const struct err *e)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddFalseToObject(json, "ok");
    cJSON *error = cJSON_AddObjectToObject(json, "error");
    cJSON_AddStringToObject(error, "kind", err_kind_name(e->kind));
    cJSON_AddStringToObject(error, "message", e->text);
    cJSON_AddStringToObject(error, "hint", e->hint);
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    send_line(c, xasprintf("%s\n", text));
    free(text);
}

/* ---- clients ---- */

static void client_close(struct client *c)
{
    for (struct client **p = &c->control->clients; *p != NULL; p = &(*p)->next)
        if (*p == c) {
            *p = c->next;
            break;
        }
    close_handles(c);
}

static void patience_ends(uv_timer_t *timer)
{
    struct client *c = timer->data;
    if (c->leaving)
        close_handles(c);
    else
        client_close(c);
}

/* The status of thousands of tables is more than a socket takes at once. */
static void client_leave(struct client *c)
{
    c->leaving = true;
    if (!has_unsent(c)) {
        client_close(c);
        return;
    }
    uv_read_stop((uv_stream_t *)&c->pipe);
    uv_timer_start(&c->patience, patience_ends, PATIENCE_MS, 0);
}

/* What a client asks for waits in its own hands while it does not take the answers. */
static void take_lines(struct client *c)
{
    char *end = c->in.len != 0 ? memchr(c->in.data, '\n', c->in.len) : NULL;
    for (; end != NULL && has_room(c); end = c->in.len != 0 ? memchr(c->in.data, '\n', c->in.len) : NULL) {
        size_t used = (size_t)(end - c->in.data) + 1;
        *end = '\0';
        cJSON *json = cJSON_Parse(c->in.data);
        control_command(c, json); /* NULL has no protocol, and is told so */
        cJSON_Delete(json);
        memmove(c->in.data, c->in.data + used, c->in.len - used + 1);
        c->in.len -= used;
    }
    c->held = !has_room(c);
    if (c->held)
        uv_read_stop((uv_stream_t *)&c->pipe);
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

static void read_on(struct client *c)
{
    c->held = false;
    if (uv_read_start((uv_stream_t *)&c->pipe, give_memory, on_read) == 0)
        take_lines(c);
    else
        client_close(c);
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
    size_t clients = 0;
    for (const struct client *other = control->clients; other != NULL; other = other->next)
        clients++;
    struct client *c = xcalloc(1, sizeof *c);
    uv_pipe_init(&control->engine->loop, &c->pipe, 0);
    uv_timer_init(&control->engine->loop, &c->patience);
    c->pipe.data = c->patience.data = c;
    c->control = control;
    c->next = control->clients;
    control->clients = c;
    if (uv_accept(server, (uv_stream_t *)&c->pipe) != 0 || !peer_allowed(&c->pipe) ||
        clients >= CLIENTS_MOST || uv_read_start((uv_stream_t *)&c->pipe, give_memory, on_read) != 0)
        client_close(c);
}

void control_answer_waiting(struct engine *g)
{
    for (struct client *c = g->control != NULL ? g->control->clients : NULL; c != NULL; c = c->next)
        if (c->waits_for != 0 && c->waits_for <= g->answered) {
            c->waits_for = 0;
            struct err e;
            if (follow_left_behind(g, &e))
                control_send_error(c, &e);
            else
                control_send_status(c);
        }
}

void control_answer_failed(struct engine *g, const struct err *failed)
{
    struct err told = *failed, *why = &told;
    if (told.table[0] != '\0')
        err_context(&told, "%s", told.table);
    if (told.side[0] != '\0')
        err_context(&told, "%s", told.side);
    err_hint(&told, "remove what the error names; repl status shows it");
    for (struct client *c = g->control != NULL ? g->control->clients : NULL; c != NULL; c = c->next)
        if (c->waits_for != 0) {
            c->waits_for = 0;
            control_send_error(c, why);
        }
}

void control_answer_joined(struct engine *g)
{
    for (struct client *c = g->control != NULL ? g->control->clients : NULL; c != NULL; c = c->next)
        if (c->waits_joined) {
            c->waits_joined = false;
            control_send_status(c);
        }
}

void control_added(struct engine *g, const struct err *e)
{
    for (struct client *c = g->control != NULL ? g->control->clients : NULL; c != NULL; c = c->next)
        if (c->waits_added) {
            c->waits_added = false;
            if (e != NULL)
                control_send_error(c, e);
            else
                control_send_status(c);
        }
}

/* ---- start and end ---- */

static bool listen_at(struct control *control, struct err *e)
{
    struct engine *g = control->engine;
    struct sockaddr_un address;
    if (!control_address(g->o->sync->dir, &address, e))
        return false;
    control->listener = xcalloc(1, sizeof *control->listener);
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

bool control_start(struct engine *g, struct err *e)
{
    g->control = xcalloc(1, sizeof *g->control);
    g->control->engine = g;
    return listen_at(g->control, e);
}

static void listener_closed(uv_handle_t *handle)
{
    free(handle);
}

bool control_is_there(struct engine *g)
{
    struct sockaddr_un address;
    struct err ignored;
    return control_address(g->o->sync->dir, &address, &ignored) && access(address.sun_path, F_OK) == 0;
}

bool control_listen_again(struct engine *g, struct err *e)
{
    if (g->control->listener != NULL)
        uv_close((uv_handle_t *)g->control->listener, listener_closed); /* unlinks its path */
    g->control->listener = NULL;
    return listen_at(g->control, e);
}

void control_close(struct engine *g)
{
    struct sockaddr_un address;
    struct err ignored; /* it could be said when the socket was made */
    if (g->control == NULL)
        return;
    for (struct client *c = g->control->clients, *next; c != NULL; c = next) {
        next = c->next;
        client_leave(c);
    }
    if (g->control->listener != NULL)
        uv_close((uv_handle_t *)g->control->listener, listener_closed);
    if (control_address(g->o->sync->dir, &address, &ignored))
        unlink(address.sun_path);
    free(g->control);
    g->control = NULL;
}
