// SPDX-License-Identifier: MIT
/* A checked filter, asked for one memory, or for what may be of a user. */
#include "api/mem0.h"
#include "codec/when.h"

/* ---- values ---- */

/* What a memory has under a name. Text, a time, or (metadata) any JSON. */
typedef struct Value {
        Str text;
        JsonRef json;
        int64_t at; /* is_time: 0 = none */
        bool is_time, is_json;
} Value;

static bool json_equal(JsonRef a, JsonRef b);

static bool objects_equal(JsonRef a, JsonRef b) {
        JsonIter ia = { 0 };
        while (json_next(a, &ia)) {
                bool same = false;
                for (JsonIter ib = { 0 }; !same && json_next(b, &ib);)
                        same = str_eq(ia.name, ib.name) && json_equal(ia.value, ib.value);
                if (!same)
                        return false;
        }
        return json_count(a) == json_count(b);
}

static bool is_number(JsonRef v) { return json_kind(v) == JSON_INT || json_kind(v) == JSON_NUM; }

static bool json_equal(JsonRef a, JsonRef b) {
        bool same = json_count(a) == json_count(b);
        if (is_number(a) && is_number(b))
                return json_num(a, 0) >= json_num(b, 0) && json_num(a, 0) <= json_num(b, 0);
        if (json_kind(a) != json_kind(b))
                return false;
        switch (json_kind(a)) {
        case JSON_STR: return str_eq(json_str(a), json_str(b));
        case JSON_BOOL: return json_bool(a, false) == json_bool(b, false);
        case JSON_OBJ: return objects_equal(a, b);
        case JSON_ARR:
                for (size_t i = 0; same && i < json_count(a); i++)
                        same = json_equal(json_at(a, i), json_at(b, i));
                return same;
        case JSON_ABSENT:
        case JSON_NULL:
        case JSON_INT:
        case JSON_NUM: return true;
        }
        return false;
}

static bool is_absent(const Value *v) {
        if (v->is_json)
                return json_kind(v->json) == JSON_ABSENT || json_kind(v->json) == JSON_NULL;
        return v->is_time ? v->at == 0 : v->text.n == 0;
}

/* False: the two have no order. */
static bool compare(const Value *v, JsonRef want, int *ret) {
        int64_t at;
        if (v->is_time) {
                if (is_absent(v) || !mem0_date(json_str(want), &at))
                        return false;
                *ret = (v->at > at) - (v->at < at);
                return true;
        }
        if (is_number(want)) {
                double x = json_num(v->json, 0), y = json_num(want, 0);
                *ret = (x > y) - (x < y);
                return is_number(v->json);
        }
        *ret = str_cmp(v->text, json_str(want));
        return v->text.n > 0 && json_kind(want) == JSON_STR;
}

static bool equal(const Value *v, JsonRef want) {
        int order;
        if (json_kind(want) == JSON_NULL)
                return is_absent(v);
        if (str_eq_c(json_str(want), "*"))
                return !is_absent(v);
        if (v->is_json)
                return json_equal(v->json, want);
        return v->is_time ? compare(v, want, &order) && order == 0
                          : str_eq(v->text, json_str(want));
}

static bool is_one_of(const Value *v, JsonRef list) {
        for (size_t i = 0; i < json_count(list); i++)
                if (equal(v, json_at(list, i)))
                        return true;
        return false;
}

static bool contains_nocase(Str text, Str part) {
        for (size_t i = 0; i + part.n <= text.n; i++)
                if (str_eq_nocase((Str){ text.p + i, part.n }, part))
                        return true;
        return false;
}

static bool operator_fits(const Value *v, Mem0Operator op, JsonRef want) {
        int order;
        switch (op) {
        case MEM0_NO_OPERATOR: return false;
        case MEM0_EQ: return equal(v, want);
        case MEM0_NE: return !equal(v, want);
        case MEM0_IN: return is_one_of(v, want);
        case MEM0_GT: return compare(v, want, &order) && order > 0;
        case MEM0_GTE: return compare(v, want, &order) && order >= 0;
        case MEM0_LT: return compare(v, want, &order) && order < 0;
        case MEM0_LTE: return compare(v, want, &order) && order <= 0;
        case MEM0_CONTAINS: return str_contains(v->text, json_str(want));
        case MEM0_ICONTAINS: return contains_nocase(v->text, json_str(want));
        }
        return false;
}

static bool value_fits(const Value *v, JsonRef want) {
        if (json_kind(want) == JSON_ARR && !v->is_json)
                return is_one_of(v, want);
        if (!mem0_has_operators(want))
                return equal(v, want);
        for (JsonIter it = { 0 }; json_next(want, &it);)
                if (!operator_fits(v, mem0_operator(it.name), it.value))
                        return false;
        return true;
}

/* ---- a memory ---- */

typedef struct Subject {
        Req *rq;
        const MemoryRow *row;
        JsonRef context;
} Subject;

/* One of the tags does, or, for what must not be, all of them. */
static bool tags_fit_one(Strs tags, Mem0Operator op, JsonRef want) {
        bool is_not = op == MEM0_NE;
        if (json_kind(want) == JSON_NULL && (is_not || op == MEM0_EQ))
                return (tags.n == 0) != is_not;
        for (size_t i = 0; i < tags.n; i++)
                if (operator_fits(&(Value){ .text = tags.v[i] }, op, want) != is_not)
                        return !is_not;
        return is_not;
}

static bool tags_fit(Strs tags, JsonRef want) {
        if (json_kind(want) == JSON_ARR)
                return tags_fit_one(tags, MEM0_IN, want);
        if (json_kind(want) != JSON_OBJ)
                return tags_fit_one(tags, MEM0_EQ, want);
        for (JsonIter it = { 0 }; json_next(want, &it);)
                if (!tags_fit_one(tags, mem0_operator(it.name), it.value))
                        return false;
        return true;
}

static bool metadata_fits(Subject *s, JsonRef want) {
        JsonRef mine = json_get(s->context, "metadata");
        for (JsonIter it = { 0 }; json_next(want, &it);) {
                Value v = { .is_json = true,
                            .json = json_get(mine, arena_cstr(s->rq->cx->arena, it.name)) };
                v.text = json_str(v.json);
                if (!value_fits(&v, it.value))
                        return false;
        }
        return true;
}

static int64_t time_of(const Subject *s, Str name) {
        const MemoryRow *r = s->row;
        if (str_eq_c(name, "updated_at"))
                return r->updated_at;
        if (str_eq_c(name, "expiration_date"))
                return r->expires_at ? r->expires_at - DAY_MS : 0;
        return mem0_created_at(r, s->context);
}

static bool condition_fits(Subject *s, Str name, JsonRef want) {
        const MemoryRow *r = s->row;
        const Mem0Field *field = mem0_field(name);
        Value v = { .is_time = field->kind == MEM0_TIME };
        switch (field->kind) {
        case MEM0_TAGS: return tags_fit(r->tags, want);
        case MEM0_METADATA: return metadata_fits(s, want);
        case MEM0_CONTENT:
                if (json_kind(want) == JSON_STR)
                        return contains_nocase(r->content, json_str(want));
                v.text = r->content;
                break;
        case MEM0_TIME: v.at = time_of(s, name); break;
        case MEM0_ID: v.text = r->memory_id; break;
        case MEM0_LABEL:
                v.text = str_eq_c(name, "user_id") ? mem0_user(s->rq, r->user_id)
                                                   : json_str(json_get(s->context, field->name));
                break;
        }
        return value_fits(&v, want);
}

/* ---- logic, three-valued: of a user alone much is open ---- */

typedef enum Fits { FITS_NOT, FITS_MAYBE, FITS } Fits;

typedef struct Asked {
        Subject *s; /* NULL: only whose it is */
        Str user;   /* as on the wire; STR_NULL = somebody whom the filter does not name */
} Asked;

/* Whoever is not named is equal to nobody; the other operators look into the name. */
static Fits user_fits(const Asked *a, JsonRef want) {
        Value v = { .text = a->user.p ? a->user : STR("\1") };
        for (JsonIter it = { 0 }; !a->user.p && json_next(want, &it);)
                if (mem0_operator(it.name) > MEM0_IN)
                        return FITS_MAYBE;
        return value_fits(&v, want) ? FITS : FITS_NOT;
}

static Fits fits_one(const Asked *a, Str name, JsonRef want) {
        if (a->s)
                return condition_fits(a->s, name, want) ? FITS : FITS_NOT;
        return str_eq_c(name, "user_id") ? user_fits(a, want) : FITS_MAYBE;
}

static Fits node_fits(const Asked *a, JsonRef node);

static Fits logic_fits(const Asked *a, Str name, JsonRef v) {
        Fits any = FITS_NOT, all = FITS;
        bool is_list = json_kind(v) == JSON_ARR;
        size_t n = is_list ? json_count(v) : 1;
        for (size_t i = 0; i < n; i++) {
                Fits one = node_fits(a, is_list ? json_at(v, i) : v);
                any = MAX(any, one);
                all = MIN(all, one);
        }
        if (str_eq_c(name, "NOT"))
                return FITS - any;
        return str_eq_c(name, "AND") || n == 0 ? all : any;
}

static Fits node_fits(const Asked *a, JsonRef node) {
        Fits all = FITS;
        for (JsonIter it = { 0 }; all && json_next(node, &it);) {
                Fits one = mem0_is_logic(it.name) ? logic_fits(a, it.name, it.value)
                                                  : fits_one(a, it.name, it.value);
                all = MIN(all, one);
        }
        return all;
}

bool mem0_filter_may_fit(Req *rq, const Mem0Filter *f, Str user_id) {
        Asked a = { .user = user_id.p ? mem0_user(rq, user_id) : STR_NULL };
        return node_fits(&a, f->filters) && node_fits(&a, f->more);
}

bool mem0_filter_fits(Req *rq, const Mem0Filter *f, const MemoryRow *row) {
        _cleanup_(json_freep) Json *context = NULL;
        if (json_parse(rq->cx, row->context, JSON_DEPTH_MAX, &context)) {
                err_clear(rq->cx);
                return false;
        }
        Subject s = { rq, row, json_root(context) };
        Asked a = { .s = &s };
        return node_fits(&a, f->filters) && node_fits(&a, f->more);
}
