/* The cutover's states as one table. docs/cutover.md is drawn from it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "repl/embedded.h"
#include "repl/fence.h"

static const struct transition {
    enum cutover_state from;
    enum cutover_event event;
    enum cutover_state to;
    const char *comment;
} transitions[] = {
    {CUTOVER_NONE, CUTOVER_BEGIN, CUTOVER_FENCING, "repl cutover has asked, and begins"},
    {CUTOVER_ABORTED, CUTOVER_BEGIN, CUTOVER_FENCING, "another attempt"},
    {CUTOVER_FENCING, CUTOVER_BEGIN, CUTOVER_FENCING, "the command was killed; the next one begins again"},
    {CUTOVER_FENCED, CUTOVER_BEGIN, CUTOVER_FENCING, "the command was killed; the next one begins again"},
    {CUTOVER_DRAINED, CUTOVER_BEGIN, CUTOVER_FENCING, "the command was killed; the next one begins again"},
    {CUTOVER_FENCING, CUTOVER_UP, CUTOVER_FENCED,
     "writes are refused, under a lease that the command renews"},
    {CUTOVER_FENCED, CUTOVER_DRAIN, CUTOVER_DRAINED, "everything is on the other side, and was checked"},
    {CUTOVER_DRAINED, CUTOVER_SWITCH, CUTOVER_SWITCHING,
     "the application is being switched; the fence is permanent"},
    {CUTOVER_SWITCHING, CUTOVER_RESUME, CUTOVER_SWITCHING,
     "repl cutover --resume: the command is run again, or the switch is marked as made"},
    {CUTOVER_SWITCHING, CUTOVER_DONE, CUTOVER_COMPLETE, "the application writes on the other side"},
    {CUTOVER_FENCING, CUTOVER_GIVE_UP, CUTOVER_ABORTED, "a step failed, Ctrl-C, --timeout"},
    {CUTOVER_FENCED, CUTOVER_GIVE_UP, CUTOVER_ABORTED, "a step failed, Ctrl-C, --timeout"},
    {CUTOVER_DRAINED, CUTOVER_GIVE_UP, CUTOVER_ABORTED, "a step failed, Ctrl-C, --timeout"},
    {CUTOVER_SWITCHING, CUTOVER_GIVE_UP, CUTOVER_ABORTED, "the command failed, with --exec-failure=lift"},
    {CUTOVER_FENCING, CUTOVER_LAPSE, CUTOVER_ABORTED, "nobody renewed the lease"},
    {CUTOVER_FENCED, CUTOVER_LAPSE, CUTOVER_ABORTED, "nobody renewed the lease"},
    {CUTOVER_DRAINED, CUTOVER_LAPSE, CUTOVER_ABORTED, "nobody renewed the lease"},
    {CUTOVER_SWITCHING, CUTOVER_LAPSE, CUTOVER_ABORTED,
     "the lease was over before the fence stood for good: the switch did not begin"},
    {CUTOVER_FENCING, CUTOVER_ABORT, CUTOVER_ABORTED, "repl cutover --abort"},
    {CUTOVER_FENCED, CUTOVER_ABORT, CUTOVER_ABORTED, "repl cutover --abort"},
    {CUTOVER_DRAINED, CUTOVER_ABORT, CUTOVER_ABORTED, "repl cutover --abort"},
    {CUTOVER_SWITCHING, CUTOVER_ABORT, CUTOVER_ABORTED,
     "repl cutover --abort: the application was not switched"},
    {CUTOVER_COMPLETE, CUTOVER_ABORT, CUTOVER_ABORTED,
     "repl cutover --abort: what was written on the other side stays there"},
    {CUTOVER_NONE, CUTOVER_RESERVE, CUTOVER_RESERVED, "a way back is prepared: the target is fenced"},
    {CUTOVER_ABORTED, CUTOVER_RESERVE, CUTOVER_RESERVED, "a way back is prepared: the target is fenced"},
    {CUTOVER_RESERVED, CUTOVER_TURN, CUTOVER_NONE, "--fallback: the switch is made, the target takes writes"},
    {CUTOVER_COMPLETE, CUTOVER_TURN, CUTOVER_NONE,
     "--back, and --fallback again: the application returns to this side"},
    {CUTOVER_NONE, CUTOVER_CLEAN, CUTOVER_CLEANED, "repl cleanup"},
    {CUTOVER_FENCING, CUTOVER_CLEAN, CUTOVER_CLEANED, "repl cleanup"},
    {CUTOVER_FENCED, CUTOVER_CLEAN, CUTOVER_CLEANED, "repl cleanup"},
    {CUTOVER_DRAINED, CUTOVER_CLEAN, CUTOVER_CLEANED, "repl cleanup"},
    {CUTOVER_SWITCHING, CUTOVER_CLEAN, CUTOVER_CLEANED,
     "repl cleanup, by --reopen-source or --keep-source-read-only"},
    {CUTOVER_COMPLETE, CUTOVER_CLEAN, CUTOVER_CLEANED,
     "repl cleanup, by --reopen-source or --keep-source-read-only"},
    {CUTOVER_ABORTED, CUTOVER_CLEAN, CUTOVER_CLEANED, "repl cleanup"},
    {CUTOVER_RESERVED, CUTOVER_CLEAN, CUTOVER_CLEANED, "repl cleanup"},
};

enum { TRANSITIONS = sizeof transitions / sizeof *transitions };

static const char *const state_names[] = {
    [CUTOVER_NONE] = "none",       [CUTOVER_FENCING] = "fencing",     [CUTOVER_FENCED] = "fenced",
    [CUTOVER_DRAINED] = "drained", [CUTOVER_SWITCHING] = "switching", [CUTOVER_COMPLETE] = "complete",
    [CUTOVER_ABORTED] = "aborted", [CUTOVER_RESERVED] = "reserved",   [CUTOVER_CLEANED] = "cleaned",
};

static const char *const event_names[] = {
    [CUTOVER_BEGIN] = "begin",     [CUTOVER_UP] = "up",         [CUTOVER_DRAIN] = "drain",
    [CUTOVER_SWITCH] = "switch",   [CUTOVER_RESUME] = "resume", [CUTOVER_DONE] = "done",
    [CUTOVER_GIVE_UP] = "give up", [CUTOVER_LAPSE] = "lapse",   [CUTOVER_ABORT] = "abort",
    [CUTOVER_RESERVE] = "reserve", [CUTOVER_TURN] = "turn",     [CUTOVER_CLEAN] = "clean",
};

const char *cutover_state_name(enum cutover_state s)
{
    return state_names[s];
}

enum cutover_state cutover_leads_to(enum cutover_event event)
{
    for (size_t i = 0; i < TRANSITIONS; i++)
        if (transitions[i].event == event)
            return transitions[i].to;
    abort(); /* an event without a row */
}

bool cutover_row(unsigned index, struct cutover_row *out)
{
    if (index >= TRANSITIONS)
        return false;
    const struct transition *t = &transitions[index];
    *out = (struct cutover_row){state_names[t->from], event_names[t->event], state_names[t->to], t->comment};
    return true;
}

bool cutover_under_way(enum cutover_state s)
{
    return s == CUTOVER_FENCING || s == CUTOVER_FENCED || s == CUTOVER_DRAINED || s == CUTOVER_SWITCHING;
}

/* ---- reading ---- */

bool cutover_state_parse(const char *name, enum cutover_state *out, struct err *e)
{
    for (size_t i = 0; i < sizeof state_names / sizeof *state_names; i++)
        if (strcmp(state_names[i], name) == 0) {
            *out = (enum cutover_state)i;
            return true;
        }
    return err_set(e, ERR_CONFIG, "the cutover is in state %s, which this repl does not know", name);
}

bool fence_read(struct conn *db, const struct capture *c, struct arena *a, struct cutover_now *out,
                struct err *e)
{
    struct result *r;
    *out = (struct cutover_now){.since = "", .fenced_at = "", .why = "", .mark = ""};
    if (c->sync_id[0] == '\0')
        return true;
    if (!pg_query_filled(db, sql_capture_cutover_now,
                         (const struct sql_var[]){{"schema", c->schema}, {NULL, NULL}}, &r, e))
        return err_context(e, "reading the state of the cutover");
    bool ok = result_rows(r) == 1 ? cutover_state_parse(result_text(r, 0, 0), &out->state, e)
                                  : err_set(e, ERR_CONFIG, "schema %s has no state of a cutover", c->schema);
    if (ok) {
        out->since = arena_strdup(a, result_text(r, 0, 1));
        out->attempt = result_int(r, 0, 2);
        out->fenced_at = arena_strdup(a, result_text(r, 0, 3));
        out->why = arena_strdup(a, result_text(r, 0, 4));
        out->mark = arena_strdup(a, result_text(r, 0, 5));
        out->closed = result_bool(r, 0, 6);
        out->sealed = result_bool(r, 0, 7);
        out->left_ms = result_int(r, 0, 9);
        out->alive = result_bool(r, 0, 10);
        out->pid = (int)result_int(r, 0, 11);
        out->covered = result_bool(r, 0, 12);
        /* The lease ended, or a write went through while it was over and was renewed. */
        out->lapsed =
            cutover_under_way(out->state) && (result_bool(r, 0, 8) || (!out->sealed && out->left_ms == 0));
    }
    result_free(r);
    return ok;
}

bool capture_fenced(struct conn *db, const struct capture *c, bool *fenced, struct err *e)
{
    struct arena *a = arena_new();
    struct cutover_now now;
    bool ok = fence_read(db, c, a, &now, e);
    arena_free(a);
    *fenced = ok && now.closed;
    return ok;
}

/* ---- moving ---- */

/* "{none,aborted}" */
static const char *froms_of(struct arena *a, enum cutover_event event)
{
    struct buf b = {0};
    for (size_t i = 0; i < TRANSITIONS; i++) {
        if (transitions[i].event != event)
            continue;
        buf_printf(&b, "%s%s", b.len == 0 ? "{" : ",", state_names[transitions[i].from]);
    }
    buf_puts(&b, "}");
    return buf_take(a, &b);
}

static bool ask(struct conn *db, const char *sql, int n, const char *const *params, bool *null,
                int64_t *value, struct err *e)
{
    struct result *r;
    if (!pg_query(db, sql, n, params, &r, e))
        return false;
    *null = result_null(r, 0, 0);
    *value = result_text(r, 0, 0)[0] == 't' ? 1 : result_int(r, 0, 0);
    result_free(r);
    return true;
}

/* Behind a commit that took the fence out of the functions: the sequence says so, too. */
static bool open_up(struct conn *db, const struct capture *c, struct arena *a, struct err *e)
{
    bool null;
    int64_t ignored;
    return ask(db, arena_printf(a, "SELECT %s()", name_of(a, c, "open_fence")), 0, NULL, &null, &ignored, e);
}

bool fence_move(struct conn *db, const struct capture *c, enum cutover_event event,
                const struct fence_move *how, int64_t *attempt, bool *moved, struct err *e)
{
    struct arena *a = arena_new();
    const enum cutover_state to = cutover_leads_to(event);
    bool null = true;
    int64_t now = 0;
    const char *froms = froms_of(a, event);
    const char *const params[] = {how->attempt != 0 ? arena_printf(a, "%lld", (long long)how->attempt) : NULL,
                                  froms,
                                  state_names[to],
                                  how->reason,
                                  how->mark,
                                  arena_printf(a, "%u", how->lease_ms)};
    const char *sql =
        arena_printf(a, "SELECT %s($1::bigint, $2::text[], $3::text, $4::text, $5::text, $6::bigint)",
                     name_of(a, c, "move_cutover"));
    bool ok = ask(db, sql, 6, params, &null, &now, e);
    *moved = ok && !null;
    if (attempt != NULL && *moved)
        *attempt = now;
    ok = ok && (null || (to != CUTOVER_NONE && to != CUTOVER_ABORTED) || open_up(db, c, a, e));
    arena_free(a);
    return ok || err_context(e, "the cutover's state on the %s", side_name(conn_side(db)));
}

bool fence_renew(struct conn *db, const struct capture *c, int64_t attempt, unsigned lease_ms, bool *holds,
                 struct err *e)
{
    struct arena *a = arena_new();
    bool null;
    int64_t held = 0;
    const char *const params[] = {arena_printf(a, "%lld", (long long)attempt),
                                  arena_printf(a, "%u", lease_ms)};
    bool ok = ask(db, arena_printf(a, "SELECT %s($1::bigint, $2::bigint)", name_of(a, c, "renew_fence")), 2,
                  params, &null, &held, e);
    arena_free(a);
    *holds = held != 0;
    return ok || err_context(e, "renewing the lease of the fence");
}

bool fence_seal(struct conn *db, const struct capture *c, int64_t attempt, bool *holds, struct err *e)
{
    struct arena *a = arena_new();
    bool null;
    int64_t held = 0;
    const char *const params[] = {arena_printf(a, "%lld", (long long)attempt)};
    bool ok = ask(db, arena_printf(a, "SELECT %s($1::bigint)", name_of(a, c, "seal_fence")), 1, params, &null,
                  &held, e);
    arena_free(a);
    *holds = held != 0;
    return ok || err_context(e, "making the fence stand for good");
}

bool fence_tidy(struct conn *db, const struct capture *c, const struct cutover_now *now, bool *lifted,
                struct err *e)
{
    bool done = false;
    bool ok = true;
    if (now->lapsed) {
        const struct fence_move how = {.attempt = now->attempt, .reason = "its lease was over"};
        ok = fence_move(db, c, CUTOVER_LAPSE, &how, NULL, &done, e);
    } else if (now->covered && (now->state == CUTOVER_NONE || now->state == CUTOVER_ABORTED)) {
        struct arena *a = arena_new();
        bool null;
        int64_t n = 0;
        ok = ask(db, arena_printf(a, "SELECT %s()", name_of(a, c, "take_down_fence")), 0, NULL, &null, &n, e);
        arena_free(a);
        done = n != 0;
    }
    if (lifted != NULL)
        *lifted = ok && done;
    return ok;
}

bool fence_extend(struct conn *db, const struct capture *c, int64_t *functions, struct err *e)
{
    struct arena *a = arena_new();
    bool null;
    bool ok =
        ask(db, arena_printf(a, "SELECT %s()", name_of(a, c, "put_up_fence")), 0, NULL, &null, functions, e);
    arena_free(a);
    return ok || err_context(e, "switching writes to the %s off", side_name(conn_side(db)));
}
