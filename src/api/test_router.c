// SPDX-License-Identifier: MIT
#include "base/testing.h"

#include "api/api.h"
#include "api/problem.h"
#include "codec/json.h"

typedef struct Thing {
        Str name;
        int64_t size;
        Strs tags;
} Thing;
static const Shape thing = SHAPE(Thing,
        F_STR(Thing, name, F_REQ, .min = 1, .max = 8),
        F_INT(Thing, size, 0, .min = 0, .max = 10),
        F_STRS(Thing, tags, F_NULL));

typedef struct KeyIn {
        Str secret;
} KeyIn;
typedef struct KeyOut {
        Str secret;
} KeyOut;
static const Shape key_in = SHAPE(KeyIn, F_STR(KeyIn, secret, F_REQ | F_SECRET));
static const Shape key_out = SHAPE(KeyOut, F_STR(KeyOut, secret, F_REQ | F_SECRET));

static Err nothing(Req *rq, const void *in, void *ret) { return OK; }

#define ROW(id_, method_, path_) ROW_OF(id_, method_, path_, &thing, &thing)
#define ROW_OF(id_, method_, path_, in_, out_)                                                     \
        {                                                                                          \
                .id = id_, .method = method_, .path = path_, .lane = LANE_INLINE,                  \
                .auth = AUTH_USER, .rate = RATE_READ, .in = in_, .out = out_, .body_max = 100,     \
                .tag = "Things", .summary = "A \"thing\"", .audit_none = "test", .fn = nothing     \
        }

static const Route things[] = {
        ROW("thing.list", GET, "/things/list"),
        ROW("thing.get", GET, "/things/{thing_id}"),
        ROW("thing.put", PUT, "/things/{thing_id}"),
        ROW("part.get", GET, "/things/{thing_id}/parts/{part_id}"),
        ROW("wire", POST, "/v1/things/"),
        ROW_OF("key", POST, "/keys", &key_in, &key_out),
        { .id = NULL },
};
static const Route *const tables[] = { things, NULL };

typedef struct Fixture {
        Arena *arena;
        TestWorld world;
        Ctx cx;
        Router *router;
} Fixture;

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof *f);
        f->arena = arena_new();
        f->world = TEST_WORLD(0);
        f->cx = TEST_CTX(f->arena, &f->world.world);
        assert_ok(router_new(&f->cx, tables, &f->router));
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;
        router_free(f->router);
        arena_free(f->arena);
        free(f);
        return 0;
}

static void test_match(void **state) {
        Fixture *f = *state;
        static const struct {
                Method m;
                const char *path, *id, *params;
        } cases[] = {
                { GET, "/things/list", "thing.list", "" },
                { GET, "/things/a%2Fb", "thing.get", "a%2Fb" },
                { HEAD, "/things/7", "thing.get", "7" },
                { PUT, "/things/list", NULL, "" },
                { GET, "/things/7/parts/8", "part.get", "7,8" },
                { GET, "/things/list/parts/8", "part.get", "list,8" },
                { GET, "/things/7/parts", NULL, "" },
                { GET, "/things/", NULL, "" },
                { POST, "/v1/things", "wire", "" },
                { POST, "/v1/things/", "wire", "" },
                { POST, "/v1/things//", NULL, "" },
                { GET, "things/7", NULL, "" },
                { GET, "", NULL, "" },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Match m;
                router_match(f->router, cases[i].m, str_c(cases[i].path), &m);
                assert_string_equal(m.row ? m.row->route->id : "none",
                                    cases[i].id ? cases[i].id : "none");
                Str rest = str_c(cases[i].params);
                for (size_t p = 0; m.row && p < m.n_params; p++)
                        assert_true(str_eq(m.params[p], str_cut(&rest, ',')));
        }
}

static void test_method_not_allowed_names_the_allowed(void **state) {
        Fixture *f = *state;
        Match m;
        router_match(f->router, DELETE, STR("/things/7"), &m);
        assert_null(m.row);
        assert_true(m.path_known);
        assert_str(router_allow(&f->cx, m.allow), "GET, HEAD, PUT");
        router_match(f->router, GET, STR("/nowhere"), &m);
        assert_false(m.path_known);
}

static void refused(Route broken, const char *names) {
        Route rows[] = { things[0], broken, { .id = NULL } };
        const Route *const bad[] = { rows, NULL };
        _cleanup_(arena_freep) Arena *a = arena_new();
        TestWorld w = TEST_WORLD(0);
        Ctx cx = TEST_CTX(a, &w.world);
        Router *r = NULL;
        assert_err(router_new(&cx, bad, &r), ERR_INVALID);
        assert_null(r);
        assert_true(str_contains(str_c(cx.err.what), str_c(names)));
}

static void test_incomplete_rows_stop_the_start(void **state) {
        Route r = things[1];
        r.auth = AUTH_UNSET;
        refused(r, "auth");
        r = things[1];
        r.rate = RATE_UNSET;
        refused(r, "rate");
        r = things[1];
        r.lane = LANE_UNSET;
        refused(r, "lane");
        r = things[1];
        r.audit_none = NULL;
        refused(r, "audit");
        r = things[1];
        r.audit = "both";
        refused(r, "audit");
        r = things[1];
        r.body_max = 0;
        refused(r, "body_max");
        r = things[1];
        r.scope = "things:everything";
        refused(r, "scope");
        refused(things[0], "two rows");
}

static void test_openapi_is_json_with_every_row(void **state) {
        Fixture *f = *state;
        _cleanup_(buf_done) Buf out = BUF(1 << 20);
        openapi_write(&out, tables, STR("9"), STR("http://x"));
        _cleanup_(json_freep) Json *doc = NULL;
        assert_ok(json_parse(&f->cx, buf_str(&out), 64, &doc));
        JsonRef paths = json_get(json_root(doc), "paths");
        assert_int_equal(json_count(paths), 5);
        JsonRef put = json_get(json_get(paths, "/things/{thing_id}"), "put");
        assert_str(json_str(json_get(put, "summary")), "A \"thing\"");
        assert_str(json_str(json_get(json_at(json_get(put, "parameters"), 0), "name")), "thing_id");
        JsonRef responses = json_get(put, "responses");
        assert_int_not_equal(json_kind(json_get(responses, "401")), JSON_ABSENT);
        assert_int_not_equal(json_kind(json_get(responses, "422")), JSON_ABSENT);
        JsonRef schemas = json_get(json_get(json_root(doc), "components"), "schemas");
        JsonRef schema = json_get(schemas, "Thing");
        assert_false(json_bool(json_get(schema, "additionalProperties"), true));
        assert_int_equal(
                json_int(json_get(json_get(json_get(schema, "properties"), "name"), "maxLength"),
                         0),
                8);
        /* a secret that is answered is not write-only */
        static const struct {
                const char *shape;
                bool write_only;
        } keys[] = { { "KeyIn", true }, { "KeyOut", false } };
        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                JsonRef secret = json_get(json_get(json_get(schemas, keys[i].shape), "properties"),
                                          "secret");
                assert_int_equal(json_kind(json_get(secret, "type")), JSON_STR);
                assert_int_equal(json_bool(json_get(secret, "writeOnly"), false),
                                 keys[i].write_only);
        }
        buf_clear(&out);
        routes_write(&out, tables);
        _cleanup_(json_freep) Json *rows = NULL;
        assert_ok(json_parse(&f->cx, buf_str(&out), 64, &rows));
        assert_int_equal(json_count(json_root(rows)), 6);
}

static void test_recent_errors(void **state) {
        const int64_t at = INT64_C(1000) * 1000000;
        assert_true(recent_error_rate(at) == 0);
        for (int i = 0; i < 10; i++)
                recent_count(at + i * 1000000, i < 2);
        assert_true(recent_error_rate(at + 10 * 1000000) == 0.2);
        /* the two that failed are more than a minute old, then all are */
        assert_true(recent_error_rate(at + 62 * 1000000) == 0);
        recent_count(at + 64 * 1000000, true); /* the slot of the first, used again */
        assert_true(recent_error_rate(at + 100 * 1000000) == 1);
}

static JsonRef problem(Fixture *f, Err e, Wire wire, Json **ret) {
        _cleanup_(buf_done) Buf out = BUF(1 << 16);
        problem_write(&out, &f->cx, e, wire, STR("https://m.example"));
        assert_ok(json_parse(&f->cx, arena_dup(f->arena, buf_str(&out)), 16, ret));
        return json_root(*ret);
}

static void test_problem_names_the_members(void **state) {
        Fixture *f = *state;
        assert_err(RAISE_FIELD(&f->cx, "#/email", "must contain one @"), ERR_INVALID);
        err_extra_int(&f->cx, "limit", 5);
        _cleanup_(json_freep) Json *doc = NULL;
        JsonRef p = problem(f, ERR_INVALID, WIRE_OWN, &doc);
        assert_str(json_str(json_get(p, "type")), "https://m.example/problems/invalid_request");
        assert_int_equal(json_int(json_get(p, "status"), 0), 422);
        assert_int_equal(json_int(json_get(p, "limit"), 0), 5);
        assert_str(json_str(json_get(p, "instance")), "urn:trace:00000000000000000000000000000001");
        assert_str(json_str(json_get(json_at(json_get(p, "errors"), 0), "pointer")), "#/email");
}

static void test_internal_failures_tell_nothing(void **state) {
        Fixture *f = *state;
        assert_err(RAISE(&f->cx, ERR_CORRUPT, "secret detail of table users"), ERR_CORRUPT);
        err_extra_int(&f->cx, "row", 5);
        _cleanup_(json_freep) Json *doc = NULL;
        JsonRef p = problem(f, ERR_CORRUPT, WIRE_OWN, &doc);
        assert_str(json_str(json_get(p, "code")), "internal_error");
        assert_int_equal(json_kind(json_get(p, "detail")), JSON_ABSENT);
        assert_int_equal(json_kind(json_get(p, "row")), JSON_ABSENT);
        for (Wire w = WIRE_OWN; w <= WIRE_OPENAI; w++) {
                _cleanup_(buf_done) Buf out = BUF(1 << 16);
                problem_write(&out, &f->cx, ERR_CORRUPT, w, STR("https://m.example"));
                assert_false(str_contains(buf_str(&out), str_c(err_info[ERR_CORRUPT].name)));
                assert_false(str_contains(buf_str(&out), STR("secret detail")));
        }
}

static void test_wire_forms(void **state) {
        Fixture *f = *state;
        assert_err(RAISE_FIELD(&f->cx, "#/model", "unknown"), ERR_INVALID);
        _cleanup_(json_freep) Json *openai = NULL, *mem0 = NULL, *ai = NULL;
        JsonRef p = problem(f, ERR_INVALID, WIRE_OPENAI, &openai);
        assert_int_equal(json_int(json_get(p, "status"), 0), 400);
        assert_str(json_str(json_get(json_get(p, "error"), "type")), "invalid_request_error");
        assert_str(json_str(json_get(json_get(p, "error"), "param")), "model");
        p = problem(f, ERR_INVALID, WIRE_MEM0, &mem0);
        assert_int_equal(json_kind(json_get(p, "error")), JSON_STR);
        p = problem(f, ERR_UNAVAILABLE, WIRE_AI, &ai);
        assert_str(json_str(json_get(p, "status_text")), "service_unavailable");
        assert_true(json_bool(json_get(p, "retry_suggested"), false));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_match, setup, teardown),
                cmocka_unit_test_setup_teardown(test_method_not_allowed_names_the_allowed, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_incomplete_rows_stop_the_start, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_openapi_is_json_with_every_row, setup,
                                                teardown),
                cmocka_unit_test(test_recent_errors),
                cmocka_unit_test_setup_teardown(test_problem_names_the_members, setup, teardown),
                cmocka_unit_test_setup_teardown(test_internal_failures_tell_nothing, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_wire_forms, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
