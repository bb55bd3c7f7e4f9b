// SPDX-License-Identifier: MIT
/* Background work with a clock that is set by hand: what a model confirms, what fades. */
#include "codec/when.h"
#include "memory/jobs.h"
#include "memory/memory_sql.h"
#include "memory/reading.h"
#include "memory/testing.h"

#include <stdio.h>

/* ---- a model that says what it is told to ---- */

typedef struct Model {
        const char *answer; /* NULL: it cannot be reached */
        int asked;
        char last[4096]; /* what it was given */
} Model;

static Err model_ask(Ctx *cx, void *arg, const MemoryAsk *in, Str *ret) {
        Model *model = arg;
        model->asked++;
        snprintf(model->last, sizeof model->last, "%.*s", STR_FMT(in->text));
        assert_true(str_contains(in->options, STR("json_schema")));
        assert_true(str_eq(in->user_id, STR("ann")));
        if (!model->answer)
                return RAISE(cx, ERR_UPSTREAM, "no model");
        *ret = str_c(model->answer);
        return OK;
}

#define YES "{\"conflict\":true,\"reason\":\"One home at a time.\"}"
#define NO  "{\"conflict\":false,\"reason\":\"Both can be.\"}"

static Fix *fix_with(Model *model) {
        Fix *f = fix_new();
        memory_use_model(f->m, &(MemoryModel){ model_ask, model });
        return f;
}

static MemoryWritten add(Fix *f, const char *user, const char *content, int64_t valid_from) {
        MemoryNew in = { .type = STR("fact"),
                         .content = str_c(content),
                         .confidence = -1,
                         .valid_from = valid_from };
        MemoryWritten w = { 0 };
        assert_ok(fix_add(f, user, &in, &w));
        return w;
}

static MemoryRow row_of(Fix *f, const char *user, Str id) {
        MemoryScope s = fix_scope(f, user);
        MemoryRow r = { 0 };
        assert_ok(memory_get(&f->cx, &s, id, &r));
        return r;
}

static void tick(Fix *f) {
        err_clear(&f->cx);
        assert_ok(memory_tick(&f->cx, f->m));
}

/* The newest job of this kind; state STR_NULL: there is none. */
static MemoryJob job_of(Fix *f, const char *user, const char *kind) {
        MemoryScope s = fix_scope(f, user);
        MemoryJobList list;
        assert_ok(memory_job_list(&f->cx, &s, &list));
        for (size_t i = 0; i < list.n; i++)
                if (str_eq_c(list.v[i].kind, kind))
                        return list.v[i];
        return (MemoryJob){ .state = STR_NULL };
}

/* ---- contradictions that rules cannot read ---- */

static void a_model_confirms(void **state) {
        Model model = { YES, 0, "" };
        _cleanup_(fix_freep) Fix *f = fix_with(&model);
        MemoryWritten old = add(f, "ann", "Lives in Lisbon.", 0);
        add(f, "ann", "Keeps a dog.", 0);
        fix_advance(f, 30);
        MemoryWritten new = add(f, "ann", "Has settled in Porto for good.", 0);
        assert_int_equal(new.event, MEMORY_ADD);
        assert_str(job_of(f, "ann", "conflict").state, "queued");
        tick(f);
        assert_int_equal(model.asked, 1); /* the dog shares no cue */
        assert_non_null(strstr(model.last, "Lisbon"));
        assert_str(job_of(f, "ann", "conflict").state, "done");
        assert_str(job_of(f, "ann", "conflict").result, "{\"count\":1}");
        MemoryRow was = row_of(f, "ann", old.row.memory_id),
                  is = row_of(f, "ann", new.row.memory_id);
        assert_str(was.status, "superseded");
        assert_int_equal(was.valid_to, is.valid_from);
        assert_true(str_eq(was.superseded_by, new.row.memory_id));
        assert_true(str_contains(was.context, STR("One home at a time.")));
        assert_str(is.status, "active");
        assert_int_equal(is.supersedes.n, 1);
        tick(f);
        assert_int_equal(model.asked, 1);
}

static void what_arrives_late_goes_into_the_past(void **state) {
        Model model = { YES, 0, "" };
        _cleanup_(fix_freep) Fix *f = fix_with(&model);
        MemoryWritten now = add(f, "ann", "Lives in Lisbon.", 0),
                      before = add(f, "ann", "Has settled in Porto for good.",
                                   FIX_NOW - 400 * DAY_MS);
        tick(f);
        assert_str(row_of(f, "ann", now.row.memory_id).status, "active");
        MemoryRow r = row_of(f, "ann", before.row.memory_id);
        assert_str(r.status, "active");
        assert_int_equal(r.valid_to, now.row.valid_from);
}

static void without_a_yes_nothing_changes(void **state) {
        Model model = { NO, 0, "" };
        _cleanup_(fix_freep) Fix *f = fix_with(&model);
        MemoryWritten old = add(f, "ann", "Lives in Lisbon.", 0),
                      new = add(f, "ann", "Has settled in Porto for good.", 0);
        tick(f);
        assert_int_equal(model.asked, 1);
        assert_str(job_of(f, "ann", "conflict").state, "done");
        assert_int_equal(row_of(f, "ann", old.row.memory_id).version, 1);
        assert_int_equal(row_of(f, "ann", new.row.memory_id).version, 1);
        /* values that were read are settled by the rules; nobody is asked */
        add(f, "ann", "Moved to Faro.", 0);
        add(f, "ann", "Likes the sea.", 0);
        tick(f);
        assert_int_equal(model.asked, 1);
        /* nor where there is no model */
        _cleanup_(fix_freep) Fix *plain = fix_new();
        add(plain, "ann", "Lives in Lisbon.", 0);
        add(plain, "ann", "Has settled in Porto for good.", 0);
        assert_null(job_of(plain, "ann", "conflict").state.p);
}

static void a_model_that_fails_leaves_a_note(void **state) {
        static const char *const answers[] = { NULL, "I think so", "{\"conflict\":\"yes\"}", "{}" };
        for (size_t i = 0; i < ELEMENTSOF(answers); i++) {
                Model model = { answers[i], 0, "" };
                _cleanup_(fix_freep) Fix *f = fix_with(&model);
                MemoryWritten old = add(f, "ann", "Lives in Lisbon.", 0),
                              new = add(f, "ann", "Has settled in Porto for good.", 0);
                for (int tries = 0; tries < 5; tries++) {
                        tick(f);
                        assert_true(str_eq(job_of(f, "ann", "conflict").state,
                                           tries < 4 ? STR("queued") : STR("failed")));
                        fix_advance(f, 0.1);
                }
                int asked = model.asked;
                assert_int_equal(asked, answers[i] ? 10 : 5); /* nonsense is asked about twice */
                tick(f);
                assert_int_equal(model.asked, asked);
                assert_str(row_of(f, "ann", old.row.memory_id).status, "active");
                assert_str(row_of(f, "ann", new.row.memory_id).status, "active");
                MemoryScope s = fix_scope(f, "ann");
                MemoryVersions history;
                assert_ok(memory_history(&f->cx, &s, new.row.memory_id, &history));
                assert_str(history.v[history.n - 1].reason, "resolution_failed");
        }
}

static void what_changed_meanwhile_is_left_alone(void **state) {
        Model model = { YES, 0, "" };
        _cleanup_(fix_freep) Fix *f = fix_with(&model);
        MemoryWritten old = add(f, "ann", "Lives in Lisbon.", 0),
                      new = add(f, "ann", "Has settled in Porto for good.", 0), w;
        fix_advance(f, 1);
        MemoryNew moved = { .type = STR("fact"),
                            .content = STR("Moved to Faro."),
                            .confidence = -1 };
        assert_ok(fix_add(f, "ann", &moved, &w));
        tick(f);
        /* Lisbon is closed already; Faro and Porto contradict each other, and Faro came last */
        assert_str(row_of(f, "ann", old.row.memory_id).status, "superseded");
        assert_str(row_of(f, "ann", new.row.memory_id).status, "superseded");
        assert_str(row_of(f, "ann", w.row.memory_id).status, "active");
        assert_int_equal(model.asked, 1);
}

/* ---- texts that a model reads ---- */

#define EVENT "6f0c1f6e-0000-4000-8000-000000000001"

static Err read_later(Ctx *cx, const MemoryScope *s, void *arg) {
        const Str texts[] = { STR("Remember that the well is deep. I live in Porto now.") };
        Reading in = { .texts = { texts, 1 },
                       .context = STR("{\"agent_id\":\"a1\"}"),
                       .results = STR("{\"id\":\"x\",\"event\":\"ADD\",\"reason\":\"new\"}") };
        return memory_read_later(cx, s, STR(EVENT), &in);
}

static MemoryJob event_of(Fix *f) {
        MemoryScope s = fix_scope(f, "ann"); /* the owner of the one who said it */
        MemoryJob job = { .state = STR_NULL };
        assert_ok(memory_job_get(&f->cx, &s, STR(EVENT), &job));
        return job;
}

static void a_model_reads_what_was_said(void **state) {
        Model model = { "{\"memories\":["
                        "{\"type\":\"fact\",\"content\":\"The well is deep.\",\"confidence\":0.9,"
                        "\"tags\":[],\"entities\":[]},"
                        "{\"type\":\"fact\",\"content\":\"Lives in Porto.\",\"confidence\":0.9,"
                        "\"tags\":[],\"entities\":[]},"
                        "{\"type\":\"fact\",\"content\":\"Owns a submarine.\",\"confidence\":1,"
                        "\"tags\":[],\"entities\":[]}]}",
                        0, "" };
        _cleanup_(fix_freep) Fix *f = fix_with(&model);
        MemoryWritten old = add(f, "ann/kid", "Lives in Lisbon.", 0);
        fix_advance(f, 1);
        assert_ok(fix_write(f, "ann/kid", read_later, NULL));
        MemoryJob waiting = event_of(f);
        assert_str(waiting.state, "queued");
        assert_false(str_contains(waiting.args, STR("well"))); /* sealed */
        tick(f);
        MemoryJob job = event_of(f);
        assert_str(job.state, "done");
        assert_null(job.args.p);
        assert_true(str_starts(job.result, STR("{\"results\":[{\"id\":\"x\",")));
        assert_true(str_contains(job.result, STR("location_change")));
        /* read like any sentence: it supersedes; what the person did not say is not kept */
        assert_str(row_of(f, "ann/kid", old.row.memory_id).status, "superseded");
        MemoryScope s = fix_scope(f, "ann/kid");
        MemoryRows rows;
        Str cursor;
        assert_ok(memory_list(&f->cx, &s, &(MemoryFilter){ .limit = 10 }, &rows, &cursor));
        assert_int_equal(rows.n, 2);
        for (size_t i = 0; i < rows.n; i++) {
                assert_str(rows.v[i].source_kind, "llm");
                assert_true(str_contains(rows.v[i].context, STR("\"agent_id\":\"a1\"")));
        }
}

static void what_no_model_reads_is_forgotten(void **state) {
        Model model = { NULL, 0, "" };
        _cleanup_(fix_freep) Fix *f = fix_with(&model);
        assert_ok(fix_write(f, "ann", read_later, NULL));
        for (int tries = 0; tries < 5; tries++) {
                assert_true(event_of(f).args.n > 0);
                tick(f);
                fix_advance(f, 0.1);
        }
        MemoryJob job = event_of(f);
        assert_str(job.state, "failed");
        assert_null(job.args.p);
        assert_true(str_contains(job.result, STR("\"id\":\"x\""))); /* the rules' word stands */
}

/* ---- vectors of what has faded ---- */

static Err vector_put(Ctx *cx, const MemoryScope *s, void *arg) {
        const MemoryRow *r = arg;
        return db_run(
                cx, s->c, &sql_vector_put,
                ARGS(v_text(s->user_id), v_int(r->unit), v_text(STR("m")), v_blob(STR("sealed"))),
                NULL);
}

static Err recall(Ctx *cx, const MemoryScope *s, void *arg) {
        const MemoryRow *r = arg;
        return db_run(cx, s->c, &sql_memory_touch,
                      ARGS(v_text(s->user_id), v_int(r->unit), v_int(cx_now_ms(cx)), v_int(10)),
                      NULL);
}

/* "m": it has one; "": it had one; NULL: there is no row. */
static const char *vector_model(Fix *f, const MemoryRow *r) {
        _cleanup_(rows_done) Rows rows = { 0 };
        MemoryScope s = fix_scope(f, "ann");
        assert_ok(db_rows(&f->cx, s.c, &sql_vector_units, ARGS(v_text(STR("ann"))), &rows));
        for (bool got;;) {
                assert_ok(rows_next(&f->cx, &rows, &got));
                if (!got)
                        return NULL;
                if (row_int(&rows, 0) == r->unit)
                        return arena_cstr(f->arena, row_text(&rows, 1));
        }
}

static void fading_drops_the_vector(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        MemoryWritten faint = add(f, "ann", "The parcel came on a Tuesday.", 0),
                      strong = add(f, "ann", "My name is Ann.", 0);
        int64_t count;
        assert_ok(fix_write(f, "ann", vector_put, &faint.row));
        assert_ok(fix_write(f, "ann", vector_put, &strong.row));
        fix_advance(f, 60);
        assert_ok(memory_decay(&f->cx, f->m, STR("ann"), &count));
        assert_string_equal(vector_model(f, &faint.row), "m");
        fix_advance(f, 60);
        assert_ok(memory_decay(&f->cx, f->m, STR("ann"), &count));
        assert_string_equal(vector_model(f, &faint.row), "");
        assert_string_equal(vector_model(f, &strong.row), "m");
        assert_str(row_of(f, "ann", faint.row.memory_id).status, "active");
        Str embedding;
        MemoryScope s = fix_scope(f, "ann");
        assert_ok(memory_embedding(&f->cx, &s, &faint.row, &embedding));
        assert_null(embedding.p);
        MemoryHits hits;
        assert_ok(memory_search(
                &f->cx, &s, &(MemoryQuery){ .query = STR("parcel"), .min_confidence = -1 }, &hits));
        assert_int_equal(hits.n, 1); /* by its words, as before */
        assert_ok(memory_decay(&f->cx, f->m, STR("ann"), &count));
        assert_int_equal(count, 0);
        /* it matters again: the mark goes, and a job can make a new one */
        assert_ok(fix_write(f, "ann", recall, &faint.row));
        assert_ok(memory_decay(&f->cx, f->m, STR("ann"), &count));
        assert_null(vector_model(f, &faint.row));
}

/* ---- the night ---- */

static void every_night_has_its_jobs(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        for (int i = 0; i < 5; i++)
                add(f, arena_printf(f->arena, "user-%d", i), "Keeps a dog.", 0);
        tick(f); /* nine o'clock: this night's are due */
        fix_advance(f, 1);
        tick(f);
        tick(f);
        static const char *const kinds[] = { "decay", "cleanup", "consolidate" };
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                int n = 0;
                MemoryScope s = fix_scope(f, "user-4");
                MemoryJobList list;
                assert_ok(memory_job_list(&f->cx, &s, &list));
                for (size_t k = 0; k < list.n; k++)
                        n += str_eq_c(list.v[k].kind, kinds[i]) &&
                             str_eq_c(list.v[k].state, "done");
                assert_int_equal(n, 2);
        }
        /* a week later they are forgotten, one by one */
        fix_advance(f, 8);
        tick(f);
        MemoryScope s = fix_scope(f, "user-4");
        MemoryJobList list;
        assert_ok(memory_job_list(&f->cx, &s, &list));
        assert_int_equal(list.n, 3);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_model_confirms),
                cmocka_unit_test(what_arrives_late_goes_into_the_past),
                cmocka_unit_test(without_a_yes_nothing_changes),
                cmocka_unit_test(a_model_that_fails_leaves_a_note),
                cmocka_unit_test(what_changed_meanwhile_is_left_alone),
                cmocka_unit_test(a_model_reads_what_was_said),
                cmocka_unit_test(what_no_model_reads_is_forgotten),
                cmocka_unit_test(fading_drops_the_vector),
                cmocka_unit_test(every_night_has_its_jobs),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
