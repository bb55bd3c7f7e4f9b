// SPDX-License-Identifier: MIT
/* Costs, budgets and alerts by a clock of the test's own: sums of a month, its end, reservations. */
#include <stdio.h>
#include <unistd.h>

#include "base/testing.h"
#include "chat/chat_int.h"
#include "chat/count_int.h"
#include "chat/ledger.h"

#define LAST_OF_NOVEMBER INT64_C(1795996800000) /* 2026-11-30 00:00:00 UTC */
#define DAY              INT64_C(86400000)
#define ANN              STR("usr_ann")

typedef struct Fix {
        TestWorld world;
        Arena *arena;
        Ctx cx;
        Db *db;
        Chat chat;
        char dir[64];
        int letters;
        Str subject, body;
} Fix;

static Err letter(Ctx *cx, DbConn *c, void *arg, const ChatLetter *l) {
        Fix *f = arg;
        f->letters++;
        f->subject = arena_dup(f->arena, l->subject);
        f->body = arena_dup(f->arena, l->body);
        return OK;
}

static int setup(void **state) {
        static const Migration *const tables[] = { memory_migrations, chat_migrations, NULL };
        Fix *f = calloc(1, sizeof *f);
        assert_non_null(f);
        f->world = TEST_WORLD(LAST_OF_NOVEMBER);
        f->arena = arena_new();
        f->cx = TEST_CTX(f->arena, &f->world.world);
        f->chat.set = (ChatSettings){ .budget_micro = -1, .letter = letter, .letter_arg = f };
        f->chat.up.spend = spend_new(-1);
        snprintf(f->dir, sizeof f->dir, "/tmp/ledger-test-XXXXXX");
        assert_non_null(mkdtemp(f->dir));
        DbSettings set = { .path = arena_printf(f->arena, "%s/db", f->dir),
                           .migrations = tables,
                           .migrate = true };
        assert_ok(db_open(&f->cx, &set, &f->db));
        chat_counts_make();
        *state = f;
        return 0;
}

static int teardown(void **state) {
        static const char *const files[] = { "db", "db-wal", "db-shm", "db-journal", "db.lock" };
        Fix *f = *state;
        db_close(f->db);
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                unlink(arena_printf(f->arena, "%s/%s", f->dir, files[i]));
        rmdir(f->dir);
        spend_free(f->chat.up.spend);
        arena_free(f->arena);
        free(f);
        return 0;
}

/* ---- what is done in writes ---- */

typedef struct Cost {
        Fix *f;
        int64_t micro;
        bool unpriced;
} Cost;

static Err cost_write(Ctx *cx, DbConn *c, void *arg) {
        const Cost *k = arg;
        static const unsigned char id[16] = { 1 };
        Attempt a = { .provider = STR("p"),
                      .model = STR("m"),
                      .outcome = STR("ok"),
                      .called = true,
                      .usage = { .prompt = 10,
                                 .completion = 5,
                                 .unpriced = k->unpriced,
                                 .cost_micro = k->micro } };
        TRY(ledger_add(cx, c, &(LedgerEntry){ ANN, id, "chat", { &a, 1 }, true }));
        return ledger_alerts(cx, &k->f->chat, c, ANN);
}

static void spent(Fix *f, int64_t micro) {
        assert_ok(db_write(&f->cx, f->db, cost_write, &(Cost){ f, micro, false }));
}

typedef struct Limit {
        Fix *f;
        Budget budget;
} Limit;

static Err limit_write(Ctx *cx, DbConn *c, void *arg) {
        const Limit *l = arg;
        return budget_set(cx, &l->f->chat, c, ANN, &l->budget);
}

static void budget(Fix *f, int64_t micro) {
        Limit l = { f, { true, micro, 80, 95, true } };
        assert_ok(db_write(&f->cx, f->db, limit_write, &l));
}

static UsageMonth month_of_ann(Fix *f, Str month) {
        DbConn *c;
        UsageMonth u;
        assert_ok(db_read(&f->cx, f->db, &c));
        assert_ok(usage_month(&f->cx, &(ChatScope){ &f->chat, c, ANN }, month, &u));
        return u;
}

static void prepare(Fix *f) {
        DbConn *c;
        assert_ok(db_read(&f->cx, f->db, &c));
        assert_ok(spend_prepare(&f->cx, f->chat.up.spend, c, ANN));
}

/* ---- cases ---- */

static void test_sums_and_the_end_of_a_month(void **state) {
        Fix *f = *state;
        spent(f, 1000);
        spent(f, 500);
        assert_ok(db_write(&f->cx, f->db, cost_write, &(Cost){ f, 0, true }));
        UsageMonth u = month_of_ann(f, STR_NULL);
        assert_int_equal(u.total_micro, 1500);
        assert_int_equal(u.unpriced, 1);
        assert_int_equal(u.days, 30);
        assert_int_equal(u.elapsed, 30);
        assert_int_equal(u.remaining, 0);
        assert_int_equal(u.reset_at, LAST_OF_NOVEMBER + DAY);
        assert_str(u.peak_day, "2026-11-30");
        f->world.now_ms += DAY; /* the first of December */
        u = month_of_ann(f, STR_NULL);
        assert_int_equal(u.total_micro, 0);
        assert_int_equal(u.days, 31);
        assert_int_equal(u.elapsed, 1);
        spent(f, 70);
        assert_int_equal(month_of_ann(f, STR_NULL).total_micro, 70);
        assert_int_equal(month_of_ann(f, STR("2026-11")).total_micro, 1500);
        assert_int_equal(month_of_ann(f, STR("2026-10")).total_micro, 0);
}

static void test_each_threshold_once_a_month(void **state) {
        Fix *f = *state;
        budget(f, 1000);
        spent(f, 790);
        assert_int_equal(month_of_ann(f, STR_NULL).alerts.n, 0);
        assert_int_equal(f->letters, 0);
        spent(f, 10);
        assert_int_equal(month_of_ann(f, STR_NULL).alerts.n, 1);
        assert_str(f->subject, "80 % of your budget for language models is used");
        spent(f, 1);
        assert_int_equal(f->letters, 1);
        spent(f, 300); /* past the second and the third: one letter, about the third */
        assert_int_equal(month_of_ann(f, STR_NULL).alerts.n, 3);
        assert_int_equal(f->letters, 2);
        assert_str(f->subject, "Your budget for language models is used up");
        assert_true(str_contains(f->body, STR("$0.001101 of the $0.001000")));
        assert_true(str_contains(f->body, STR("November 2026")));
        assert_true(str_contains(f->body, STR("1 December 2026 (UTC)")));
        spent(f, 5);
        assert_int_equal(f->letters, 2);
        f->world.now_ms += DAY;
        assert_int_equal(month_of_ann(f, STR_NULL).alerts.n, 0);
        spent(f, 960);
        assert_int_equal(month_of_ann(f, STR_NULL).alerts.n, 2);
        assert_int_equal(f->letters, 3);
}

static void test_the_tighter_budget_decides(void **state) {
        Fix *f = *state;
        budget(f, 1000);
        f->chat.set.budget_micro = 100;
        spent(f, 100);
        UsageMonth u = month_of_ann(f, STR_NULL);
        assert_int_equal(u.budget.limit_micro, 100);
        assert_int_equal(u.alerts.n, 3);
        f->chat.set.budget_micro = 5000;
        assert_int_equal(month_of_ann(f, STR_NULL).budget.limit_micro, 1000);
}

static void test_reservations_and_the_next_month(void **state) {
        Fix *f = *state;
        Spend *s = f->chat.up.spend;
        int64_t now = f->world.now_ms;
        assert_false(spend_reserve(s, ANN, now, 1)); /* nothing known yet */
        budget(f, 1000);
        spent(f, 400);
        prepare(f);
        assert_true(spend_reserve(s, ANN, now, 500));
        assert_false(spend_reserve(s, ANN, now, 200));
        assert_true(spend_reserve(s, ANN, now, 100));
        spend_settle(s, ANN, now, 500, 50);
        assert_true(spend_reserve(s, ANN, now, 450));
        assert_false(spend_reserve(s, ANN, now, 1));
        /* midnight: what still runs stays reserved, what was spent does not count any more */
        f->world.now_ms += DAY;
        now = f->world.now_ms;
        assert_false(spend_reserve(s, ANN, now, 1));
        prepare(f);
        assert_false(spend_reserve(s, ANN, now, 451));
        assert_true(spend_reserve(s, ANN, now, 450));
        spend_settle(s, ANN, now, 550, 30);
        assert_true(spend_reserve(s, ANN, now, 520));
        assert_false(spend_reserve(s, ANN, now, 1));
}

static void test_a_limit_that_only_warns(void **state) {
        Fix *f = *state;
        Limit l = { f, { true, 10, 50, 60, false } };
        assert_ok(db_write(&f->cx, f->db, limit_write, &l));
        prepare(f);
        assert_true(spend_reserve(f->chat.up.spend, ANN, f->world.now_ms, 1000));
        spent(f, 100);
        assert_int_equal(f->letters, 1);
        assert_true(str_contains(f->body, STR("Models are still asked")));
}

static void test_values_of_a_budget(void **state) {
        static const struct {
                int64_t warning, critical;
                Err expect;
        } cases[] = {
                { 80, 95, OK },           { 1, 100, OK },          { 0, 95, ERR_INVALID },
                { -1, 95, ERR_INVALID },  { 95, 95, ERR_INVALID }, { 96, 95, ERR_INVALID },
                { 80, 101, ERR_INVALID },
        };
        Fix *f = *state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Limit l = { f, { true, 10, cases[i].warning, cases[i].critical, true } };
                err_clear(&f->cx);
                assert_err(db_write(&f->cx, f->db, limit_write, &l), cases[i].expect);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sums_and_the_end_of_a_month),
                cmocka_unit_test(test_each_threshold_once_a_month),
                cmocka_unit_test(test_the_tighter_budget_decides),
                cmocka_unit_test(test_reservations_and_the_next_month),
                cmocka_unit_test(test_a_limit_that_only_warns),
                cmocka_unit_test(test_values_of_a_budget),
        };
        struct CMUnitTest each[ELEMENTSOF(tests)];
        for (size_t i = 0; i < ELEMENTSOF(tests); i++) {
                each[i] = tests[i];
                each[i].setup_func = setup;
                each[i].teardown_func = teardown;
        }
        return cmocka_run_group_tests(each, NULL, NULL);
}
