/* The two outputs. */
#include "cmd.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "progress.h"
#include "repl/control.h"
#include "repl/engine.h"
#include "repl/version.h"

/* ---- text ---- */

static void text_status(const struct status *s, const struct status_view *v)
{
    struct buf b = {0};
    status_text(&b, s, v);
    fputs(buf_text(&b), stdout);
    buf_free(&b);
}

/* A screen that changes in place, where that can be; else one after the other. */
static void text_status_again(const struct status *s, const struct status_view *v)
{
    struct buf b = {0};
    status_text(&b, s, v);
    if (terminal_draws())
        terminal_frame(buf_text(&b));
    else
        printf("%s\n", buf_text(&b));
    buf_free(&b);
}

void put_line(FILE *to, const char *fmt, ...)
{
    va_list ap;
    char *text = NULL;
    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n < 0)
        abort(); /* out of memory */
    char *shown = str_visible_copy(text);
    fprintf(to, "%s\n", shown);
    free(shown);
    free(text);
}

static void text_preflight(const struct preflight *p, bool all)
{
    struct buf b = {0};
    const struct check_view v = {.all = all, .columns = terminal_columns(), .color = terminal_color()};
    preflight_text(&b, p, &v);
    fputs(buf_text(&b), stdout);
    buf_free(&b);
}

static void text_event(const struct state_event *ev)
{
    put_line(stdout, "%s %-5s %s%s%s", ev->at, ev->level, ev->table != NULL ? ev->table : "",
             ev->table != NULL ? ": " : "", ev->message);
    if (ev->hint != NULL)
        put_line(stdout, "%25s       hint: %s", "", ev->hint);
}

static void text_verify(const struct verify_report *r, bool all)
{
    struct buf b = {0};
    verify_text(&b, r, all);
    fputs(buf_text(&b), stdout);
    buf_free(&b);
}

static void text_version(void)
{
    printf("repl %s\n", REPL_VERSION);
}

static void text_error(const struct err *e, bool printed)
{
    (void)printed;
    bool side = e->side[0] != '\0' && strstr(e->text, e->side) == NULL;
    bool table = e->table[0] != '\0' && strstr(e->text, e->table) == NULL;
    put_line(stderr, "repl: %s%s%s%s%s%s%s%s", side ? e->side : "", side ? ": " : "", table ? e->table : "",
             table ? ": " : "", e->text, e->sqlstate[0] != '\0' ? " (SQLSTATE " : "", e->sqlstate,
             e->sqlstate[0] != '\0' ? ")" : "");
    if (e->hint[0] != '\0')
        put_line(stderr, "hint: %s", e->hint);
}

const struct output output_text = {
    .is_text = true,
    .shows_sides = true,
    .status = text_status,
    .status_again = text_status_again,
    .preflight = text_preflight,
    .event = text_event,
    .verify = text_verify,
    .version = text_version,
    .error = text_error,
};

/* ---- JSON ---- */

static void print_json(cJSON *o, bool pretty)
{
    char *text = pretty ? cJSON_Print(o) : cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    if (text == NULL)
        abort(); /* out of memory */
    puts(text);
    free(text);
}

static void add_text(cJSON *o, const char *key, const char *value)
{
    if (value != NULL && value[0] != '\0')
        cJSON_AddStringToObject(o, key, value);
    else
        cJSON_AddNullToObject(o, key);
}

static void json_status(const struct status *s, const struct status_view *v)
{
    (void)v;
    char *text = status_to_json(s, true);
    puts(text);
    free(text);
}

static void json_status_again(const struct status *s, const struct status_view *v)
{
    (void)v;
    char *text = status_to_json(s, false);
    puts(text);
    free(text);
}

/* A line an event, so that a program can follow. */
static void json_event(const struct state_event *ev)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "id", (double)ev->id);
    add_text(o, "at", ev->at);
    add_text(o, "level", ev->level);
    add_text(o, "table", ev->table);
    add_text(o, "message", ev->message);
    add_text(o, "hint", ev->hint);
    print_json(o, false);
}

static void json_verify(const struct verify_report *r, bool all)
{
    (void)all;
    verify_json(r);
}

static void json_version(void)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "version", REPL_VERSION);
    cJSON_AddNumberToObject(o, "control_protocol", CONTROL_PROTOCOL);
    cJSON_AddNumberToObject(o, "schema_version", REPL_SCHEMA_VERSION);
    print_json(o, true);
}

static void json_error(const struct err *e, bool printed)
{
    text_error(e, printed);
    if (printed)
        return;
    cJSON *root = cJSON_CreateObject();
    cJSON *o = cJSON_AddObjectToObject(root, "error");
    cJSON_AddStringToObject(o, "kind", err_kind_name(e->kind));
    cJSON_AddStringToObject(o, "message", e->text);
    add_text(o, "hint", e->hint);
    add_text(o, "side", e->side);
    add_text(o, "table", e->table);
    add_text(o, "sqlstate", e->sqlstate);
    print_json(root, true);
}

const struct output output_json = {
    .status = json_status,
    .status_again = json_status_again,
    .preflight = preflight_json,
    .event = json_event,
    .verify = json_verify,
    .version = json_version,
    .error = json_error,
};
