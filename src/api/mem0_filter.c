// SPDX-License-Identifier: MIT
#include "api/mem0.h"
#include "codec/when.h"
#include "identity/scope.h"

enum { FILTER_DEPTH = 8, FILTER_CONDITIONS = 100 };

/* ---- whose data ---- */

Err mem0_scope(Req *rq, Str user_id, MemoryScope *ret) {
        *ret = req_memory(rq);
        if (!user_id.p || str_eq(user_id, rq->who->user_id) || str_eq_c(user_id, "*"))
                return OK;
        if (!(rq->who->scopes & SCOPE_END_USERS))
                return RAISE(rq->cx, ERR_SCOPE, "naming a sub-user needs scope end_users");
        if (user_id.n == 0 || user_id.n > 90)
                return RAISE_FIELD(rq->cx, "#/user_id", "must have 1 to 90 bytes");
        ret->user_id =
                arena_strf(rq->cx->arena, "%.*s/%.*s", STR_FMT(rq->who->user_id), STR_FMT(user_id));
        return OK;
}

Str mem0_user(const Req *rq, Str scope) {
        size_t own = rq->who->user_id.n;
        return scope.n > own ? str_from(scope, own + 1) : scope;
}

/* ---- parsing ---- */

static const char *const fields[] = { "user_id",         "agent_id",   "app_id",     "run_id",
                                      "created_at",      "updated_at", "categories", "metadata",
                                      "keywords",        "memory",     "memory_ids", "timestamp",
                                      "expiration_date", NULL };
static const char *const operators[] = { "in", "gte", "lte",      "gt",        "lt",
                                         "ne", "eq",  "contains", "icontains", NULL };

static bool is_word(const char *const *words, Str w) {
        for (; *words; words++)
                if (str_eq_c(w, *words))
                        return true;
        return false;
}

static bool is_logic(Str name) {
        return str_eq_c(name, "AND") || str_eq_c(name, "OR") || str_eq_c(name, "NOT");
}

typedef struct Check {
        Req *rq;
        Mem0Filter *f;
        int left;
} Check;

static Err condition_check(Check *c, Str name, JsonRef v) {
        if (!is_word(fields, name))
                return RAISE_FIELD(c->rq->cx, "#/filters", "%.*s is not a field to filter by",
                                   STR_FMT(name));
        if (json_kind(v) == JSON_OBJ && !str_eq_c(name, "metadata"))
                for (JsonIter it = { 0 }; json_next(v, &it);)
                        if (!is_word(operators, it.name))
                                return RAISE_FIELD(c->rq->cx, "#/filters",
                                                   "%.*s is not an operator", STR_FMT(it.name));
        bool scope = str_eq_c(name, "user_id") || str_eq_c(name, "agent_id") ||
                     str_eq_c(name, "app_id") || str_eq_c(name, "run_id");
        c->f->has_scope |= scope;
        if (str_eq_c(name, "user_id") && !c->f->user_id.p)
                c->f->user_id = json_kind(v) == JSON_STR ? json_str(v)
                                                         : json_str(json_at(json_get(v, "in"), 0));
        return OK;
}

static Err filter_check(Check *c, JsonRef node, int depth) {
        if (json_kind(node) != JSON_OBJ || depth > FILTER_DEPTH)
                return RAISE_FIELD(c->rq->cx, "#/filters", "must be an object, at most %d deep",
                                   FILTER_DEPTH);
        for (JsonIter it = { 0 }; json_next(node, &it);) {
                if (--c->left < 0)
                        return RAISE_FIELD(c->rq->cx, "#/filters", "at most %d conditions",
                                           FILTER_CONDITIONS);
                if (!is_logic(it.name)) {
                        TRY(condition_check(c, it.name, it.value));
                        continue;
                }
                if (json_kind(it.value) == JSON_OBJ)
                        TRY(filter_check(c, it.value, depth + 1));
                for (size_t i = 0; json_kind(it.value) == JSON_ARR && i < json_count(it.value); i++)
                        TRY(filter_check(c, json_at(it.value, i), depth + 1));
        }
        return OK;
}

void mem0_filter_done(Mem0Filter *f) { f->j = json_free(f->j); }

Err mem0_filter_parse(Req *rq, Str json, Mem0Filter *ret) {
        Mem0Filter f = { 0 };
        TRY(json_parse(rq->cx, json.n ? json : STR("{}"), JSON_DEPTH_MAX, &f.j));
        f.root = json_root(f.j);
        Err e = filter_check(&(Check){ rq, &f, FILTER_CONDITIONS }, f.root, 0);
        if (e) {
                mem0_filter_done(&f);
                return e;
        }
        *ret = f;
        return OK;
}

/* ---- asking ---- */

/* One row as conditions see it. */
typedef struct Subject {
        Req *rq;
        const MemoryRow *row;
        JsonRef context;
} Subject;

static int compare(JsonRef want, Str text, bool is_time) {
        int64_t a, b;
        if (is_time && when_parse(text, &a)) {
                Civil c;
                Str w = json_str(want);
                if (when_parse(w, &b) ||
                    (civil_parse(w, &c) && (b = civil_to_days(c) * DAY_MS, true)))
                        return (a > b) - (a < b);
        }
        double x, y = json_num(want, 0);
        if ((json_kind(want) == JSON_INT || json_kind(want) == JSON_NUM) && str_to_f64(text, &x))
                return (x > y) - (x < y);
        return str_cmp(text, json_str(want));
}

static bool equal(Subject *s, JsonRef want, Str text) {
        if (json_kind(want) == JSON_STR)
                return str_eq_c(json_str(want), "*") ? text.n > 0 : str_eq(json_str(want), text);
        return json_kind(want) == JSON_NULL ? text.n == 0
                                            : str_eq(json_text(s->rq->cx, want), text);
}

static bool contains_nocase(Str text, Str part) {
        for (size_t i = 0; i + part.n <= text.n; i++)
                if (str_eq_nocase((Str){ text.p + i, part.n }, part))
                        return true;
        return false;
}

static bool operator_fits(Subject *s, Str op, JsonRef want, Str text, bool is_time) {
        if (str_eq_c(op, "in")) {
                for (size_t i = 0; i < json_count(want); i++)
                        if (equal(s, json_at(want, i), text))
                                return true;
                return false;
        }
        if (str_eq_c(op, "eq"))
                return equal(s, want, text);
        if (str_eq_c(op, "ne"))
                return !equal(s, want, text);
        if (str_eq_c(op, "contains"))
                return str_contains(text, json_str(want));
        if (str_eq_c(op, "icontains"))
                return contains_nocase(text, json_str(want));
        if (!text.n)
                return false;
        int c = compare(want, text, is_time);
        return str_eq_c(op, "gte")   ? c >= 0
               : str_eq_c(op, "lte") ? c <= 0
               : str_eq_c(op, "gt")  ? c > 0
                                     : c < 0;
}

static bool value_fits(Subject *s, JsonRef want, Str text, bool is_time) {
        if (json_kind(want) != JSON_OBJ)
                return equal(s, want, text);
        for (JsonIter it = { 0 }; json_next(want, &it);)
                if (!operator_fits(s, it.name, it.value, text, is_time))
                        return false;
        return true;
}

static bool categories_fit(Subject *s, JsonRef want) {
        Strs tags = s->row->tags;
        for (size_t i = 0; i < tags.n; i++)
                if (json_kind(want) == JSON_ARR
                            ? operator_fits(s, STR("in"), want, tags.v[i], false)
                            : value_fits(s, want, tags.v[i], false))
                        return true;
        return false;
}

static bool metadata_fits(Subject *s, JsonRef want) {
        JsonRef mine = json_get(s->context, "metadata");
        for (JsonIter it = { 0 }; json_next(want, &it);) {
                JsonRef v = json_get(mine, arena_cstr(s->rq->cx->arena, it.name));
                Str text = json_kind(v) == JSON_STR      ? json_str(v)
                           : json_kind(v) == JSON_ABSENT ? STR_NULL
                                                         : json_text(s->rq->cx, v);
                if (!value_fits(s, it.value, text, false))
                        return false;
        }
        return true;
}

static bool condition_fits(Subject *s, Str name, JsonRef want) {
        const MemoryRow *r = s->row;
        Arena *a = s->rq->cx->arena;
        if (str_eq_c(name, "user_id"))
                return value_fits(s, want, mem0_user(s->rq, r->user_id), false);
        if (str_eq_c(name, "created_at") || str_eq_c(name, "timestamp"))
                return value_fits(s, want, when_format(a, r->created_at), true);
        if (str_eq_c(name, "updated_at"))
                return value_fits(s, want, when_format(a, r->updated_at), true);
        if (str_eq_c(name, "expiration_date"))
                return value_fits(s, want,
                                  r->expires_at ? when_format(a, r->expires_at - DAY_MS) : STR_NULL,
                                  true);
        if (str_eq_c(name, "categories"))
                return categories_fit(s, want);
        if (str_eq_c(name, "metadata"))
                return metadata_fits(s, want);
        if (str_eq_c(name, "keywords") || str_eq_c(name, "memory"))
                return json_kind(want) == JSON_STR ? contains_nocase(r->content, json_str(want))
                                                   : value_fits(s, want, r->content, false);
        if (str_eq_c(name, "memory_ids"))
                return operator_fits(s, STR("in"), want, r->memory_id, false);
        return value_fits(s, want, json_str(json_get(s->context, arena_cstr(a, name))), false);
}

static bool node_fits(Subject *s, JsonRef node);

static bool logic_fits(Subject *s, Str name, JsonRef v) {
        bool any = false, all = true;
        size_t n = json_kind(v) == JSON_ARR ? json_count(v) : 1;
        for (size_t i = 0; i < n; i++) {
                bool fits = node_fits(s, json_kind(v) == JSON_ARR ? json_at(v, i) : v);
                any |= fits;
                all &= fits;
        }
        return str_eq_c(name, "AND") ? all : str_eq_c(name, "OR") ? any || n == 0 : !any;
}

static bool node_fits(Subject *s, JsonRef node) {
        for (JsonIter it = { 0 }; json_next(node, &it);)
                if (is_logic(it.name) ? !logic_fits(s, it.name, it.value)
                                      : !condition_fits(s, it.name, it.value))
                        return false;
        return true;
}

bool mem0_filter_fits(Req *rq, const Mem0Filter *f, const MemoryRow *row) {
        _cleanup_(json_freep) Json *context = NULL;
        if (json_parse(rq->cx, row->context, JSON_DEPTH_MAX, &context)) {
                err_clear(rq->cx);
                return false;
        }
        return node_fits(&(Subject){ rq, row, json_root(context) }, f->root);
}
