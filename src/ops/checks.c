// SPDX-License-Identifier: MIT
#include "codec/json.h"
#include "ops/health_int.h"

static CheckSpec spec_of(const ProbeKind *kind, Str name) {
        return (CheckSpec){ .name = name,
                            .kind = kind,
                            .critical = kind->critical,
                            .timeout_ms = kind->timeout_ms,
                            .period_ms = kind->period_ms,
                            .fail_after = 2,
                            .recover_after = 1 };
}

static void defaults(const HealthSettings *set, CheckSpec *v, size_t *n) {
        v[(*n)++] = spec_of(probe_kind(STR("sqlite")), STR("sqlite"));
        v[*n] = spec_of(probe_kind(STR("disk")), STR("disk"));
        v[(*n)++].target = set->data_dir;
        v[(*n)++] = spec_of(probe_kind(STR("memory")), STR("memory"));
        v[(*n)++] = spec_of(probe_kind(STR("openai")), STR("openai"));
        if (set->smtp_url.n) {
                v[*n] = spec_of(probe_kind(STR("smtp")), STR("smtp"));
                v[(*n)++].target = set->smtp_url;
        }
}

/* ---- HEALTH_CHECKS ---- */

typedef struct CheckIn {
        Str name, kind, critical, group, target, url, key, bucket, region;
        OptInt timeout_ms, period_ms, fail_after, recover_after;
} CheckIn;
typedef struct ChecksIn {
        List checks;
} ChecksIn;
enum { MS_MAX = 86400000 };
static const Shape check_in = SHAPE(CheckIn,
        F_STR(CheckIn, name, F_REQ, .min = 1, .max = 64),
        F_STR(CheckIn, kind, F_REQ, .max = 64),
        F_JSON(CheckIn, critical, 0, .max = 64),
        F_STR(CheckIn, group, 0, .min = 1, .max = 64),
        F_STR(CheckIn, target, 0, .min = 1, .max = 2048),
        F_STR(CheckIn, url, 0, .min = 1, .max = 2048),
        F_STR(CheckIn, key, 0, .max = 1024),
        F_STR(CheckIn, bucket, 0, .min = 3, .max = 63),
        F_STR(CheckIn, region, 0, .min = 1, .max = 64),
        F_OINT(CheckIn, timeout_ms, 0, .min = 10, .max = MS_MAX),
        F_OINT(CheckIn, period_ms, 0, .min = 100, .max = MS_MAX),
        F_OINT(CheckIn, fail_after, 0, .min = 1, .max = 1000),
        F_OINT(CheckIn, recover_after, 0, .min = 1, .max = 1000));
static const Shape checks_in = SHAPE(ChecksIn,
        F_LIST(ChecksIn, checks, F_REQ, .max = CHECKS_MAX, .sub = &check_in));

static Err critical_read(Ctx *cx, const CheckIn *in, Critical *ret) {
        if (!in->critical.p)
                return OK;
        if (str_eq(in->critical, STR("true")))
                *ret = CRITICAL_YES;
        else if (str_eq(in->critical, STR("false")))
                *ret = CRITICAL_NO;
        else if (str_eq(in->critical, STR("\"if_configured\"")))
                *ret = CRITICAL_IF_CONFIGURED;
        else
                return RAISE(
                        cx, ERR_INVALID,
                        "HEALTH_CHECKS: check %.*s: critical is true, false or \"if_configured\"",
                        STR_FMT(in->name));
        return OK;
}

static void take(OptInt in, int64_t *ret) {
        if (in.has)
                *ret = in.v;
}

static Err target_read(Ctx *cx, const CheckIn *in, const HealthSettings *set, CheckSpec *ret) {
        const ProbeKind *kind = ret->kind;
        ret->target = in->target.n ? in->target : in->url;
        if (!ret->target.n && str_eq_c(in->kind, "disk"))
                ret->target = set->data_dir;
        if (!ret->target.n && str_eq_c(in->kind, "smtp"))
                ret->target = set->smtp_url;
        if (kind->is_target && !kind->is_target(cx, ret->target))
                return RAISE(cx, ERR_INVALID, "HEALTH_CHECKS: check %.*s: its target must be %s",
                             STR_FMT(in->name), kind->target_form);
        return OK;
}

static Err entry_read(Ctx *cx, const CheckIn *in, const HealthSettings *set, CheckSpec *ret) {
        const ProbeKind *kind = probe_kind(in->kind);
        if (!kind)
                return RAISE(cx, ERR_INVALID, "HEALTH_CHECKS: check %.*s: unknown kind %.*s",
                             STR_FMT(in->name), STR_FMT(in->kind));
        *ret = spec_of(kind, in->name);
        ret->group = in->group;
        ret->key = in->key;
        ret->bucket = in->bucket;
        ret->region = in->region;
        take(in->timeout_ms, &ret->timeout_ms);
        take(in->period_ms, &ret->period_ms);
        take(in->fail_after, &ret->fail_after);
        take(in->recover_after, &ret->recover_after);
        TRY(target_read(cx, in, set, ret));
        return critical_read(cx, in, &ret->critical);
}

static Err names_differ(Ctx *cx, const CheckSpec *v, size_t n) {
        for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j < i; j++)
                        if (str_eq(v[i].name, v[j].name))
                                return RAISE(cx, ERR_INVALID,
                                             "HEALTH_CHECKS: two checks named %.*s",
                                             STR_FMT(v[i].name));
        return OK;
}

static Err list_read(Ctx *cx, Str text, List *ret) {
        ChecksIn in = { .checks = { NULL, 0 } };
        Str wrapped = arena_strf(cx->arena, "{\"checks\":%.*s}", STR_FMT(text));
        Err e = json_read(cx, wrapped, &checks_in, &in);
        if (e) {
                const FieldErr *f = cx->err.fields;
                Str where = f ? str_from(f->pointer, strlen("#/checks")) : STR_NULL;
                Str how = where.n ? f->detail : STR("is not a JSON list");
                err_clear(cx);
                return RAISE(cx, ERR_INVALID, "HEALTH_CHECKS%s%.*s %.*s", where.n ? " at " : "",
                             STR_FMT(where), STR_FMT(how));
        }
        *ret = in.checks;
        return OK;
}

Err checks_parse(Ctx *cx, const HealthSettings *set, CheckSpec **ret, size_t *ret_n) {
        CheckSpec *v = NEW_ARRAY(cx->arena, CheckSpec, CHECKS_MAX);
        size_t n = 0;
        if (!set->checks.n) {
                defaults(set, v, &n);
        } else {
                List list = { NULL, 0 };
                TRY(list_read(cx, set->checks, &list));
                for (; n < list.n; n++)
                        TRY(entry_read(cx, (const CheckIn *)list.v + n, set, &v[n]));
                TRY(names_differ(cx, v, n));
        }
        *ret = v;
        *ret_n = n;
        return OK;
}
