/* The state file: what goes in comes out; what is kept and what is dropped. */
#include "state.h"

static void reopen(struct fixture *f)
{
    state_close(f->st);
    assert_true(state_open(f->dir, false, &f->st, &f->e));
}

static void settings_are_kept(void **arg)
{
    struct fixture *f = *arg;
    char *value;
    assert_true(state_get(f->st, "source", &value, &f->e));
    assert_null(value);
    assert_true(state_set(f->st, "source", "env:A", &f->e));
    assert_true(state_set(f->st, "source", "it's \"B\"", &f->e));
    reopen(f);
    assert_true(state_get(f->st, "source", &value, &f->e));
    assert_string_equal(value, "it's \"B\"");
    free(value);
    assert_true(state_set(f->st, "source", NULL, &f->e));
    assert_true(state_get(f->st, "source", &value, &f->e));
    assert_null(value);
}

static void an_empty_state_knows_nothing(void **arg)
{
    struct fixture *f = *arg;
    struct status s;
    assert_true(state_load_status(f->st, &s, &f->e));
    assert_int_equal(s.phase, PHASE_STOPPED);
    assert_true(s.lag_seconds < 0);
    assert_int_equal(s.owed_rows, -1);
    assert_true(s.copy.eta_seconds < 0);
    assert_null(s.position);
    assert_null(s.last_batch.at);
    assert_int_equal(s.ntables, 0);
    status_free(&s);
}

static struct status sample(void)
{
    struct status s = {.phase = PHASE_CATCHING_UP, .lag_seconds = 1.25, .owed_rows = 42, .consistent = true};
    s.engine.running = true;
    s.engine.pid = 77;
    s.engine.version = strdup("9.9");
    s.engine.since = strdup("2026-01-31T02:00:00.000Z");
    s.position = strdup("100:105:101,103");
    s.copy.bytes_done = 1;
    s.copy.bytes_total = INT64_C(5) << 40;
    s.copy.rows_done = 3;
    s.copy.rate_bytes_per_second = 4.5;
    s.copy.eta_seconds = -1;
    s.last_batch.at = strdup("2026-01-31T02:00:01.000Z");
    s.last_batch.tables = 2;
    s.last_batch.rows_upserted = 10;
    s.last_batch.rows_deleted = 1;
    s.last_batch.bytes = 1000;
    s.last_batch.seconds = 0.5;
    s.next = strdup("repl status");
    s.note = strdup("building indexes");
    s.ntables = 3;
    s.tables = calloc(s.ntables, sizeof *s.tables);
    for (size_t i = 0; i < s.ntables; i++) {
        struct status_table *t = &s.tables[i];
        t->id = (int)(i + 1);
        t->schema = strdup("public");
        t->name = strdup(i == 0 ? "z" : i == 1 ? "a" : "na\xc3\xafve \"t\"");
        t->phase = strdup("following");
        t->rows_copied = 7;
        t->bytes_copied = 8;
        t->bytes_total = 9;
        t->owed_rows = i == 0 ? -1 : 5;
        t->error = i == 1 ? strdup("drifted") : NULL;
    }
    return s;
}

static void assert_same_text(const char *a, const char *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a != NULL)
        assert_string_equal(a, b);
}

static void assert_same(const struct status *a, const struct status *b)
{
    assert_int_equal(a->phase, b->phase);
    assert_same_text(a->engine.version, b->engine.version);
    assert_same_text(a->engine.since, b->engine.since);
    assert_true(a->lag_seconds == b->lag_seconds);
    assert_int_equal(a->owed_rows, b->owed_rows);
    assert_same_text(a->position, b->position);
    assert_memory_equal(&a->copy, &b->copy, sizeof a->copy);
    assert_same_text(a->last_batch.at, b->last_batch.at);
    assert_int_equal(a->last_batch.tables, b->last_batch.tables);
    assert_int_equal(a->last_batch.rows_upserted, b->last_batch.rows_upserted);
    assert_int_equal(a->last_batch.rows_deleted, b->last_batch.rows_deleted);
    assert_int_equal(a->last_batch.bytes, b->last_batch.bytes);
    assert_true(a->last_batch.seconds == b->last_batch.seconds);
    assert_same_text(a->next, b->next);
    assert_same_text(a->note, b->note);
    assert_int_equal(a->consistent, b->consistent);
    assert_int_equal(a->ntables, b->ntables);
    for (size_t i = 0; i < a->ntables; i++) {
        const struct status_table *x = &a->tables[i], *y = &b->tables[i];
        assert_int_equal(x->id, y->id);
        assert_same_text(x->schema, y->schema);
        assert_same_text(x->name, y->name);
        assert_same_text(x->phase, y->phase);
        assert_int_equal(x->rows_copied, y->rows_copied);
        assert_int_equal(x->bytes_copied, y->bytes_copied);
        assert_int_equal(x->bytes_total, y->bytes_total);
        assert_int_equal(x->owed_rows, y->owed_rows);
        assert_same_text(x->error, y->error);
    }
}

static void a_status_comes_back(void **arg)
{
    struct fixture *f = *arg;
    struct status in = sample(), out;
    assert_true(state_save_status(f->st, &in, &f->e));
    reopen(f);
    assert_true(state_load_status(f->st, &out, &f->e));
    assert_same(&in, &out);
    /* Whether an engine runs is not for a file to say. */
    assert_false(out.engine.running);
    assert_int_equal(out.engine.pid, 0);
    status_free(&out);
    status_free(&in);
}

static void a_save_replaces_the_one_before(void **arg)
{
    struct fixture *f = *arg;
    struct status in = sample(), out;
    assert_true(state_save_status(f->st, &in, &f->e));
    in.phase = PHASE_FOLLOWING;
    in.lag_seconds = -1;
    in.tables[0].rows_copied = 99;
    in.tables[1].owed_rows = -1;
    free(in.tables[1].error);
    in.tables[1].error = NULL;
    in.ntables = 2;
    assert_true(state_save_status(f->st, &in, &f->e));
    assert_true(state_load_status(f->st, &out, &f->e));
    assert_same(&in, &out);
    status_free(&out);
    in.ntables = 3; /* one comes back */
    assert_true(state_save_status(f->st, &in, &f->e));
    assert_true(state_save_status(f->st, &in, &f->e));
    assert_true(state_load_status(f->st, &out, &f->e));
    assert_same(&in, &out);
    status_free(&out);
    status_free(&in);
}

static void the_log_is_read_in_order(void **arg)
{
    struct fixture *f = *arg;
    struct state_event *ev;
    size_t n;
    assert_true(state_log(f->st, "info", NULL, "one", NULL, &f->e));
    assert_true(state_log(f->st, "error", "public.t", "two", "type this", &f->e));
    assert_true(state_log(f->st, "warn", NULL, "three", NULL, &f->e));

    assert_true(state_log_read(f->st, 0, 2, false, &ev, &n, &f->e));
    assert_int_equal(n, 2);
    assert_string_equal(ev[0].message, "two");
    assert_string_equal(ev[0].table, "public.t");
    assert_string_equal(ev[0].hint, "type this");
    assert_string_equal(ev[1].message, "three");
    assert_null(ev[1].table);
    assert_int_equal(strlen(ev[1].at), strlen("2026-01-31T02:00:00.123Z"));
    int64_t after = ev[0].id;
    state_events_free(ev, n);

    assert_true(state_log_read(f->st, after, 10, false, &ev, &n, &f->e));
    assert_int_equal(n, 1);
    assert_string_equal(ev[0].message, "three");
    state_events_free(ev, n);

    assert_true(state_log_read(f->st, 0, 10, true, &ev, &n, &f->e));
    assert_int_equal(n, 1);
    assert_string_equal(ev[0].level, "error");
    state_events_free(ev, n);
}

static void errors_are_shown_until_they_are_over(void **arg)
{
    struct fixture *f = *arg;
    struct status s = {0};
    assert_true(state_log(f->st, "error", NULL, "old", NULL, &f->e));
    assert_true(state_log_settle(f->st, &f->e));
    assert_true(state_log(f->st, "error", "public.t", "first", NULL, &f->e));
    assert_true(state_log(f->st, "info", NULL, "chatter", NULL, &f->e));
    assert_true(state_log(f->st, "error", NULL, "second", "h", &f->e));
    assert_true(state_load_errors(f->st, 10, &s, &f->e));
    assert_int_equal(s.nerrors, 2);
    assert_string_equal(s.errors[0].message, "second");
    assert_string_equal(s.errors[0].hint, "h");
    assert_string_equal(s.errors[1].table, "public.t");
    status_free(&s);

    assert_true(state_load_errors(f->st, 1, &s, &f->e));
    assert_int_equal(s.nerrors, 1);
    status_free(&s);

    assert_true(state_log_settle(f->st, &f->e));
    assert_true(state_load_errors(f->st, 10, &s, &f->e));
    assert_int_equal(s.nerrors, 0);
    status_free(&s);
    struct state_event *ev;
    size_t n;
    assert_true(state_log_read(f->st, 0, 100, false, &ev, &n, &f->e));
    assert_int_equal(n, 4);
    state_events_free(ev, n);
}

static void the_log_is_pruned(void **arg)
{
    struct fixture *f = *arg;
    struct state_event *ev;
    size_t n;
    for (int i = 0; i < 10005; i++)
        assert_true(state_log(f->st, "info", NULL, "x", NULL, &f->e));
    assert_true(state_log_read(f->st, 0, 20000, false, &ev, &n, &f->e));
    assert_int_equal(n, 10000);
    assert_int_equal(ev[0].id, 6);
    state_events_free(ev, n);
}

static void batches_are_kept(void **arg)
{
    struct fixture *f = *arg;
    struct status s = sample();
    for (int i = 0; i < 1010; i++)
        assert_true(state_batch_add(f->st, &s, &f->e));
    status_free(&s);
}

static void two_may_have_it_open(void **arg)
{
    struct fixture *f = *arg;
    struct state *second;
    struct status in = sample(), out;
    assert_true(state_open(f->dir, false, &second, &f->e));
    assert_true(state_save_status(f->st, &in, &f->e));
    assert_true(state_load_status(second, &out, &f->e));
    assert_same(&in, &out);
    status_free(&out);
    status_free(&in);
    state_close(second);
}

static void phases_have_names(void **arg)
{
    (void)arg;
    for (int p = PHASE_COPYING; p <= PHASE_FAILED; p++) {
        enum phase back;
        assert_true(phase_parse(phase_name((enum phase)p), &back));
        assert_int_equal(back, p);
    }
    enum phase x;
    assert_false(phase_parse("", &x));
    assert_false(phase_parse("Following", &x));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(settings_are_kept),        STORY(an_empty_state_knows_nothing),
        STORY(a_status_comes_back),      STORY(a_save_replaces_the_one_before),
        STORY(the_log_is_read_in_order), STORY(errors_are_shown_until_they_are_over),
        STORY(the_log_is_pruned),        STORY(batches_are_kept),
        STORY(two_may_have_it_open),     cmocka_unit_test(phases_have_names),
    };
    return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
