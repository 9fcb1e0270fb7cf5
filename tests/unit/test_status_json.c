/* The contract of `status --json`: its keys, null for what is not known, and that it can be read back. */
#include "unit.h"

#include <cjson/cJSON.h>

#include "repl/engine.h"

static struct status sample(void)
{
    struct status s = {.phase = PHASE_FOLLOWING, .lag_seconds = 0.25, .owed_rows = 12, .consistent = true};
    s.engine.running = true;
    s.engine.pid = 4711;
    s.engine.version = strdup("0.1.0");
    s.engine.since = strdup("2026-01-31T02:00:00.000Z");
    s.reached = PHASE_FOLLOWING;
    s.state = STATE_DEGRADED;
    s.unknown_seconds = 22;
    s.known_at = strdup("2026-01-31T01:59:40.000Z");
    s.source.silent_seconds = 16.5;
    s.target.error = strdup("connection refused");
    s.back = true;
    s.workers.running = 3;
    s.workers.wanted = 4;
    s.workers.busy = 2;
    s.workers.error = strdup("source: too many clients");
    s.workers.max_rate = 20000000;
    s.load.known = true;
    s.load.delta_bytes = 1500000;
    s.load.wal_kept_bytes = -1;
    s.load.wal_bytes_per_second = 2e6;
    s.load.connections_free = 17;
    s.load.slowed = strdup("the source keeps 9 GB of WAL");
    s.position = strdup("100:105:101,103");
    s.doubt.tables = 2;
    s.doubt.since = strdup("2026-01-31T01:00:00.000Z");
    s.doubt.reason = strdup("the source failed over");
    s.copy.bytes_done = INT64_C(1500000000000000);
    s.copy.bytes_total = INT64_C(1500000000000001);
    s.copy.rows_done = 3;
    s.copy.rate_bytes_per_second = 1000.5;
    s.copy.eta_seconds = 60;
    s.copy.from = strdup("app@fork:5432/shop");
    s.last_batch.at = strdup("2026-01-31T02:00:01.000Z");
    s.last_batch.tables = 2;
    s.last_batch.rows_upserted = 10;
    s.last_batch.rows_deleted = 1;
    s.last_batch.bytes = 1000;
    s.last_batch.seconds = 0.125;
    s.step.name = strdup("indexes");
    s.step.units_done = 3;
    s.step.units_total = 10;
    s.step.nrunning = 2;
    s.step.running = calloc(2, sizeof *s.step.running);
    s.catch_up.goes_on = true;
    s.catch_up.tables_total = 2;
    s.catch_up.bytes_total = 4000;
    s.catch_up.rows_done = 20000000;
    s.catch_up.rate_rows_per_second = -1;
    s.catch_up.eta_seconds = 190;
    s.step.running[0] = (struct status_unit){.what = strdup("index public.big_v"),
                                             .table = strdup("public.big"),
                                             .phase = strdup("building index: scanning table"),
                                             .fraction = 0.25,
                                             .seconds = 12.5};
    s.step.running[1] = (struct status_unit){.what = strdup("the rest"), .fraction = -1};
    s.ntables = 1;
    s.tables = calloc(1, sizeof *s.tables);
    s.tables[0] = (struct status_table){.schema = strdup("public"),
                                        .name = strdup("a \"quoted\"\n\xc3\xa9"),
                                        .phase = strdup("following"),
                                        .rows_copied = 1,
                                        .bytes_copied = 2,
                                        .bytes_total = 3,
                                        .owed_rows = 4,
                                        .error = strdup("drifted")};
    s.ntimings = 2;
    s.timings = calloc(2, sizeof *s.timings);
    s.timings[0] = (struct status_timing){strdup("step"), strdup("copy"), 12.5, 1153809, 316000000};
    s.timings[1] = (struct status_timing){strdup("index"), strdup("index public.big_v"), 4.25, -1, -1};
    s.nwaits = 2;
    s.waits = calloc(2, sizeof *s.waits);
    s.waits[0] = (struct status_wait){.side = strdup("source"),
                                      .step = strdup("lock on public.t"),
                                      .table = strdup("public.t"),
                                      .seconds = 12.5,
                                      .blocker = {4242, strdup("app"), strdup("psql"), 200}};
    s.waits[1] = (struct status_wait){
        .side = strdup("target"), .step = strdup("merge"), .seconds = 3, .blocker = {.query_seconds = -1}};
    s.nerrors = 1;
    s.errors = calloc(1, sizeof *s.errors);
    s.errors[0] = (struct status_error){.at = strdup("2026-01-31T02:00:02.000Z"),
                                        .table = strdup("public.t"),
                                        .message = strdup("it broke"),
                                        .hint = strdup("mend it")};
    s.cutover.state = strdup("aborted");
    s.cutover.since = strdup("2026-01-31T02:00:00Z");
    s.cutover.why = strdup("its lease was over");
    s.next = strdup("repl status --watch");
    s.note = strdup("building indexes");
    return s;
}

static struct status nothing_known(void)
{
    struct status s = {.phase = PHASE_STOPPED, .lag_seconds = -1, .owed_rows = -1};
    s.copy.rate_bytes_per_second = -1;
    s.copy.eta_seconds = -1;
    return s;
}

static cJSON *printed(const struct status *s, bool pretty)
{
    char *text = status_to_json(s, pretty);
    if (!pretty)
        assert_null(strchr(text, '\n'));
    cJSON *root = cJSON_Parse(text);
    assert_non_null(root);
    free(text);
    return root;
}

static void assert_keys(const cJSON *o, const char *const *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!cJSON_HasObjectItem(o, keys[i]))
            fail_msg("no key %s", keys[i]);
    assert_int_equal(cJSON_GetArraySize(o), n);
}

#define KEYS(o, ...)                                                                                         \
    do {                                                                                                     \
        static const char *const keys[] = {__VA_ARGS__};                                                     \
        assert_keys(o, keys, COUNT(keys));                                                                   \
    } while (0)

static void it_has_the_keys_of_the_contract(void **arg)
{
    (void)arg;
    struct status s = sample();
    cJSON *o = printed(&s, true);
    KEYS(o, "phase", "reached", "direction", "engine", "workers", "load", "lag_seconds", "owed_rows",
         "position", "copy", "last_batch", "tables", "errors", "next", "consistent", "note", "step",
         "catch_up", "waits", "state", "unknown_seconds", "known_at", "source", "target", "summary",
         "cutover", "doubt");
    const cJSON *summary = cJSON_GetObjectItem(o, "summary");
    KEYS(summary, "seconds", "steps", "tables", "indexes");
    KEYS(cJSON_GetArrayItem(cJSON_GetObjectItem(summary, "steps"), 0), "name", "seconds", "rows", "bytes");
    KEYS(cJSON_GetObjectItem(o, "source"), "silent_seconds", "error");
    assert_string_equal(cJSON_GetObjectItem(o, "state")->valuestring, "degraded");
    KEYS(cJSON_GetObjectItem(o, "cutover"), "state", "since", "why");
    KEYS(cJSON_GetArrayItem(cJSON_GetObjectItem(o, "waits"), 0), "side", "step", "table", "seconds",
         "blocker");
    KEYS(cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(o, "waits"), 0), "blocker"), "pid",
         "user", "name", "query_seconds");
    assert_true(
        cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(o, "waits"), 1), "blocker")));
    KEYS(cJSON_GetObjectItem(o, "load"), "delta_bytes", "wal_kept_bytes", "wal_bytes_per_second",
         "connections_free", "slowed");
    KEYS(cJSON_GetObjectItem(o, "catch_up"), "tables_done", "tables_total", "bytes_done", "bytes_total",
         "rows_done", "rate_rows_per_second", "eta_seconds");
    KEYS(cJSON_GetObjectItem(o, "workers"), "running", "wanted", "busy", "error",
         "max_rate_bytes_per_second");
    KEYS(cJSON_GetObjectItem(o, "step"), "name", "units_done", "units_total", "running");
    KEYS(cJSON_GetArrayItem(cJSON_GetObjectItem(cJSON_GetObjectItem(o, "step"), "running"), 0), "what",
         "table", "phase", "fraction", "seconds");
    KEYS(cJSON_GetObjectItem(o, "engine"), "running", "pid", "version", "since");
    KEYS(cJSON_GetObjectItem(o, "copy"), "bytes_done", "bytes_total", "rows_done", "rate_bytes_per_second",
         "eta_seconds", "from");
    KEYS(cJSON_GetObjectItem(o, "last_batch"), "at", "tables", "rows_upserted", "rows_deleted", "bytes",
         "seconds");
    KEYS(cJSON_GetArrayItem(cJSON_GetObjectItem(o, "tables"), 0), "schema", "name", "phase", "rows_copied",
         "bytes_copied", "bytes_total", "rate_bytes_per_second", "eta_seconds", "owed_rows", "error");
    KEYS(cJSON_GetArrayItem(cJSON_GetObjectItem(o, "errors"), 0), "at", "table", "message", "hint");
    assert_string_equal(cJSON_GetObjectItem(o, "phase")->valuestring, "following");
    cJSON_Delete(o);
    status_free(&s);
}

static void what_is_not_known_is_null(void **arg)
{
    (void)arg;
    struct status s = nothing_known();
    cJSON *o = printed(&s, false);
    static const char *const null_keys[] = {"lag_seconds", "owed_rows", "position", "next",
                                            "note",        "step",      "summary"};
    for (size_t i = 0; i < COUNT(null_keys); i++)
        assert_true(cJSON_IsNull(cJSON_GetObjectItem(o, null_keys[i])));
    const cJSON *engine = cJSON_GetObjectItem(o, "engine"), *copy = cJSON_GetObjectItem(o, "copy");
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(engine, "running")));
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(engine, "pid")));
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(copy, "rate_bytes_per_second")));
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(o, "load")));
    const cJSON *workers = cJSON_GetObjectItem(o, "workers");
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(workers, "max_rate_bytes_per_second")));
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(workers, "error")));
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(copy, "eta_seconds")));
    assert_int_equal(cJSON_GetObjectItem(copy, "bytes_done")->valueint, 0);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetObjectItem(o, "last_batch"), "at")));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(o, "tables")), 0);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(o, "errors")), 0);
    cJSON_Delete(o);
}

/* What was true when a server last answered is not told as the present. */
static void what_was_known_is_not_claimed(void **arg)
{
    (void)arg;
    struct status s = nothing_known(), out;
    s.consistent_unknown = true;
    cJSON *o = printed(&s, false);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(o, "consistent")));
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(o, "unknown_seconds")));
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetObjectItem(o, "source"), "silent_seconds")));
    char *text = cJSON_PrintUnformatted(o);
    assert_true(status_from_json(text, &out));
    assert_true(out.consistent_unknown && !out.consistent);
    status_free(&out);
    free(text);
    cJSON_Delete(o);
}

static void large_numbers_keep_their_digits(void **arg)
{
    (void)arg;
    struct status s = nothing_known();
    s.owed_rows = INT64_C(1000000000000000);
    s.lag_seconds = 3e9;
    char *text = status_to_json(&s, false);
    assert_non_null(strstr(text, "\"owed_rows\":1000000000000000,"));
    assert_non_null(strstr(text, "\"lag_seconds\":3000000000.000,"));
    free(text);
}

static void assert_round_trip(struct status *in)
{
    struct status out;
    char *first = status_to_json(in, true);
    assert_true(status_from_json(first, &out));
    char *second = status_to_json(&out, true);
    assert_string_equal(first, second);
    free(first);
    free(second);
    status_free(&out);
    status_free(in);
}

static void it_can_be_read_back(void **arg)
{
    (void)arg;
    struct status s = sample();
    struct status out;
    char *text = status_to_json(&s, false);
    assert_true(status_from_json(text, &out));
    assert_int_equal(out.phase, PHASE_FOLLOWING);
    assert_true(out.engine.running);
    assert_int_equal(out.state, STATE_DEGRADED);
    assert_true(out.unknown_seconds == 22 && out.source.silent_seconds == 16.5);
    assert_string_equal(out.target.error, "connection refused");
    assert_int_equal(out.engine.pid, 4711);
    assert_true(out.lag_seconds == 0.25);
    assert_int_equal(out.workers.wanted, 4);
    assert_int_equal(out.workers.max_rate, 20000000);
    assert_true(out.load.known);
    assert_int_equal(out.load.delta_bytes, 1500000);
    assert_int_equal(out.load.wal_kept_bytes, -1);
    assert_int_equal(out.load.connections_free, 17);
    assert_string_equal(out.load.slowed, "the source keeps 9 GB of WAL");
    assert_true(out.copy.bytes_total == INT64_C(1500000000000001));
    assert_true(out.catch_up.goes_on && out.catch_up.rate_rows_per_second < 0);
    assert_true(out.catch_up.rows_done == 20000000 && out.catch_up.eta_seconds == 190);
    assert_string_equal(out.tables[0].name, "a \"quoted\"\n\xc3\xa9");
    assert_int_equal(out.waits[0].blocker.pid, 4242);
    assert_true(out.waits[1].blocker.query_seconds < 0);
    assert_string_equal(out.errors[0].hint, "mend it");
    assert_string_equal(out.step.running[0].what, "index public.big_v");
    assert_true(out.step.running[1].fraction < 0);
    free(text);
    status_free(&out);
    assert_round_trip(&s);
    s = nothing_known();
    assert_round_trip(&s);
}

static void fewer_and_further_keys_are_fine(void **arg)
{
    (void)arg;
    struct status out;
    assert_true(
        status_from_json("{\"phase\":\"failed\",\"engine\":{\"running\":false},\"later\":{\"x\":1}}", &out));
    assert_int_equal(out.phase, PHASE_FAILED);
    assert_int_equal(out.owed_rows, -1);
    assert_true(out.lag_seconds < 0);
    status_free(&out);
}

static void what_is_no_status_is_refused(void **arg)
{
    (void)arg;
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"phase\":\"following\"}",
        "{\"phase\":\"asleep\",\"engine\":{}}",
        "{\"phase\":1,\"engine\":{}}",
        "{\"phase\":\"failed\",\"engine\":[]}",
        "{\"phase\":\"failed\",\"state\":\"fine\",\"engine\":{}}",
        "{\"phase\":\"paused\",\"reached\":\"asleep\",\"engine\":{}}",
        "{\"phase\":\"failed\",\"engine\":{},\"workers\":4}",
        "{\"phase\":\"failed\",\"engine\":{},\"owed_rows\":\"many\"}",
        "{\"phase\":\"failed\",\"engine\":{},\"owed_rows\":1e300}",
        "{\"phase\":\"failed\",\"engine\":{\"pid\":1e12}}",
        "{\"phase\":\"failed\",\"engine\":{},\"tables\":{}}",
        "{\"phase\":\"failed\",\"engine\":{},\"tables\":[1]}",
        "{\"phase\":\"failed\",\"engine\":{},\"tables\":[{\"schema\":\"a\"}]}",
        "{\"phase\":\"failed\",\"engine\":{},\"errors\":[{}]}",
        "{\"phase\":\"failed\",\"engine\":{},\"step\":[]}",
        "{\"phase\":\"failed\",\"engine\":{},\"waits\":[{}]}",
        "{\"phase\":\"failed\",\"engine\":{},\"step\":{\"running\":[{}]}}",
        "{\"phase\":\"failed\",\"engine\":{}",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct status out;
        if (status_from_json(bad[i], &out))
            fail_msg("taken for a status: %s", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_has_the_keys_of_the_contract), cmocka_unit_test(what_is_not_known_is_null),
        cmocka_unit_test(large_numbers_keep_their_digits), cmocka_unit_test(it_can_be_read_back),
        cmocka_unit_test(fewer_and_further_keys_are_fine), cmocka_unit_test(what_is_no_status_is_refused),
        cmocka_unit_test(what_was_known_is_not_claimed),
    };
    return cmocka_run_group_tests_name("status_json", tests, NULL, NULL);
}
