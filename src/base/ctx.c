// SPDX-License-Identifier: MIT
#include "base/ctx.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/random.h>

#include "base/buf.h"

#define INFO(id_, name_, http_, text_)                                                             \
        [ERR_##id_] = { .id = #id_, .name = name_, .http = http_, .text = text_ },
const ErrInfo err_info[_ERR_N] = { [OK] = { .id = "OK", .name = "ok", .http = 200, .text = "" },
                                   ERR_LIST(INFO) };
#undef INFO

enum { FIELD_ERRS_MAX = 16, WHAT_MAX = 512 };

static int64_t real_now_ms(World *w) {
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t real_mono_us(World *w) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void kernel_random(void *p, size_t n) {
        for (size_t at = 0; at < n;) {
                ssize_t got = getrandom((char *)p + at, n - at, 0);
                if (got > 0)
                        at += (size_t)got;
                else if (errno != EINTR)
                        abort(); /* without chance nothing here is safe */
        }
}

/* Ids of requests are small and many: they come from a thread's own stock. What was given out is
 * wiped. */
static void real_random(World *w, void *p, size_t n) {
        static _Thread_local struct {
                unsigned char bytes[512];
                size_t left;
        } stock;
        if (n > 32) {
                kernel_random(p, n);
                return;
        }
        if (stock.left < n) {
                kernel_random(stock.bytes, sizeof stock.bytes);
                stock.left = sizeof stock.bytes;
        }
        stock.left -= n;
        memcpy(p, stock.bytes + stock.left, n);
        memset(stock.bytes + stock.left, 0, n);
}

World world_real = { real_now_ms, real_mono_us, real_random };

static void note(Ctx *cx, Err code, const char *where, const char *fmt, va_list ap) {
        if (cx->err.code != OK)
                return;
        char text[WHAT_MAX];
        vsnprintf(text, sizeof text, fmt, ap);
        cx->err.code = code;
        cx->err.where = where;
        cx->err.what = arena_cstr(cx->arena, str_c(text));
}

Err err_raise(Ctx *cx, Err code, const char *where, const char *fmt, ...) {
        va_list ap;
        va_start(ap, fmt);
        note(cx, code, where, fmt, ap);
        va_end(ap);
        return code;
}

static void field_append(Ctx *cx, Str pointer, Str detail) {
        size_t n = 0;
        FieldErr **at = &cx->err.fields;
        for (; *at; at = &(*at)->next)
                n++;
        if (n >= FIELD_ERRS_MAX)
                return;
        *at = NEW(cx->arena, FieldErr);
        **at = (FieldErr){ .pointer = arena_dup(cx->arena, pointer), .detail = detail };
}

Err err_field(Ctx *cx, Err code, const char *where, Str pointer, const char *fmt, ...) {
        char text[WHAT_MAX];
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        field_append(cx, pointer, arena_dup(cx->arena, str_c(text)));
        return err_raise(cx, code, where, "%.*s: %s", STR_FMT(pointer), text);
}

void err_extra_json(Ctx *cx, const char *name, Str json) {
        ErrExtra *e = NEW(cx->arena, ErrExtra);
        *e = (ErrExtra){ .next = cx->err.extra, .name = name, .json = json };
        cx->err.extra = e;
}

void err_extra_int(Ctx *cx, const char *name, int64_t v) {
        err_extra_json(cx, name, arena_strf(cx->arena, "%lld", (long long)v));
}

void err_clear(Ctx *cx) { cx->err = (CtxErr){ .code = OK }; }

int64_t cx_left_ms(const Ctx *cx) {
        if (!cx->deadline_us)
                return INT64_MAX;
        int64_t left = (cx->deadline_us - cx_mono_us(cx)) / 1000;
        return MAX(left, 0);
}
