// SPDX-License-Identifier: MIT
#include "ops/peer_int.h"

#include "codec/url.h"

/* ---- where ---- */

static bool take_scheme(Str *rest, const PeerScheme *s, PeerUrl *ret) {
        ret->tls = s->tls && str_starts(*rest, str_c(s->tls));
        if (!ret->tls && !str_starts(*rest, str_c(s->plain)))
                return false;
        *rest = str_from(*rest, strlen(ret->tls ? s->tls : s->plain));
        return true;
}

static bool take_user(Ctx *cx, Str *rest, PeerUrl *ret) {
        size_t at = str_index(*rest, '@');
        if (at == rest->n)
                return true;
        Str password = str_to(*rest, at), user = str_cut(&password, ':');
        *rest = str_from(*rest, at + 1);
        return url_decode(cx->arena, user, URL_PATH, &ret->user) &&
               (!password.p || url_decode(cx->arena, password, URL_PATH, &ret->password));
}

/* "[::1]:6379": the colon that counts stands behind the bracket. */
static bool take_host(Str host, int port, PeerUrl *ret) {
        size_t from = host.n && host.p[0] == '[' ? str_index(host, ']') : 0;
        size_t colon = from + str_index(str_from(host, from), ':');
        int64_t number = port;
        if (colon < host.n &&
            (!str_to_i64(str_from(host, colon + 1), &number) || number < 1 || number > 65535))
                return false;
        ret->host = str_to(host, colon);
        ret->port = (int)number;
        for (size_t i = 0; i < ret->host.n; i++)
                if (ret->host.p[i] <= ' ' || strchr("/?#\\@", ret->host.p[i]))
                        return false;
        return ret->host.n > 0;
}

bool peer_url_parse(Ctx *cx, Str url, const PeerScheme *scheme, PeerUrl *ret) {
        PeerUrl u = { .port = 0 };
        Str rest = url;
        if (!take_scheme(&rest, scheme, &u))
                return false;
        u.path = str_from(rest, MIN(str_index(rest, '/') + 1, rest.n));
        u.tls |= str_contains(url, STR("tls=true")) || str_contains(url, STR("ssl=true"));
        u.path = str_to(u.path, str_index(u.path, '?'));
        rest = str_to(rest, MIN(str_index(rest, '/'), str_index(rest, '?')));
        if (!take_user(cx, &rest, &u))
                return false;
        /* of several, the first */
        if (!take_host(str_to(rest, str_index(rest, ',')), scheme->port, &u))
                return false;
        *ret = u;
        return true;
}

/* ---- Redis (RESP2) ---- */

static void add_word(Buf *out, Str word) {
        buf_addf(out, "$%zu\r\n", word.n);
        buf_add(out, word);
        buf_add_c(out, "\r\n");
}

Str redis_ask(Ctx *cx, const PeerUrl *at) {
        _cleanup_(buf_done) Buf out = BUF(8192);
        if (at->password.n) {
                buf_add_c(&out, at->user.n ? "*3\r\n" : "*2\r\n");
                add_word(&out, STR("AUTH"));
                if (at->user.n)
                        add_word(&out, at->user);
                add_word(&out, at->password);
        }
        buf_add_c(&out, "*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nROLE\r\n");
        return arena_dup(cx->arena, buf_str(&out));
}

/* One line up to \r\n, without it. False: it is not there yet. */
static bool take_line(Str *rest, Str *ret) {
        size_t n = str_index(*rest, '\n');
        if (n == rest->n)
                return false;
        *ret = str_to(*rest, n && rest->p[n - 1] == '\r' ? n - 1 : n);
        *rest = str_from(*rest, n + 1);
        return true;
}

/* Reads past one reply, whatever it is. False: it is not all there. */
static bool take_reply(Str *rest) {
        enum { ITEMS_MAX = 4096 };
        for (int64_t open = 1; open > 0; open--) {
                Str line;
                int64_t n = -1;
                if (!take_line(rest, &line))
                        return false;
                if (line.n && (line.p[0] == '*' || line.p[0] == '$') &&
                    !str_to_i64(str_from(line, 1), &n))
                        n = -1;
                if (n < 0)
                        continue;
                if (line.p[0] == '*') {
                        open += MIN(n, (int64_t)ITEMS_MAX);
                } else {
                        if ((uint64_t)n + 2 > rest->n)
                                return false;
                        *rest = str_from(*rest, (size_t)n + 2);
                }
        }
        return true;
}

bool redis_is_whole(Str answer, const void *url) {
        const PeerUrl *at = url;
        for (int n = at->password.n ? 3 : 2; n > 0; n--)
                if (!take_reply(&answer))
                        return false;
        return true;
}

static const char *refusal(Str line) {
        bool ours = str_starts(line, STR("-NOAUTH")) || str_starts(line, STR("-NOPERM")) ||
                    str_starts(line, STR("-WRONGPASS"));
        return ours ? "Authentication failed" : "Bad response";
}

/* "*3", "$6", "master", … */
static Str role_of(Str rest) {
        Str line;
        if (!take_line(&rest, &line) || !str_starts(line, STR("*")) || !take_line(&rest, &line) ||
            !take_line(&rest, &line) || line.n > 16)
                return STR_NULL;
        for (size_t i = 0; i < line.n; i++)
                if (line.p[i] < 'a' || line.p[i] > 'z')
                        return STR_NULL;
        return line;
}

const char *redis_judge(Str answer, const PeerUrl *at, Str *ret_role) {
        Str line;
        if (at->password.n && (!take_line(&answer, &line) || !str_eq(line, STR("+OK"))))
                return "Authentication failed";
        if (!take_line(&answer, &line))
                return "Bad response";
        if (!str_eq(line, STR("+PONG")))
                return refusal(line);
        *ret_role = role_of(answer);
        return NULL;
}

/* ---- MongoDB (OP_MSG, BSON) ---- */

enum { HEADER = 16, OP_MSG = 2013, UNAUTHORIZED = 13, AUTH_FAILED = 18 };

Str mongodb_ask(void) {
        static const char message[] = "\x33\0\0\0"   /* 51 bytes */
                                      "\x01\0\0\0"   /* the first request */
                                      "\0\0\0\0"     /* answers none */
                                      "\xdd\x07\0\0" /* OP_MSG */
                                      "\0\0\0\0"     /* flags */
                                      "\0"           /* one document: */
                                      "\x1e\0\0\0"   /* 30 bytes */
                                      "\x10ping\0"   /* int32 */
                                      "\x01\0\0\0"   /* 1 */
                                      "\x02$db\0"    /* string */
                                      "\x06\0\0\0"   /* 6 bytes */
                                      "admin\0";     /* and the end of the document */
        return (Str){ message, sizeof message };
}

static uint32_t le32(const char *p) {
        const unsigned char *b = (const unsigned char *)p;
        return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

bool mongodb_is_whole(Str answer, const void *none) {
        return answer.n >= 4 && (le32(answer.p) <= answer.n || le32(answer.p) < HEADER);
}

typedef struct Element {
        char type;
        Str name, value;
} Element;

/* How long a value of this type is; SIZE_MAX: not a type that an answer to ping has. */
static size_t value_size(char type, Str rest) {
        size_t length = rest.n >= 4 ? le32(rest.p) : SIZE_MAX / 2;
        switch (type) {
        case 0x01: /* double */
        case 0x09: /* time */
        case 0x11: /* timestamp */
        case 0x12: return 8;
        case 0x02: return length + 4; /* text */
        case 0x03:
        case 0x04: return length;     /* document, list */
        case 0x05: return length + 5; /* bytes */
        case 0x07: return 12;
        case 0x08: return 1;
        case 0x0a: return 0;
        case 0x10: return 4;
        default: return SIZE_MAX;
        }
}

/* False: no more of them, or none that can be read. */
static bool take_element(Str *rest, Element *ret) {
        if (!rest->n || !rest->p[0])
                return false;
        ret->type = rest->p[0];
        *rest = str_from(*rest, 1);
        size_t n = str_index(*rest, '\0');
        if (n == rest->n)
                return false;
        ret->name = str_to(*rest, n);
        *rest = str_from(*rest, n + 1);
        size_t size = value_size(ret->type, *rest);
        if (size > rest->n)
                return false;
        ret->value = str_to(*rest, size);
        *rest = str_from(*rest, size);
        return true;
}

/* Numbers as a server writes "ok" and "code": 1.0, 1. */
static int64_t number_of(const Element *e) {
        double real;
        if (e->type == 0x10)
                return (int32_t)le32(e->value.p);
        if (e->type != 0x01)
                return -1;
        memcpy(&real, e->value.p, sizeof real);
        return real >= 0 && real < 1e6 ? (int64_t)real : -1;
}

const char *mongodb_judge(Str answer) {
        enum { DOCUMENT = HEADER + 4 + 1 + 4 };
        if (answer.n < DOCUMENT || le32(answer.p + 12) != OP_MSG || answer.p[HEADER + 4])
                return "Bad response";
        Str rest = str_from(answer, DOCUMENT);
        int64_t ok = 0, code = 0;
        for (Element e; take_element(&rest, &e);) {
                if (str_eq(e.name, STR("ok")))
                        ok = number_of(&e);
                else if (str_eq(e.name, STR("code")))
                        code = number_of(&e);
        }
        if (ok == 1)
                return NULL;
        return code == UNAUTHORIZED || code == AUTH_FAILED ? "Authentication failed"
                                                           : "Bad response";
}
