/* How long a command waits for an engine to answer what needs no waiting. */
#ifndef REPL_CLI_CLIENT_H
#define REPL_CLI_CLIENT_H

#include "repl/control.h"

enum { ANSWER_MS = 10000 };

/* The same where it connects to both servers first: a connection is given up after 20 s. */
enum { JOIN_MS = 45000 };

#endif
