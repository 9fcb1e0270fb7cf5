/* Room for repl on each server: connections, and slots of the shared lock table. */
#include <string.h>

#include "preflight.h"
#include "repl/embedded.h"

/* Beside the workers: the guard, and a command such as status or cleanup. */
enum { BESIDE_WORKERS = 2 };

/* Fewer than this left for the application is worth a word. */
enum { MARGIN = 3 };

/* What a table takes in the lock table beside itself and its indexes, where a batch has rows for every table: its two
 * deltas on the source, its stage with index and TOAST on the target. */
static const int64_t locks_a_table[] = {[SIDE_SOURCE] = 2, [SIDE_TARGET] = 4};

/* ---- connections ---- */

int64_t seats_free(const struct seats *s, const char **limit, int64_t *of)
{
    int64_t free_seats = s->open - s->used;
    *limit = "max_connections";
    *of = s->open;
    if (s->role_limit >= 0 && s->role_limit - s->used_role < free_seats) {
        free_seats = s->role_limit - s->used_role;
        *limit = "the role's CONNECTION LIMIT";
        *of = s->role_limit;
    }
    if (s->db_limit >= 0 && s->db_limit - s->used_db < free_seats) {
        free_seats = s->db_limit - s->used_db;
        *limit = "the database's CONNECTION LIMIT";
        *of = s->db_limit;
    }
    return free_seats > 0 ? free_seats : 0;
}

/* On the target one more asks how index builds get on. A fork has no guard. */
static int seats_needed(enum side side, int jobs)
{
    return jobs + (side == SIDE_FORK ? 1 : BESIDE_WORKERS + (side == SIDE_TARGET));
}

static void judge_seats(struct look *l, enum side side, const struct seats *s)
{
    const char *limit;
    int64_t of, left = seats_free(s, &limit, &of);
    int need = seats_needed(side, l->s->jobs), jobs = l->s->jobs;
    while (jobs > 1 && seats_needed(side, jobs) > left)
        jobs--;
    char *text =
        arena_printf(l->a, "%lld of %lld connections are free (%s), and repl takes up to %d with --jobs %d",
                     (long long)left, (long long)of, limit, need, l->s->jobs);
    const char *fewer = seats_needed(side, jobs) <= left
                            ? arena_printf(l->a, "give --jobs %d, or free some: ", jobs)
                            : "free some: ";
    char *hint =
        arena_printf(l->a,
                     "%send idle sessions (Heroku: heroku pg:killall, fewer dynos; a larger plan has more), "
                     "or raise the limit",
                     fewer);
    if (left < need)
        look_add(l, FINDING_BLOCKER, "connections", side_name(side), "", text, hint);
    else if (left < need + MARGIN)
        look_add(l, FINDING_WARNING, "connections", side_name(side), "",
                 arena_printf(l->a, "%s: hardly any are left for the application", text), hint);
    else
        look_add(l, FINDING_OK, "connections", side_name(side), "", text, NULL);
}

static bool ask_seats(struct conn *c, struct seats *out, struct err *e)
{
    struct result *r;
    if (!pg_query_filled(c, sql_check_connections, (const struct sql_var[]){{NULL, NULL}}, &r, e))
        return false;
    *out = (struct seats){.open = result_int(r, 0, 0),
                          .role_limit = result_int(r, 0, 1),
                          .db_limit = result_int(r, 0, 2),
                          .used = result_int(r, 0, 3),
                          .used_role = result_int(r, 0, 4),
                          .used_db = result_int(r, 0, 5)};
    result_free(r);
    return true;
}

bool look_at_seats(struct look *l, struct conn *c, struct err *e)
{
    struct seats s;
    if (!ask_seats(c, &s, e))
        return false;
    judge_seats(l, conn_side(c), &s);
    return true;
}

bool connections_for_repl(struct conn *c, int64_t *out, struct err *e)
{
    struct seats s;
    const char *limit;
    int64_t of;
    if (!ask_seats(c, &s, e))
        return false;
    *out = seats_free(&s, &limit, &of);
    return true;
}

bool step_connections(struct look *l, enum side side, struct err *e)
{
    return look_at_seats(l, look_conn(l, side), e);
}

/* ---- locks ---- */

/* The most that one transaction of repl may lock. */
static int64_t locks_needed(const struct look *l, enum side side)
{
    return l->sizes.heaps + l->sizes.nindexes + (int64_t)l->tables.count * locks_a_table[side];
}

/* What pg_dump locks is certain: every table and partition, for as long as it runs. */
static enum finding_level locks_level(const struct look *l, enum side side, int64_t slots, int64_t used)
{
    if (side == SIDE_SOURCE && !l->s->no_schema && l->sizes.heaps + used > slots)
        return FINDING_BLOCKER;
    return locks_needed(l, side) + used > slots / 2 ? FINDING_WARNING : FINDING_OK;
}

bool step_locks(struct look *l, enum side side, struct err *e)
{
    struct result *r;
    if (!l->sizes.known) /* the source did not answer, and that was said */
        return true;
    if (!pg_query_filled(look_conn(l, side), sql_check_locks, (const struct sql_var[]){{NULL, NULL}}, &r, e))
        return false;
    int64_t slots = result_int(r, 0, 0), a_session = result_int(r, 0, 1), used = result_int(r, 0, 2);
    result_free(r);
    if (a_session <= 0 || slots < a_session) {
        err_set(e, ERR_SQL, "the %s says that it has room for %lld locks, %lld a session", side_name(side),
                (long long)slots, (long long)a_session);
        return false;
    }
    int64_t need = locks_needed(l, side), sessions = slots / a_session;
    int64_t better = (need * 2 + used) / sessions + 1;
    char *text = arena_printf(l->a,
                              "room for %lld locks (max_locks_per_transaction %lld, %lld in use); at worst "
                              "%lld are needed at once for %zu "
                              "tables",
                              (long long)slots, (long long)a_session, (long long)used, (long long)need,
                              l->tables.count);
    char *hint =
        arena_printf(l->a,
                     "max_locks_per_transaction = %lld and a restart (RDS: in the parameter group), or "
                     "migrate in parts with --tables and --schema",
                     (long long)(better < 64 ? 64 : better));
    enum finding_level level = locks_level(l, side, slots, used);
    look_add(l, level, "locks", side_name(side), "", text, level == FINDING_OK ? NULL : hint);
    return true;
}
