/* Commands that tidy up when they are ended. */
#ifndef REPL_CLI_SIGNALS_H
#define REPL_CLI_SIGNALS_H

#include "repl/interrupt.h"

/* From now on Ctrl-C, a closed terminal and a service manager raise this interrupt instead of ending the process. It
 * lives as long as the process. */
struct interrupt *catch_signals(void);

#endif
