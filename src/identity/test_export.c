// SPDX-License-Identifier: MIT
/* The archive of a user's data: made, opened by its link, in the way, gone. */
#include <sys/stat.h>
#include <unistd.h>

#include "identity/personal.h"
#include "identity/testing_int.h"

typedef struct Request {
        Fix *f;
        Str user_id, job_id;
} Request;

static Err request_write(Ctx *cx, DbConn *c, void *arg) {
        Request *q = arg;
        Work w = fix_work(q->f, c);

        return export_request(cx, &w, q->user_id, &q->job_id);
}

static ExportLink archive_made(Fix *f, Str user_id) {
        Request q = { f, user_id };
        ExportJob j;
        Work w;
        Str rest;
        int64_t expires_s;

        OKF(f, db_write(&f->cx, f->db, request_write, &q));
        OKF(f, export_flush(&f->cx, f->id));
        w = fix_work(f, fix_read(f));
        OKF(f, export_find(&f->cx, &w, user_id, q.job_id, &j));
        assert_true(str_eq_c(j.status, "ready"));
        rest = str_from(j.link, strlen("expires="));
        assert_true(str_to_i64(str_cut(&rest, '&'), &expires_s));
        return (ExportLink){ user_id, q.job_id, expires_s, str_from(rest, strlen("signature=")) };
}

static void absent_is_not_unreadable(void **state) {
        Fix *f = fix_new(&(IdentitySettings){ 0 });
        User u = fix_user(f, "ann@example.com");
        ExportLink link = archive_made(f, u.user_id);
        const char *path =
                arena_printf(f->arena, "%s/exports/%.*s.zip", f->dir, STR_FMT(link.job_id));
        Str bytes;

        assert_ok(export_open(&f->cx, f->id, &link, &bytes));
        assert_true(str_starts(bytes, STR("PK")));
        assert_int_equal(unlink(path), 0);
        assert_err(export_open(&f->cx, f->id, &link, &bytes), ERR_NOT_FOUND);
        assert_int_equal(mkdir(path, 0700), 0); /* opens, and cannot be read */
        assert_err(export_open(&f->cx, f->id, &link, &bytes), ERR_STORAGE);
        fix_free(f);
}

static void links_are_of_one_user(void **state) {
        Fix *f = fix_new(&(IdentitySettings){ 0 });
        ExportLink link = archive_made(f, fix_user(f, "ann@example.com").user_id);
        Str bytes;

        link.user_id = fix_user(f, "bob@example.com").user_id;
        assert_err(export_open(&f->cx, f->id, &link, &bytes), ERR_NOT_FOUND);
        fix_free(f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(absent_is_not_unreadable),
                cmocka_unit_test(links_are_of_one_user),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
