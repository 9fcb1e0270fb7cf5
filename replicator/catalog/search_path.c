#include "repl/catalog.h"
#include "repl/embedded.h"

bool catalog_search_path(struct conn *source, char **out, struct err *e)
{
    struct result *r;
    if (!pg_query_last_filled(source, sql_catalog_search_path, (const struct sql_var[]){{NULL, NULL}}, &r, e))
        return err_context(e, "reading the application's search_path");
    *out = xstrdup(result_text(r, 0, 0));
    result_free(r);
    return true;
}
