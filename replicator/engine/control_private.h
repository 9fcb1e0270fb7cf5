/* The two halves of the control socket: who is connected (control.c), and what they may ask (control_commands.c). */
#ifndef REPL_ENGINE_CONTROL_PRIVATE_H
#define REPL_ENGINE_CONTROL_PRIVATE_H

#include <cjson/cJSON.h>

#include "private.h"

struct client {
    uv_pipe_t pipe;
    struct control *control;
    struct buf in;
    bool waits_added;    /* for the end of "add" */
    uint64_t waits_for;  /* number of a request (follow_request); 0: none */
    bool waits_joined;   /* until no worker is joining */
    bool held;           /* nothing is read from it: it does not read itself */
    bool leaving;        /* once it has what it was sent */
    uv_timer_t patience; /* with one that does not take it */
    unsigned handles;    /* that are not closed yet, once closing */
    struct client *next;
};

struct control {
    struct engine *engine;
    uv_pipe_t *listener;
    struct client *clients;
};

void control_send_status(struct client *c);
void control_send_error(struct client *c, const struct err *e);

/* Does what one request asks, and answers it, now or later. json may be NULL. */
void control_command(struct client *c, const cJSON *json);

#endif
