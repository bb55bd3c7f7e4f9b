// SPDX-License-Identifier: MIT
#include "codec/when.h"
#include "memory/profile.h"
#include "memory/profile_int.h"
#include "memory/testing.h"
#include "memory/weigh.h"

typedef struct Weighed {
        const char *type, *content;
        double confidence;
        size_t entities;
        bool scheduled;
        int level;
        double score;
} Weighed;
static const Weighed weighed[] = {
        { "fact", "Lives in Lisbon.", 0.9, 1, false, LEVEL_LOW, 0.504 },
        { "FACT", "Lives in Lisbon.", 1, 0, false, LEVEL_LOW, 0.56 },
        { "preference", "Likes tea.", 1, 0, false, LEVEL_MEDIUM, 0.75 },
        { "Preference", "Likes tea.", 0.5, 0, false, LEVEL_MEDIUM, 0.375 },
        { "commitment", "Call mum.", 1, 0, false, LEVEL_HIGH, 0.9 },
        { "instruction", "Be brief.", 1, 0, false, LEVEL_HIGH, 0.85 },
        { "entity", "Rex the dog.", 1, 0, false, LEVEL_MEDIUM, 0.8 },
        { "episodic", "Saw a whale.", 1, 0, false, LEVEL_LOW, 0.48 },
        { "fact", "My name is Ann", 1, 0, false, LEVEL_CRITICAL, 1 },
        { "fact", "my Wife is tall", 0.8, 0, false, LEVEL_CRITICAL, 0.8 },
        { "fact", "I\u2019m called Ann", 1, 0, false, LEVEL_CRITICAL, 1 },
        { "fact", "My fianc\u00e9 sings", 1, 0, false, LEVEL_CRITICAL, 1 },
        { "fact", "Siam is a film", 1, 0, false, LEVEL_LOW, 0.56 },
        { "fact", "The deadline is set", 1, 0, false, LEVEL_HIGH, 0.91 },
        { "commitment", "An IMPORTANT promise", 1, 0, false, LEVEL_HIGH, 1 },
        { "fact", "Nevertheless calm", 1, 0, false, LEVEL_LOW, 0.56 },
        { "fact", "Three friends", 1, 3, false, LEVEL_LOW, 0.616 },
        { "fact", "Dentist", 1, 0, true, LEVEL_HIGH, 0.672 },
        { "fact", "I plan to swim", 1, 0, true, LEVEL_CRITICAL, 1 },
        { "preference", "Two friends", 1, 2, false, LEVEL_MEDIUM, 0.75 },
};

static void weighs_by_the_table(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(weighed); i++) {
                const Weighed *w = &weighed[i];
                MemoryRow row = { .confidence = w->confidence, .entities.n = w->entities };
                int type = word_index(memory_type_names, str_c(w->type));
                assert_true(type >= 0);
                Weight got = weigh_importance((MemoryType)type, str_c(w->content), STR_NULL, &row,
                                              w->scheduled);
                if ((int)got.level != w->level || got.score < w->score - 1e-9 ||
                    got.score > w->score + 1e-9)
                        fail_msg("%s \"%s\": level %d, %.4f", w->type, w->content, (int)got.level,
                                 got.score);
        }
}

static void fades_by_the_table(void **state) {
        static const struct {
                MemoryLevel level;
                double importance;
                int days, accesses, accessed_days;
                double want;
        } cases[] = {
                { LEVEL_CRITICAL, 1, 3650, 0, -1, 1 },
                { LEVEL_HIGH, 0.9, 100, 0, -1, 0.8143537 },
                { LEVEL_MEDIUM, 0.75, 100, 0, -1, 0.4548980 },
                { LEVEL_LOW, 0.56, 100, 0, -1, 0.0757878 },
                { LEVEL_LOW, 0.56, 100, 4, 10, 0.2757878 },
                { LEVEL_LOW, 0.56, 100, 100, 100, 0.3757878 },
                { LEVEL_LOW, 0.56, 0, 0, 0, 0.66 },
                { LEVEL_LOW, 0.56, 7, 1, 7, 0.5368406 },
                { LEVEL_HIGH, 1, 0, 9, 0, 1 },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                MemoryRow row = { .importance_score = cases[i].importance,
                                  .created_at = FIX_NOW,
                                  .access_count = cases[i].accesses };
                int64_t now = FIX_NOW + cases[i].days * DAY_MS;
                if (cases[i].accessed_days >= 0)
                        row.last_accessed = now - cases[i].accessed_days * DAY_MS;
                double got = weigh_decay(&row, cases[i].level, now);
                if (got < cases[i].want - 1e-6 || got > cases[i].want + 1e-6)
                        fail_msg("case %zu: %.7f", i, got);
        }
}

static void retires_by_the_table(void **state) {
        static const struct {
                MemoryLevel level;
                double decay;
                int days;
                Retention want;
        } cases[] = {
                { LEVEL_LOW, 0.5, 366, ARCHIVE },     { LEVEL_LOW, 0.5, 181, COMPRESS },
                { LEVEL_LOW, 0.5, 90, KEEP },         { LEVEL_LOW, 0.05, 181, ARCHIVE },
                { LEVEL_MEDIUM, 0.05, 181, ARCHIVE }, { LEVEL_MEDIUM, 0.2, 91, COMPRESS },
                { LEVEL_HIGH, 0.05, 400, COMPRESS },  { LEVEL_CRITICAL, 0.05, 4000, KEEP },
                { LEVEL_HIGH, 0.5, 4000, KEEP },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                MemoryRow row = { .created_at = FIX_NOW };
                assert_int_equal(weigh_retention(&row, cases[i].level, cases[i].decay,
                                                 FIX_NOW + cases[i].days * DAY_MS),
                                 cases[i].want);
        }
}

/* ---- profile: completeness and zones ---- */

static Err patch_run(Ctx *cx, const MemoryScope *s, void *arg) {
        return profile_patch(cx, s, str_c(arg));
}

static double completeness(Fix *f) {
        MemoryScope s = fix_scope(f, "ann");
        Profile p;
        assert_ok(profile_get(&f->cx, &s, false, &p));
        return p.profile_completeness;
}

static void is_complete_by_weight(void **state) {
        _cleanup_(fix_freep) Fix *f = fix_new();
        assert_true(completeness(f) == 0);
        assert_ok(fix_write(
                f, "ann", patch_run,
                "{\"name\":\"Ann\",\"age\":34,\"location\":\"Lisbon\",\"profession\":\"nurse\","
                "\"gender\":\"f\",\"skills\":[\"C\"]}"));
        assert_true(completeness(f) == 52.6);
        assert_ok(fix_write(f, "ann", patch_run,
                            "{\"education\":\"law\",\"workplace\":\"Acme\",\"experience_years\":3,"
                            "\"relationship_status\":\"married\",\"partner_name\":\"Tom\","
                            "\"writing_style\":\"casual\",\"interests\":[\"art\"],"
                            "\"hobbies\":[\"chess\"],\"goals\":[\"rest\"]}"));
        assert_true(completeness(f) == 100);
        assert_ok(fix_write(f, "ann", patch_run, "{\"name\":null}"));
        assert_true(completeness(f) == 89.5);
        assert_err(fix_write(f, "ann", patch_run, "{\"shoe\":1}"), ERR_INVALID);
        assert_err(fix_write(f, "ann", patch_run, "{\"skills\":\"C\"}"), ERR_INVALID);
}

static void knows_zones(void **state) {
        static const struct {
                const char *zone;
                int64_t at;
                bool known;
                int minutes;
        } cases[] = {
                { "UTC", FIX_NOW, true, 0 },
                { "UTC+2", FIX_NOW, true, 120 },
                { "GMT-03:30", FIX_NOW, true, -210 },
                { "+0530", FIX_NOW, true, 330 },
                { "UTC+99", FIX_NOW, false, 0 },
                { "../../etc/passwd", FIX_NOW, false, 0 },
                { "/etc/passwd", FIX_NOW, false, 0 },
                { "Nowhere/Land", FIX_NOW, false, 0 },
                { "", FIX_NOW, true, 0 },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int minutes = 0;
                bool known = zone_offset(str_c(cases[i].zone), cases[i].at, &minutes);
                if (known != cases[i].known || minutes != cases[i].minutes)
                        fail_msg("%s: %d %d", cases[i].zone, known, minutes);
        }
        int winter, summer;
        assert_true(zone_offset(STR("Europe/Lisbon"), FIX_NOW, &winter));
        assert_true(zone_offset(STR("Europe/Lisbon"), FIX_NOW + 120 * DAY_MS, &summer));
        assert_int_equal(winter, 0);
        assert_int_equal(summer, 60);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(weighs_by_the_table),  cmocka_unit_test(fades_by_the_table),
                cmocka_unit_test(retires_by_the_table), cmocka_unit_test(is_complete_by_weight),
                cmocka_unit_test(knows_zones),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
