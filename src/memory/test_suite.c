// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "codec/json.h"
#include "codec/when.h"
#include "memory/profile.h"
#include "memory/test_suite.h"
#include "memory/testing.h"

/* One case while it runs. Every case has its own people, so all share one database. */
typedef struct Run {
        Fix *f;
        int64_t start;
        const char *self;
        char user[64];
        MemoryEvent event;
        const char *reason;
        size_t learned;
        char fault[512];
} Run;

#define FAULT(r, ...)                                                                              \
        do {                                                                                       \
                if (!(r)->fault[0])                                                                \
                        snprintf((r)->fault, sizeof(r)->fault, __VA_ARGS__);                       \
        } while (0)

static bool starts(const char *s, const char *head) { return !strncmp(s, head, strlen(head)); }

static MemoryRows live(Run *r, int64_t as_of, int64_t known_at) {
        MemoryScope s = fix_scope(r->f, r->user);
        MemoryRows rows = { 0 };
        Str cursor;
        assert_ok(memory_list(&r->f->cx, &s,
                              &(MemoryFilter){ .limit = 200, .as_of = as_of, .known_at = known_at },
                              &rows, &cursor));
        return rows;
}

static const MemoryRow *row_like(const MemoryRows *rows, const char *text, bool whole) {
        for (size_t i = 0; i < rows->n; i++)
                if (whole ? str_eq_c(rows->v[i].content, text)
                          : str_contains(rows->v[i].content, str_c(text)))
                        return &rows->v[i];
        return NULL;
}

static Str all_of(Run *r, const MemoryRows *rows) {
        Str out = STR("");
        for (size_t i = 0; i < rows->n; i++)
                out = arena_strf(r->f->arena, "%.*s [%.*s: %.*s]", STR_FMT(out),
                                 STR_FMT(rows->v[i].status), STR_FMT(rows->v[i].content));
        return out;
}

/* ---- things done ---- */

static void do_say(Run *r, const char *text) {
        Learned l = { 0 };
        assert_ok(fix_say(r->f, r->user, text, &l));
        r->learned = l.n;
        if (l.n) {
                r->event = l.v[l.n - 1].event;
                r->reason = l.v[l.n - 1].reason;
        }
}

static void do_add(Run *r, const char *step, int64_t valid_from) {
        const char *colon = strstr(step, ": ");
        MemoryWritten w = { 0 };
        assert_non_null(colon);
        MemoryNew in = { .type = str_n(step, (size_t)(colon - step)),
                         .content = str_c(colon + 2),
                         .confidence = -1,
                         .valid_from = valid_from };
        assert_ok(fix_add(r->f, r->user, &in, &w));
        r->event = w.event;
        r->reason = w.reason;
        r->learned = 1;
}

static Err forget_run(Ctx *cx, const MemoryScope *s, void *arg) {
        return memory_delete(cx, s, *(Str *)arg);
}

static void do_forget(Run *r, const char *text) {
        MemoryRows rows = live(r, 0, 0);
        const MemoryRow *row = row_like(&rows, text, false);
        if (!row) {
                FAULT(r, "nothing to forget like \"%s\"", text);
                return;
        }
        Str id = row->memory_id;
        assert_ok(fix_write(r->f, r->user, forget_run, &id));
}

typedef struct Edit {
        Str memory_id, content;
} Edit;

static Err edit_run(Ctx *cx, const MemoryScope *s, void *arg) {
        const Edit *e = arg;
        MemoryWritten w;
        return memory_update(cx, s, e->memory_id,
                             &(MemoryChange){ .content = e->content, .confidence = -1 }, &w);
}

static void do_edit(Run *r, const char *step) {
        const char *arrow = strstr(step, " => ");
        MemoryRows rows = live(r, 0, 0);
        assert_non_null(arrow);
        Str old = str_n(step, (size_t)(arrow - step));
        const MemoryRow *row = row_like(&rows, arena_cstr(r->f->arena, old), false);
        if (!row) {
                FAULT(r, "nothing to edit like \"%.*s\"", STR_FMT(old));
                return;
        }
        Edit e = { row->memory_id, str_c(arrow + 4) };
        assert_ok(fix_write(r->f, r->user, edit_run, &e));
}

static void do_as(Run *r, const char *who) {
        const char *tail = starts(who, "self") ? who + 4 : who;
        snprintf(r->user, sizeof r->user, "%s%s%s", r->self, starts(who, "self") ? "" : "-", tail);
}

/* ---- things asked ---- */

static int64_t day_at(Run *r, const char **step) {
        char *end;
        long day = strtol(*step, &end, 10);
        *step = end + (*end == 'd') + 1;
        return r->start + day * DAY_MS + (day > 0 ? 0 : 3600000);
}

static void check_at(Run *r, const char *step, bool known) {
        int64_t t = day_at(r, &step);
        MemoryRows rows = live(r, known ? 0 : t, known ? t : 0);
        bool no = starts(step, "not "), found = row_like(&rows, step + (no ? 4 : 0), false) != NULL;
        if (found == no)
                FAULT(r, "%s: got%.*s", step, STR_FMT(all_of(r, &rows)));
}

static void check_find(Run *r, const char *step) {
        const char *arrow = strstr(step, " => ");
        MemoryScope s = fix_scope(r->f, r->user);
        MemoryHits hits = { 0 };
        assert_non_null(arrow);
        assert_ok(memory_search(&r->f->cx, &s,
                                &(MemoryQuery){ .query = str_n(step, (size_t)(arrow - step)),
                                                .min_confidence = -1 },
                                &hits));
        const char *want = arrow + 4;
        if (!strcmp(want, "nothing")
                    ? hits.n > 0
                    : !hits.n || !str_contains(hits.v[0].memory->content, str_c(want)))
                FAULT(r, "find %s: got %zu, first \"%.*s\"", step, hits.n,
                      STR_FMT(hits.n ? hits.v[0].memory->content : STR("")));
}

static Str as_text(Ctx *cx, JsonRef v) {
        return json_kind(v) == JSON_STR    ? json_str(v)
               : json_kind(v) == JSON_NULL ? STR_NULL
                                           : json_text(cx, v);
}

static Str profile_value(Run *r, Str field) {
        MemoryScope s = fix_scope(r->f, r->user);
        _cleanup_(json_freep) Json *j = NULL;
        Profile p;
        assert_ok(profile_get(&r->f->cx, &s, true, &p));
        if (str_eq_c(field, "language"))
                return p.language;
        assert_ok(json_parse(&r->f->cx, p.provenance, JSON_DEPTH_MAX, &j));
        Str first = STR_NULL;
        for (JsonIter it = { 0 }; json_next(json_root(j), &it) && !first.p;)
                if (str_eq(str_to(it.name, str_index(it.name, '[')), field))
                        first = arena_dup(r->f->arena,
                                          as_text(&r->f->cx, json_get(it.value, "value")));
        return first;
}

static void check_profile(Run *r, const char *step) {
        const char *end = strchr(step, ' ');
        Str field = str_n(step, (size_t)(end - step)), got = profile_value(r, field);
        bool empty = !strcmp(end, " empty");
        if (empty ? got.n > 0 : !str_eq_c(got, end + 3))
                FAULT(r, "profile %s: got \"%.*s\"", step, STR_FMT(got));
}

static void check_count(Run *r, const char *step) {
        MemoryRows rows = live(r, 0, 0);
        if (rows.n != (size_t)strtol(step, NULL, 10))
                FAULT(r, "count %s: got %zu:%.*s", step, rows.n, STR_FMT(all_of(r, &rows)));
}

static void check_flagged(Run *r, const char *step) {
        MemoryRows rows = live(r, 0, 0);
        long n = 0;
        for (size_t i = 0; i < rows.n; i++)
                n += str_eq_c(rows.v[i].status, "flagged");
        if (n != strtol(step, NULL, 10))
                FAULT(r, "flagged %s: got %ld", step, n);
}

static void check_row(Run *r, const char *text, bool wanted) {
        MemoryRows rows = live(r, 0, 0);
        if ((row_like(&rows, text, wanted) != NULL) != wanted)
                FAULT(r, "%s \"%s\": got%.*s", wanted ? "has" : "not", text,
                      STR_FMT(all_of(r, &rows)));
}

static void check_event(Run *r, const char *want) {
        if (!r->learned || strcmp(memory_event_names[r->event], want))
                FAULT(r, "event %s: got %s (%s)", want,
                      r->learned ? memory_event_names[r->event] : "none",
                      r->reason ? r->reason : "");
}

static void step_time(Run *r, const char *step) {
        char *unit;
        long n = strtol(step, &unit, 10);
        fix_advance(r->f, *unit == 'h' ? (double)n / 24 : (double)n);
}

static void step_run(Run *r, const char *s) {
        if (starts(s, "say "))
                do_say(r, s + 4);
        else if (starts(s, "add "))
                do_add(r, s + 4, 0);
        else if (starts(s, "since ")) {
                const char *rest = s + 6;
                int64_t t = day_at(r, &rest);
                do_add(r, rest + 1, t);
        } else if (starts(s, "+"))
                step_time(r, s + 1);
        else if (starts(s, "as "))
                do_as(r, s + 3);
        else if (starts(s, "forget "))
                do_forget(r, s + 7);
        else if (starts(s, "edit "))
                do_edit(r, s + 5);
        else if (starts(s, "event "))
                check_event(r, s + 6);
        else if (starts(s, "reason ") && (!r->reason || strcmp(r->reason, s + 7)))
                FAULT(r, "%s: got %s", s, r->reason ? r->reason : "");
        else if (starts(s, "nothing") && r->learned)
                FAULT(r, "learned %zu", r->learned);
        else if (starts(s, "has "))
                check_row(r, s + 4, true);
        else if (starts(s, "not "))
                check_row(r, s + 4, false);
        else if (starts(s, "count "))
                check_count(r, s + 6);
        else if (starts(s, "at "))
                check_at(r, s + 3, false);
        else if (starts(s, "known "))
                check_at(r, s + 6, true);
        else if (starts(s, "find "))
                check_find(r, s + 5);
        else if (starts(s, "flagged "))
                check_flagged(r, s + 8);
        else if (starts(s, "profile "))
                check_profile(r, s + 8);
        else if (!starts(s, "reason ") && !starts(s, "nothing"))
                FAULT(r, "unknown step \"%s\"", s);
}

static bool case_run(Fix *f, size_t no) {
        char self[24];
        Run r = { .f = f };
        arena_clear(f->arena);
        f->world.now_ms = FIX_NOW;
        snprintf(self, sizeof self, "case%zu", no);
        r.self = self;
        r.start = FIX_NOW;
        do_as(&r, "self");
        const char *rest = suite[no].steps;
        while (rest && !r.fault[0]) {
                const char *end = strstr(rest, " | ");
                step_run(&r, arena_cstr(f->arena,
                                        end ? str_n(rest, (size_t)(end - rest)) : str_c(rest)));
                rest = end ? end + 3 : NULL;
        }
        if (r.fault[0])
                print_message("%s: %s\n    %s\n", suite[no].family, suite[no].steps, r.fault);
        return !r.fault[0];
}

static void whole_suite(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        size_t wrong = 0;
        for (size_t i = 0; i < suite_n; i++)
                wrong += !case_run(f, i);
        print_message("%zu cases, %zu wrong\n", suite_n, wrong);
        assert_true(suite_n >= 200);
        assert_int_equal(wrong, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(whole_suite) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
