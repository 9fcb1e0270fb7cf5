/* Quoting: what sql_ident and sql_literal write is one token, and holds what was given. And what stands in quotes is
 * left alone by sql_fill, so that filling a quoted text gives the same text. */
#include <string.h>

#include "fuzz.h"
#include "repl/pg.h"

/* The text of the quoted token at s, which must reach to the end of the string. */
static char *unquoted(const char *s, char quote, bool backslashes)
{
    struct buf b = {0};
    HOLDS(*s == quote);
    for (s++; *s != '\0' && !(*s == quote && s[1] != quote); s++) {
        if (*s == quote || (backslashes && *s == '\\'))
            s++;
        buf_add(&b, s, 1);
    }
    HOLDS(*s == quote && s[1] == '\0');
    char *out = xstrdup(buf_text(&b));
    buf_free(&b);
    return out;
}

static void check(const char *quoted, char quote, const char *text)
{
    bool escaped = quoted[0] == 'E';
    char *back = unquoted(quoted + escaped, quote, escaped);
    HOLDS(strcmp(back, text) == 0);
    free(back);
    char *filled = sql_fill(quoted, (const struct sql_var[]){{NULL, NULL}});
    HOLDS(strcmp(filled, quoted) == 0);
    free(filled);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    HOLDS(text != NULL);
    struct buf ident = {0}, literal = {0};
    sql_ident(&ident, text);
    check(ident.data, '"', text);
    sql_literal(&literal, text);
    check(literal.data, '\'', text);

    const struct sql_var vars[] = {{"v", text}, {NULL, NULL}};
    char *as_is = sql_fill(":v", vars), *as_literal = sql_fill(":'v'", vars),
         *as_ident = sql_fill(":\"v\"", vars);
    HOLDS(strcmp(as_is, text) == 0);
    HOLDS(strcmp(as_literal, literal.data) == 0);
    HOLDS(strcmp(as_ident, ident.data) == 0);
    free(as_is);
    free(as_literal);
    free(as_ident);
    buf_free(&ident);
    buf_free(&literal);
    free(text);
    return 0;
}
