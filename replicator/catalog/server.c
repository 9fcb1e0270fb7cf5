#include <stdio.h>
#include <string.h>

#include "repl/catalog.h"
#include "repl/embedded.h"

bool catalog_identity(struct conn *c, struct server_identity *out, struct err *e)
{
    struct result *r;
    if (!pg_query(c, sql_catalog_identity, 0, NULL, &r, e))
        return false;
    memset(out, 0, sizeof *out);
    snprintf(out->system_identifier, sizeof out->system_identifier, "%s", result_text(r, 0, 0));
    out->timeline = result_int(r, 0, 1);
    out->database = (uint32_t)result_int(r, 0, 2);
    result_free(r);
    return true;
}

bool identity_equal(const struct server_identity *a, const struct server_identity *b)
{
    return catalog_same_database(a, b) && a->timeline == b->timeline;
}

bool catalog_same_database(const struct server_identity *a, const struct server_identity *b)
{
    return strcmp(a->system_identifier, b->system_identifier) == 0 && a->database == b->database;
}
