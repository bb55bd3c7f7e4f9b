// SPDX-License-Identifier: MIT
#include "codec/json.h"
#include "ops/health_int.h"

enum { CHECKS_MAX = 32 };

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
        v[*n] = spec_of(probe_kind(STR("openai")), STR("openai"));
        v[*n].target = set->llm_base_url;
        v[(*n)++].key = set->llm_api_key;
}

static Err critical_read(Ctx *cx, JsonRef v, Str name, Critical *ret) {
        if (json_kind(v) == JSON_ABSENT)
                return OK;
        if (json_kind(v) == JSON_BOOL)
                *ret = json_bool(v, false) ? CRITICAL_YES : CRITICAL_NO;
        else if (str_eq(json_str(v), STR("if_configured")))
                *ret = CRITICAL_IF_CONFIGURED;
        else
                return RAISE(
                        cx, ERR_INVALID,
                        "HEALTH_CHECKS: check %.*s: critical is true, false or \"if_configured\"",
                        STR_FMT(name));
        return OK;
}

static Err number_read(Ctx *cx, JsonRef obj, const char *member, int64_t min, int64_t *ret) {
        int64_t v = json_int(json_get(obj, member), *ret);
        if (v < min || v > 86400000)
                return RAISE(cx, ERR_INVALID, "HEALTH_CHECKS: %s must be from %lld to 86400000",
                             member, (long long)min);
        *ret = v;
        return OK;
}

static Err entry_read(Ctx *cx, JsonRef obj, const HealthSettings *set, CheckSpec *ret) {
        Str name = json_str(json_get(obj, "name")), kind_name = json_str(json_get(obj, "kind"));
        const ProbeKind *kind = probe_kind(kind_name);
        if (!name.n || name.n > 64)
                return RAISE(cx, ERR_INVALID, "HEALTH_CHECKS: a check has no name");
        if (!kind)
                return RAISE(cx, ERR_INVALID, "HEALTH_CHECKS: check %.*s: unknown kind %.*s",
                             STR_FMT(name), STR_FMT(kind_name));
        *ret = spec_of(kind, arena_dup(cx->arena, name));
        Str target = json_str(json_get(obj, "target")), key = json_str(json_get(obj, "key"));
        ret->target = target.n                         ? arena_dup(cx->arena, target)
                      : str_eq(kind_name, STR("disk")) ? set->data_dir
                                                       : set->llm_base_url;
        ret->key = key.n ? arena_dup(cx->arena, key) : set->llm_api_key;
        TRY(critical_read(cx, json_get(obj, "critical"), name, &ret->critical));
        TRY(number_read(cx, obj, "timeout_ms", 10, &ret->timeout_ms));
        TRY(number_read(cx, obj, "period_ms", 100, &ret->period_ms));
        TRY(number_read(cx, obj, "fail_after", 1, &ret->fail_after));
        return number_read(cx, obj, "recover_after", 1, &ret->recover_after);
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

Err checks_parse(Ctx *cx, const HealthSettings *set, CheckSpec **ret, size_t *ret_n) {
        CheckSpec *v = NEW_ARRAY(cx->arena, CheckSpec, CHECKS_MAX);
        size_t n = 0;
        if (!set->checks.n) {
                defaults(set, v, &n);
        } else {
                _cleanup_(json_freep) Json *list = NULL;
                if (json_parse(cx, set->checks, 8, &list) ||
                    json_kind(json_root(list)) != JSON_ARR) {
                        err_clear(cx);
                        return RAISE(cx, ERR_INVALID, "HEALTH_CHECKS is not a JSON list");
                }
                n = json_count(json_root(list));
                if (n > CHECKS_MAX)
                        return RAISE(cx, ERR_INVALID, "HEALTH_CHECKS: more than %d checks",
                                     CHECKS_MAX);
                for (size_t i = 0; i < n; i++)
                        TRY(entry_read(cx, json_at(json_root(list), i), set, &v[i]));
                TRY(names_differ(cx, v, n));
        }
        *ret = v;
        *ret_n = n;
        return OK;
}
