#include "watched.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "repl/mem.h"

struct watched {
    uv_poll_t poll; /* first: libuv's handle is the watch */
    int fd;
    watched_fn readable;
    void *arg;
};

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct watched *w = (struct watched *)poll;
    (void)status;
    (void)events; /* whatever woke us, who reads finds out */
    w->readable(w->arg);
}

/* The handle lives until here, and libuv is done with the descriptor. */
static void closed(uv_handle_t *handle)
{
    struct watched *w = (struct watched *)handle;
    close(w->fd);
    free(w);
}

struct watched *watched_start(uv_loop_t *loop, int fd, watched_fn readable, void *arg, struct err *e)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0) {
        int why = errno;
        err_set(e, ERR_OS, "cannot watch a connection: %s", strerror(why));
        err_files(e, why);
        return NULL;
    }
    struct watched *w = xcalloc(1, sizeof *w);
    *w = (struct watched){.fd = own, .readable = readable, .arg = arg};
    if (uv_poll_init(loop, &w->poll, own) != 0 || uv_poll_start(&w->poll, UV_READABLE, on_event) != 0)
        abort(); /* a connected socket can be watched */
    return w;
}

void watched_stop(struct watched *w)
{
    if (w != NULL)
        uv_close((uv_handle_t *)&w->poll, closed);
}
