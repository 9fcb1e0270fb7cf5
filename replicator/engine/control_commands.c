/* The commands of the control socket, one function each. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "control_private.h"
#include "drift.h"
#include "repl/control.h"
#include "repl/log.h"
#include "state_watch.h"

static const struct relation *find_table(const struct engine *g, const char *label, struct err *e)
{
    const struct relations none = {0};
    struct relation *found = NULL;
    return relations_named(g->world != NULL ? &g->world->relations : &none, label, &found, e) ? found : NULL;
}

bool control_remember_paused(struct engine *g, struct err *e)
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

static void pause_or_resume(struct client *c, const cJSON *json, bool pause)
{
    struct engine *g = c->control->engine;
    struct err e;
    int id = 0;
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(json, "table");
    const char *table = cJSON_GetStringValue(given);
    if (given != NULL && table == NULL) { /* taken for none it would be all of them */
        err_set(&e, ERR_USAGE, "table is a text: schema.name; without it, all tables are meant");
        control_send_error(c, &e);
        return;
    }
    if (table != NULL) {
        const struct relation *r = find_table(g, table, &e);
        if (r == NULL) {
            control_send_error(c, &e);
            return;
        }
        if (pause && g->o->sync->back) {
            err_set(&e, ERR_CONFIG, "on the way back all tables come together, for the sake of foreign keys");
            err_hint(&e, "repl pause, without a table");
            control_send_error(c, &e);
            return;
        }
        id = r->id;
        table = r->label;
        leave_out(g, id, pause);
    } else {
        g->paused = pause;
    }
    engine_say(g, LOG_INFO, NULL, "%s%s%s", pause ? "paused" : "resumed", table != NULL ? ": " : "",
               table != NULL ? table : "");
    bool kept = state_watch_result(g, control_remember_paused(g, &e), &e);
    if (pause) {
        copy_hold(g, id);
    } else {
        copy_let_go(g);
        engine_go_on(g);
    }
    if (kept) {
        control_send_status(c);
        return;
    }
    err_context(&e, pause ? "it is paused, but not recorded, and the next engine will not be"
                          : "it goes on, but that is not recorded, and the next engine will pause");
    control_send_error(c, &e);
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
        control_send_error(c, &e);
    else if (g->joining != 0)
        c->waits_joined = true;
    else
        control_send_status(c);
}

static void add(struct client *c, const cJSON *json)
{
    struct err e;
    const char *table = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "table"));
    if (table == NULL) {
        err_set(&e, ERR_USAGE, "add: which table?");
        control_send_error(c, &e);
    } else if (!add_table(c->control->engine, table, &e)) {
        control_send_error(c, &e);
    } else {
        c->waits_added = true;
    }
}

static void kick(struct client *c, bool wait)
{
    struct engine *g = c->control->engine;
    struct err e;
    uint64_t request = follow_request(g);
    if (!wait) {
        control_send_status(c);
    } else if (g->paused) {
        err_set(&e, ERR_NOT_YET, "the engine is paused");
        err_hint(&e, "repl resume");
        control_send_error(c, &e);
    } else {
        c->waits_for = request;
    }
}

static const char *text_of(const cJSON *json, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));
}

/* A cutover tells what it has done at the source; the next look would find it there. */
static void fence(struct client *c, const cJSON *json, bool up)
{
    fence_told(c->control->engine, up, text_of(json, "state"));
    control_send_status(c);
}

/* Who asks for the stop waits for the end of the process, not of the loop: this copy of the connection is closed by
 * the exit, so that a start right after a stop finds no engine. */
static void hold_until_exit(struct client *c)
{
    uv_os_fd_t fd;
    if (uv_fileno((uv_handle_t *)&c->pipe, &fd) == 0 && fcntl(fd, F_DUPFD_CLOEXEC, 0) < 0)
        log_line(LOG_DEBUG, "a connection could not be kept: %s", strerror(errno));
}

static void do_status(struct client *c, const cJSON *json)
{
    (void)json;
    control_send_status(c);
}

static void do_kick(struct client *c, const cJSON *json)
{
    kick(c, cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "wait")));
}

static void do_pause(struct client *c, const cJSON *json)
{
    pause_or_resume(c, json, true);
}

static void do_resume(struct client *c, const cJSON *json)
{
    pause_or_resume(c, json, false);
}

static void do_fence(struct client *c, const cJSON *json)
{
    fence(c, json, true);
}

static void do_lift(struct client *c, const cJSON *json)
{
    fence(c, json, false);
}

/* A cutover has turned the changes around: whoever runs the engine runs it again, the other way. */
static void do_turn(struct client *c, const cJSON *json)
{
    struct engine *g = c->control->engine;
    struct err e;
    (void)json;
    if (g->o->turned == NULL) {
        err_set(&e, ERR_CONFLICT, "this engine ends by itself and does not turn around");
        control_send_error(c, &e);
        return;
    }
    *g->o->turned = true;
    control_send_status(c);
    engine_stop(g, INTERRUPT_SOON);
}

static void do_stop(struct client *c, const cJSON *json)
{
    (void)json;
    struct engine *g = c->control->engine;
    control_send_status(c);
    hold_until_exit(c);
    /* As with signals: the first asks, the second insists. */
    engine_stop(g, g->stopping ? INTERRUPT_NOW : INTERRUPT_SOON);
}

static const struct {
    const char *name;
    void (*run)(struct client *c, const cJSON *json);
} commands[] = {{"status", do_status}, {"kick", do_kick}, {"pause", do_pause}, {"resume", do_resume},
                {"add", add},          {"set", set},      {"fence", do_fence}, {"lift", do_lift},
                {"turn", do_turn},     {"stop", do_stop}};

void control_command(struct client *c, const cJSON *json)
{
    struct err e;
    struct buf names = {0};
    const char *command = text_of(json, "command");
    const cJSON *protocol = cJSON_GetObjectItemCaseSensitive(json, "protocol");
    if (!cJSON_IsNumber(protocol) || protocol->valueint != CONTROL_PROTOCOL) {
        err_set(&e, ERR_CONFIG, "this engine speaks protocol %d", CONTROL_PROTOCOL);
        err_hint(&e, "use the repl that started it, or restart it: repl stop, then repl start");
        control_send_error(c, &e);
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
    control_send_error(c, &e);
    buf_free(&names);
}
