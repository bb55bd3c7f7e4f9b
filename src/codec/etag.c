// SPDX-License-Identifier: MIT
#include "codec/etag.h"

typedef struct Tag {
        Str quoted;
        bool is_weak;
} Tag;

/* A tag may have commas inside. */
static bool tag_next(Str *rest, Tag *ret) {
        ret->is_weak = str_starts(*rest, STR("W/"));
        Str s = ret->is_weak ? str_from(*rest, 2) : *rest;
        if (!str_starts(s, STR("\"")))
                return false;
        size_t n = str_index(str_from(s, 1), '"') + 2;
        if (n > s.n)
                return false;
        ret->quoted = str_to(s, n);
        *rest = str_trim(str_from(s, n));
        return !rest->n || rest->p[0] == ',';
}

/* RFC 9110 section 5.6.1.2: empty elements of a list are passed over. */
static Str separators_skip(Str rest) {
        while (rest.n && (rest.p[0] == ',' || rest.p[0] == ' ' || rest.p[0] == '\t'))
                rest = str_from(rest, 1);
        return rest;
}

static bool is_listed(Str list, Str tag, bool weakly) {
        bool found = false;
        Str rest = separators_skip(list);
        if (str_eq(str_trim(list), STR("*")))
                return true;
        for (Tag t; rest.n; rest = separators_skip(rest)) {
                if (!tag_next(&rest, &t))
                        return false;
                found |= str_eq(t.quoted, tag) && (weakly || !t.is_weak);
        }
        return found;
}

bool etag_matches(Str list, Str tag) { return is_listed(list, tag, false); }
bool etag_matches_weakly(Str list, Str tag) { return is_listed(list, tag, true); }
