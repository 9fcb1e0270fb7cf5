/* What the files of `repl cutover` share. */
#ifndef REPL_CLI_CUTOVER_RUN_H
#define REPL_CLI_CUTOVER_RUN_H

#include "cmd.h"
#include "repl/back.h"
#include "repl/cutover.h"

struct cutover_run {
    struct context *c;
    struct interrupt *interrupt;
    unsigned timeout_ms; /* the fence is lifted when it has stood so long; the command of --exec is ended */
    double command_s;    /* how long that command took */
    struct err differ;   /* what the last comparison has against it */
    struct ways ways;    /* as both sides say before it begins; nothing is set where there is no way back */
};

/* The changes are to turn around: --fallback, --back. */
bool cutover_turns(const struct cutover_run *r);

/* cutover_way.c: which way the changes go, and whether what was asked for goes with it. Nobody needs to ask where there was
 * never a way back. */
bool cutover_find_way(struct cutover_run *r, struct err *e) MUST_CHECK;
bool cutover_may_begin(const struct cutover_run *r, struct err *e) MUST_CHECK;
bool cutover_refuse(struct err *e, const char *text, const char *hint) MUST_CHECK;
enum engine_way {
    ENGINE_NONE, /* none runs, or it does not answer */
    ENGINE_GOES, /* it goes that way */
    ENGINE_TURNS /* it went the other way */
};

/* The state file is told which way the changes go, and an engine that runs. What
 * cannot be told to it is printed; it finds out when it starts next, since both fences say which way. */
bool cutover_tell_engine(struct cutover_run *r, bool back, enum engine_way *out, struct err *e) MUST_CHECK;
/* Whether it has turned around, within a minute. Changes are on record whether it follows yet or not. */
bool cutover_await_engine(struct cutover_run *r, bool back);
/* Before a cutover: a command that was killed behind the turn may not have told it. */
bool cutover_align_engine(struct cutover_run *r, struct err *e) MUST_CHECK;

/* What was begun and did not end is the operator's to decide. */
#define CUTOVER_ASK                                                                                          \
    "was the application switched? yes: repl cutover --resume (with --exec CMD that command runs again); "   \
    "no: repl "                                                                                              \
    "cutover --abort"

/* cutover_decide.c: what the state on the source makes of the command. */
enum cutover_decision { CUTOVER_BEGINS, CUTOVER_GOES_ON, CUTOVER_IS_THROUGH };
/* ERR_NOT_YET while the command of a cutover that is under way runs. */
bool cutover_is_free(const struct cutover_now *now, struct err *e) MUST_CHECK;
bool cutover_decide(struct cutover_run *r, struct cutover *cut, enum cutover_decision *out,
                    struct err *e) MUST_CHECK;

/* cutover_command.c: the command of --exec to its end, for --timeout at most. */
bool cutover_run_command(struct cutover_run *r, const char *command, struct err *e) MUST_CHECK;

/* cutover_undo.c */
bool cutover_undo(struct cutover_run *r, const struct cutover_options *o, struct err *e) MUST_CHECK;

/* cmd_cutover.c: asks on a terminal; nothing: what is so when the answer is no. */
bool cutover_confirm(const char *question, const char *nothing, struct err *e) MUST_CHECK;

/* cutover_judge.c. What is not over, NULL: nothing. A table that is new on the source is no error: the cutover names what is not
 * replicated, and goes on. */
const struct status_error *cutover_open_error(const struct status *st);
bool cutover_all_follow(const struct status *st, struct err *e) MUST_CHECK;
/* Whether it may begin, by the engine's status. Prints what it found; r->differ: what a rehearsal goes past. */
bool cutover_judge(struct cutover_run *r, const struct status *st, struct err *e) MUST_CHECK;

/* cutover_text.c: what was done, and what is to be done now. */
void cutover_report(const struct cutover_run *r, const struct cutover_times *t);
/* Behind the command of --exec: the second time, until it was through. */
void cutover_report_command(const struct cutover_run *r, const struct cutover_times *t);
void cutover_tell_switch(const struct cutover_run *r, bool switched);
void cutover_tell_after(const struct cutover_run *r);
void cutover_predict(const struct cutover_run *r, const struct cutover_times *t);
/* The target's URL; caller frees. */
bool cutover_target_uri(const struct context *c, bool with_password, char **out, struct err *e) MUST_CHECK;

#endif
