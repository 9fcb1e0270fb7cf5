/* getopt_long from our own tables, with errors that say what is valid. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "repl/cli.h"
#include "repl/mem.h"

enum { LONG_BASE = 1000 };

/* ---- words that are shown in errors ---- */

static bool may_hold_secret(const char *s)
{
    return strstr(s, "://") != NULL || strcasestr(s, "password") != NULL;
}

const char *shown_word(const char *word)
{
    return may_hold_secret(word) ? "(a connection string)" : word;
}

const char *nearest_word(const char *word, const char *const *words, size_t n)
{
    const char *best = NULL;
    size_t least = strlen(word) / 3 + 1;
    for (size_t i = 0; i < n; i++) {
        size_t d = str_distance(word, words[i]);
        if (d <= least && d < strlen(words[i])) {
            best = words[i];
            least = d - (d != 0);
        }
    }
    return best;
}

/* ---- the tables as getopt wants them ---- */

struct parser {
    const struct option_spec **specs;
    size_t nspecs;
    struct option *options;
    char *letters;
};

static size_t count_specs(const struct option_spec *const *tables)
{
    size_t n = 0;
    for (; *tables != NULL; tables++)
        for (const struct option_spec *s = *tables; s->name != NULL; s++)
            n++;
    return n;
}

static void parser_init(struct parser *p, const struct option_spec *const *tables, bool leading)
{
    struct buf letters = {0};
    size_t n = count_specs(tables);
    *p = (struct parser){.specs = xcalloc(n + 1, sizeof(struct option_spec *)),
                         .options = xcalloc(n + 1, sizeof(struct option))};
    buf_puts(&letters, leading ? "+:" : ":");
    for (; *tables != NULL; tables++) {
        for (const struct option_spec *s = *tables; s->name != NULL; s++) {
            p->options[p->nspecs] =
                (struct option){.name = s->name, .has_arg = s->has_arg, .val = LONG_BASE + (int)p->nspecs};
            p->specs[p->nspecs++] = s;
            if (s->letter != 0)
                buf_printf(&letters, "%c%s", s->letter, s->has_arg == required_argument ? ":" : "");
        }
    }
    p->letters = letters.data;
}

static void parser_free(struct parser *p)
{
    free(p->specs);
    free(p->options);
    free(p->letters);
}

static const struct option_spec *spec_of(const struct parser *p, int code)
{
    if (code >= LONG_BASE)
        return p->specs[code - LONG_BASE];
    for (size_t i = 0; i < p->nspecs; i++)
        if (p->specs[i]->letter == code && code != 0)
            return p->specs[i];
    return NULL;
}

/* ---- errors ---- */

static bool point_to_help(const char *command, struct err *e)
{
    return err_hint(e, "`repl help%s%s` lists the options", command != NULL ? " " : "",
                    command != NULL ? command : "");
}

static bool unknown_option(const struct parser *p, const char *typed, const char *command, struct err *e)
{
    char *name = xstrdup(typed + strspn(typed, "-"));
    name[strcspn(name, "=")] = '\0';
    const char **names = xcalloc(p->nspecs, sizeof *names);
    for (size_t i = 0; i < p->nspecs; i++)
        names[i] = p->specs[i]->name;
    const char *near = nearest_word(name, names, p->nspecs);
    err_set(e, ERR_USAGE, "%s%sunknown option --%s", command != NULL ? command : "",
            command != NULL ? ": " : "", shown_word(name));
    if (near != NULL)
        err_hint(e, "did you mean --%s? `repl help%s%s` lists the options", near, command != NULL ? " " : "",
                 command != NULL ? command : "");
    free(names);
    free(name);
    return point_to_help(command, e);
}

static bool refuse(const struct parser *p, int code, char **argv, const char *command, struct err *e)
{
    const struct option_spec *s = spec_of(p, optopt);
    if (code == ':') {
        err_set(e, ERR_USAGE, "option --%s needs a value", s->name);
        err_hint(e, "--%s %s: %s", s->name, s->value, s->text);
        return false;
    }
    if (optopt >= LONG_BASE) {
        err_set(e, ERR_USAGE, "option --%s takes no value", s->name);
        return point_to_help(command, e);
    }
    if (optopt != 0) {
        err_set(e, ERR_USAGE, "unknown option -%c", optopt);
        return point_to_help(command, e);
    }
    return unknown_option(p, argv[optind - 1], command, e);
}

/* ---- parsing ---- */

static void keep(struct args *a, const struct option_spec *s, char *value)
{
    a->given = xrealloc(a->given, (a->ngiven + 1) * sizeof *a->given);
    a->given[a->ngiven].name = s->name;
    a->given[a->ngiven].value = value != NULL ? xstrdup(value) : NULL;
    a->ngiven++;
    if (value != NULL && may_hold_secret(value))
        memset(value, 'x', strlen(value));
}

bool args_parse(struct args *a, int argc, char **argv, const struct option_spec *const *tables, bool leading,
                const char *command, struct err *e)
{
    struct parser p;
    parser_init(&p, tables, leading);
    bool ok = true;
    int code;
    optind = 0; /* glibc: start over, with the rules of this call */
    opterr = 0;
    while (ok && (code = getopt_long(argc, argv, p.letters, p.options, NULL)) != -1) {
        if (code == '?' || code == ':')
            ok = refuse(&p, code, argv, command, e);
        else
            keep(a, spec_of(&p, code), optarg);
    }
    a->words = argv + optind;
    a->nwords = (size_t)(argc - optind);
    parser_free(&p);
    return ok;
}

void args_free(struct args *a)
{
    for (size_t i = 0; i < a->ngiven; i++)
        free(a->given[i].value);
    free(a->given);
    *a = (struct args){0};
}

/* ---- reading ---- */

bool args_has(const struct args *a, const char *name)
{
    for (size_t i = 0; i < a->ngiven; i++)
        if (strcmp(a->given[i].name, name) == 0)
            return true;
    return false;
}

const char *args_text(const struct args *a, const char *name)
{
    for (size_t i = a->ngiven; i-- > 0;)
        if (strcmp(a->given[i].name, name) == 0)
            return a->given[i].value;
    return NULL;
}

void args_list(const struct args *a, const char *name, struct strlist *out)
{
    for (size_t i = 0; i < a->ngiven; i++)
        if (strcmp(a->given[i].name, name) == 0)
            strlist_add_csv(out, a->given[i].value);
}

bool args_int(const struct args *a, const char *name, long long min, long long max, long long fallback,
              long long *out, struct err *e)
{
    const char *text = args_text(a, name);
    *out = fallback;
    if (text == NULL || str_parse_int(text, min, max, out))
        return true;
    return err_set(e, ERR_USAGE, "--%s takes a whole number from %lld to %lld, not %s", name, min, max,
                   shown_word(text));
}

bool args_seconds(const struct args *a, const char *name, unsigned *ms, struct err *e)
{
    const char *text = args_text(a, name);
    char *end;
    *ms = 0;
    if (text == NULL)
        return true;
    double seconds = strtod(text, &end);
    if (end == text || *end != '\0' || !(seconds >= 0 && seconds <= 4000000))
        return err_set(e, ERR_USAGE, "--%s takes seconds, not %s", name, shown_word(text));
    /* Zero means at once, while 0 ms would mean for ever. */
    *ms = seconds < 0.001 ? 1 : (unsigned)(seconds * 1000);
    return true;
}

bool args_rate(const struct args *a, const char *name, int64_t *out, struct err *e)
{
    const char *text = args_text(a, name);
    *out = 0;
    if (text == NULL || str_parse_rate(text, out))
        return true;
    err_set(e, ERR_USAGE, "--%s cannot be %s", name, shown_word(text));
    return err_hint(e, "give bytes a second, at least %d kB: 500kB, 20MB, 1GB; or unlimited",
                    STR_LEAST_RATE / 1000);
}
