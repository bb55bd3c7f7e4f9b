// SPDX-License-Identifier: MIT
/* The chain stands against whoever can write to the database file. */
#include "base/metric.h"
#include "identity/testing_int.h"

enum { RECORDS = 40, CHECKPOINT_EVERY = 10 };

static int begin(void **state) {
        *state = fix_new(&(IdentitySettings){ .jwt_secret = STR(TEST_SECRET) });
        return 0;
}

static int end(void **state) {
        fix_free(*state);
        return 0;
}

typedef struct Fill {
        Fix *f;
        Str owner;
        int from, to;
} Fill;

static Err fill_write(Ctx *cx, DbConn *c, void *arg) {
        const Fill *a = arg;

        for (int i = a->from; i < a->to; i++) {
                a->f->world.now_ms += 1000;
                TRY(audit_append(cx, a->f->id->audit, c,
                                 AUDIT_EVENT("sensitive_create", "success", AUDIT_BY_USER(a->owner),
                                             AUDIT_OF("memory", arena_strf(cx->arena, "mem_%d", i)),
                                             .ip = STR("192.0.2.1"),
                                             .user_agent = STR("agent/1.0"))));
                if (i % CHECKPOINT_EVERY == CHECKPOINT_EVERY - 1)
                        TRY(audit_checkpoint(cx, a->f->id->audit, c));
        }
        return OK;
}

static AuditVerdict verify(Fix *f) {
        AuditVerdict v;

        OKF(f, audit_verify(&f->cx, f->id->audit, fix_read(f), &v));
        return v;
}

typedef struct Run {
        const Sql *sql;
        Args args;
} Run;

static Err run_write(Ctx *cx, DbConn *c, void *arg) {
        const Run *r = arg;

        return db_run(cx, c, r->sql, r->args, NULL);
}

static void run(Fix *f, const Sql *sql, Args args) {
        Run r = { sql, args };

        OKF(f, db_write(&f->cx, f->db, run_write, &r));
}

static User filled(Fix *f) {
        User u = fix_user(f, "ann@example.com");
        Fill a = { f, u.user_id, 0, RECORDS };

        OKF(f, db_write(&f->cx, f->db, fill_write, &a));
        return u;
}

static void whole_chain_verifies(void **state) {
        Fix *f = *state;
        AuditVerdict v;

        assert_int_equal(verify(f).records, 0);
        filled(f);
        v = verify(f);
        assert_null(v.fault);
        assert_int_equal(v.records, RECORDS);
        assert_int_equal(v.checkpoints, RECORDS / CHECKPOINT_EVERY);
        fix_close(f);
        fix_open(f);
        assert_null(verify(f).fault);
}

/* Every column of every record before the last checkpoint, one at a time. */
static void any_altered_field_is_found(void **state) {
        static const Sql alter[] = {
                { "a1", "UPDATE audit SET ts = ts + $2 WHERE seq = $1" },
                { "a2", "UPDATE audit SET event = 'sensitive_creatf' WHERE seq = $1 AND $2 = 1" },
                { "a3", "UPDATE audit SET outcome = 'failure' WHERE seq = $1 AND $2 = 1" },
                { "a4", "UPDATE audit SET actor_type = 'api_key' WHERE seq = $1 AND $2 = 1" },
                { "a5", "UPDATE audit SET actor_id = 'usr_other' WHERE seq = $1 AND $2 = 1" },
                { "a6", "UPDATE audit SET target_type = '' WHERE seq = $1 AND $2 = 1" },
                { "a7", "UPDATE audit SET target_id = target_id || '0' WHERE seq = $1 AND $2 = 1" },
                { "a8", "UPDATE audit SET client = x'00' WHERE seq = $1 AND $2 = 1" },
                { "a9", "UPDATE audit SET trace_id = '' WHERE seq = $1 AND $2 = 1" },
                { "a10", "UPDATE audit SET reason = 'x' WHERE seq = $1 AND $2 = 1" },
                { "a11", "UPDATE audit SET owner = '' WHERE seq = $1 AND $2 = 1" },
                { "a12", "UPDATE audit SET prev_hash = zeroblob(32) WHERE seq = $1 AND $2 = 1" },
                { "a13", "UPDATE audit SET hash = zeroblob(32) WHERE seq = $1 AND $2 = 1" },
        };
        static const Sql save = { "save", "CREATE TABLE saved AS SELECT * FROM audit" };
        static const Sql clear = { "clear", "DELETE FROM audit" },
                         restore = { "restore", "INSERT INTO audit SELECT * FROM saved" };
        Fix *f = *state;

        filled(f);
        run(f, &save, NO_ARGS);
        for (size_t i = 0; i < ELEMENTSOF(alter); i++)
                for (int64_t seq = 1 + (int64_t)i % 3; seq <= RECORDS; seq += 3) {
                        AuditVerdict v;

                        if (seq == 1 && i == 11) /* the first record's link is zeros */
                                continue;
                        run(f, &alter[i], ARGS(v_int(seq), v_int(1)));
                        v = verify(f);
                        if (!v.fault || v.bad_seq < seq || v.bad_seq > seq + 1)
                                fail_msg("alteration %zu of record %d: %s at %d", i, (int)seq,
                                         v.fault ? v.fault : "none", (int)v.bad_seq);
                        run(f, &clear, NO_ARGS);
                        run(f, &restore, NO_ARGS);
                }
        assert_null(verify(f).fault);
}

static void removing_and_reordering_is_found(void **state) {
        static const Sql remove_one = { "r1", "DELETE FROM audit WHERE seq = $1" };
        static const Sql swap[] = {
                { "s1", "UPDATE audit SET seq = -1 WHERE seq = $1" },
                { "s2", "UPDATE audit SET seq = $1 WHERE seq = $1 + 1" },
                { "s3", "UPDATE audit SET seq = $1 + 1 WHERE seq = -1" },
        };
        static const Sql close_gap = { "g1", "UPDATE audit SET seq = seq - 1 WHERE seq > $1" };
        Fix *f = *state;
        AuditVerdict v;

        filled(f);
        for (size_t i = 0; i < ELEMENTSOF(swap); i++)
                run(f, &swap[i], ARGS(v_int(7)));
        v = verify(f);
        assert_string_equal(v.fault, "link");
        assert_int_equal(v.bad_seq, 7);
        for (size_t i = 0; i < ELEMENTSOF(swap); i++)
                run(f, &swap[i], ARGS(v_int(7)));
        assert_null(verify(f).fault);
        run(f, &remove_one, ARGS(v_int(20)));
        assert_string_equal(verify(f).fault, "gap");
        run(f, &close_gap, ARGS(v_int(20)));
        assert_string_equal(verify(f).fault, "link");
        run(f, &remove_one, ARGS(v_int(1)));
        assert_string_equal(verify(f).fault, "start");
}

static void truncation_is_found(void **state) {
        static const Sql cut = { "cut", "DELETE FROM audit WHERE seq > $1" };
        Fix *f = *state;
        AuditVerdict v;

        filled(f);
        run(f, &cut, ARGS(v_int(RECORDS - 1)));
        v = verify(f);
        assert_string_equal(v.fault, "truncated");
        assert_int_equal(v.bad_seq, RECORDS);
}

/* Whoever rewrites all hashes after an alteration still has no signature for them. */
static void a_rewritten_tail_has_no_signature(void **state) {
        static const Sql cut = { "cut2", "DELETE FROM audit WHERE seq > $1" };
        Fix *f = *state;
        User u = filled(f);
        Fill again = { f, u.user_id, 30, RECORDS };
        AuditVerdict v;

        run(f, &cut, ARGS(v_int(30)));
        again.to = 39; /* nine new records, no new checkpoint */
        OKF(f, db_write(&f->cx, f->db, fill_write, &again));
        again = (Fill){ f, u.user_id, 100, 101 };
        OKF(f, db_write(&f->cx, f->db, fill_write, &again));
        v = verify(f);
        assert_string_equal(v.fault, "checkpoint");
        assert_int_equal(v.bad_seq, RECORDS);
}

static Err prune_write(Ctx *cx, DbConn *c, void *arg) {
        Fix *f = arg;
        int64_t gone;

        return audit_prune(cx, f->id->audit, c, TEST_NOW_MS + 15 * 1000 + 1, &gone);
}

static void pruned_chain_stands_on_its_base(void **state) {
        static const Sql forge = {
                "forge", "UPDATE audit_checkpoints SET hash = zeroblob(32) WHERE kind = 'base'"
        };
        Fix *f = *state;
        AuditVerdict v;

        filled(f);
        OKF(f, db_write(&f->cx, f->db, prune_write, f));
        v = verify(f);
        assert_null(v.fault);
        assert_int_equal(v.records, RECORDS - 15);
        OKF(f, db_write(&f->cx, f->db, prune_write, f));
        assert_null(verify(f).fault);
        run(f, &forge, NO_ARGS);
        assert_string_equal(verify(f).fault, "checkpoint");
}

static int64_t records(Fix *f) {
        AuditVerdict v = verify(f);

        assert_null(v.fault);
        return v.records;
}

/* A year later, over more than one piece: all but the newest. */
static void old_records_go(void **state) {
        Fix *f = *state;
        User u = filled(f);
        Fill more = { f, u.user_id, RECORDS, 2 * AUDIT_PIECE + 1 };

        OKF(f, db_write(&f->cx, f->db, fill_write, &more));
        assert_int_equal(records(f), more.to);
        f->world.now_ms += INT64_C(367) * 86400 * 1000;
        OKF(f, identity_tick(&f->cx, f->id));
        assert_int_equal(records(f), 1);
        f->world.now_ms += 60000;
        OKF(f, identity_tick(&f->cx, f->id));
        assert_int_equal(records(f), 1);
}

typedef struct Destroy {
        Fix *f;
        Str user_id;
} Destroy;

static Err destroy_write(Ctx *cx, DbConn *c, void *arg) {
        const Destroy *d = arg;

        return user_key_destroy(cx, d->f->id->keys, c, d->user_id);
}

static void erasure_leaves_the_chain_and_takes_the_person(void **state) {
        Fix *f = *state;
        User u = filled(f);
        Destroy d = { f, u.user_id };
        AuditFilter filter = { .owner = u.user_id, .limit = 5 };
        AuditRecords all;
        AuditRecord *list;

        OKF(f, audit_list(&f->cx, f->id->audit, fix_read(f), &filter, &all));
        list = all.v;
        assert_int_equal(all.n, 5);
        assert_int_equal(list[0].seq, RECORDS);
        assert_str(list[0].ip, "192.0.2.1");
        assert_str(list[0].user_agent, "agent/1.0");
        assert_false(str_contains(list[0].client, STR("192.0.2.1")));
        OKF(f, db_write(&f->cx, f->db, destroy_write, &d));
        OKF(f, audit_list(&f->cx, f->id->audit, fix_read(f), &filter, &all));
        list = all.v;
        assert_str(list[0].ip, "");
        assert_str(list[0].user_agent, "");
        assert_null(verify(f).fault);
}

/* Fail closed: what cannot be recorded does not happen, and shows. */
static void what_cannot_be_written_is_counted(void **state) {
        Fix *f = *state;
        User u = filled(f);
        Fill one = { f, u.user_id, RECORDS, RECORDS + 1 };
        int refused = 0, counted = (int)metric_sum("mainstay_audit_append_failures_total");

        for (int64_t nth = 1; nth <= 3; nth++) {
                err_clear(&f->cx);
                db_fail_at(f->db, nth, ERR_STORAGE);
                refused += db_write(&f->cx, f->db, fill_write, &one) != OK;
        }
        db_fail_at(f->db, 0, OK);
        counted = (int)metric_sum("mainstay_audit_append_failures_total") - counted;
        assert_in_range(counted, 1, refused);
        assert_null(verify(f).fault);
        err_clear(&f->cx);
        OKF(f, db_write(&f->cx, f->db, fill_write, &one));
        int64_t newest = f->world.now_ms;
        f->world.now_ms += 60000;
        OKF(f, identity_tick(&f->cx, f->id));
        assert_int_equal(metric_sum("mainstay_audit_chain_head_timestamp_seconds"), newest / 1000);
}

int main(void) {
#define T(fn) cmocka_unit_test_setup_teardown(fn, begin, end)
        const struct CMUnitTest tests[] = {
                T(whole_chain_verifies),
                T(any_altered_field_is_found),
                T(removing_and_reordering_is_found),
                T(truncation_is_found),
                T(a_rewritten_tail_has_no_signature),
                T(pruned_chain_stands_on_its_base),
                T(old_records_go),
                T(erasure_leaves_the_chain_and_takes_the_person),
                T(what_cannot_be_written_is_counted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
