/* Large objects: no trigger sees them, so they are copied when the sync is switched over. */
#ifndef REPL_CUTOVER_LARGE_OBJECTS_H
#define REPL_CUTOVER_LARGE_OBJECTS_H

#include "repl/pg.h"

/*
 * Makes every large object of the source be on the target with the same oid and content; those that are there and
 * equal are left alone, those that only the target has stay. One transaction an object. *copied counts them.
 */
bool large_objects_copy(struct conn *source, struct conn *target, struct arena *a, size_t *copied,
                        struct err *e) MUST_CHECK;

#endif
