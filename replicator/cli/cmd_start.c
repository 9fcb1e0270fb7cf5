#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd.h"
#include "repl/mem.h"
#include "run_engine.h"

static const struct option_spec options[] = {
    {"detach", no_argument, 'd', NULL, "return once the engine runs in the background"},
    {"jobs", required_argument, 'j', "N", "workers, from now on (as init or set said)"},
    {"max-rate", required_argument, 'r', "RATE", "bytes a second read from the source, from now on"},
    {NULL, 0, 0, NULL, NULL},
};

/* ---- the detached engine ---- */

/* A session of its own, and the log as its only output. */
static bool leave_terminal(const char *log_path, struct err *e)
{
    int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (log < 0 || null < 0 || setsid() < 0)
        return err_set(e, ERR_OS, "%s: %s", log_path, strerror(errno));
    dup2(null, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    close(null);
    close(log);
    return true;
}

static void write_err(int fd, const struct err *e)
{
    ssize_t n = write(fd, e, sizeof *e);
    (void)n; /* the starter has gone: the log has it too */
}

static bool be_engine(struct context *c, const struct pace *pace, const char *log_path, int ready, int failed,
                      struct err *e)
{
    c->log_is_file = true;
    bool ok = leave_terminal(log_path, e) && run_engine(c, false, pace, ready, NULL, e);
    if (!ok)
        write_err(failed, e);
    close(failed);
    return ok;
}

/* ---- the starter ---- */

static ssize_t read_all(int fd, void *out, size_t size)
{
    size_t got = 0;
    while (got < size) {
        ssize_t n = read(fd, (char *)out + got, size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

/* One byte says that the engine is up; the end of the pipe that it has gone, and then why. */
static bool await_engine(pid_t pid, int ready, int failed, const char *log_path, struct err *e)
{
    char byte;
    struct err why;
    if (read_all(ready, &byte, 1) == 1) {
        printf("the engine runs as pid %d; log: %s\n", (int)pid, log_path);
        return true;
    }
    bool said = read_all(failed, &why, sizeof why) == (ssize_t)sizeof why;
    int status = 0;
    waitpid(pid, &status, 0);
    if (said) {
        *e = why;
        return false;
    }
    if (WIFSIGNALED(status))
        err_set(e, ERR_OS, "the engine was killed by signal %d before it was up", WTERMSIG(status));
    else
        err_set(e, ERR_OS, "the engine ended before it was up");
    return err_hint(e, "see %s", log_path);
}

/* Forks before any thread or database handle exists; nothing but pipes is shared. */
static bool detach(struct context *c, const struct pace *pace, struct err *e)
{
    int ready[2], failed[2];
    if (pipe2(ready, O_CLOEXEC) != 0 || pipe2(failed, O_CLOEXEC) != 0)
        return err_set(e, ERR_OS, "pipe: %s", strerror(errno));
    char *log_path = xasprintf("%s/repl.log", c->dir);
    fflush(stdout);
    pid_t pid = fork();
    bool ok;
    if (pid == 0) {
        close(ready[0]);
        close(failed[0]);
        ok = be_engine(c, pace, log_path, ready[1], failed[1], e);
    } else {
        close(ready[1]);
        close(failed[1]);
        ok = pid > 0 ? await_engine(pid, ready[0], failed[0], log_path, e)
                     : err_set(e, ERR_OS, "fork: %s", strerror(errno));
        close(ready[0]);
        close(failed[0]);
    }
    free(log_path);
    return ok;
}

static bool exec(struct context *c, struct err *e)
{
    long long jobs;
    struct pace pace = {.sets_rate = args_has(&c->args, "max-rate")};
    if (!args_int(&c->args, "jobs", 1, JOBS_MOST, 0, &jobs, e) ||
        !args_rate(&c->args, "max-rate", &pace.max_rate, e) || !context_refuse_running(c, "repl status", e))
        return false;
    pace.jobs = (int)jobs;
    /* Looked at here for its error, to the last page; opened again by the process that keeps it. */
    if (state_examine(c->dir) == STATE_BROKEN) {
        err_set(e, ERR_STATE, "the state file of %s is damaged", c->dir);
        if (!context_rebuild(c, e))
            return false;
    }
    if (!context_open(c, e))
        return false;
    context_close(c);
    if (args_has(&c->args, "detach"))
        return detach(c, &pace, e);
    if (!run_engine(c, false, &pace, -1, NULL, e))
        return false;
    puts("the engine has stopped; `repl start` goes on where it was");
    return true;
}

const struct cmd cmd_start = {
    .name = "start",
    .args = "",
    .text = "Run the engine: copy what is not copied, then follow",
    .detail =
        "In the foreground (for systemd) until SIGINT or SIGTERM, with progress on a terminal; "
        "--detach runs it\n"
        "in the background with its log in DIR/repl.log. SIGHUP opens that file again, and ends nothing.\n"
        "It goes on where it was, however it ended.",
    .options = options,
    .exec = exec};
