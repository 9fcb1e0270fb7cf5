/* Fills the variables of embedded SQL as psql does, so that every file under sql/ also runs there. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "repl/pg.h"

void sql_ident(struct buf *b, const char *name)
{
    buf_puts(b, "\"");
    for (; *name != '\0'; name++) {
        if (*name == '"')
            buf_puts(b, "\"");
        buf_add(b, name, 1);
    }
    buf_puts(b, "\"");
}

void sql_literal(struct buf *b, const char *text)
{
    if (strchr(text, '\\') != NULL)
        buf_puts(b, "E");
    buf_puts(b, "'");
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\')
            buf_add(b, text, 1);
        buf_add(b, text, 1);
    }
    buf_puts(b, "'");
}

char *sql_qualified(struct arena *a, const char *schema, const char *name)
{
    struct buf b = {0};
    sql_ident(&b, schema);
    buf_puts(&b, ".");
    sql_ident(&b, name);
    return buf_take(a, &b);
}

/* One value, quoted or not; returns what stands behind it, NULL where it is none. */
static const char *array_value(const char *s, char *out)
{
    const char *begin = s;
    bool quoted = *s == '"';
    for (s += quoted; *s != '\0' && *s != (quoted ? '"' : ',') && (quoted || *s != '}'); s++) {
        if (!quoted && strchr("{\"", *s) != NULL)
            return NULL;
        if (*s == '\\' && *++s == '\0')
            return NULL;
        *out++ = *s;
    }
    *out = '\0';
    if (!quoted && (s == begin || (s - begin == 4 && strncasecmp(begin, "NULL", 4) == 0)))
        return NULL;
    return !quoted ? s : *s == '"' ? s + 1 : NULL;
}

bool sql_array_parse(struct arena *a, const char *text, char ***values, size_t *n)
{
    size_t most = 1;
    for (const char *s = text; *s != '\0'; s++)
        most += *s == ',';
    *values = arena_alloc(a, most * sizeof **values);
    *n = 0;
    if (strcmp(text, "{}") == 0)
        return true;
    const char *s = text;
    for (char open = '{'; *s == open; open = ',') {
        char *value = arena_alloc(a, strlen(s) + 1);
        s = array_value(s + 1, value);
        if (s == NULL)
            return false;
        (*values)[(*n)++] = value;
    }
    return strcmp(s, "}") == 0;
}

static bool is_name(char ch)
{
    return isalnum((unsigned char)ch) || ch == '_';
}

static const char *value_of(const struct sql_var *vars, const char *name, size_t len)
{
    for (; vars->name != NULL; vars++)
        if (strlen(vars->name) == len && strncmp(vars->name, name, len) == 0)
            return vars->value;
    fprintf(stderr, "repl: SQL variable :%.*s is not given\n", (int)len, name);
    abort();
}

/* The end of a quoted run that begins at s: the closing quote is passed, doubled ones are part of the run. */
static const char *skip_quoted(const char *s, char quote)
{
    for (s++; *s != '\0'; s++)
        if (*s == quote && *++s != quote)
            return s;
    return s;
}

/* The end of $tag$ ... $tag$ at s, or s where none begins there. */
static const char *skip_dollar(const char *s)
{
    size_t n = 1;
    while (is_name(s[n]))
        n++;
    if (s[n] != '$' || isdigit((unsigned char)s[1]))
        return s;
    char *tag = strndup(s, n + 1);
    if (tag == NULL)
        abort();
    const char *end = strstr(s + n + 1, tag);
    free(tag);
    return end != NULL ? end + n + 1 : s + strlen(s);
}

/* Fills the variable at s, which stands at a colon; returns the end of it, or s where there is none. */
static const char *fill_one(struct buf *b, const char *s, const struct sql_var *vars)
{
    char quote = s[1] == '\'' || s[1] == '"' ? s[1] : '\0';
    const char *name = s + 1 + (quote != '\0');
    size_t len = 0;
    while (is_name(name[len]))
        len++;
    if (len == 0 || (quote != '\0' && name[len] != quote))
        return s;
    const char *value = value_of(vars, name, len);
    if (quote == '"')
        sql_ident(b, value);
    else if (quote == '\'')
        sql_literal(b, value);
    else
        buf_puts(b, value);
    return name + len + (quote != '\0');
}

/* The end of what must be taken over as it stands (quotes, dollar quotes, "::", ":="), or s. */
static const char *skip_verbatim(const char *s)
{
    if (*s == '\'' || *s == '"')
        return skip_quoted(s, *s);
    if (*s == '$')
        return skip_dollar(s);
    if (*s == ':' && (s[1] == ':' || s[1] == '='))
        return s + 2;
    return s;
}

char *sql_fill(const char *s, const struct sql_var *vars)
{
    struct buf b = {0};
    buf_puts(&b, "");
    while (*s != '\0') {
        const char *end = skip_verbatim(s);
        if (end != s) {
            buf_add(&b, s, (size_t)(end - s));
            s = end;
            continue;
        }
        if (s[0] == '-' && s[1] == '-') {
            s += strcspn(s, "\n");
            continue;
        }
        if (*s == ':' && (end = fill_one(&b, s, vars)) != s) {
            s = end;
            continue;
        }
        buf_add(&b, s++, 1);
    }
    return b.data;
}

char *sql_filled(struct arena *a, const char *text, const struct sql_var *vars)
{
    char *sql = sql_fill(text, vars);
    char *kept = arena_strdup(a, sql);
    free(sql);
    return kept;
}
