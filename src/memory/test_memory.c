// SPDX-License-Identifier: MIT
#include "memory/testing.h"

#include <stdio.h>

#include "codec/uuid.h"
#include "codec/when.h"
#include "memory/jobs.h"
#include "memory/memory_id.h"
#include "memory/profile.h"

static MemoryNew fact(const char *content) {
        return (MemoryNew){ .type = STR("fact"), .content = str_c(content), .confidence = -1 };
}

static MemoryWritten add(Fix *f, const char *user, const char *content) {
        MemoryNew in = fact(content);
        MemoryWritten w = { 0 };
        assert_ok(fix_add(f, user, &in, &w));
        return w;
}

static MemoryHits find(Fix *f, const char *user, const char *query) {
        MemoryScope s = fix_scope(f, user);
        MemoryHits hits = { 0 };
        assert_ok(memory_search(
                &f->cx, &s, &(MemoryQuery){ .query = str_c(query), .min_confidence = -1 }, &hits));
        return hits;
}

static void adds_and_reads_back(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        MemoryWritten w = add(f, "ann", "The bakery on the corner sells rye bread.");
        MemoryScope s = fix_scope(f, "ann");
        MemoryRow row;
        assert_int_equal(w.event, MEMORY_ADD);
        assert_string_equal(w.reason, "new_memory");
        assert_ok(memory_get(&f->cx, &s, w.row.memory_id, &row));
        assert_str(row.content, "The bakery on the corner sells rye bread.");
        assert_int_equal(row.version, 1);
        MemoryScope other = fix_scope(f, "bob");
        assert_err(memory_get(&f->cx, &other, w.row.memory_id, &row), ERR_MEMORY_NOT_FOUND);
        assert_int_equal(find(f, "ann", "rye bread").n, 1);
        assert_int_equal(find(f, "bob", "rye bread").n, 0);
        fix_reopen(f);
        assert_int_equal(find(f, "ann", "rye bread").n, 1);
}

static Err delete_run(Ctx *cx, const MemoryScope *s, void *arg) {
        return memory_delete(cx, s, *(const Str *)arg);
}

static void an_id_leads_to_its_unit(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        Keys k = { .seal.k = { 1 } }, other = { .seal.k = { 2 } };
        const int64_t units[] = { 1, 2, 4095, INT64_C(1) << 40, MEMORY_ID_UNIT_MAX };
        for (size_t i = 0; i < ELEMENTSOF(units); i++) {
                unsigned char id[16], again[16];
                memory_id_make(&f->cx, &k, units[i], id);
                memory_id_make(&f->cx, &k, units[i], again);
                assert_int_equal(memory_id_unit(&k, id), units[i]);
                assert_int_equal(memory_id_unit(&k, again), units[i]);
                assert_memory_not_equal(id, again, sizeof id);
                assert_int_not_equal(memory_id_unit(&other, id), units[i]);
                assert_int_equal(id[6] >> 4, 4);
                assert_int_equal(id[8] >> 6, 2);
        }
}

/* As memories were written before ids led anywhere. */
static Err drawn_add(Ctx *cx, const MemoryScope *s, void *arg) {
        static const Sql drawn = { "drawn",
                                   "UPDATE memory SET id_is_drawn = 1 WHERE user_id = $1" };
        _cleanup_(keys_done) Keys k = { 0 };
        Stored m = { .row = { .user_id = s->user_id,
                              .unit = 1,
                              .content = STR("Keeps a diary."),
                              .context = STR("{}"),
                              .source_kind = STR("user"),
                              .version = 1,
                              .confidence = 1 },
                     .birth_reason = "new_memory" };
        m.row.memory_id = *(const Str *)arg;
        assert_true(uuid_read(m.row.memory_id, m.id));
        TRY(keys_get(cx, s, &k));
        TRY(stored_insert(cx, s, &k, &m));
        return db_run(cx, s->c, &drawn, ARGS(v_text(s->user_id)), NULL);
}

static void an_old_id_is_still_found(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        Str id = STR("0b5f3c1e-6d7a-4c2b-9e8f-1a2b3c4d5e6f");
        assert_ok(fix_write(f, "ann", drawn_add, &id));
        MemoryScope s = fix_scope(f, "ann"), other = fix_scope(f, "bob");
        MemoryRow row;
        assert_ok(memory_get(&f->cx, &s, id, &row));
        assert_str(row.content, "Keeps a diary.");
        assert_err(memory_get(&f->cx, &other, id, &row), ERR_MEMORY_NOT_FOUND);
}

/* The last unit is free again after a restart; the id that was given for it is not. */
static void a_deleted_id_stays_deleted(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        MemoryWritten gone = add(f, "ann", "Keeps a diary.");
        assert_ok(fix_write(f, "ann", delete_run, &gone.row.memory_id));
        fix_reopen(f);
        MemoryWritten next = add(f, "ann", "Rides a bicycle to work.");
        MemoryScope s = fix_scope(f, "ann");
        MemoryRow row;
        assert_int_equal(next.row.unit, gone.row.unit);
        assert_err(memory_get(&f->cx, &s, gone.row.memory_id, &row), ERR_MEMORY_NOT_FOUND);
        assert_ok(memory_get(&f->cx, &s, next.row.memory_id, &row));
}

/* What is over, expires sooner or is at an end does not stand for what is said now. */
static void says_again_what_is_over(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        MemoryWritten w;
        MemoryNew in = { .type = STR("fact"),
                         .content = STR("Rents the small flat above the bakery."),
                         .confidence = -1,
                         .expires_at = FIX_NOW + 3600 * 1000 };
        assert_ok(fix_add(f, "ann", &in, &w));
        assert_ok(fix_add(f, "ann", &in, &w));
        assert_int_equal(w.event, MEMORY_NOOP);
        in.expires_at = 0;
        assert_ok(fix_add(f, "ann", &in, &w));
        assert_int_equal(w.event, MEMORY_ADD);
        in.content = STR("Rents a garden behind the bakery in spring.");
        in.valid_from = FIX_NOW - 400 * DAY_MS;
        in.valid_to = FIX_NOW - 100 * DAY_MS;
        assert_ok(fix_add(f, "ann", &in, &w));
        assert_ok(fix_add(f, "ann", &in, &w));
        assert_int_equal(w.event, MEMORY_NOOP);
        in.valid_from = in.valid_to = 0;
        assert_ok(fix_add(f, "ann", &in, &w));
        assert_int_equal(w.event, MEMORY_ADD);
        in.content = STR("Rents the garden behind the bakery in spring.");
        assert_ok(fix_add(f, "ann", &in, &w));
        assert_int_equal(w.row.valid_to, 0);
}

static Err repaint(Ctx *cx, const MemoryScope *s, void *arg) {
        MemoryWritten w;
        MemoryChange red = { .content = STR("The kettle is red."), .confidence = -1 };
        return memory_update(cx, s, *(Str *)arg, &red, &w);
}

static void shows_the_text_that_was_known(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        MemoryWritten made = add(f, "ann", "The kettle is blue.");
        fix_advance(f, 2);
        assert_ok(fix_write(f, "ann", repaint, &made.row.memory_id));
        MemoryScope s = fix_scope(f, "ann");
        for (int days = 1; days <= 3; days += 2) {
                int64_t known_at = FIX_NOW + days * DAY_MS;
                const char *text = days == 1 ? "The kettle is blue." : "The kettle is red.";
                MemoryRows rows = { 0 };
                MemoryHits hits = { 0 };
                Str cursor;
                assert_ok(memory_list(&f->cx, &s,
                                      &(MemoryFilter){ .limit = 5, .known_at = known_at }, &rows,
                                      &cursor));
                assert_ok(memory_search(&f->cx, &s,
                                        &(MemoryQuery){ .query = STR("kettle"),
                                                        .known_at = known_at,
                                                        .min_confidence = -1 },
                                        &hits));
                assert_int_equal(rows.n, 1);
                assert_int_equal(hits.n, 1);
                assert_true(str_eq_c(rows.v[0].content, text));
                assert_true(str_eq_c(hits.v[0].memory->content, text));
        }
}

typedef struct Edit {
        Str memory_id, content;
        MemoryWritten w;
} Edit;

static Err edit_run(Ctx *cx, const MemoryScope *s, void *arg) {
        Edit *e = arg;
        MemoryChange in = { .content = e->content, .confidence = -1 };
        return memory_update(cx, s, e->memory_id, &in, &e->w);
}

static Str edited_context(Fix *f, Str memory_id, const char *content) {
        Edit e = { memory_id, str_c(content), { 0 } };
        assert_ok(fix_write(f, "ann", edit_run, &e));
        assert_int_equal(e.w.event, MEMORY_UPDATE);
        return e.w.row.context;
}

/* Which day is planned follows the words; "tomorrow" was said on the day it was said. */
static void a_change_moves_the_plan(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        Learned l;
        assert_ok(fix_say(f, "ann", "My flight is on March 20.", &l));
        Str id = l.created.v[0];
        assert_true(str_contains(edited_context(f, id, "My flight to Rome is on March 20."),
                                 STR("2026-03-20")));
        assert_true(str_contains(edited_context(f, id, "My flight to Rome is on March 21."),
                                 STR("2026-03-21")));
        assert_true(str_contains(edited_context(f, id, "My flight to Rome is tomorrow."),
                                 STR("2026-03-11")));
        fix_advance(f, 2);
        assert_true(str_contains(
                edited_context(f, id, "The flight to Rome is tomorrow (March 11, 2026)."),
                STR("2026-03-11")));
        assert_false(str_contains(edited_context(f, id, "The flight to Rome is called off."),
                                  STR("scheduled_date")));
}

/* Other words for a memory contradict as new ones do; the answer says what they closed. */
static void a_change_supersedes(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        MemoryWritten home = add(f, "ann", "Lives in Lisbon."), it = add(f, "ann", "Loves ramen.");
        Edit e = { it.row.memory_id, STR("Lives in Rome."), { 0 } };
        MemoryScope s = fix_scope(f, "ann");
        MemoryRow old;
        fix_advance(f, 1);
        assert_ok(fix_write(f, "ann", edit_run, &e));
        assert_int_equal(e.w.superseded.n, 1);
        assert_true(str_eq(e.w.superseded.v[0], home.row.memory_id));
        assert_int_equal(e.w.row.supersedes.n, 1);
        assert_int_equal(e.w.row.version, 2);
        assert_ok(memory_get(&f->cx, &s, home.row.memory_id, &old));
        assert_str(old.status, "superseded");
        assert_true(str_eq(old.superseded_by, it.row.memory_id));
        /* what is over contradicts nothing */
        e = (Edit){ home.row.memory_id, STR("Lives in Sintra."), { 0 } };
        assert_ok(fix_write(f, "ann", edit_run, &e));
        assert_int_equal(e.w.superseded.n, 0);
        assert_str(e.w.row.status, "superseded");
}

static Str location_of(Fix *f, const char *user) {
        MemoryScope s = fix_scope(f, user);
        Profile p;
        assert_ok(profile_get(&f->cx, &s, false, &p));
        return p.location;
}

static void profile_forgets_what_is_over(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        MemoryWritten w;
        MemoryNew in = { .type = STR("fact"),
                         .content = STR("I live in Rome."),
                         .confidence = -1,
                         .expires_at = FIX_NOW + DAY_MS };
        assert_ok(fix_add(f, "ann", &in, &w));
        assert_str(location_of(f, "ann"), "Rome");
        fix_advance(f, 2);
        assert_null(location_of(f, "ann").p);
        add(f, "ann", "I live in Bari.");
        assert_str(location_of(f, "ann"), "Bari");
}

static void says_the_same_once(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        MemoryWritten a = add(f, "ann", "Keeps bees behind the house.");
        MemoryWritten b = add(f, "ann", "  KEEPS bees   behind the HOUSE. ");
        assert_int_equal(b.event, MEMORY_NOOP);
        assert_string_equal(b.reason, "exact_duplicate");
        assert_true(str_eq(a.row.memory_id, b.row.memory_id));
        MemoryWritten c = add(f, "ann", "Keeps bees behind the old house.");
        assert_int_equal(c.event, MEMORY_UPDATE);
        assert_str(c.row.content, "Keeps bees behind the old house.");
        assert_int_equal(add(f, "ann", "Keeps 12 bees behind the old house.").event, MEMORY_ADD);
        assert_int_equal(add(f, "ann", "Keeps no bees behind the old house.").event, MEMORY_ADD);
        add(f, "ann", "Enjoys hiking in the mountains on weekends");
        MemoryWritten d = add(f, "ann", "Enjoys hiking in the mountains on the weekends");
        assert_string_equal(d.reason, "near_duplicate_merged");
        MemoryWritten e = add(f, "ann", "Enjoys biking in the mountains on weekends");
        assert_int_equal(e.event, MEMORY_ADD);
}

static void supersedes_in_one_go(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        MemoryWritten a = add(f, "ann", "Lives in Lisbon.");
        fix_advance(f, 10);
        MemoryWritten b = add(f, "ann", "Lives in Porto.");
        MemoryScope s = fix_scope(f, "ann");
        MemoryRow old;
        MemoryVersions h;
        assert_int_equal(b.event, MEMORY_SUPERSEDE);
        assert_string_equal(b.reason, "location_change");
        assert_int_equal(b.superseded.n, 1);
        assert_ok(memory_get(&f->cx, &s, a.row.memory_id, &old));
        assert_str(old.status, "superseded");
        assert_int_equal(old.valid_to, b.row.valid_from);
        assert_true(str_eq(old.superseded_by, b.row.memory_id));
        assert_ok(memory_history(&f->cx, &s, a.row.memory_id, &h));
        assert_int_equal(h.n, 2);
        assert_str(h.v[1].event, "SUPERSEDE");
        MemoryHits hits = find(f, "ann", "where does she live");
        assert_int_equal(hits.n, 1);
        assert_str(hits.v[0].memory->content, "Lives in Porto.");
        MemoryRows rows;
        Str cursor;
        assert_ok(memory_list(&f->cx, &s, &(MemoryFilter){ .as_of = FIX_NOW + 1000 }, &rows,
                              &cursor));
        assert_int_equal(rows.n, 1);
        assert_str(rows.v[0].content, "Lives in Lisbon.");
}

/* What two notes are to each other: the reason of the second. */
static void reads_notes(void **state) {
        static const struct {
                const char *old, *new, *reason;
        } cases[] = {
                { "Based in Berlin", "Located in Munich", "location_change" },
                { "Lives in Lisbon.", "Based in Porto", "location_change" },
                { "Employed by Acme", "Position at Globex", "status_change" },
                { "My workplace is Acme", "Workplace is Globex", "status_change" },
                { "Married to Ann", "Single", "status_change" },
                { "User's name is Tom", "The user's name is Jerry", "status_change" },
                { "30 years old", "45 years old", "factual_contradiction" },
                { "The party is on March 5", "The party is on March 12", "temporal_update" },
                { "My flight is on December 3", "My flight was moved to December 9",
                  "temporal_update" },
                { "The party is on March 5", "The wedding is on March 12", "new_memory" },
                { "My birthday is on March 5", "My birthday is on April 5",
                  "factual_contradiction" },
                { "My focus is on work", "My focus is on family", "new_memory" },
                { "Single malt is what to bring", "Married to Ann", "new_memory" },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(fix_freep) Fix *f = fix_new();
                add(f, "ann", cases[i].old);
                assert_string_equal(add(f, "ann", cases[i].new).reason, cases[i].reason);
        }
}

static void learns_from_turns(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        Learned l;
        assert_ok(fix_say(f, "ann", "My name is Ann and I live in Lisbon. I love ramen.", &l));
        assert_int_equal(l.created.n, 3);
        assert_ok(fix_say(f, "ann", "I live in Lisbon", &l));
        assert_int_equal(l.created.n, 0);
        fix_advance(f, 1);
        assert_ok(fix_say(f, "ann", "I moved to Porto", &l));
        assert_int_equal(l.v[0].event, MEMORY_SUPERSEDE);
        assert_ok(fix_say(f, "ann", "I hate ramen", &l));
        assert_int_equal(l.v[0].event, MEMORY_SUPERSEDE);
        fix_advance(f, 1);
        assert_ok(fix_say(f, "ann", "I don't live in Porto any more", &l));
        assert_int_equal(l.v[0].event, MEMORY_SUPERSEDE);
        MemoryHits hits = find(f, "ann", "Porto");
        assert_int_equal(hits.n, 1);
}

static bool file_holds(const char *path, const char *text) {
        FILE *f = fopen(path, "r");
        if (!f)
                return false;
        static char bytes[4 << 20];
        size_t n = fread(bytes, 1, sizeof bytes, f);
        fclose(f);
        return memmem(bytes, n, text, strlen(text)) != NULL;
}

static void deletes_for_real(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        MemoryWritten old = add(f, "ann", "I live in Xanadu."),
                      w = add(f, "ann", "I moved to Zanzibar.");
        MemoryScope s = fix_scope(f, "ann");
        MemoryRow row;
        assert_true(str_contains(w.row.context, STR("Xanadu")));
        Str id = old.row.memory_id;
        assert_ok(fix_write(f, "ann", delete_run, &id));
        assert_err(fix_write(f, "ann", delete_run, &id), ERR_MEMORY_NOT_FOUND);
        assert_err(fix_write(f, "bob", delete_run, &w.row.memory_id), ERR_MEMORY_NOT_FOUND);
        assert_ok(memory_get(&f->cx, &s, w.row.memory_id, &row));
        assert_false(str_contains(row.context, STR("Xanadu")));
        MemoryHits hits = { 0 };
        assert_ok(memory_search(
                &f->cx, &s, &(MemoryQuery){ .query = STR("Xanadu"), .include_superseded = true },
                &hits));
        assert_int_equal(hits.n, 0);
        static const char *const files[] = { "db", "db-wal" };
        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                const char *path = arena_printf(f->arena, "%s/%s", f->dir, files[i]);
                assert_false(file_holds(path, "Xanadu"));
                /* sealed: not even what is there can be read */
                assert_false(file_holds(path, "Zanzibar"));
        }
}

/* The history says that it holds again, and nothing is left of why it did not. */
static void a_predecessor_holds_again(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        MemoryWritten old = add(f, "ann", "Works at Acme.");
        fix_advance(f, 1);
        MemoryWritten w = add(f, "ann", "Works at Globex.");
        fix_advance(f, 1);
        MemoryScope s = fix_scope(f, "ann");
        MemoryRow row;
        MemoryVersions h;
        Profile p;
        assert_ok(fix_write(f, "ann", delete_run, &w.row.memory_id));
        assert_ok(memory_get(&f->cx, &s, old.row.memory_id, &row));
        assert_str(row.status, "active");
        assert_int_equal(row.valid_to, 0);
        assert_int_equal(row.retired_at, 0);
        assert_null(row.superseded_by.p);
        assert_str(row.context, "{}");
        assert_true(row.importance_score > 0.3);
        assert_ok(memory_history(&f->cx, &s, old.row.memory_id, &h));
        assert_int_equal(h.n, 3);
        assert_str(h.v[1].event, "SUPERSEDE");
        assert_str(h.v[2].reason, "successor_deleted");
        assert_int_equal(h.v[2].valid_to, 0);
        assert_ok(profile_get(&f->cx, &s, true, &p));
        assert_str(p.workplace, "Acme");
        assert_false(str_contains(p.provenance, STR("Globex")));
        assert_true(str_contains(p.provenance, STR("\"previous\":[]")));
        assert_int_equal(find(f, "ann", "where do I work").n, 1);
}

static Err delete_since_run(Ctx *cx, const MemoryScope *s, void *arg) {
        int64_t count;
        return memory_delete_all(cx, s, arg, &count);
}

/* What goes in one sweep does not hold again in the midst of it; what stays does. Nor does anything
 * come back because its successor has had its time. */
static void a_sweep_revives_nothing_that_goes(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        MemoryMatch all = { 0 }, facts = { .type = STR("fact") };
        MemoryScope s = fix_scope(f, "ann");
        MemoryStats st;
        MemoryWritten w;
        for (int i = 0; i < 2; i++) {
                add(f, "ann", "Lives in Lisbon.");
                fix_advance(f, 1);
                add(f, "ann", "Lives in Porto.");
                assert_ok(fix_write(f, "ann", delete_since_run, i ? &all : &facts));
                assert_ok(memory_stats(&f->cx, &s, &st));
                assert_int_equal(st.total, 0);
                assert_null(location_of(f, "ann").p);
        }
        MemoryNew other = { .type = STR("entity"), .content = STR("Lives in Lisbon."), .confidence = -1 };
        assert_ok(fix_add(f, "ann", &other, &w));
        fix_advance(f, 1);
        add(f, "ann", "Lives in Porto.");
        assert_ok(fix_write(f, "ann", delete_since_run, &facts));
        assert_str(location_of(f, "ann"), "Lisbon");
        MemoryNew brief = fact("Lives in Porto.");
        brief.expires_at = f->world.now_ms + 1000;
        assert_ok(fix_add(f, "ann", &brief, &w));
        assert_int_equal(w.event, MEMORY_SUPERSEDE);
        fix_advance(f, 1);
        assert_ok(memory_tick(&f->cx, f->m));
        assert_null(location_of(f, "ann").p);
}

static Err delete_all_run(Ctx *cx, const MemoryScope *s, void *arg) {
        return memory_delete_all(cx, s, &(MemoryMatch){ .tag = STR("odd") }, arg);
}

static void deletes_what_matches(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        MemoryWritten w;
        int64_t n;
        for (int i = 0; i < 450; i++) {
                Str content = arena_strf(f->arena, "Locker %d is item%d.", i, i * 7919);
                MemoryNew in = { .type = STR("fact"), .content = content, .confidence = -1 };
                in.tags = (Strs){ (const Str[]){ i % 2 ? STR("odd") : STR("even") }, 1 };
                assert_ok(fix_add(f, "ann", &in, &w));
                assert_int_equal(w.event, MEMORY_ADD);
        }
        assert_ok(fix_write(f, "ann", delete_all_run, &n));
        assert_int_equal(n, 225);
        assert_ok(fix_write(f, "ann", delete_all_run, &n));
        assert_int_equal(n, 0);
        MemoryScope s = fix_scope(f, "ann");
        MemoryStats st;
        assert_ok(memory_stats(&f->cx, &s, &st));
        assert_int_equal(st.total, 225);
}

static void keeps_to_the_quota(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        MemoryWritten w;
        MemoryNew third = fact("The third box is blue."), town = fact("Lives in Porto.");
        f->quota = 2;
        add(f, "ann", "Lives in Lisbon.");
        add(f, "ann", "The second box is green.");
        assert_err(fix_add(f, "ann", &third, &w), ERR_MEMORY_QUOTA);
        assert_non_null(f->cx.err.extra);
        fix_advance(f, 1);
        assert_ok(fix_add(f, "ann", &town, &w));
        assert_int_equal(w.event, MEMORY_SUPERSEDE);
        assert_int_equal(add(f, "ann", "Lives in Porto.").event, MEMORY_NOOP);
        Str home = w.row.memory_id, before = w.superseded.v[0];
        assert_ok(fix_write(f, "ann", delete_run, &home));
        assert_err(fix_add(f, "ann", &third, &w), ERR_MEMORY_QUOTA); /* Lisbon counts again */
        assert_ok(fix_write(f, "ann", delete_run, &before));
        assert_ok(fix_add(f, "ann", &third, &w));
        MemoryNew sub = fact("A sub-user's box is red.");
        assert_err(fix_add(f, "ann/kid", &sub, &w), ERR_MEMORY_QUOTA);
        assert_ok(fix_add(f, "bob", &sub, &w));
}

/* An owner and the sub-users share one quota, whoever writes, and it ends on the dot. */
static void shares_the_quota(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        static const char *const who[] = { "ann", "ann/kid", "ann/cat" };
        MemoryWritten w;
        MemoryStats st;
        f->quota = 200;
        for (int i = 0; i < 200; i++)
                assert_int_equal(add(f, who[i % 3],
                                     arena_printf(f->arena, "Box %d is in rack %d.", i, i * 7919))
                                         .event,
                                 MEMORY_ADD);
        for (size_t i = 0; i < ELEMENTSOF(who); i++) {
                MemoryNew more = fact("The last box is red.");
                assert_err(fix_add(f, who[i], &more, &w), ERR_MEMORY_QUOTA);
        }
        MemoryScope s = fix_scope(f, "ann");
        assert_ok(memory_stats(&f->cx, &s, &st));
        assert_int_equal(st.quota_used, 200);
        assert_int_equal(st.quota_limit, 200);
        w = add(f, "ann/kid", "Box 1 is in rack 7919.");
        assert_int_equal(w.event, MEMORY_NOOP);
        assert_ok(fix_write(f, "ann/kid", delete_run, &w.row.memory_id));
        add(f, "ann", "The one that fits is green.");
        fix_reopen(f);
        MemoryNew more = fact("The last box is red.");
        assert_err(fix_add(f, "ann", &more, &w), ERR_MEMORY_QUOTA);
        add(f, "bob", "Another person's box.");
}

/* A rolled back write leaves nothing: no row, no duplicate that only the writer remembers. */
static Err add_then_fail(Ctx *cx, const MemoryScope *s, void *arg) {
        MemoryWritten w;
        MemoryNew in = fact("Keeps bees.");
        TRY(memory_add(cx, s, &in, &w));
        return RAISE(cx, ERR_CONFLICT, "on purpose");
}

static void forgets_what_was_rolled_back(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        assert_err(fix_write(f, "ann", add_then_fail, NULL), ERR_CONFLICT);
        assert_int_equal(find(f, "ann", "bees").n, 0);
        assert_int_equal(add(f, "ann", "Keeps bees.").event, MEMORY_ADD);
}

static void learns_no_echo(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        Learned l;
        add(f, "ann", "Likes jazz from the fifties.");
        for (int i = 0; i < 1000; i++) {
                MemoryScope s = fix_scope(f, "ann");
                const Str shown[] = { STR("Likes jazz from the fifties."),
                                      STR("I like jazz from the fifties") };
                memory_shown(&f->cx, &s, (Strs){ shown, 2 });
                assert_ok(fix_say(f, "ann",
                                  i % 2 ? "I like jazz from the fifties."
                                        : "I like jazz from the fifties",
                                  &l));
                assert_int_equal(l.n, 1);
                assert_string_equal(l.v[0].reason, "echo_of_returned_memory");
                if (i % 100 == 99)
                        arena_clear(f->arena);
        }
        MemoryScope s = fix_scope(f, "ann");
        MemoryStats st;
        assert_ok(memory_stats(&f->cx, &s, &st));
        assert_int_equal(st.total, 1);
}

static void consolidates_once(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        MemoryWritten w;
        int64_t n;
        static const char *const same[] = { "The wardrobe in the hall holds the winter clothes and "
                                            "the blankets.",
                                            "The wardrobe in the hall holds the winter clothes and "
                                            "the blankets!!",
                                            "The wardrobe in the hall holds the winter clothes and "
                                            "blankets." };
        for (size_t i = 0; i < ELEMENTSOF(same); i++) {
                MemoryNew in = fact(same[i]);
                in.verbatim = true;
                in.tags = (Strs){ (const Str[]){ arena_strf(f->arena, "t%zu", i) }, 1 };
                assert_ok(fix_add(f, "ann", &in, &w));
                f->world.now_ms += 1000;
        }
        add(f, "ann", "The wardrobe in the hall holds 12 winter coats.");
        MemoryScope s = fix_scope(f, "ann");
        MemoryStats st;
        assert_ok(memory_stats(&f->cx, &s, &st));
        int64_t before = st.total;
        assert_ok(memory_consolidate(&f->cx, f->m, STR("ann"), 0.90, &n));
        assert_ok(memory_stats(&f->cx, &s, &st));
        assert_int_equal(st.total, 2);
        assert_int_equal(n, before - 2);
        assert_ok(memory_consolidate(&f->cx, f->m, STR("ann"), 0.90, &n));
        assert_int_equal(n, 0);
}

static void cleans_up_what_faded(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        MemoryWritten w;
        int64_t n;
        MemoryNew doubtful = fact("Perhaps the bank is on Rua Augusta."),
                  plan = fact("Fly to Mars in 3 months");
        doubtful.confidence = 0.4;
        plan.type = STR("commitment");
        plan.confidence = 0.4;
        add(f, "ann", "I am the one who feeds the cat."); /* critical */
        add(f, "ann", "The bank is closed on Sundays.");
        assert_ok(fix_add(f, "ann", &doubtful, &w));
        assert_ok(fix_add(f, "ann", &plan, &w));
        fix_advance(f, 80);
        assert_ok(memory_cleanup(&f->cx, f->m, STR("ann"), &(Cleanup){ .days = 90 }, &n));
        assert_int_equal(n, 0);
        assert_ok(memory_cleanup(&f->cx, f->m, STR("ann"),
                                 &(Cleanup){ .days = 60, .dry_run = true }, &n));
        assert_int_equal(n, 1);
        assert_ok(memory_cleanup(&f->cx, f->m, STR("ann"), &(Cleanup){ .days = 60 }, &n));
        /* the doubtful one; the plan lies ahead */
        assert_int_equal(n, 1);
        fix_advance(f, 400);
        assert_ok(memory_decay(&f->cx, f->m, STR("ann"), &n));
        assert_true(n >= 1);
        MemoryScope s = fix_scope(f, "ann");
        MemoryStats st;
        assert_ok(memory_stats(&f->cx, &s, &st));
        assert_int_equal(st.by_status[STATUS_ARCHIVED], 1); /* a low one, older than a year */
        assert_int_equal(find(f, "ann", "bank").n, 0);
}

static Err job_run(Ctx *cx, const MemoryScope *s, void *arg) {
        return memory_job_start(cx, s, STR("decay"), arg);
}

static void does_what_is_due(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        MemoryJob job, again;
        MemoryNew brief = fact("The parking ticket is good until noon.");
        MemoryWritten w;
        brief.expires_at = FIX_NOW + 1000;
        assert_ok(fix_add(f, "ann", &brief, &w));
        assert_ok(fix_write(f, "ann", job_run, &job));
        assert_ok(fix_write(f, "ann", job_run, &again));
        assert_true(str_eq(job.job_id, again.job_id)); /* one waiting of a kind is enough */
        assert_int_equal(find(f, "ann", "parking ticket").n, 1);
        fix_advance(f, 0.01);
        assert_int_equal(find(f, "ann", "parking ticket").n, 0);
        assert_ok(memory_tick(&f->cx, f->m));
        MemoryScope s = fix_scope(f, "ann");
        MemoryRow row;
        assert_err(memory_get(&f->cx, &s, w.row.memory_id, &row), ERR_MEMORY_NOT_FOUND);
        assert_ok(memory_job_get(&f->cx, &s, job.job_id, &again));
        assert_str(again.state, "done");
        MemoryScope other = fix_scope(f, "bob");
        assert_err(memory_job_get(&f->cx, &other, job.job_id, &again), ERR_NOT_FOUND);
}

static void counts_what_was_shown(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        MemoryWritten w = add(f, "ann", "The boat is called Aurora.");
        for (int i = 0; i < 6; i++)
                assert_int_equal(find(f, "ann", "boat").n, 1);
        assert_ok(memory_tick(&f->cx, f->m));
        MemoryScope s = fix_scope(f, "ann");
        MemoryRow row;
        MemoryStats st;
        assert_ok(memory_get(&f->cx, &s, w.row.memory_id, &row));
        assert_int_equal(row.access_count, 6);
        assert_int_equal(row.version, 1);
        assert_ok(memory_stats(&f->cx, &s, &st));
        assert_int_equal(st.hot, 1);
}

static Err erase_run(Ctx *cx, const MemoryScope *s, void *arg) {
        return memory_erase(cx, s->m, s->c, s->user_id);
}

static void leaves_nothing_of_an_erased_account(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        Learned l;
        assert_ok(fix_say(f, "ann", "I live in Lisbon.", &l));
        assert_ok(fix_say(f, "ann/kid", "I live in Porto.", &l));
        assert_ok(fix_say(f, "anna", "I live in Faro.", &l));
        assert_int_equal(find(f, "ann", "Lisbon").n, 1);
        assert_ok(fix_write(f, "ann", erase_run, f));
        assert_int_equal(find(f, "ann", "Lisbon").n, 0);
        assert_int_equal(find(f, "ann/kid", "Porto").n, 0);
        assert_int_equal(find(f, "anna", "Faro").n, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(adds_and_reads_back),
                cmocka_unit_test(an_id_leads_to_its_unit),
                cmocka_unit_test(an_old_id_is_still_found),
                cmocka_unit_test(a_deleted_id_stays_deleted),
                cmocka_unit_test(says_the_same_once),
                cmocka_unit_test(says_again_what_is_over),
                cmocka_unit_test(profile_forgets_what_is_over),
                cmocka_unit_test(shows_the_text_that_was_known),
                cmocka_unit_test(supersedes_in_one_go),
                cmocka_unit_test(a_change_moves_the_plan),
                cmocka_unit_test(a_change_supersedes),
                cmocka_unit_test(reads_notes),
                cmocka_unit_test(learns_from_turns),
                cmocka_unit_test(deletes_for_real),
                cmocka_unit_test(deletes_what_matches),
                cmocka_unit_test(a_predecessor_holds_again),
                cmocka_unit_test(a_sweep_revives_nothing_that_goes),
                cmocka_unit_test(keeps_to_the_quota),
                cmocka_unit_test(shares_the_quota),
                cmocka_unit_test(forgets_what_was_rolled_back),
                cmocka_unit_test(learns_no_echo),
                cmocka_unit_test(consolidates_once),
                cmocka_unit_test(cleans_up_what_faded),
                cmocka_unit_test(does_what_is_due),
                cmocka_unit_test(counts_what_was_shown),
                cmocka_unit_test(leaves_nothing_of_an_erased_account),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
