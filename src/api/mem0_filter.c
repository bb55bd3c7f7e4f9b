// SPDX-License-Identifier: MIT
/* Whose data a request means, and whether its filter is one: every name, operator and operand is
 * looked at here, so that asking (mem0_fits.c) meets only what it knows. */
#include "api/mem0.h"
#include "codec/when.h"
#include "identity/scope.h"

enum { FILTER_DEPTH = 8, FILTER_CONDITIONS = 100, USER_ID_MAX = 90 };

/* ---- whose data ---- */

Err mem0_scope(Req *rq, Str user_id, MemoryScope *ret) {
        *ret = req_memory(rq);
        if (!user_id.p || str_eq(user_id, rq->who->user_id) || str_eq_c(user_id, "*"))
                return OK;
        if (!(rq->who->scopes & SCOPE_END_USERS))
                return RAISE(rq->cx, ERR_SCOPE, "naming a sub-user needs scope end_users");
        if (user_id.n == 0 || user_id.n > USER_ID_MAX)
                return RAISE_FIELD(rq->cx, "#/user_id", "must have 1 to %d bytes", USER_ID_MAX);
        ret->user_id =
                arena_strf(rq->cx->arena, "%.*s/%.*s", STR_FMT(rq->who->user_id), STR_FMT(user_id));
        return OK;
}

Str mem0_user(const Req *rq, Str scope) {
        size_t own = rq->who->user_id.n;
        return scope.n > own ? str_from(scope, own + 1) : scope;
}

Err mem0_sub_users(Req *rq, DbConn *c, Strs *ret) {
        *ret = (Strs){ 0 };
        return rq->who->scopes & SCOPE_END_USERS
                       ? memory_sub_users(rq->cx, c, rq->who->user_id, ret)
                       : OK;
}

Err mem0_scopes(Req *rq, const Mem0Filter *f, DbConn *c, Strs *ret) {
        Strs others = f->named;
        if (!f->has_scope)
                others.n = 0;
        else if (mem0_filter_may_fit(rq, f, STR_NULL))
                TRY(mem0_sub_users(rq, c, &others));
        Str *v = NEW_ARRAY(rq->cx->arena, Str, others.n + 1);
        size_t n = 0;
        if (mem0_filter_may_fit(rq, f, rq->who->user_id))
                v[n++] = rq->who->user_id;
        for (size_t i = 0; i < others.n; i++)
                if (mem0_filter_may_fit(rq, f, others.v[i]))
                        v[n++] = others.v[i];
        *ret = (Strs){ v, n };
        return OK;
}

/* ---- the words of a filter ---- */

static const Mem0Field fields[] = {
        { "user_id", MEM0_LABEL },     { "agent_id", MEM0_LABEL },
        { "app_id", MEM0_LABEL },      { "run_id", MEM0_LABEL },
        { "created_at", MEM0_TIME },   { "timestamp", MEM0_TIME },
        { "updated_at", MEM0_TIME },   { "expiration_date", MEM0_TIME },
        { "categories", MEM0_TAGS },   { "memory_ids", MEM0_ID },
        { "keywords", MEM0_CONTENT },  { "memory", MEM0_CONTENT },
        { "metadata", MEM0_METADATA },
};
static const struct {
        const char *name;
        Mem0Operator op;
} operators[] = {
        { "eq", MEM0_EQ },
        { "ne", MEM0_NE },
        { "in", MEM0_IN },
        { "gt", MEM0_GT },
        { "gte", MEM0_GTE },
        { "lt", MEM0_LT },
        { "lte", MEM0_LTE },
        { "contains", MEM0_CONTAINS },
        { "icontains", MEM0_ICONTAINS },
};

const Mem0Field *mem0_field(Str name) {
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (str_eq_c(name, fields[i].name))
                        return &fields[i];
        return NULL;
}

Mem0Operator mem0_operator(Str name) {
        for (size_t i = 0; i < ELEMENTSOF(operators); i++)
                if (str_eq_c(name, operators[i].name))
                        return operators[i].op;
        return MEM0_NO_OPERATOR;
}

bool mem0_has_operators(JsonRef v) {
        JsonIter it = { 0 };
        bool any = json_next(v, &it);
        for (bool more = any; more; more = json_next(v, &it))
                if (!mem0_operator(it.name))
                        return false;
        return any;
}

bool mem0_is_logic(Str name) {
        return str_eq_c(name, "AND") || str_eq_c(name, "OR") || str_eq_c(name, "NOT");
}

bool mem0_date(Str text, int64_t *ret_ms) {
        Civil day;
        if (when_parse(text, ret_ms))
                return true;
        if (!civil_parse(text, &day))
                return when_parse_local(text, ret_ms);
        *ret_ms = civil_to_days(day) * DAY_MS;
        return true;
}

/* ---- checking ---- */

typedef struct Check {
        Req *rq;
        Mem0Filter *f;
        const Mem0Field *field;
        int left;
} Check;

static const char *below(const Check *c, const char *at, Str name) {
        return arena_printf(c->rq->cx->arena, "%s/%.*s", at, STR_FMT(name));
}

/* One value to compare with. */
static Err operand_check(Check *c, const char *at, JsonRef v) {
        int64_t ms;
        bool is_any = c->field->kind == MEM0_METADATA;
        if (is_any || json_kind(v) == JSON_NULL)
                return OK;
        if (json_kind(v) != JSON_STR)
                return RAISE_FIELD(c->rq->cx, at, "must be a text");
        if (c->field->kind == MEM0_TIME && !str_eq_c(json_str(v), "*") &&
            !mem0_date(json_str(v), &ms))
                return RAISE_FIELD(c->rq->cx, at, "must be a date or a time");
        return OK;
}

static Err list_check(Check *c, const char *at, JsonRef v) {
        if (json_kind(v) != JSON_ARR)
                return RAISE_FIELD(c->rq->cx, at, "must be a list");
        for (size_t i = 0; i < json_count(v); i++)
                TRY(operand_check(c, at, json_at(v, i)));
        return OK;
}

static Err operator_check(Check *c, const char *at, Str name, JsonRef v) {
        Mem0Operator op = mem0_operator(name);
        JsonKind kind = json_kind(v);
        bool is_text = kind == JSON_STR, is_number = kind == JSON_INT || kind == JSON_NUM;
        at = below(c, at, name);
        switch (op) {
        case MEM0_NO_OPERATOR: return RAISE_FIELD(c->rq->cx, at, "is not an operator");
        case MEM0_EQ:
        case MEM0_NE: return operand_check(c, at, v);
        case MEM0_IN: return list_check(c, at, v);
        case MEM0_GT:
        case MEM0_GTE:
        case MEM0_LT:
        case MEM0_LTE:
                if (!is_text && !is_number)
                        return RAISE_FIELD(c->rq->cx, at, "must be a text or a number");
                return operand_check(c, at, v);
        case MEM0_CONTAINS:
        case MEM0_ICONTAINS:
                if (!is_text || c->field->kind == MEM0_TIME)
                        return RAISE_FIELD(c->rq->cx, at, "must be a text, and not of a time");
                return OK;
        }
        return OK;
}

static Err operators_check(Check *c, const char *at, JsonRef v) {
        if (!json_count(v))
                return RAISE_FIELD(c->rq->cx, at, "must name an operator");
        for (JsonIter it = { 0 }; json_next(v, &it);)
                TRY(operator_check(c, at, it.name, it.value));
        return OK;
}

/* Of metadata each member is a condition; an object that has other members than operators is a
 * value to be equal to. */
static Err metadata_check(Check *c, const char *at, JsonRef v) {
        if (json_kind(v) != JSON_OBJ)
                return RAISE_FIELD(c->rq->cx, at, "must be an object");
        for (JsonIter it = { 0 }; json_next(v, &it);)
                if (mem0_has_operators(it.value))
                        TRY(operators_check(c, below(c, at, it.name), it.value));
        return OK;
}

static Err user_note(Check *c, JsonRef v) {
        MemoryScope s;
        Str name = json_str(v);
        if (!name.p || str_eq_c(name, "*") || str_eq(name, c->rq->who->user_id))
                return OK;
        TRY(mem0_scope(c->rq, name, &s));
        ((Str *)(uintptr_t)c->f->named.v)[c->f->named.n++] = s.user_id;
        return OK;
}

/* Who is named; that needs the scope wherever it stands. */
static Err users_note(Check *c, JsonRef v) {
        JsonRef list = json_get(v, "in");
        size_t n = json_count(list);
        Str *named = NEW_ARRAY(c->rq->cx->arena, Str, c->f->named.n + n + 3);
        for (size_t i = 0; i < c->f->named.n; i++)
                named[i] = c->f->named.v[i];
        c->f->named.v = named;
        TRY(user_note(c, v));
        TRY(user_note(c, json_get(v, "eq")));
        TRY(user_note(c, json_get(v, "ne")));
        for (size_t i = 0; i < n; i++)
                TRY(user_note(c, json_at(list, i)));
        return OK;
}

static Err condition_check(Check *c, const char *at, Str name, JsonRef v) {
        c->field = mem0_field(name);
        if (!c->field)
                return RAISE_FIELD(c->rq->cx, at, "is not a field to filter by");
        bool takes_list = c->field->kind == MEM0_TAGS || c->field->kind == MEM0_ID;
        if (c->field->kind == MEM0_METADATA)
                return metadata_check(c, at, v);
        if (json_kind(v) == JSON_OBJ)
                TRY(operators_check(c, at, v));
        else if (takes_list && json_kind(v) == JSON_ARR)
                TRY(list_check(c, at, v));
        else
                TRY(operand_check(c, at, v));
        c->f->has_scope |= c->field->kind == MEM0_LABEL;
        return str_eq_c(name, "user_id") ? users_note(c, v) : OK;
}

static Err node_check(Check *c, const char *at, JsonRef node, int depth);

static Err logic_check(Check *c, const char *at, JsonRef v, int depth) {
        if (json_kind(v) != JSON_ARR)
                return node_check(c, at, v, depth);
        for (size_t i = 0; i < json_count(v); i++)
                TRY(node_check(c, arena_printf(c->rq->cx->arena, "%s/%zu", at, i), json_at(v, i),
                               depth));
        return OK;
}

static Err node_check(Check *c, const char *at, JsonRef node, int depth) {
        if (json_kind(node) != JSON_OBJ || depth > FILTER_DEPTH)
                return RAISE_FIELD(c->rq->cx, at, "must be an object, at most %d deep",
                                   FILTER_DEPTH);
        for (JsonIter it = { 0 }; json_next(node, &it);) {
                const char *member = below(c, at, it.name);
                if (--c->left < 0)
                        return RAISE_FIELD(c->rq->cx, "#/filters", "at most %d conditions",
                                           FILTER_CONDITIONS);
                TRY(mem0_is_logic(it.name) ? logic_check(c, member, it.value, depth + 1)
                                           : condition_check(c, member, it.name, it.value));
        }
        return OK;
}

void mem0_filter_done(Mem0Filter *f) { f->j = json_free(f->j); }

Err mem0_filter_parse(Req *rq, Str filters, Str more, Mem0Filter *ret) {
        Mem0Filter f = { 0 };
        Check c = { .rq = rq, .f = &f, .left = FILTER_CONDITIONS };
        Str both =
                arena_strf(rq->cx->arena, "[%.*s,%.*s]", STR_FMT(filters.n ? filters : STR("{}")),
                           STR_FMT(more.n ? more : STR("{}")));
        TRY(json_parse(rq->cx, both, JSON_DEPTH_MAX, &f.j));
        f.filters = json_at(json_root(f.j), 0);
        f.more = json_at(json_root(f.j), 1);
        Err e = node_check(&c, "#/filters", f.filters, 0);
        if (!e)
                e = node_check(&c, "#", f.more, 0);
        if (e) {
                mem0_filter_done(&f);
                return e;
        }
        *ret = f;
        return OK;
}
