/*
 * Prints a page of docs/ with its made parts made anew from the tables that the program runs on. A part stands between
 *
 *   <!-- made: WHAT -->
 *   <!-- end -->
 *
 * and WHAT is "phases", "diagram", "cutover states", "cutover diagram", "settings", "checks", "errors", "global" or
 * "command NAME". A page whose name ends in .conf or .bash is
 * made as a whole.   Used by pages.sh.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "phase.h"
#include "repl/engine.h"
#include "repl/fence.h"

/* ---- the life-cycle ---- */

static void phases(void)
{
    struct phase_row r;
    puts("| from | event | to | what it says |\n|---|---|---|---|");
    for (unsigned i = 0; phase_row(i, &r); i++)
        printf("| %s | %s | %s | %s |\n", r.from, r.event, r.to, r.comment);
}

static void diagram(void)
{
    struct phase_row r;
    puts("```mermaid\nstateDiagram-v2\n    [*] --> opening");
    for (unsigned i = 0; phase_row(i, &r); i++)
        printf("    %s --> %s: %s\n", r.from, r.to, r.event);
    puts("```");
}

/* ---- errors ---- */

static void errors(void)
{
    struct err_rule r;
    puts("| SQLSTATE, class, or kind | what it is | verdict |\n|---|---|---|");
    for (unsigned i = 0; err_rule(i, &r); i++)
        printf("| %s | %s | %s |\n", r.code[0] != '\0' ? r.code : "any other", r.text,
               err_verdict_name(r.verdict));
}

/* ---- the cutover ---- */

static void cutover_states(void)
{
    struct cutover_row r;
    puts("| from | event | to | when |\n|---|---|---|---|");
    for (unsigned i = 0; cutover_row(i, &r); i++)
        printf("| %s | %s | %s | %s |\n", r.from, r.event, r.to, r.comment);
}

/* Cleanup comes from everywhere: the table says so, the drawing leaves it out. */
static void cutover_diagram(void)
{
    struct cutover_row r;
    puts("```mermaid\nstateDiagram-v2\n    [*] --> none");
    for (unsigned i = 0; cutover_row(i, &r); i++)
        if (strcmp(r.event, "clean") != 0)
            printf("    %s --> %s: %s\n", r.from, r.to, r.event);
    puts("```");
}

/* ---- preflight ---- */

static void checks(void)
{
    struct preflight_topic t;
    puts("| topic | side | what is looked at |\n|---|---|---|");
    for (unsigned i = 0; preflight_topic(i, &t); i++)
        printf("| %s | %s | %s |\n", t.topic, t.sides, t.text);
}

/* ---- settings ---- */

static void settings(void)
{
    for (const struct setting *s = engine_settings; s->name != NULL; s++)
        printf("**%s**\n:   %s In %s; default %lld; %lld to %lld.\n\n", s->name, s->text, s->unit,
               (long long)s->fallback, (long long)s->min, (long long)s->max);
}

static void sample_conf(void)
{
    puts("# Settings of one sync: DIR/repl.conf, read when the engine starts. repl.conf(5) tells more.\n"
         "# What is commented out shows the default. Sizes may be written 16MB, 1GB.");
    for (const struct setting *s = engine_settings; s->name != NULL; s++)
        printf("\n# %s\n# %s, %lld to %lld\n#%s = %lld\n", s->text, s->unit, (long long)s->min,
               (long long)s->max, s->name, (long long)s->fallback);
}

/* ---- commands ---- */

/* What Markdown would take for emphasis or tags. */
static void plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("*_<>", *text) != NULL)
            putchar('\\');
        putchar(*text);
    }
}

static void options(const struct option_spec *o)
{
    for (; o->name != NULL; o++) {
        if (o->letter != 0)
            printf("**-%c**, ", o->letter);
        printf("**\\--%s**", o->name);
        if (o->value != NULL)
            printf(" *%s*", o->value);
        fputs("\n:   ", stdout);
        plain(o->text);
        puts(".\n");
    }
}

static void command(const char *name)
{
    const struct cmd *c = find_command(name);
    if (c == NULL) {
        fprintf(stderr, "there is no command %s\n", name);
        exit(1);
    }
    printf("**repl %s**%s%s%s\n\n", c->name, c->options != NULL ? " [*OPTIONS*]" : "",
           c->args[0] != '\0' ? " " : "", c->args);
    plain(c->text);
    puts(".\n");
    if (c->detail != NULL) {
        plain(c->detail);
        puts("\n");
    }
    if (c->options != NULL)
        options(c->options);
}

/* ---- completion ---- */

static void words(const struct option_spec *o)
{
    for (; o != NULL && o->name != NULL; o++)
        printf(" --%s", o->name);
}

static void completion(void)
{
    fputs("# bash completion for repl, made from the program's table of commands\n"
          "_repl_commands() {\n"
          "  echo '",
          stdout);
    for (const struct cmd *const *c = commands; *c != NULL; c++)
        printf("%s%s", c != commands ? " " : "", (*c)->name);
    puts("'\n}\n"
         "_repl() {\n"
         "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} i command=''\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    case ${COMP_WORDS[i]} in\n"
         "    -D | --dir) ((i++)) ;;\n"
         "    -*) ;;\n"
         "    *)\n"
         "      command=${COMP_WORDS[i]}\n"
         "      break\n"
         "      ;;\n"
         "    esac\n"
         "  done\n"
         "  case $prev in\n"
         "  -D | --dir)\n"
         "    mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")\n"
         "    return\n"
         "    ;;");
    fputs("  --wait)\n    [ \"$command\" != status ] || {\n      mapfile -t COMPREPLY < <(compgen -W '",
          stdout);
    for (int p = PHASE_COPYING; p <= PHASE_FAILED; p++)
        printf("%s%s", p != 0 ? " " : "", phase_name((enum phase)p));
    puts("' -- \"$cur\")\n      return\n    }\n    ;;\n  esac\n  local words=''\n  case $command in");
    puts("  '') words=$(_repl_commands) ;;");
    puts("  help) words=$(_repl_commands) ;;");
    for (const struct cmd *const *c = commands; *c != NULL; c++) {
        if ((*c)->options == NULL)
            continue;
        printf("  %s) words='", (*c)->name);
        words((*c)->options);
        puts("' ;;");
    }
    fputs("  esac\n  mapfile -t COMPREPLY < <(compgen -W \"$words", stdout);
    words(global_options);
    puts("\" -- \"$cur\")\n}\ncomplete -F _repl repl");
}

/* ---- pages ---- */

static void make(const char *what)
{
    if (strcmp(what, "phases") == 0)
        phases();
    else if (strcmp(what, "diagram") == 0)
        diagram();
    else if (strcmp(what, "cutover states") == 0)
        cutover_states();
    else if (strcmp(what, "cutover diagram") == 0)
        cutover_diagram();
    else if (strcmp(what, "settings") == 0)
        settings();
    else if (strcmp(what, "checks") == 0)
        checks();
    else if (strcmp(what, "errors") == 0)
        errors();
    else if (strcmp(what, "global") == 0)
        options(global_options);
    else if (strncmp(what, "command ", 8) == 0)
        command(what + 8);
    else {
        fprintf(stderr, "nothing is made of %s\n", what);
        exit(1);
    }
}

static void page(FILE *f)
{
    char *line = NULL;
    size_t cap = 0;
    bool inside = false;
    while (getline(&line, &cap, f) >= 0) {
        char what[64];
        if (inside && strcmp(line, "<!-- end -->\n") == 0)
            inside = false;
        if (!inside)
            fputs(line, stdout);
        if (sscanf(line, "<!-- made: %63[a-z ]-->", what) == 1) {
            what[strcspn(what, "\n")] = '\0';
            what[strlen(what) - 1] = '\0'; /* the blank before the end */
            make(what);
            inside = true;
        }
    }
    free(line);
}

static bool ends(const char *s, const char *with)
{
    size_t n = strlen(s), m = strlen(with);
    return n >= m && strcmp(s + n - m, with) == 0;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    if (ends(argv[1], ".conf")) {
        sample_conf();
    } else if (ends(argv[1], ".bash")) {
        completion();
    } else {
        FILE *f = fopen(argv[1], "re");
        if (f == NULL)
            return 1;
        page(f);
        fclose(f);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
