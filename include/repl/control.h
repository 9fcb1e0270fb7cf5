/*
 * The control socket: DIR/control.sock, one JSON object a line each way. The peer must be the same user or root.
 *
 * Request: {"protocol":1,"command":"status"|"kick"|"pause"|"resume"|"add"|"set"|"fence"|"lift"|"turn"|"stop",
 *           "table":"schema.name"?,"state":"..."?,"wait":bool?,"jobs":number?,"max_rate":number|null?}
 * Reply:   {"ok":true,"status":{...}} or {"ok":false,"error":{"kind","message","hint"}}.
 * "set" is answered when the workers that were added are there or have failed to come.
 * "turn": the state file has turned the changes around; the engine begins anew, the other way.
 * "kick" with wait is answered when everything committed before the request is on the target; "stop" when the engine
 * has finished, by closing the connection after the reply.
 */
#ifndef REPL_CONTROL_H
#define REPL_CONTROL_H

#include "repl/interrupt.h"
#include "repl/status.h"

#define CONTROL_PROTOCOL 1
#define CONTROL_SOCKET "control.sock"

/* The address of DIR's socket, also where DIR is longer than sun_path allows. ERR_CONFIG where it cannot be said. */
struct sockaddr_un;
bool control_address(const char *dir, struct sockaddr_un *out, struct err *e) MUST_CHECK;

struct control_request {
    const char *command;
    const char *table; /* or NULL */
    const char *state; /* with "fence" and "lift": the cutover's; or NULL */
    bool wait;
    int jobs;                          /* with "set": workers; 0: as it is */
    bool sets_rate;                    /* with "set": max_rate holds */
    int64_t max_rate;                  /* bytes a second; 0: unlimited */
    unsigned timeout_ms;               /* 0: for ever */
    const struct interrupt *interrupt; /* ends the wait, with ERR_STOPPED; may be NULL */
    void (*still)(void *arg); /* called every few seconds while the answer is waited for; may be NULL */
    void *arg;
};

/*
 * Asks the engine of DIR. *running is false (and the call true) where none listens. An engine's refusal is the
 * error it sent. st may be NULL. For "stop" the call returns once the engine has gone.
 */
bool control_ask(const char *dir, const struct control_request *r, bool *running, struct status *st,
                 struct err *e) MUST_CHECK;

#endif
