/* The client of the control socket, against an engine that says what the test wants. */
#include "unit.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "repl/control.h"

/* Answers one request with a text, then closes, or waits for the client to. */
struct engine {
    char *dir;
    int listener;
    pthread_t thread;
    const char *reply; /* NULL: silence */
    char request[512];
};

static void *serve(void *arg)
{
    struct engine *g = arg;
    int fd = accept(g->listener, NULL, NULL);
    size_t got = 0;
    while (got < sizeof g->request - 1 && memchr(g->request, '\n', got) == NULL) {
        ssize_t n = recv(fd, g->request + got, sizeof g->request - 1 - got, 0);
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    if (g->reply != NULL) {
        for (size_t i = 0; g->reply[i] != '\0'; i++) /* byte for byte: it may come in pieces */
            send(fd, g->reply + i, 1, MSG_NOSIGNAL);
    } else {
        char nothing;
        while (recv(fd, &nothing, 1, 0) > 0)
            continue;
    }
    close(fd);
    return NULL;
}

static void engine_listen(struct engine *g)
{
    struct sockaddr_un address;
    struct err e;
    g->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(control_address(g->dir, &address, &e));
    assert_int_equal(bind(g->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(g->listener, 1), 0);
}

static void engine_start(struct engine *g, const char *reply)
{
    *g = (struct engine){.dir = fresh_folder(), .reply = reply};
    engine_listen(g);
    assert_int_equal(pthread_create(&g->thread, NULL, serve, g), 0);
}

static void engine_end(struct engine *g)
{
    char path[512];
    pthread_join(g->thread, NULL);
    close(g->listener);
    snprintf(path, sizeof path, "%s/%s", g->dir, CONTROL_SOCKET);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(g->dir), 0);
    free(g->dir);
}

static void a_request_is_one_line(void **arg)
{
    (void)arg;
    struct engine g;
    struct err e;
    bool running;
    engine_start(&g, "{\"ok\":true}\n");
    const struct control_request r = {
        .command = "pause", .table = "a.\"b\"", .wait = true, .timeout_ms = 5000};
    assert_true(control_ask(g.dir, &r, &running, NULL, &e));
    assert_true(running);
    engine_end(&g);
    assert_string_equal(g.request,
                        "{\"protocol\":1,\"command\":\"pause\",\"table\":\"a.\\\"b\\\"\",\"wait\":true}\n");
}

static void a_status_is_taken(void **arg)
{
    (void)arg;
    struct engine g;
    struct err e;
    struct status st;
    bool running;
    engine_start(&g,
                 "{\"ok\":true,\"status\":{\"phase\":\"following\",\"engine\":{\"running\":true,\"pid\":5},"
                 "\"owed_rows\":7}}\n");
    assert_true(control_ask(g.dir, &(struct control_request){.command = "status"}, &running, &st, &e));
    assert_int_equal(st.phase, PHASE_FOLLOWING);
    assert_int_equal(st.engine.pid, 5);
    assert_int_equal(st.owed_rows, 7);
    status_free(&st);
    engine_end(&g);
}

static void a_refusal_is_the_engines_error(void **arg)
{
    (void)arg;
    struct engine g;
    struct err e;
    bool running;
    engine_start(
        &g, "{\"ok\":false,\"error\":{\"kind\":\"not_yet\",\"message\":\"too early\",\"hint\":\"wait\"}}\n");
    assert_false(control_ask(g.dir, &(struct control_request){.command = "kick"}, &running, NULL, &e));
    assert_true(running);
    assert_int_equal(e.kind, ERR_NOT_YET);
    assert_string_equal(e.text, "too early");
    assert_string_equal(e.hint, "wait");
    engine_end(&g);
}

static void nonsense_is_an_error(void **arg)
{
    (void)arg;
    static const char *const replies[] = {"\n",
                                          "{}\n",
                                          "[]\n",
                                          "{\"ok\":false}\n",
                                          "{\"ok\":true,\"status\":{}}\n",
                                          "{\"ok\":false,\"error\":7}\n",
                                          "",
                                          "{\"ok\":true"};
    for (size_t i = 0; i < COUNT(replies); i++) {
        struct engine g;
        struct err e = {0};
        struct status st;
        bool running;
        engine_start(&g, replies[i]);
        if (control_ask(g.dir, &(struct control_request){.command = "status"}, &running, &st, &e))
            fail_msg("taken for an answer: %s", replies[i]);
        assert_int_not_equal(e.kind, ERR_NONE);
        engine_end(&g);
    }
}

static void silence_is_not_waited_for_longer_than_asked(void **arg)
{
    (void)arg;
    struct engine g;
    struct err e;
    bool running;
    engine_start(&g, NULL);
    assert_false(control_ask(g.dir,
                             &(struct control_request){.command = "kick", .wait = true, .timeout_ms = 50},
                             &running, NULL, &e));
    assert_int_equal(e.kind, ERR_NOT_YET);
    engine_end(&g);
}

static void nobody_there_is_no_error(void **arg)
{
    (void)arg;
    struct err e;
    bool running = true;
    const struct control_request r = {.command = "status"};
    struct engine g = {.dir = fresh_folder()};
    assert_true(control_ask(g.dir, &r, &running, NULL, &e));
    assert_false(running);
    /* A socket that a killed engine left behind. */
    engine_listen(&g);
    close(g.listener);
    running = true;
    assert_true(control_ask(g.dir, &r, &running, NULL, &e));
    assert_false(running);
    char path[512];
    snprintf(path, sizeof path, "%s/%s", g.dir, CONTROL_SOCKET);
    unlink(path);
    rmdir(g.dir);
    running = true;
    assert_true(control_ask(g.dir, &r, &running, NULL, &e));
    assert_false(running);
    free(g.dir);
}

static void a_long_directory_has_a_socket_too(void **arg)
{
    (void)arg;
    struct engine g = {.reply = "{\"ok\":true}\n"};
    char *parent = fresh_folder(), name[180];
    struct err e;
    bool running;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    char path[512];
    snprintf(path, sizeof path, "%s/%s", parent, name);
    assert_int_equal(mkdir(path, 0700), 0);
    g.dir = strdup(path);
    engine_listen(&g);
    assert_int_equal(pthread_create(&g.thread, NULL, serve, &g), 0);
    assert_true(control_ask(g.dir, &(struct control_request){.command = "kick"}, &running, NULL, &e));
    assert_true(running);
    engine_end(&g);
    assert_int_equal(rmdir(parent), 0);
    free(parent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_one_line),
        cmocka_unit_test(a_status_is_taken),
        cmocka_unit_test(a_refusal_is_the_engines_error),
        cmocka_unit_test(nonsense_is_an_error),
        cmocka_unit_test(silence_is_not_waited_for_longer_than_asked),
        cmocka_unit_test(nobody_there_is_no_error),
        cmocka_unit_test(a_long_directory_has_a_socket_too),
    };
    return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
