#include <stdio.h>

#include "cmd.h"
#include "repl/clock.h"

enum { DEFAULT_LINES = 20, MAX_LINES = 10000, LOOK_EVERY_MS = 300 };

static const struct option_spec options[] = {
    {"lines", required_argument, 'n', "N", "the newest N lines (20)"},
    {"follow", no_argument, 'f', NULL, "go on with new lines as they come"},
    {"json", no_argument, 0, NULL, "one JSON object a line"},
    {NULL, 0, 0, NULL, NULL},
};

/* *last becomes the id of the newest line shown. */
static bool show(struct context *c, int limit, int64_t *last, struct err *e)
{
    struct state_event *events;
    size_t n;
    if (!state_log_read(c->state, *last, limit, false, &events, &n, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        c->out->event(&events[i]);
        *last = events[i].id;
    }
    state_events_free(events, n);
    c->printed = c->printed || n > 0;
    return true;
}

static bool exec(struct context *c, struct err *e)
{
    long long lines;
    int64_t last = 0;
    if (!args_int(&c->args, "lines", 1, MAX_LINES, DEFAULT_LINES, &lines, e) || !context_open(c, e) ||
        !show(c, (int)lines, &last, e))
        return false;
    while (args_has(&c->args, "follow")) {
        if (fflush(stdout) != 0)
            return err_set(e, ERR_OS, "standard output cannot be written");
        clock_sleep_ms(LOOK_EVERY_MS);
        if (!show(c, MAX_LINES, &last, e))
            return false;
    }
    return true;
}

const struct cmd cmd_log = {
    .name = "log",
    .args = "",
    .text = "Show what happened: errors, retries, phases",
    .detail =
        "Kept in the state directory, the newest 10,000 lines. What a detached engine wrote to its standard\n"
        "error is in DIR/repl.log.",
    .options = options,
    .exec = exec};
