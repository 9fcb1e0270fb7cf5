/* Log lines on standard error: one line an event, text or JSON. Safe from every thread. Never given a secret. */
#ifndef REPL_LOG_H
#define REPL_LOG_H

#include "repl/err.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Call before threads start. json writes {"at","level","message"} lines. */
void log_setup(enum log_level max, bool json);

void log_line(enum log_level level, const char *fmt, ...) PRINTF(2, 3);
void log_err(enum log_level level, const struct err *e);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
