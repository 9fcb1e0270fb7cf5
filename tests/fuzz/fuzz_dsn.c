/* Connection strings: what is resolved resolves to itself, and its password can be told apart. */
#include <string.h>

#include "fuzz.h"
#include "repl/pg.h"

static void check_child(const char *resolved)
{
    struct err e = {0};
    struct dsn_child child;
    char *given = dsn_get(resolved, "password"), *key = dsn_get(resolved, "sslpassword");
    if (!dsn_for_child(resolved, &child, &e)) {
        HOLDS(key != NULL); /* one that no service file can hold */
    } else {
        HOLDS((given == NULL) == (child.password == NULL));
        HOLDS(given == NULL || strcmp(given, child.password) == 0);
        char *left = dsn_get(child.conninfo, "password"), *left_key = dsn_get(child.conninfo, "sslpassword");
        HOLDS(left == NULL && left_key == NULL);
        dsn_child_free(&child);
    }
    free(given);
    free(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *spec = strndup((const char *)data, size), *once = NULL, *twice = NULL;
    struct err e = {0};
    HOLDS(spec != NULL);
    /* These would read the machine that the test runs on. */
    if (strncmp(spec, "env:", 4) == 0 || strncmp(spec, "file:", 5) == 0 ||
        strncmp(spec, "command:", 8) == 0) {
        free(spec);
        return 0;
    }
    free(dsn_safe(spec));
    if (dsn_resolve(spec, &once, &e)) {
        HOLDS(dsn_resolve(once, &twice, &e));
        HOLDS(strcmp(once, twice) == 0);
        check_child(once);
        free(twice);
        free(once);
    }
    free(spec);
    return 0;
}
