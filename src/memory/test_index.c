// SPDX-License-Identifier: MIT
#include <math.h>

#include "base/testing.h"
#include "codec/when.h"
#include "memory/index.h"

typedef struct Fixture {
        Arena *arena;
        TestWorld world;
        Ctx cx;
        RankParams rank;
        UserIndex *ix;
} Fixture;

#define NOW (INT64_C(1700000000000)) /* 2023-11-14 */

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof *f);
        f->arena = arena_new();
        f->world = TEST_WORLD(NOW);
        f->cx = TEST_CTX(f->arena, &f->world.world);
        f->rank = rank_defaults;
        f->ix = index_new(&f->rank);
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;
        index_free(f->ix);
        arena_free(f->arena);
        free(f);
        return 0;
}

static Unit turn(UnitId id, const char *conversation, const char *speaker, const char *text) {
        return (Unit){ .kind = UNIT_TURN,
                       .id = id,
                       .text = str_c(text),
                       .at_ms = NOW - DAY_MS + id * 1000,
                       .ordinal = id,
                       .conversation = str_c(conversation),
                       .speaker = str_c(speaker),
                       .valid_to_ms = UNIT_FOREVER,
                       .retired_ms = UNIT_FOREVER };
}

static Unit memory(UnitId id, unsigned type, const char *text) {
        return (Unit){ .kind = UNIT_MEMORY,
                       .id = id,
                       .text = str_c(text),
                       .at_ms = NOW - DAY_MS,
                       .type = type,
                       .importance = .5,
                       .confidence = .5,
                       .valid_to_ms = UNIT_FOREVER,
                       .recorded_ms = NOW - DAY_MS,
                       .retired_ms = UNIT_FOREVER };
}

static Hits search(Fixture *f, SearchQuery q) {
        Hits hits = { 0 };
        q.now_ms = q.now_ms ? q.now_ms : NOW;
        q.top_k = q.top_k ? q.top_k : 10;
        assert_ok(index_search(&f->cx, f->ix, &q, &hits));
        return hits;
}
#define SEARCH(f, text_, ...) search((f), (SearchQuery){ .text = STR(text_), __VA_ARGS__ })

static void put(Fixture *f, Unit u) { index_put(f->ix, &u); }

static void fill(Fixture *f) {
        put(f, turn(1, "c1", "Ana Lima", "I adopted a puppy called Max last week."));
        put(f, turn(2, "c1", "Ben", "How lovely! What does he eat?"));
        put(f, turn(3, "c1", "Ana Lima", "Mostly chicken."));
        put(f, turn(4, "c2", "Ben", "The marathon in Lisbon was hard."));
        put(f, memory(5, 1, "Ana has a puppy, Max"));
}

static void test_finds_and_explains(void **state) {
        Fixture *f = *state;
        fill(f);
        Hits hits = SEARCH(f, "What puppy did Ana adopt?");
        assert_true(hits.n >= 2);
        assert_int_equal(hits.v[0].id, 1);
        assert_true(hits.v[0].parts.speaker > 1 && hits.v[0].parts.first_person > 1 &&
                    hits.v[0].parts.lexical > 0);
        assert_int_equal(hits.v[0].matched.n, 2);
        assert_str(hits.v[0].matched.v[0], "puppy");
        assert_str(hits.v[0].matched.v[1], "adopt");
        assert_true(hits.v[0].similarity > 0.99 && hits.v[0].relevance > 0.99 &&
                    hits.v[0].relevance <= 1);
        for (size_t i = 1; i < hits.n; i++)
                assert_true(hits.v[i].final <= hits.v[i - 1].final &&
                            hits.v[i].relevance <= hits.v[i - 1].relevance);
}

static void test_answer_sees_its_question(void **state) {
        Fixture *f = *state;
        fill(f);
        Hits hits = SEARCH(f, "eat", .filter.kinds = UNIT_TURN);
        bool found = false;
        for (size_t i = 0; i < hits.n; i++)
                found |= hits.v[i].id == 3 && hits.v[i].parts.lexical > 0 &&
                         hits.v[i].matched.n == 0;
        assert_true(found);
}

/* The first hit of a question, over turns that each hold one thing. */
static UnitId first_hit(Fixture *f, const char *question) {
        Hits hits = search(f, (SearchQuery){ .text = str_c(question) });
        return hits.n ? hits.v[0].id : 0;
}

static void test_classes_and_families(void **state) {
        Fixture *f = *state;
        put(f, turn(1, "a", "Ana", "I signed up for cello lessons with a neighbor"));
        put(f, turn(2, "b", "Ana", "My therapist wants me to write every evening"));
        put(f, turn(3, "c", "Ana", "That roadtrip along the coast took nine days"));
        put(f, turn(4, "d", "Ana", "The weather stays gray and the garden sleeps"));
        assert_int_equal(first_hit(f, "Which instrument does she have?"), 1);
        assert_int_equal(first_hit(f, "How was therapeutic work?"), 2);
        assert_int_equal(first_hit(f, "Where did the road trip go?"), 3);
        f->rank = rank_reference();
        assert_int_equal(first_hit(f, "How was therapeutic work?"), 0);
}

static void test_my_is_the_user(void **state) {
        Fixture *f = *state;
        Unit told = turn(1, "c", "user", "My dentist is called Farah"),
             said = turn(2, "d", "assistant", "Your dentist is called Farah");
        told.role = ROLE_USER;
        said.role = ROLE_ASSISTANT;
        put(f, told);
        put(f, said);
        assert_int_equal(first_hit(f, "What is my dentist called?"), 1);
        Hits hits = SEARCH(f, "What is the dentist called?");
        assert_true(hits.v[0].parts.speaker == 1 && hits.v[1].parts.speaker == 1);
}

static void test_names_lead_to_their_conversations(void **state) {
        Fixture *f = *state;
        put(f, turn(1, "c1", "Ana Lima", "So where should we go in spring?"));
        put(f, turn(2, "c1", "Ben", "We might try the marathon in Porto this spring"));
        put(f, turn(3, "c2", "Zoe", "We might try the marathon in Porto this spring"));
        put(f, turn(4, "c2", "Kim", "So where should we go in spring?"));
        Hits hits = SEARCH(f, "Is the marathon in Porto something for Ana?");
        assert_int_equal(hits.v[0].id, 2);
        assert_true(hits.v[0].parts.circle == 1);
        assert_int_equal(hits.v[hits.n - 1].id > 2, 1);
        assert_int_equal(SEARCH(f, "Ana", .filter.conversations = { &(Str){ "c1", 2 }, 1 }).v[0].id,
                         1);
}

static void test_rank_parse(void **state) {
        RankParams p = rank_defaults;
        assert_true(rank_parse(STR("near=0.5, date=1"), &p));
        assert_true(p.near == 0.5 && p.date == 1);
        assert_true(rank_parse(STR(""), &p));
        static const char *const bad[] = { "near",     "near=",       "near=x", "nearer=1",
                                           "near=1,,", "recency=0.3", "b=nan",  "near=1=2" };
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                if (rank_parse(str_c(bad[i]), &p))
                        fail_msg("%s", bad[i]);
        assert_true(p.near == 0.5 && p.b == rank_defaults.b);
}

static void test_removed_is_gone(void **state) {
        Fixture *f = *state;
        fill(f);
        IndexStats before, after;
        index_stats(f->ix, &before);
        put(f, turn(9, "c9", "Zoe", "zanzibar quokka"));
        assert_int_equal(SEARCH(f, "quokka").n, 1);
        assert_true(index_remove(f->ix, 9));
        assert_false(index_remove(f->ix, 9));
        assert_int_equal(SEARCH(f, "quokka").n, 0);
        assert_int_equal(SEARCH(f, "Zoe").n, 0);
        index_stats(f->ix, &after);
        assert_int_equal(before.terms, after.terms);
        assert_int_equal(before.conversations, after.conversations);
        assert_int_equal(before.turns, after.turns);
        for (UnitId id = 1; id <= 5; id++)
                assert_true(index_remove(f->ix, id));
        index_stats(f->ix, &after);
        assert_int_equal(after.terms + after.turns + after.memories + after.conversations, 0);
        assert_int_equal(SEARCH(f, "puppy").n, 0);
}

static void test_put_replaces(void **state) {
        Fixture *f = *state;
        put(f, memory(1, 0, "Lives in Lisbon"));
        put(f, memory(1, 0, "Lives in Porto"));
        assert_int_equal(SEARCH(f, "Lisbon").n, 0);
        assert_int_equal(SEARCH(f, "Porto").n, 1);
}

static void test_stop_words_give_the_newest(void **state) {
        Fixture *f = *state;
        fill(f);
        Hits hits = SEARCH(f, "what is the", .filter.kinds = UNIT_TURN);
        assert_int_equal(hits.n, 4);
        for (size_t i = 0; i < hits.n; i++) {
                assert_int_equal(hits.v[i].id, 4 - (int64_t)i);
                assert_true(hits.v[i].relevance == 0);
        }
        assert_int_equal(SEARCH(f, "xylophone").n, 0);
}

static void test_ties_newer_first_then_id(void **state) {
        Fixture *f = *state;
        f->rank.recency = 0;
        Unit a = memory(7, 0, "green tea"), b = memory(3, 0, "green tea"),
             c = memory(5, 0, "green tea");
        c.at_ms += 1000;
        put(f, a);
        put(f, b);
        put(f, c);
        Hits hits = SEARCH(f, "tea");
        assert_int_equal(hits.v[0].id, 5);
        assert_int_equal(hits.v[1].id, 3);
        assert_int_equal(hits.v[2].id, 7);
}

static bool only_five(const UnitView *v, void *arg) {
        return view_id(v) == *(UnitId *)arg && view_kind(v) == UNIT_MEMORY && view_type(v) == 1 &&
               view_has_label(v, STR("tag=pets")) && !view_has_label(v, STR("tag=none"));
}

static void test_filters(void **state) {
        Fixture *f = *state;
        fill(f);
        Str labels[] = { STR("tag=pets"), STR("agent_id=a1") }, absent = STR("tag=none");
        Unit m = memory(5, 1, "Ana has a puppy, Max");
        m.labels = (Strs){ labels, 2 };
        m.confidence = 0.6;
        m.status = 2;
        m.valid_to_ms = NOW + 1000;
        m.retired_ms = NOW + 500;
        put(f, m);
        UnitId five = 5;
        Str ben = STR("ben"), c1 = STR("c1");
        const struct {
                SearchFilter filter;
                size_t n;
        } cases[] = {
                { { .kinds = UNIT_MEMORY }, 1 },
                { { .kinds = UNIT_TURN }, 3 },
                { { .kinds = UNIT_MEMORY, .types = 1u << 1 }, 1 },
                { { .kinds = UNIT_MEMORY, .types = 1u << 2 }, 0 },
                { { .kinds = UNIT_MEMORY, .statuses = 1u << 2 }, 1 },
                { { .kinds = UNIT_MEMORY, .statuses = 3 }, 0 },
                { { .labels = { labels, 1 } }, 1 },
                { { .labels = { &absent, 1 } }, 0 },
                { { .kinds = UNIT_MEMORY, .min_confidence = 0.7 }, 0 },
                { { .speakers = { &ben, 1 } }, 1 },
                { { .conversations = { &c1, 1 } }, 3 },
                { { .exclude = &five, .exclude_n = 1, .kinds = UNIT_MEMORY }, 0 },
                { { .predicate = only_five, .predicate_arg = &five }, 1 },
                { { .kinds = UNIT_MEMORY, .as_of_ms = NOW }, 1 },
                { { .kinds = UNIT_MEMORY, .as_of_ms = NOW + 1000 }, 0 },
                { { .kinds = UNIT_MEMORY, .as_of_ms = NOW - 2 * DAY_MS }, 0 },
                { { .kinds = UNIT_MEMORY, .known_at_ms = NOW }, 1 },
                { { .kinds = UNIT_MEMORY, .known_at_ms = NOW + 500 }, 0 },
                { { .kinds = UNIT_TURN, .as_of_ms = NOW - 2 * DAY_MS }, 0 },
                { { .from_ms = NOW }, 0 },
                { { .kinds = UNIT_TURN, .to_ms = NOW - DAY_MS + 1500 }, 1 },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Hits hits = SEARCH(f, "puppy Max", .filter = cases[i].filter);
                if (hits.n != cases[i].n)
                        fail_msg("case %zu: %zu hits", i, hits.n);
        }
}

static void test_boosts_are_bounded(void **state) {
        Fixture *f = *state;
        Unit a = memory(1, 0, "likes jazz"), b = memory(2, 0, "likes jazz");
        a.importance = a.confidence = 1;
        b.importance = b.confidence = 0;
        put(f, a);
        put(f, b);
        Hits hits = SEARCH(f, "jazz");
        assert_int_equal(hits.v[0].id, 1);
        assert_true(hits.v[0].parts.importance_boost <= 1.1 &&
                    hits.v[1].parts.importance_boost >= 0.9);
        assert_true(hits.v[1].final / hits.v[0].final > 0.9 * 0.9 / (1.1 * 1.1) - 1e-9);
        RankParams p = rank_defaults;
        assert_true(rank_is_sane(&p));
        p.recency = 0.26;
        assert_false(rank_is_sane(&p));
}

static void test_semantic_union(void **state) {
        Fixture *f = *state;
        fill(f);
        Similar near[] = { { 4, 0.9 }, { 999, 0.8 } };
        Hits hits = SEARCH(f, "puppy", .similar = near, .similar_n = 2);
        bool four = false, one = false;
        for (size_t i = 0; i < hits.n; i++) {
                four |= hits.v[i].id == 4 && hits.v[i].parts.semantic > 0;
                one |= hits.v[i].id == 1;
                assert_true(hits.v[i].id != 999);
        }
        assert_true(four && one);
}

static void parts_check(const Hits *hits, const char *text) {
        for (size_t i = 0; i < hits->n; i++) {
                const HitParts *p = &hits->v[i].parts;
                double sum = p->lexical + p->proximity + p->conversation + p->date + p->named;
                double words = sum * p->speaker * p->when * p->answer * p->first_person *
                               p->question * p->brief * p->circle;
                double product = (words + p->semantic) * p->importance_boost *
                                 p->confidence_boost * p->recency_boost * p->scale;
                if (fabs(product - hits->v[i].relevance) > 1e-9 || p->scale != hits->v[0].parts.scale)
                        fail_msg("%s, hit %zu: %.12f is not %.12f", text, i, product,
                                 hits->v[i].relevance);
        }
}

static void test_parts_multiply_out(void **state) {
        Fixture *f = *state;
        static const char *const questions[] = {
                "puppy",      "What puppy did Ana adopt?", "When did Ben run the marathon in Lisbon?",
                "my chicken", "What happened in November 2023?", "Ana and Ben", "",
        };
        Similar near[] = { { 4, 0.9 }, { 5, 0.4 }, { 999, 0.8 } };
        fill(f);
        for (double share = 0; share <= 1; share += 0.5) {
                f->rank.semantic = share;
                for (size_t i = 0; i < ELEMENTSOF(questions); i++) {
                        Hits plain = search(f, (SearchQuery){ .text = str_c(questions[i]) });
                        Hits both = search(f, (SearchQuery){ .text = str_c(questions[i]),
                                                             .similar = near,
                                                             .similar_n = ELEMENTSOF(near) });
                        assert_true(both.n > 0 || share <= 0);
                        parts_check(&plain, questions[i]);
                        parts_check(&both, questions[i]);
                }
        }
}

/* Two units alike in all else: the one that holds what is asked for comes first. */
static void test_holds_what_is_asked(void **state) {
        static const struct {
                const char *question, *holds, *lacks;
                double answer;
        } cases[] = {
                { "Where did she swim?", "She swam near Porto", "She swam near there", 1.4 },
                { "How many laps did she swim?", "laps: she swam forty", "laps: she swam happily", 1.4 },
                { "Who swam?", "we swam with Julia", "we swam with others", 1.3 },
                { "Did she swim?", "She swam near Porto", NULL, 1 },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Fixture *f = *state;
                put(f, memory(2, 1, cases[i].holds));
                put(f, memory(1, 1, cases[i].lacks ? cases[i].lacks : "nothing"));
                Hits hits = search(f, (SearchQuery){ .text = str_c(cases[i].question) });
                assert_int_equal(hits.v[0].id, 2);
                assert_float_equal(hits.v[0].parts.answer, cases[i].answer, 1e-9);
        }
}

/* Said on the same day, the one that names the day as the question does comes first. */
static void test_date_in_its_words(void **state) {
        Fixture *f = *state;
        put(f, turn(1, "c1", "Ana", "The party was fun"));
        put(f, turn(2, "c2", "Ana", "The party is on the 10th of February"));
        put(f, turn(3, "c3", "Ana", "The party is on the 11th of March"));
        assert_int_equal(SEARCH(f, "party on the 10th of February 2024").v[0].id, 2);
}

static void test_bad_input_is_safe(void **state) {
        Fixture *f = *state;
        put(f, turn(1, "", "", ""));
        put(f, (Unit){ .kind = UNIT_TURN,
                       .id = 2,
                       .text = STR("\xff\xfe\0x ?!"),
                       .at_ms = INT64_MIN / 2 });
        put(f, (Unit){ .kind = UNIT_MEMORY, .id = 3, .text = STR_NULL, .at_ms = INT64_MAX / 2 });
        (void)SEARCH(f, "\xff\xc3 x");
        (void)SEARCH(f, "");
        (void)SEARCH(f, "in May 9999");
        Str text = arena_strf(f->arena, "%0*d", 300000, 7);
        put(f, (Unit){ .kind = UNIT_TURN, .id = 4, .text = text });
        (void)search(f, (SearchQuery){ .text = text, .top_k = SIZE_MAX / 64 });
        for (UnitId id = 1; id <= 4; id++)
                assert_true(index_remove(f->ix, id));
}

/* ---- an index that was edited answers, to the last bit, as one built in one go ---- */
enum { EDIT_IDS = 120, EDITS = 1500 };
typedef struct Edits {
        uint64_t seed;
        Unit units[EDIT_IDS + 1];
} Edits;

static uint32_t chance(Edits *e, uint32_t n) {
        e->seed = e->seed * 6364136223846793005u + 1442695040888963407u;
        return (uint32_t)(e->seed >> 33) % n;
}

static Str words_made(Edits *e, Arena *arena) {
        static const char *const words[] = { "dog",   "puppy",    "Lisbon",    "trip",
                                             "the",   "ran.",     "cake?",     "guitar",
                                             "I",     "May 2023", "last week", "marathon!",
                                             "books", "children", "swimming",  "so" };
        Str s = STR("");
        for (uint32_t n = chance(e, 12); n > 0; n--)
                s = arena_strf(arena, "%.*s %s", STR_FMT(s), words[chance(e, ELEMENTSOF(words))]);
        return s;
}

static Unit unit_made(Edits *e, Arena *arena, UnitId id) {
        static const char *const names[] = { "Ana Lima", "Ben", "user" };
        Unit u = turn(id, "", names[chance(e, 3)], "");
        u.kind = chance(e, 5) ? UNIT_TURN : UNIT_MEMORY;
        u.text = words_made(e, arena);
        u.extra = chance(e, 4) ? STR("") : words_made(e, arena);
        u.conversation = arena_strf(arena, "conversation-with-a-long-name-%u", chance(e, 4));
        u.at_ms = NOW - chance(e, 40) * (DAY_MS / 8);
        return u;
}

static void hits_equal(const Hits *a, const Hits *b) {
        assert_int_equal(a->n, b->n);
        for (size_t i = 0; i < a->n; i++) {
                assert_int_equal(a->v[i].id, b->v[i].id);
                assert_memory_equal(&a->v[i].score, &b->v[i].score, sizeof(double));
                assert_memory_equal(&a->v[i].relevance, &b->v[i].relevance, sizeof(double));
        }
}

static void edits_compare(Fixture *f, Edits *e) {
        static const char *const questions[] = { "When did Ana go on the trip to Lisbon?",
                                                 "dog cake guitar", "What happened in May 2023?",
                                                 "children swimming marathon books" };
        _cleanup_(index_freep) UserIndex *fresh = index_new(&f->rank);
        for (UnitId id = 1; id <= EDIT_IDS; id++)
                if (e->units[id].id)
                        index_put(fresh, &e->units[id]);
        for (size_t i = 0; i < ELEMENTSOF(questions); i++) {
                SearchQuery q = { .text = str_c(questions[i]), .now_ms = NOW, .top_k = 200 };
                Hits a, b;
                assert_ok(index_search(&f->cx, f->ix, &q, &a));
                assert_ok(index_search(&f->cx, fresh, &q, &b));
                hits_equal(&a, &b);
        }
}

static void test_edits_leave_no_trace(void **state) {
        Fixture *f = *state;
        Edits *e = calloc(1, sizeof *e);
        e->seed = 42;
        for (int i = 0; i < EDITS; i++) {
                UnitId id = 1 + (UnitId)chance(e, EDIT_IDS);
                if (chance(e, 3)) {
                        e->units[id] = unit_made(e, f->arena, id);
                        index_put(f->ix, &e->units[id]);
                } else {
                        assert_int_equal(index_remove(f->ix, id), e->units[id].id != 0);
                        e->units[id] = (Unit){ 0 };
                }
                if (i % 100 == 99)
                        edits_compare(f, e);
        }
        free(e);
}

/* A loader may come from the newest turn to the oldest: the same index, in about the same time. */
static void test_loaded_backwards(void **state) {
        enum { TURNS = 20000 };
        Fixture *f = *state;
        _cleanup_(index_freep) UserIndex *back = index_new(&f->rank);
        for (UnitId i = 0; i < TURNS; i++) {
                Unit ahead = turn(i + 1, "c", i % 3 ? "Ana" : "Ben",
                                  i % 7 ? "A dog in Lisbon." : "Cake?");
                Unit behind = turn(TURNS - i, "c", (TURNS - i - 1) % 3 ? "Ana" : "Ben",
                                   (TURNS - i - 1) % 7 ? "A dog in Lisbon." : "Cake?");
                ahead.at_ms += ahead.id / 50 * DAY_MS;
                behind.at_ms += behind.id / 50 * DAY_MS;
                index_put(f->ix, &ahead);
                index_put(back, &behind);
        }
        SearchQuery q = { .text = STR("When did Ana bring cake to the dog?"),
                          .now_ms = NOW,
                          .top_k = 100 };
        Hits a, b;
        assert_ok(index_search(&f->cx, f->ix, &q, &a));
        assert_ok(index_search(&f->cx, back, &q, &b));
        hits_equal(&a, &b);
}

int main(void) {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_finds_and_explains),
                T(test_answer_sees_its_question),
                T(test_classes_and_families),
                T(test_my_is_the_user),
                T(test_names_lead_to_their_conversations),
                T(test_rank_parse),
                T(test_removed_is_gone),
                T(test_put_replaces),
                T(test_stop_words_give_the_newest),
                T(test_ties_newer_first_then_id),
                T(test_filters),
                T(test_boosts_are_bounded),
                T(test_semantic_union),
                T(test_holds_what_is_asked),
                T(test_date_in_its_words),
                T(test_parts_multiply_out),
                T(test_bad_input_is_safe),
                T(test_edits_leave_no_trace),
                T(test_loaded_backwards),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
