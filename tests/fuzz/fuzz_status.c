/* The client's parser of what comes over the control socket: any bytes, no crash; what it takes is a fixed point. */
#include <string.h>

#include "fuzz.h"
#include "repl/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct status first = {0}, second = {0};
    char *text = strndup((const char *)data, size);
    HOLDS(text != NULL);
    if (status_from_json(text, &first)) {
        char *once = status_to_json(&first, false);
        HOLDS(status_from_json(once, &second));
        char *twice = status_to_json(&second, false);
        HOLDS(strcmp(once, twice) == 0);
        free(once);
        free(twice);
        status_free(&second);
        status_free(&first);
    }
    free(text);
    return 0;
}
