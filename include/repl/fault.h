/*
 * Named fault points. Built with REPL_FAULTS, REPL_FAIL_AT=name[:n] kills the process with SIGKILL the n-th time
 * (default the first) that the point is passed; REPL_PAUSE_AT=name:milliseconds sleeps there instead.
 * Without REPL_FAULTS a point costs nothing.
 */
#ifndef REPL_FAULT_H
#define REPL_FAULT_H

#ifdef REPL_FAULTS
void fault_point(const char *name);
#else
#define fault_point(name) ((void)0)
#endif

#endif
