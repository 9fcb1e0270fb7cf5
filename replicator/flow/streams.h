/* Steps through the results of a message of several statements. */
#ifndef REPL_FLOW_STREAMS_H
#define REPL_FLOW_STREAMS_H

#include "repl/flow.h"

/* Drops results until the connection is in the COPY wanted. */
bool stream_open(struct conn *c, enum pg_event wanted, struct err *e) MUST_CHECK;
/* The next result, which must be one. Caller frees. */
bool stream_result(struct conn *c, struct result **out, struct err *e) MUST_CHECK;

/* Takes all that is left; the last result with a row is what the logged write behind it returned, if there is one. */
bool stream_end_written(struct conn *c, struct written *out, struct err *e) MUST_CHECK;

/* Where the error is that a row does not fit into a server's memory: says what to do. Returns false. */
bool stream_too_wide(struct err *e);

#endif
