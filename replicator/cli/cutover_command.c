/*
 * The command of --exec, which switches the application. It has a process group of its own, so that it can be ended with all
 * that it started; on a terminal it is the foreground, and Ctrl-C is for it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cutover_run.h"
#include "repl/clock.h"

enum { LOOK_MS = 20, GRACE_MS = 3000 };

static void become_command(const char *command, const char *uri, bool foreground)
{
    setpgid(0, 0);
    if (foreground) {
        signal(SIGTTOU, SIG_IGN);
        if (tcsetpgrp(STDIN_FILENO, getpid()) != 0)
            fprintf(stderr, "repl: the command is not in the foreground: %s\n", strerror(errno));
    }
    signal(SIGTTOU, SIG_DFL);
    setenv("REPL_TARGET_URL", uri, 1);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

static bool has_ended(pid_t child, int *status)
{
    pid_t r;
    do
        r = waitpid(child, status, WNOHANG);
    while (r < 0 && errno == EINTR);
    return r != 0;
}

/* Its whole group: first asked, then killed. */
static void end_command(pid_t child, int *status)
{
    uint64_t until = clock_ms() + GRACE_MS;
    kill(-child, SIGTERM);
    while (clock_ms() < until) {
        if (has_ended(child, status)) {
            kill(-child, SIGKILL); /* what it left behind */
            return;
        }
        clock_sleep_ms(LOOK_MS);
    }
    kill(-child, SIGKILL);
    while (!has_ended(child, status))
        clock_sleep_ms(LOOK_MS);
}

static bool judge(int status, double seconds, struct err *e)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    return err_set(e, ERR_CONFIG, "the command of --exec ended with %s %d after %.1f s",
                   WIFEXITED(status) ? "exit code" : "signal",
                   WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), seconds);
}

static bool await(struct cutover_run *r, pid_t child, struct err *e)
{
    const uint64_t began = clock_ms(), until = began + r->timeout_ms;
    int status = 0;
    while (!has_ended(child, &status)) {
        const bool interrupted = interrupt_level(r->interrupt) != INTERRUPT_NONE;
        if (!interrupted && clock_ms() < until) {
            clock_sleep_ms(LOOK_MS);
            continue;
        }
        end_command(child, &status);
        r->command_s = (double)(clock_ms() - began) / 1000;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            return true; /* it came to its end all the same */
        return interrupted
                   ? err_set(e, ERR_STOPPED, "interrupted while the command of --exec ran (%.1f s)",
                             r->command_s)
                   : err_set(e, ERR_NOT_YET, "the command of --exec was ended after %.1f s (--timeout)",
                             r->command_s);
    }
    r->command_s = (double)(clock_ms() - began) / 1000;
    return judge(status, r->command_s, e);
}

bool cutover_run_command(struct cutover_run *r, const char *command, struct err *e)
{
    char *uri;
    if (!cutover_target_uri(r->c, true, &uri, e))
        return false;
    const bool foreground = isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        become_command(command, uri, foreground);
    free(uri);
    if (child < 0)
        return err_set(e, ERR_OS, "the command of --exec could not be run: %s", strerror(errno));
    setpgid(child, child); /* both processes do it; the second one fails, which does not matter */
    bool ok = await(r, child, e);
    if (foreground) {
        void (*before)(int) = signal(SIGTTOU, SIG_IGN);
        if (tcsetpgrp(STDIN_FILENO, getpgrp()) != 0)
            fprintf(stderr, "repl: the terminal could not be taken back: %s\n", strerror(errno));
        signal(SIGTTOU, before);
    }
    return ok;
}
