/* Who may touch repl's own schemas: their owner, and nobody else. */
#include <stdlib.h>

#include "repl/catalog.h"
#include "repl/embedded.h"

char *catalog_kept_out_sql(const char *schema)
{
    return sql_fill(sql_catalog_kept_out, (const struct sql_var[]){{"schema", schema}, {NULL, NULL}});
}

char *catalog_keep_out_sql(const char *schema)
{
    char *function =
        sql_fill(sql_catalog_keep_out, (const struct sql_var[]){{"schema", schema}, {NULL, NULL}});
    char *call = catalog_kept_out_sql(schema), *sql = xasprintf("%s%s", function, call);
    free(function);
    free(call);
    return sql;
}
