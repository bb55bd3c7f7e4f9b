// SPDX-License-Identifier: MIT
#include "codec/traceparent.h"

#include "codec/radix.h"

/* n lower case hexadecimal digits and a dash or the end behind them. */
static bool take_hex(Str *s, size_t n, Str *ret) {
        if (s->n < n || (s->n > n && s->p[n] != '-'))
                return false;
        for (size_t i = 0; i < n; i++)
                if (!((s->p[i] >= '0' && s->p[i] <= '9') || (s->p[i] >= 'a' && s->p[i] <= 'f')))
                        return false;
        *ret = str_to(*s, n);
        *s = s->n > n ? str_from(*s, n + 1) : STR_NULL;
        return true;
}

static bool is_zero(Str hex) {
        for (size_t i = 0; i < hex.n; i++)
                if (hex.p[i] != '0')
                        return false;
        return true;
}

static void put(char *out, Str s) {
        memcpy(out, s.p, s.n);
        out[s.n] = '\0';
}

bool traceparent_parse(Str header, TraceParent *ret) {
        Str version, trace, span, flags, rest = header;
        if (!take_hex(&rest, 2, &version) || str_eq_c(version, "ff") ||
            !take_hex(&rest, 32, &trace) || !take_hex(&rest, 16, &span) ||
            !take_hex(&rest, 2, &flags) || is_zero(trace) || is_zero(span))
                return false;
        bool is_v0 = str_eq_c(version, "00");
        if (is_v0 ? header.n != TRACEPARENT_TEXT
                  : rest.p && !rest.n) /* a dash with nothing behind it */
                return false;
        unsigned char bits;
        if (!hex_read(flags, &bits, 1))
                return false;
        put(ret->trace_id, trace);
        put(ret->span_id, span);
        ret->sampled = bits & 1;
        return true;
}

void traceparent_write(char out[TRACEPARENT_TEXT + 1], const TraceParent *tp) {
        snprintf(out, TRACEPARENT_TEXT + 1, "00-%s-%s-0%d", tp->trace_id, tp->span_id, tp->sampled);
}

/* An id of n random bytes out of `chance`; an id of zeros means none, so that one in 2^64 is made
 * one. */
static void id_put(char *out, const unsigned char *chance, size_t n) {
        hex_write(out, str_n(chance, n));
        out[n * 2] = '\0';
        if (is_zero(str_n(out, n * 2)))
                out[0] = '1';
}

void trace_start(Ctx *cx, Str header) {
        TraceParent tp;
        unsigned char chance[16 + 8]; /* one draw for both: this runs for every request */
        cx_random(cx, chance, sizeof chance);
        id_put(cx->span_id, chance, 8);
        if (traceparent_parse(header, &tp))
                memcpy(cx->trace_id, tp.trace_id, sizeof cx->trace_id);
        else
                id_put(cx->trace_id, chance + 8, 16);
}
