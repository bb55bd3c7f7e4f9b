// SPDX-License-Identifier: MIT
/* A request head as text: what the gate lets through keeps its promises. */
#include "web/gate.h"

enum { FIELDS_MAX = 120 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Str line_cut(Str *rest) {
        Str line = str_cut(rest, '\n');
        return line.n && line.p[line.n - 1] == '\r' ? str_to(line, line.n - 1) : line;
}

static Header field_of(Str line) {
        Str rest = line;
        Str name = str_cut(&rest, ':');
        while (rest.n && (rest.p[0] == ' ' || rest.p[0] == '\t'))
                rest = str_from(rest, 1);
        return (Header){ name, rest.p ? rest : STR("") };
}

static void promise(bool kept) {
        if (!kept)
                abort();
}

static void promises(const GateHead *h, const GatePass *p) {
        promise(p->path.n && (p->path.p[0] == '/' || str_eq(p->path, STR("*"))));
        promise(str_is_utf8(p->path));
        promise(!memchr(p->path.p, '\0', p->path.n));
        promise(!str_contains(p->path, STR("/../")) && !str_ends(p->path, STR("/..")));
        promise(!p->query.p || p->query.p + p->query.n == h->target.p + h->target.n);
        promise(!(p->chunked && p->length));
        promise(p->length <= INT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        Ctx cx = { .arena = a, .world = &world_real };
        Header fields[FIELDS_MAX];
        Str rest = { (const char *)data, size };
        Str line = line_cut(&rest);
        GateHead h = { .fields = fields, .size = size };
        h.method = str_cut(&line, ' ');
        h.target = line.p ? str_cut(&line, ' ') : STR("");
        h.version = line.p ? line : STR("");
        while (rest.p && h.n_fields < FIELDS_MAX) {
                Str field = line_cut(&rest);
                if (field.n)
                        fields[h.n_fields++] = field_of(field);
        }
        GatePass p;
        GateLimits lim = { .line_max = 8192, .headers_max = 32768, .fields_max = 100 };
        if (gate_check(&cx, &h, &lim, &p) == OK)
                promises(&h, &p);
        return 0;
}
