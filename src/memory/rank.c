// SPDX-License-Identifier: MIT
#include "memory/rank.h"

typedef struct RankField {
        const char *name;
        size_t at;
        double least, most;
} RankField;

static const RankField fields[] = {
#define X(name, value, least, most, text) { #name, offsetof(RankParams, name), least, most },
        RANK_CONTRACT(X) RANK_FURTHER(X)
#undef X
};

const RankParams rank_defaults = {
#define X(name, value, least, most, text) .name = value,
        RANK_CONTRACT(X) RANK_FURTHER(X)
#undef X
};

RankParams rank_reference(void) {
        RankParams p = {
#define X(name, value, least, most, text) .name = value,
                RANK_CONTRACT(X)
#undef X
        };
        p.importance = p.confidence = p.recency = 0;
        return p;
}

static double *value_at(RankParams *p, const RankField *f) {
        return (double *)(void *)((char *)p + f->at);
}

bool rank_is_sane(const RankParams *p) {
        RankParams copy = *p;
        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                double v = *value_at(&copy, &fields[i]);
                if (!(v >= fields[i].least && v <= fields[i].most)) /* NaN is not within */
                        return false;
        }
        return true;
}

static bool pair_parse(Str pair, RankParams *p) {
        Str name = str_trim(str_cut(&pair, '='));
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (str_eq_c(name, fields[i].name))
                        return str_to_f64(str_trim(pair), value_at(p, &fields[i]));
        return false;
}

bool rank_parse(Str text, RankParams *p) {
        RankParams changed = *p;
        while (text.p && text.n)
                if (!pair_parse(str_cut(&text, ','), &changed))
                        return false;
        if (!rank_is_sane(&changed))
                return false;
        *p = changed;
        return true;
}
