/* The writers in flight when the fence came up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cutover_private.h"

/* How often they are looked at. */
enum { LOOK_MS = 5 };

static const struct writer *still_there(const struct writer *known, size_t n, const struct writer *now,
                                        size_t nnow)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < nnow; k++)
            if (strcmp(known[i].transaction, now[k].transaction) == 0)
                return &now[k];
    return NULL;
}

static bool end_writers(struct cutover *c, const struct writer *known, size_t n, const struct writer *now,
                        size_t nnow, struct err *e)
{
    for (size_t i = 0; i < nnow; i++) {
        struct result *r;
        char pid[16];
        const struct writer *w = still_there(known, n, &now[i], 1);
        if (w == NULL || w->pid == 0)
            continue;
        snprintf(pid, sizeof pid, "%d", w->pid);
        const char *const parameters[] = {pid};
        if (!pg_query(c->source, "SELECT pg_catalog.pg_terminate_backend($1::int)", 1, parameters, &r, e)) {
            err_context(e, "ending the session of %s (pid %d)", w->who, w->pid);
            return err_hint(e, "GRANT pg_signal_backend TO the role of --source, or end it yourself");
        }
        result_free(r);
        cutover_say(c, "ended: %s (pid %d), which had been writing %s for %.1f s", w->who, w->pid, w->table,
                    w->seconds);
    }
    return true;
}

static bool name_writer(const struct writer *w, struct err *e)
{
    struct err why = *e;
    if (e->kind != ERR_NOT_YET)
        return false;
    err_set(e, ERR_NOT_YET, "%s: %s (pid %d, %s) still holds %s", why.text, w->who, w->pid, w->state,
            w->table);
    return err_hint(e, "end it, or let repl end such sessions: repl cutover --terminate");
}

/* Those that held a lock for writing when the fence had come up; who comes later meets the fence. */
bool cutover_await_writers(struct cutover *c, struct err *e)
{
    struct writer *known, *now;
    size_t n, nnow;
    uint64_t began = clock_us();
    bool ended = false;
    if (!capture_writers(c->source, &c->capture, c->a, &known, &n, e))
        return false;
    for (;;) {
        struct arena *a = arena_new();
        bool ok = capture_writers(c->source, &c->capture, a, &now, &nnow, e);
        const struct writer *left = ok ? still_there(known, n, now, nnow) : NULL;
        if (left != NULL && c->o->terminate && !ended && cutover_seconds_since(began) * 1000 > GRACE_MS) {
            ok = end_writers(c, known, n, now, nnow, e);
            ended = true;
        }
        if (ok && left != NULL && cutover_time_is_up(c, e))
            ok = name_writer(left, e);
        arena_free(a);
        if (!ok || left == NULL) {
            c->times.writers = cutover_seconds_since(began);
            return ok && (cutover_say(c, "writers in flight: %zu, the last ended after %.2f s", n,
                                      c->times.writers),
                          true);
        }
        clock_sleep_ms(LOOK_MS);
    }
}
