/*
 * A wire: passes TCP connections on to a port of this machine, each way some time later and no faster than so many
 * bytes a second, all connections together. The bytes are not looked at, so TLS passes through. For kernels without
 * netem; where a window of 4 MB or the delay of a handshake matters, it is here too.
 *
 *   wire PORT DELAY_MS MB_A_SECOND     prints the port it listens on; ends with its standard input
 *
 * DELAY_MS is each way, half of what ping would show; 0 MB/s is no limit.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    PIECE = 16 * 1024,
    WINDOW = 4 << 20,   /* bytes under way in one direction of one connection */
    QUEUE_NS = 5000000, /* the link's own queue */
    CONNECTIONS = 256,
    FIXED = 2, /* standard input and the listener */
};

struct piece {
    struct piece *next;
    int64_t due; /* when its last byte arrives */
    size_t len, sent;
    char bytes[PIECE];
};

/* One direction of a connection. */
struct flow {
    int from, to;
    int link; /* which of the two link directions it uses */
    struct piece *head, *tail;
    size_t queued;
    int64_t late;  /* added to the first piece: the handshake's round trip */
    int64_t ended; /* when the end of the stream arrives; 0 while it has none */
    bool shut;
};

struct connection {
    struct flow flows[2];
    bool used;
};

static struct connection connections[CONNECTIONS];
static struct piece *spare;
static int64_t delay_ns, link_free[2];
static double ns_a_byte;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static struct piece *piece_new(void)
{
    struct piece *p = spare;
    if (p == NULL)
        p = malloc(sizeof *p);
    else
        spare = p->next;
    if (p == NULL)
        die("malloc");
    p->next = NULL;
    p->len = p->sent = 0;
    return p;
}

static void piece_free(struct piece *p)
{
    p->next = spare;
    spare = p;
}

/* ---- connections ---- */

static int connect_to(uint16_t port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("socket");
    if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
        return fd;
    close(fd);
    return -1;
}

static void prepare(int fd)
{
    int on = 1;
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        die("socket options");
}

static void open_connection(int listener, uint16_t port)
{
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0)
        return;
    int server = connect_to(port);
    struct connection *c = connections;
    while (c < connections + CONNECTIONS && c->used)
        c++;
    if (server < 0 || c == connections + CONNECTIONS) {
        close(client);
        if (server >= 0)
            close(server);
        return;
    }
    prepare(client);
    prepare(server);
    *c = (struct connection){
        .flows = {{.from = client, .to = server, .link = 0, .late = 2 * delay_ns},
                  {.from = server, .to = client, .link = 1}},
        .used = true,
    };
}

static void close_connection(struct connection *c)
{
    for (int i = 0; i < 2; i++)
        for (struct piece *p = c->flows[i].head, *next; p != NULL; p = next) {
            next = p->next;
            piece_free(p);
        }
    close(c->flows[0].from);
    close(c->flows[0].to);
    *c = (struct connection){0};
}

/* ---- moving bytes ---- */

static bool may_read(const struct flow *f, int64_t now)
{
    return f->ended == 0 && f->queued < WINDOW && link_free[f->link] - now < QUEUE_NS;
}

/* false where the connection broke. */
static bool take(struct flow *f, int64_t now)
{
    struct piece *p = piece_new();
    ssize_t n = read(f->from, p->bytes, PIECE);
    if (n <= 0) {
        piece_free(p);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        f->ended = (link_free[f->link] > now ? link_free[f->link] : now) + delay_ns;
        return true;
    }
    p->len = (size_t)n;
    if (link_free[f->link] < now)
        link_free[f->link] = now;
    link_free[f->link] += (int64_t)((double)n * ns_a_byte);
    p->due = link_free[f->link] + delay_ns + f->late;
    f->late = 0;
    f->queued += p->len;
    if (f->tail != NULL && f->head != NULL)
        f->tail->next = p;
    else
        f->head = p;
    f->tail = p;
    return true;
}

static bool give(struct flow *f, int64_t now)
{
    while (f->head != NULL && f->head->due <= now) {
        struct piece *p = f->head;
        ssize_t n = write(f->to, p->bytes + p->sent, p->len - p->sent);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        p->sent += (size_t)n;
        f->queued -= (size_t)n;
        if (p->sent < p->len)
            return true;
        f->head = p->next;
        piece_free(p);
    }
    if (f->head == NULL && f->ended != 0 && f->ended <= now && !f->shut) {
        f->shut = true;
        shutdown(f->to, SHUT_WR);
    }
    return true;
}

/* When something is to be done for it that no descriptor tells. */
static int64_t wakes(const struct flow *f, int64_t now)
{
    int64_t at = INT64_MAX;
    if (f->head != NULL && f->head->due > now)
        at = f->head->due;
    else if (f->head == NULL && f->ended > now && !f->shut)
        at = f->ended;
    if (f->ended == 0 && f->queued < WINDOW && !may_read(f, now) && link_free[f->link] - QUEUE_NS < at)
        at = link_free[f->link] - QUEUE_NS;
    return at;
}

static nfds_t watch(struct connection *c, struct pollfd *p, int64_t now, int64_t *wake)
{
    for (int i = 0; i < 2; i++) {
        const struct flow *f = &c->flows[i], *back = &c->flows[1 - i];
        bool waits = back->head != NULL && back->head->due <= now;
        p[i] = (struct pollfd){.fd = f->from,
                               .events = (short)((may_read(f, now) ? POLLIN : 0) | (waits ? POLLOUT : 0))};
        if (p[i].events == 0)
            p[i].fd = -1; /* a hang-up would be reported all the time */
        int64_t at = wakes(f, now);
        if (at < *wake)
            *wake = at;
    }
    return 2;
}

static void serve(struct connection *c, const struct pollfd *p)
{
    bool ok = true;
    for (int i = 0; i < 2 && ok; i++)
        if (p[i].fd >= 0 && (p[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0 &&
            may_read(&c->flows[i], now_ns()))
            ok = take(&c->flows[i], now_ns());
    for (int i = 0; i < 2 && ok; i++)
        ok = give(&c->flows[i], now_ns());
    if (!ok || (c->flows[0].shut && c->flows[1].shut))
        close_connection(c);
}

static void wait_for(struct pollfd *p, nfds_t n, int64_t wake, int64_t now)
{
    int64_t ns = wake - now > 0 ? wake - now : 0;
    struct timespec t = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
    if (ppoll(p, n, wake == INT64_MAX ? NULL : &t, NULL) < 0 && errno != EINTR)
        die("ppoll");
}

static void run(int listener, uint16_t port)
{
    static struct pollfd p[FIXED + 2 * CONNECTIONS];
    static struct connection *whose[CONNECTIONS];
    for (;;) {
        int64_t now = now_ns(), wake = INT64_MAX;
        nfds_t n = FIXED;
        size_t live = 0;
        p[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
        p[1] = (struct pollfd){.fd = listener, .events = POLLIN};
        for (struct connection *c = connections; c < connections + CONNECTIONS; c++)
            if (c->used) {
                whose[live++] = c;
                n += watch(c, p + n, now, &wake);
            }
        wait_for(p, n, wake, now);
        if (p[0].revents != 0)
            return;
        for (size_t i = 0; i < live; i++)
            serve(whose[i], p + FIXED + 2 * i);
        if (p[1].revents != 0)
            open_connection(listener, port);
    }
}

static int listen_anywhere(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 64) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) != 0)
        die("listen");
    printf("%d\n", ntohs(a.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: wire PORT DELAY_MS MB_A_SECOND\n");
        return 2;
    }
    double limit = strtod(argv[3], NULL);
    delay_ns = (int64_t)(strtod(argv[2], NULL) * 1e6);
    ns_a_byte = limit > 0 ? 1e3 / limit : 0;
    signal(SIGPIPE, SIG_IGN);
    run(listen_anywhere(), (uint16_t)strtoul(argv[1], NULL, 10));
    return 0;
}
