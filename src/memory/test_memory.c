// SPDX-License-Identifier: MIT
#include "memory/testing.h"

#include "memory/jobs.h"

static MemoryNew fact(const char *content) {
        return (MemoryNew){ .type = STR("fact"), .content = str_c(content), .confidence = -1 };
}

static MemoryWritten add(Fix *f, const char *user, const char *content) {
        MemoryNew in = fact(content);
        MemoryWritten w = {0};
        assert_ok(fix_add(f, user, &in, &w));
        return w;
}

static MemoryHits find(Fix *f, const char *user, const char *query) {
        MemoryScope s = fix_scope(f, user);
        MemoryHits hits = {0};
        assert_ok(memory_search(&f->cx, &s, &(MemoryQuery){ .query = str_c(query),
                                                            .min_confidence = -1 }, &hits));
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
        assert_ok(memory_list(&f->cx, &s, &(MemoryFilter){ .as_of = FIX_NOW + 1000 }, &rows, &cursor));
        assert_int_equal(rows.n, 1);
        assert_str(rows.v[0].content, "Lives in Lisbon.");
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

static void deletes_for_real(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        MemoryWritten a = add(f, "ann", "The safe code is 4417.");
        MemoryScope s = fix_scope(f, "ann");
        int64_t n;
        (void)n;
        (void)a;
        (void)s;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(adds_and_reads_back),
                cmocka_unit_test(says_the_same_once),
                cmocka_unit_test(supersedes_in_one_go),
                cmocka_unit_test(learns_from_turns),
                cmocka_unit_test(deletes_for_real),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
