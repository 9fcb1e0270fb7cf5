/* What the files of the engine share: the engine itself. All of it belongs to the loop thread, except where a job in
 * flight has been handed a part. */
#ifndef REPL_ENGINE_PRIVATE_H
#define REPL_ENGINE_PRIVATE_H

#include <uv.h>

#include "forecast.h"
#include "jobs.h"
#include "phase.h"
#include "repl/clock.h"
#include "repl/engine.h"
#include "repl/log.h"
#include "settings.h"

struct control; /* control.c */
struct catchup; /* catchup.c */
struct finish;  /* finish.c */
struct aside;   /* drift.c */
struct hold;    /* held.c */
struct watched; /* watched.c */

/* How far the copy has come: chunks that wait, and those under way. */
struct copy_plan {
    struct table_plan *tables; /* one a relation of the world, in the order of the copy */
    size_t ntables;
    size_t *places;           /* of each relation of the world: where in tables */
    size_t open;              /* tables that are not copied yet */
    struct plan_task **plans; /* kept, since chunks refer to them */
    size_t nplans;
};

/* What the first copy took (summary.c). */
struct summary {
    bool told;             /* it is over, and was told */
    uint64_t step_ms;      /* what the life under way took until then is written */
    struct status timings; /* only timings are used */
};

/* How fast things go. */
struct meter {
    struct eta bytes; /* of the copy */
    struct forecast forecast;
    struct eta behind, behind_rows; /* of the passes: bytes of deltas, rows of the target */
    int64_t pace;                   /* --max-rate and workers that it was measured with */
    int jobs;
};

/* What the source was last found to bear, and what repl does about it (burden.c). */
struct bearing {
    bool known;   /* it was asked */
    bool refused; /* the server does not tell */
    bool deltas_slow, wal_slow;
    int workers_most;   /* by its connections; 0: as many as are wanted */
    unsigned more_seen; /* looks in a row that found room for more */
    int64_t delta_bytes, wal_kept, wal_written, connections; /* -1: not known */
    double wal_rate;                                         /* bytes a second; negative: not known */
    char *deltas_why, *wal_why, *workers_why;
    bool asking;
    uint64_t asked_ms, wait_ms;
};

struct engine {
    const struct engine_options *o;
    struct settings settings;
    uv_loop_t loop;
    uv_async_t wake;
    uv_prepare_t prepare; /* settles once a round, when that is wanted */
    uv_signal_t sigint, sigterm, sighup;
    uv_timer_t look_timer, status_timer, retry_timer;
    struct watched *source_watched, *target_watched; /* listener.c */
    struct pool *pool;
    struct throttle *throttle; /* of all workers */
    struct widths *widths;     /* what they moved lately */
    struct rounds *rounds;     /* rounds.c: what was done in vain since something moved */
    int jobs;                  /* workers, with those that are joining */
    int joining;               /* workers that have no connections yet */
    bool first_joined;         /* the one that opened the sync has those that it works with */
    int jobs_wanted;
    int files_most;   /* workers that the limit of open files has room for; 0: any number */
    int64_t max_rate; /* as the operator set it; the throttle may have less */
    struct bearing bearing;
    struct err join_err;  /* why there are fewer than wanted; ERR_NONE where there are not */
    struct err state_err; /* why the state file cannot be written; ERR_NONE where it can */
    struct control *control;
    double state_err_at;
    char *way; /* "forward" where a way back was prepared, as the state file knows it; or NULL */
    int lock_fd;
    char mark[24]; /* of the control connections (mark.c) */

    enum life life;
    bool stopping, closing, settle_wanted;
    bool opened_once; /* the first opening succeeded: errors are retried from here on */
    bool paused;      /* by the operator: no new work */
    bool fenced;      /* a cutover has switched writes to the source off */
    struct {
        bool known, asking;
        enum cutover_state state;
        char *since, *why;
        uint64_t asked_ms;
    } cutover;     /* as the source said last */
    bool failed;   /* the last error was one that waiting does not mend */
    bool trouble;  /* an error came; jobs in flight are waited for */
    bool retrying; /* an error came, and what failed has not succeeded since */
    bool settled;  /* no work failed since it last succeeded; false at first: an earlier engine's errors */
    struct err trouble_err; /* the first of them */
    char *trouble_unit;     /* of a step after the load, the unit that failed; NULL: none */
    enum life trouble_life; /* what went on when it came */
    enum phase reached;     /* before it waited or opened again: how far it was */
    struct wire wires[2];   /* how both sides answer */
    int *left_out;          /* ids of tables that the operator paused */
    size_t nleft_out;
    struct aside *asides; /* tables whose rows the target refused */
    size_t nasides;
    bool reopen_wanted;      /* both sides are to be read anew, once no job is in flight */
    bool steady;             /* it followed before this opening: status does not speak of it */
    bool surveying;          /* a survey is under way */
    bool adding;             /* a table joins */
    char *add_wanted;        /* the one that is to, as soon as it can */
    size_t added_upto;       /* of the world's new tables, those that were tried */
    uint64_t drift_tried_ms; /* when tables that wait were last tried */
    char *marks[2]; /* by side: what the last survey found of them, see catalog_marks; NULL: nothing */
    uint64_t survey_ms, survey_wait_ms;
    int in_flight; /* jobs */
    int watching;  /* those of them that only ask, beside the workers */
    struct backoff backoff;
    uint64_t failing_ms; /* since the first of the errors in a row */
    struct {
        uint64_t hash;     /* of what file: and command: said when the engine failed; 0: not known yet */
        uint64_t asked_ms; /* when they were last read */
        bool asking;
    } specs;

    struct world *world;      /* as the last opening found it */
    struct standing standing; /* where the target stands */
    size_t in_doubt;          /* tables that nobody has compared since the history was in doubt */
    struct conn *source_guard, *target_guard;

    struct copy_plan copy;
    bool established;       /* the target shows one snapshot: what is not copied is brought in beside it */
    bool indexed, indexing; /* every table that is copied has its indexes; they are being made beside */
    int finishing;          /* the step of finish.c */
    struct finish *finish;  /* the step under way; NULL: none */
    char *schema_read; /* the source's outline when its schema was last read anew; NULL: not by this engine */
    struct pool *watch;         /* one worker, which asks how the others get on; NULL until it is needed */
    const char *note;           /* what goes on, for status */
    struct sleep *sleep;        /* sleep.c: the tables that are looked at */
    struct catchup *catchup;    /* the passes under way; NULL: none */
    struct hold *holds;         /* all that waits for locks of others (held.c) */
    struct hold *sequence_hold; /* a sequence that could not be read, though somebody waits for all */
    struct hold *look_hold;     /* the look or batch that did not get its locks */

    bool looking;        /* a look, a batch or a rotation is under way */
    bool look_wanted;    /* something may be owed */
    bool batch_unsaved;  /* last_batch is not in the state file yet */
    unsigned looks_late; /* looks in a row that did not come in time: the next have longer */
    unsigned look_index; /* how long nothing was found */
    unsigned run;        /* batches since a look found nothing */
    bool rang;           /* the next look follows the doorbell */
    int *hot;            /* ids of the tables of the last batch */
    size_t nhot;
    unsigned as_streams; /* for so many looks more no rows come as values: they are too wide */
    uint64_t sequences_ms, sequences_took_us; /* when they were last compared, and how long that took */
    uint64_t looked_ms;                       /* when the last look that found nothing (left) began */
    uint64_t look_began_ms, open_began_ms;    /* of the last of them */
    uint64_t known_ms;                        /* when owed_rows was last learned; 0: never */
    double known_wall;                        /* the same for people */
    uint64_t rotated_ms;
    uint64_t request;  /* number of the last request to bring everything over */
    uint64_t surveyed; /* all requests up to this one came before an opening or a survey that has ended */
    uint64_t answered; /* all requests up to this one are fulfilled */
    int64_t owed_rows;
    struct owed_list behind; /* of a backlog that is too large for a batch, table by table; in behind_mem */
    struct arena *behind_mem;
    struct status last_batch; /* only last_batch is used */
    double widened;           /* limits of a batch, see backlog.h */
    struct meter meter;
    struct summary summary;
    double started_wall;
    struct err err; /* why the engine ended */
};

/* ---- engine.c ---- */
void engine_stop(struct engine *g, enum interrupt_level level);
void engine_submit(struct engine *g, struct job *job); /* counts it in flight */
/* The same but for handing it to the pool. */
void engine_prepare(struct engine *g, struct pool *pool, struct job *job);
void engine_is_up(struct engine *g);        /* the first opening succeeded */
void engine_go_on(struct engine *g);        /* after a pause: whatever the phase has to do */
void engine_go_on_beside(struct engine *g); /* a job beside the phase's own has ended */
bool engine_in_trouble(const struct engine *g);
void engine_say(struct engine *g, enum log_level level, const struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* After a job or an error: closes, or waits, when nothing is in flight any more. */
void engine_settle(struct engine *g);

/* ---- supervise.c: the one place where an error becomes retry, fail or stop ---- */
void supervise_error(struct engine *g, const struct err *e);
void supervise_drained(struct engine *g); /* no job is in flight any more */
/* Work succeeded. same: such work as failed before, so that the error is over; else something else goes on beside it. */
void supervise_good(struct engine *g, bool same);
void supervise_opened(struct engine *g); /* both sides were read: where no work follows, that is as much */
/* The error is that a table was altered since the catalogs were read: they are read again, and nobody need know. */
bool supervise_reads_again(const struct engine *g);
void supervise_again(struct engine *g); /* try now, not later */

/* ---- what the phases do; each begins its work ---- */
void open_begin(struct engine *g);
void copy_load(struct engine *g); /* what is copied of each table, after an opening */
void copy_begin(struct engine *g);
void copy_dispatch(struct engine *g); /* gives free workers chunks */
/* A pause (of the table of that id; 0: of all): chunks under way that do not end within some seconds are put back. */
void copy_hold(struct engine *g, int id);
void copy_let_go(struct engine *g);   /* no pause any more, where there is none */
void copy_give_out(struct engine *g); /* the same, and nothing else */
void index_begin(struct engine *g);
void index_early(struct engine *g); /* while tables are copied: indexes of those that are there */
/* Whether they are built, or wait for a worker, while tables are copied; or will be, once a large one is there. */
enum index_beside { INDEX_NEVER, INDEX_LATER, INDEX_NOW } index_beside(const struct engine *g);
bool index_is_large(const struct relation *r);
int index_workers(int jobs); /* that build meanwhile, at most */
void follow_begin(struct engine *g);

/* ---- sleep.c: tables that nobody writes to are not looked at; docs/capture.md says why none is missed ---- */
struct sleep;
struct sleep *sleep_new(void);
void sleep_free(struct sleep *s);
void sleep_begin(struct engine *g); /* all are looked at, as after every opening */
/* Whom a look asks, and whether some are put to sleep with it. whole: all are to be asked. */
void sleep_prepare(struct engine *g, bool whole, struct batch_task *t);
void sleep_looked(struct engine *g, const struct batch_task *t); /* after a look that succeeded */
struct awake sleep_awake(const struct engine *g, struct arena *a);
void finish_begin(struct engine *g);

/* Gives free workers the next units of the step after the load, if any. */
void finish_dispatch(struct engine *g);
void finish_drop(struct engine *g);
/* About once a second: asks how index builds get on. */
void finish_watch(struct engine *g);
void finish_status(const struct engine *g, struct status *out);

/* The passes that a look found to be needed; then they begin. */
void catchup_prepare(struct engine *g, const struct batch_task *t);
void catchup_begin(struct engine *g);
/* Gives free workers the next steps of the passes, if any. */
void catchup_dispatch(struct engine *g);
void catchup_drop(struct engine *g);
void catchup_status(const struct engine *g, struct status *out);
void catchup_measure(struct engine *g, const struct status *st, uint64_t now_ms);
bool catchup_is_beside(const struct engine *g);
bool catchup_has(const struct engine *g, int id); /* a pass over the table is under way */

/* finishing counts the steps of finish.c; this many are all. */
enum { FINISHED = 2 };

/* ---- standing.c ---- */
void standing_clear(struct standing *s);
/* The table stands elsewhere than the sync. */
bool standing_apart(const struct standing *s, int id);
/* The snapshot at which the table stands. */
const char *standing_of(const struct standing *s, int id);
/* The table stands apart, where a target that has a later batch than that stands, too. */
void standing_put(struct standing *s, int id, const char *snapshot, int64_t batch);
/* A batch: all tables stand at snapshot now but those it left out, which stay where they were. The same as
 * sql/target/position_advance.sql does on the target. */
void standing_advance(struct standing *s, const char *snapshot, int64_t number, const struct ids *left_out);
/* The target has something of that logged write. */
void standing_written(struct standing *s, int64_t number);
/* The standing as capture wants it, copied into the arena: for jobs, since the loop may change its own meanwhile. */
struct positions standing_positions(const struct standing *s, struct arena *a);
/* The same for rotation. What that truncates is never owed again, and the number of the batch that it notes on the source is
 * what tells later that a target has lost something. So an own position that no batch has followed yet is none; nor has a
 * table one that is not in the target's list. */
struct positions standing_proved(const struct standing *s, const struct target_state *target,
                                 struct arena *a);

/* A look for what is owed, now or as soon as the one under way has ended. */
void follow_look(struct engine *g);
/* Something does not come with what was asked for: says what, and why. */
bool follow_left_behind(const struct engine *g, struct err *why);
/* Everything committed until now shall come over; returns the request's number, see answered. */
uint64_t follow_request(struct engine *g);

/* ---- specs.c ---- */
/* While the engine has failed: where a connection's file or command says something else, it tries again at once. */
void specs_begin(struct engine *g);
void specs_tick(struct engine *g); /* about once a second */

/* ---- files.c ---- */
/* The limit of open files is raised as far as it may be; false: there is no room for a single worker. */
bool files_fit(struct engine *g, struct err *e) MUST_CHECK;

/* ---- mark.c ---- */
void mark_make(struct engine *g);

/* ---- waits.c ---- */
void waits_status(const struct engine *g, struct status *out);

/* ---- listener.c ---- */
/* Takes both connections, also where it fails. */
bool listener_start(struct engine *g, struct conn *source, struct conn *target, struct err *e) MUST_CHECK;
void listener_close(struct engine *g);
/* About once a second: a control connection without a sign of life is given up. */
void listener_tick(struct engine *g);

/* ---- workers.c: how many, and how fast ---- */
void workers_start(struct engine *g);
/* A job for the one that watches the others. */
void workers_watch(struct engine *g, struct job *job);
/* As many as are wanted: more are asked to join, or some to go. */
void workers_settle(struct engine *g);
/* One has nothing to do. */
bool workers_are_free(const struct engine *g);
/* More will be at work soon, or can be asked to. */
bool workers_are_coming(const struct engine *g);
/* Work for those that have come, if any. */
void workers_use(struct engine *g);
/* jobs 0 and max_rate negative: as it is; max_rate 0: unlimited. Holds at once, and for the next start. */
bool workers_set(struct engine *g, int jobs, int64_t max_rate, struct err *e) MUST_CHECK;

/* How many are to be at work now: as many as the operator wants, or the source has room for. */
int workers_aim(const struct engine *g);
/* The throttle has the rate that holds now. */
void workers_pace(struct engine *g);

/* ---- burden.c: the source is watched, and repl slows down where it has too much to bear ---- */
void burden_tick(struct engine *g); /* about once a second */
/* How long to rest behind a batch that kept the servers at work that long and brought so many rows. */
double burden_rest_ms(const struct engine *g, double took_ms, int64_t rows);
void burden_status(const struct engine *g, struct status *out);
void burden_free(struct engine *g);

/* ---- fence.c: what became of a cutover ---- */
void fence_tick(struct engine *g);
void fence_told(struct engine *g, bool up, const char *state);
void fence_keep(struct engine *g, const struct cutover_now *now, bool lifted);
void fence_status(const struct engine *g, struct status *out);
void fence_free(struct engine *g);

/* ---- progress.c ---- */
void progress_status(struct engine *g, struct status *out);
void progress_tick(struct engine *g);

/* ---- control.c ---- */
bool control_start(struct engine *g, struct err *e) MUST_CHECK;
void control_answer_waiting(struct engine *g);
/* Nothing comes before a person has done something: whoever waits hears of it. */
void control_answer_failed(struct engine *g, const struct err *why);
void control_answer_joined(struct engine *g); /* no worker is joining any more */
/* A table has joined (e NULL), or could not. */
void control_added(struct engine *g, const struct err *e);
void control_close(struct engine *g);

#endif
