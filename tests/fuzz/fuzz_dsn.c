/* Connection strings: what is resolved resolves to itself, and its password can be told apart. */
#include <string.h>

#include "fuzz.h"
#include "repl/pg.h"

static void check_split(const char *resolved)
{
    struct err e = {0};
    char *bare = NULL, *password = NULL, *given = dsn_get(resolved, "password");
    HOLDS(dsn_split_password(resolved, &bare, &password, &e));
    HOLDS((given == NULL) == (password == NULL));
    HOLDS(given == NULL || strcmp(given, password) == 0);
    char *left = dsn_get(bare, "password");
    HOLDS(left == NULL);
    free(bare);
    free(password);
    free(given);
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
        check_split(once);
        free(twice);
        free(once);
    }
    free(spec);
    return 0;
}
