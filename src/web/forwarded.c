// SPDX-License-Identifier: MIT
#include "web/forwarded.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "web/server.h"

enum { NETWORKS_MAX = 64, HEADER_MAX = 8 * 1024, HOPS_MAX = 32 };

/* Every address is sixteen bytes; IPv4 stands in the mapped range ::ffff:0:0/96. */
typedef struct Ip {
        unsigned char b[16];
} Ip;
typedef struct Network {
        Ip at;
        unsigned bits;
} Network;

struct Proxies {
        size_t n;
        Network v[NETWORKS_MAX];
};

static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static bool is_v4(const Ip *ip) { return !memcmp(ip->b, mapped, sizeof mapped); }

static bool ip_parse(Str s, Ip *ret) {
        char text[ADDRESS_TEXT_MAX];
        Ip ip;
        if (s.n == 0 || s.n >= sizeof text || memchr(s.p, '\0', s.n))
                return false;
        memcpy(text, s.p, s.n);
        text[s.n] = '\0';
        memcpy(ip.b, mapped, sizeof mapped);
        if (inet_pton(AF_INET, text, ip.b + sizeof mapped) != 1 &&
            inet_pton(AF_INET6, text, ip.b) != 1)
                return false;
        *ret = ip;
        return true;
}

static Str ip_text(const Ip *ip, char *buf, size_t n) {
        const char *p = is_v4(ip) ? inet_ntop(AF_INET, ip->b + sizeof mapped, buf, (socklen_t)n)
                                  : inet_ntop(AF_INET6, ip->b, buf, (socklen_t)n);
        return p ? str_c(p) : STR_NULL;
}

/* ---- networks ---- */

static bool network_parse(Str s, Network *ret) {
        Str rest = s;
        Str address = str_cut(&rest, '/');
        int64_t bits;
        Network w;
        if (!ip_parse(str_trim(address), &w.at))
                return false;
        int64_t most = is_v4(&w.at) ? 32 : 128;
        if (!rest.p)
                bits = most;
        else if (!str_to_i64(str_trim(rest), &bits) || bits < 0 || bits > most)
                return false;
        w.bits = (unsigned)(bits + 128 - most);
        *ret = w;
        return true;
}

static bool network_has(const Network *w, const Ip *ip) {
        size_t whole = w->bits / 8;
        unsigned rest = w->bits % 8;
        if (memcmp(w->at.b, ip->b, whole) != 0)
                return false;
        return !rest || ((w->at.b[whole] ^ ip->b[whole]) >> (8 - rest)) == 0;
}

static bool trusted(const Proxies *p, const Ip *ip) {
        for (size_t i = 0; i < p->n; i++)
                if (network_has(&p->v[i], ip))
                        return true;
        return false;
}

Err proxies_new(Ctx *cx, Strs networks, Proxies **ret) {
        if (networks.n > NETWORKS_MAX)
                return RAISE(cx, ERR_INVALID, "more than %d trusted proxy networks", NETWORKS_MAX);
        Proxies *p = calloc(1, sizeof *p);
        if (!p)
                abort();
        for (; p->n < networks.n; p->n++)
                if (!network_parse(networks.v[p->n], &p->v[p->n])) {
                        Str bad = networks.v[p->n];
                        proxies_free(p);
                        return RAISE(cx, ERR_INVALID, "\"%.*s\" is not a network", STR_FMT(bad));
                }
        *ret = p;
        return OK;
}

Proxies *proxies_free(Proxies *p) {
        free(p);
        return NULL;
}

/* ---- the headers ---- */

/* 192.0.2.1, 192.0.2.1:4711, 2001:db8::1, [2001:db8::1]:4711, with or without quotes. */
static bool hop_parse(Str s, Ip *ret) {
        s = str_trim(s);
        if (s.n > 1 && s.p[0] == '"' && s.p[s.n - 1] == '"')
                s = (Str){ s.p + 1, s.n - 2 };
        if (s.n && s.p[0] == '[') {
                size_t end = str_index(s, ']');
                return end < s.n && ip_parse((Str){ s.p + 1, end - 1 }, ret);
        }
        size_t colon = str_index(s, ':');
        bool one_colon = colon < s.n && !memchr(s.p + colon + 1, ':', s.n - colon - 1);
        return ip_parse(one_colon ? str_to(s, colon) : s, ret);
}

/* One element of Forwarded: `for=192.0.2.60;proto=http;by=…` -> 192.0.2.60. */
static Str for_of(Str element) {
        Str rest = element;
        while (rest.p) {
                Str pair = str_trim(str_cut(&rest, ';'));
                if (pair.n > 4 && str_eq_nocase(str_to(pair, 4), STR("for=")))
                        return str_from(pair, 4);
        }
        return STR_NULL;
}

static Str last_cut(Str *list) {
        const char *comma = list->n ? memrchr(list->p, ',', list->n) : NULL;
        Str last = comma ? str_from(*list, (size_t)(comma - list->p) + 1) : *list;
        *list = comma ? str_to(*list, (size_t)(comma - list->p)) : STR_NULL;
        return last;
}

Str forwarded_client(const Proxies *p, Str peer, Str xff, Str fwd, char buf[ADDRESS_TEXT_MAX]) {
        Ip at, hop;
        if (!ip_parse(peer, &at))
                return STR_NULL;
        bool plain = xff.p;
        Str rest = plain ? xff : fwd;
        for (int i = 0; p && rest.p && i < HOPS_MAX && trusted(p, &at); i++) {
                Str last = last_cut(&rest);
                if (!hop_parse(plain ? last : for_of(last), &hop))
                        break; /* what a proxy could not have written ends what is believed */
                at = hop;
        }
        return ip_text(&at, buf, ADDRESS_TEXT_MAX);
}

/* ---- an exchange ---- */

typedef struct Join {
        Buf *xff, *fwd;
} Join;

static bool join_field(void *arg, Str name, Str value) {
        const Join *j = arg;
        Buf *to = str_eq_nocase(name, STR("x-forwarded-for")) ? j->xff
                  : str_eq_nocase(name, STR("forwarded"))     ? j->fwd
                                                              : NULL;
        if (to && to->n)
                buf_addc(to, ',');
        if (to)
                buf_add(to, value);
        return true;
}

static Str peer_text(const Exchange *x, char buf[ADDRESS_TEXT_MAX]) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&x->peer;
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&x->peer;
        Ip ip;
        if (x->peer.ss_family == AF_INET6) {
                memcpy(ip.b, &v6->sin6_addr, sizeof ip.b);
        } else {
                memcpy(ip.b, mapped, sizeof mapped);
                memcpy(ip.b + sizeof mapped, &v4->sin_addr, 4);
        }
        return ip_text(&ip, buf, ADDRESS_TEXT_MAX);
}

Str client_address(const Proxies *p, const Exchange *x, char *buf, size_t n) {
        char peer[ADDRESS_TEXT_MAX];
        assert(n >= ADDRESS_TEXT_MAX);
        Str direct = peer_text(x, peer);
        if (!p || !p->n) {
                memcpy(buf, peer, direct.n + 1);
                return (Str){ buf, direct.n };
        }
        _cleanup_(buf_done) Buf xff = BUF(HEADER_MAX);
        _cleanup_(buf_done) Buf fwd = BUF(HEADER_MAX);
        exchange_headers(x, join_field, &(Join){ &xff, &fwd });
        return forwarded_client(p, direct, xff.n ? buf_str(&xff) : STR_NULL,
                                fwd.n ? buf_str(&fwd) : STR_NULL, buf);
}
