/* Where the control socket is; the engine binds it, the commands connect to it. */
#include "repl/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * A socket's path has room for some hundred bytes, a directory's for thousands. Where DIR is longer its name goes
 * through /proc/self/fd: the descriptor stays open for the life of the process, since the address is good only as
 * long as it is, and a process has one state directory.
 */
bool control_address(const char *dir, struct sockaddr_un *out, struct err *e)
{
    memset(out, 0, sizeof *out);
    out->sun_family = AF_UNIX;
    int n = snprintf(out->sun_path, sizeof out->sun_path, "%s/%s", dir, CONTROL_SOCKET);
    if (n >= 0 && (size_t)n < sizeof out->sun_path)
        return true;

    static int kept = -1;
    int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        err_set(e, ERR_CONFIG, "state directory %s: %s", dir, strerror(errno));
        return err_hint(e, "give a directory with a shorter name with -D");
    }
    if (kept >= 0)
        close(kept);
    kept = fd;
    snprintf(out->sun_path, sizeof out->sun_path, "/proc/self/fd/%d/%s", fd, CONTROL_SOCKET);
    return true;
}
