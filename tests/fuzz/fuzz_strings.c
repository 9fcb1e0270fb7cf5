/* Patterns, lists and sizes as they are typed. */
#include <string.h>

#include "fuzz.h"
#include "repl/mem.h"
#include "repl/str.h"

static void check_list(const char *text)
{
    struct strlist l = {0}, again = {0};
    strlist_add_csv(&l, text);
    char *csv = strlist_csv(&l);
    strlist_add_csv(&again, csv);
    HOLDS(l.count == again.count);
    for (size_t i = 0; i < l.count; i++)
        HOLDS(strcmp(l.items[i], again.items[i]) == 0);
    free(csv);
    strlist_free(&l);
    strlist_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size), *half = NULL;
    HOLDS(text != NULL);
    size_t len = strlen(text);
    uint64_t bytes;
    long long number;
    check_list(text);
    /* A name without wildcards matches itself; with a star behind any part of it, too. */
    half = strndup(text, len / 2);
    HOLDS(half != NULL);
    if (strpbrk(text, "*?") == NULL) {
        char *pattern = xasprintf("%s*", half);
        HOLDS(str_matches(text, text));
        HOLDS(str_matches(pattern, text));
        free(pattern);
    }
    HOLDS(str_distance(text, text) == 0);
    HOLDS(str_distance(text, half) == len - len / 2);
    if (str_parse_size(text, &bytes))
        HOLDS(text[0] >= '0' && text[0] <= '9');
    if (str_parse_int(text, -5, 5, &number))
        HOLDS(number >= -5 && number <= 5);
    free(half);
    free(text);
    return 0;
}
