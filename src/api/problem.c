// SPDX-License-Identifier: MIT
#include "api/problem.h"

#include "codec/json.h"
#include "codec/when.h"

int problem_status(Err e, Wire wire) {
        int status = err_info[e].http;
        return wire == WIRE_OPENAI && status == 422 ? 400 : status;
}

static void add_member(Buf *out, const char *name, Str value) {
        buf_addf(out, ",\"%s\":", name);
        json_write_str(out, value);
}

/* Which of our failures it was is for the log alone. */
static const char *code_of(Err e) {
        return err_info[err_info[e].http == 500 ? ERR_INTERNAL : e].name;
}

static void add_type(Buf *out, Err e, Str public_url) {
        buf_add_c(out, "{\"type\":\"");
        if (e == ERR_RATE_LIMITED || e == ERR_BUDGET)
                buf_add_c(out, "https://iana.org/assignments/http-problem-types#quota-exceeded");
        else if (e == ERR_UNAVAILABLE)
                buf_add_c(out, "https://iana.org/assignments/"
                               "http-problem-types#temporary-reduced-capacity");
        else
                buf_addf(out, "%.*s/problems/%s", STR_FMT(public_url), code_of(e));
        buf_addc(out, '"');
}

static Str detail_of(const Ctx *cx, Err e) {
        if (cx->err.detail.p && err_info[e].http != 500)
                return cx->err.detail;
        return str_c(err_info[e].text);
}

static void add_fields(Buf *out, const FieldErr *f) {
        if (!f)
                return;
        buf_add_c(out, ",\"errors\":[");
        for (const char *comma = ""; f; f = f->next, comma = ",") {
                buf_addf(out, "%s{\"pointer\":", comma);
                json_write_str(out, f->pointer);
                add_member(out, "detail", f->detail);
                buf_addc(out, '}');
        }
        buf_addc(out, ']');
}

/* What the second chat shape adds to every error. */
static void add_ai(Buf *out, const Ctx *cx, Err e) {
        int status = err_info[e].http;
        add_member(out, "status_text", status == 503 ? STR("service_unavailable") : STR("error"));
        add_member(out, "message", detail_of(cx, e));
        buf_addf(out, ",\"retry_suggested\":%s", status == 429 || status >= 500 ? "true" : "false");
        if (cx->err.retry_after_s)
                buf_addf(out, ",\"retry_after\":%lld", (long long)cx->err.retry_after_s);
        add_member(out, "endpoint", STR("/api/ai/chat"));
        add_member(out, "timestamp", when_format(cx->arena, cx_now_ms(cx)));
}

/* The member the OpenAI clients read. */
static void add_openai(Buf *out, const Ctx *cx, Err e) {
        int status = problem_status(e, WIRE_OPENAI);
        const char *type = status == 401     ? "authentication_error"
                           : status == 403   ? "permission_error"
                           : e == ERR_BUDGET ? "insufficient_quota"
                           : status == 429   ? "rate_limit_error"
                           : status >= 500   ? "server_error"
                                             : "invalid_request_error";
        buf_addf(out, ",\"error\":{\"type\":\"%s\"", type);
        add_member(out, "message", detail_of(cx, e));
        add_member(out, "code", str_c(code_of(e)));
        buf_add_c(out, ",\"param\":");
        if (cx->err.fields)
                json_write_str(out, str_from(cx->err.fields->pointer, 2));
        else
                buf_add_c(out, "null");
        buf_addc(out, '}');
}

static void add_wire(Buf *out, const Ctx *cx, Err e, Wire wire) {
        switch (wire) {
        case WIRE_OWN: return;
        case WIRE_AI: add_ai(out, cx, e); return;
        case WIRE_MEM0: add_member(out, "error", detail_of(cx, e)); return;
        case WIRE_OPENAI: add_openai(out, cx, e); return;
        }
}

void problem_write(Buf *out, const Ctx *cx, Err e, Wire wire, Str public_url) {
        const ErrInfo *info = &err_info[e];
        add_type(out, e, public_url);
        add_member(out, "title", str_c(info->text));
        buf_addf(out, ",\"status\":%d", problem_status(e, wire));
        if (info->http != 500)
                add_member(out, "detail", detail_of(cx, e));
        buf_addf(out, ",\"instance\":\"urn:trace:%s\",\"code\":\"%s\",\"request_id\":\"%s\"",
                 cx->trace_id, code_of(e), cx->trace_id);
        if (info->http != 500) {
                add_fields(out, cx->err.fields);
                for (const ErrExtra *x = cx->err.extra; x; x = x->next)
                        buf_addf(out, ",\"%s\":%.*s", x->name, STR_FMT(x->json));
        }
        add_wire(out, cx, e, wire);
        buf_addc(out, '}');
}
