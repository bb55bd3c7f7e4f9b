// SPDX-License-Identifier: MIT
#include "memory/memory.h"

#include "codec/unicode.h"
#include "codec/uuid.h"
#include "memory/count_int.h"
#include "memory/jobs.h"
#include "memory/memory_int.h"
#include "memory/memory_sql.h"
#include "memory/quota.h"
#include "memory/shown.h"
#include "memory/touched.h"
#include "memory/vectors.h"

enum { SHELVES_BYTES = 64 * 1024 * 1024 };

const char *const memory_event_names[] = { "", "ADD", "UPDATE", "NOOP", "SUPERSEDE", "DELETE" };
const char *const memory_type_names[7] = { "fact",   "preference", "commitment", "instruction",
                                           "entity", "episodic",   NULL };
const char *const memory_status_names[5] = { "active", "superseded", "archived", "flagged", NULL };
const char *const memory_level_names[_LEVEL_N + 1] = { "low", "medium", "high", "critical", NULL };

int word_index(const char *const *words, Str word) {
        for (int i = 0; words[i]; i++)
                if (str_eq_nocase(word, str_c(words[i])))
                        return i;
        return -1;
}

/* ---- keys ---- */

Str owner_of(Str user_id) { return str_to(user_id, str_index(user_id, '/')); }

void keys_done(Keys *k) { secret_wipe(k, sizeof *k); }

Err keys_to_open(Ctx *cx, const MemoryScope *s, Keys *ret) {
        return s->m->set.key(cx, s->c, owner_of(s->user_id), s->m->set.arg, ret->seal.k);
}

Err keys_get(Ctx *cx, const MemoryScope *s, Keys *ret) {
        Keys k = { 0 };
        TRY(keys_to_open(cx, s, &k));
        hmac_sha256(str_n(k.seal.k, sizeof k.seal.k), STR("memory digests"), k.mac);
        *ret = k;
        keys_done(&k);
        return OK;
}

Err may_leave(Ctx *cx, const MemoryScope *s, bool *ret) {
        const MemorySettings *set = &s->m->set;
        *ret = true;
        return set->may_leave ? set->may_leave(cx, s->c, owner_of(s->user_id), set->arg, ret) : OK;
}

void mac_of(const Keys *k, const char *label, Str bytes, Mac *ret) {
        Sha256 h;
        unsigned char digest[SHA256_SIZE], full[SHA256_SIZE];
        sha256_init(&h);
        sha256_add(&h, str_n(label, strlen(label) + 1));
        sha256_add(&h, bytes);
        sha256_end(&h, digest);
        hmac_sha256(str_n(k->mac, sizeof k->mac), str_n(digest, sizeof digest), full);
        memcpy(ret->b, full, sizeof ret->b);
}

/* ---- text ---- */

static Str collapsed(Ctx *cx, Str s) {
        char *out = arena_bytes(cx->arena, s.n + 1);
        size_t n = 0;
        for (Str rest = s; rest.n;) {
                Str at = rest;
                int32_t c = unicode_next(&rest);
                if (!unicode_is_space(c)) {
                        memcpy(out + n, at.p, at.n - rest.n);
                        n += at.n - rest.n;
                } else if (n && out[n - 1] != ' ') {
                        out[n++] = ' ';
                }
        }
        return str_trim((Str){ out, n });
}

static Str lower_ascii(Ctx *cx, Str s) {
        char *out = arena_bytes(cx->arena, s.n + 1);
        for (size_t i = 0; i < s.n; i++)
                out[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] | 0x20) : s.p[i];
        return (Str){ out, s.n };
}

Err content_fold(Ctx *cx, Str s, Str *ret) {
        Str folded;
        /* the normal forms and full folding of ASCII are lower case */
        if (str_is_ascii(s)) {
                folded = lower_ascii(cx, s);
        } else {
                Str nfkc;
                TRY(unicode_nfkc(cx, s, &nfkc));
                TRY(unicode_fold(cx, nfkc, &folded));
        }
        *ret = collapsed(cx, folded);
        return OK;
}

/* ---- index ---- */

/* Contents leave the speaker out: the index reads "I live in Lisbon", as it was said, and "brother
 * lives in Milan" for what is somebody else's, so that its boost of the first person means the
 * person. ("lives" alone would be the plural of "life".) */
static Str text_indexed(Ctx *cx, const MemoryRow *r) {
        Str text = r->content;
        bool other = r->subject.p && !str_eq_c(r->subject, "self") && str_starts(text, STR("My "));
        const char *lives = memmem(text.p, text.n, "ives in ", 8);
        if (other)
                return str_from(text, 3);
        if (!lives || lives == text.p || (lives[-1] != 'L' && lives[-1] != 'l'))
                return arena_strf(cx->arena, "I %.*s", STR_FMT(text));
        size_t head = (size_t)(lives + 3 - text.p);
        return arena_strf(cx->arena, "I %.*s%.*s", (int)head, text.p,
                          STR_FMT(str_from(text, head + 1)));
}

/* Words by which people ask for what they never said in them. */
static const char *attribute_words(const MemoryRow *r) {
        bool likes = str_eq_c(r->value, "like");
        switch (attribute_parse(r->attribute)) {
        case ATTR_NAME: return "name called";
        case ATTR_AGE: return "age old";
        case ATTR_LOCATION: return "live home city";
        case ATTR_JOB: return "job work profession living";
        case ATTR_WORKPLACE: return "work company employer";
        case ATTR_RELATIONSHIP: return "relationship married partner";
        case ATTR_TIMEZONE: return "time zone";
        case ATTR_PREFERENCE:
                return likes                           ? "like favourite"
                       : str_eq_c(r->value, "dislike") ? "dislike hate"
                                                       : "";
        case ATTR_BIRTHDAY: return "birthday born";
        case ATTR_PARTNER_NAME: return "partner wife husband name";
        case ATTR_NONE:
        case ATTR_GENDER:
        case ATTR_LANGUAGE:
        case ATTR_EDUCATION:
        case ATTR_PET_NAME:
        case ATTR_OTHER:
        case _ATTR_N: break;
        }
        return "";
}

void stored_unit(Ctx *cx, const Stored *m, Unit *ret) {
        const MemoryRow *r = &m->row;
        _cleanup_(buf_done) Buf extra = BUF(64 * 1024);
        Str *labels = NEW_ARRAY(cx->arena, Str, r->tags.n + 1);
        for (size_t i = 0; i < r->tags.n; i++) {
                buf_add(&extra, r->tags.v[i]);
                buf_addc(&extra, ' ');
                labels[i] = arena_strf(cx->arena, "tag=%.*s", STR_FMT(r->tags.v[i]));
        }
        for (size_t i = 0; i < r->entities.n; i++) {
                buf_add(&extra, r->entities.v[i]);
                buf_addc(&extra, ' ');
        }
        buf_add_c(&extra, attribute_words(r));
        *ret = (Unit){ .kind = UNIT_MEMORY,
                       .id = r->unit,
                       .text = text_indexed(cx, r),
                       .extra = arena_dup(cx->arena, buf_str(&extra)),
                       .at_ms = r->valid_from,
                       .conversation = r->source_conversation_id,
                       .type = m->type,
                       .status = m->status,
                       .importance = r->importance_score,
                       .confidence = r->confidence,
                       .valid_to_ms = r->valid_to ? r->valid_to : UNIT_FOREVER,
                       .recorded_ms = r->recorded_at,
                       .retired_ms = r->retired_at ? r->retired_at : UNIT_FOREVER,
                       .labels = { labels, r->tags.n } };
}

void turn_unit(const Turn *t, Unit *ret) {
        static const UnitRole roles[] = { ROLE_USER, ROLE_ASSISTANT, ROLE_OTHER };
        static const char *const names[] = { "user", "assistant", "other", NULL };
        int role = word_index(names, t->role);
        *ret = (Unit){ .kind = UNIT_TURN,
                       .id = t->unit,
                       .text = t->text,
                       .extra = t->caption,
                       .at_ms = t->at,
                       .conversation = t->conversation_id,
                       .ordinal = t->seq,
                       .speaker = t->speaker,
                       .role = role < 0 ? ROLE_OTHER : roles[role],
                       .valid_to_ms = UNIT_FOREVER,
                       .retired_ms = UNIT_FOREVER,
                       .recorded_ms = t->recorded_at };
}

typedef struct Later {
        IndexCache *cache;
        Str user_id;
        Unit unit;
} Later;

static void later_put(void *arg) {
        Later *l = arg;
        index_cache_put(l->cache, l->user_id, &l->unit);
}

static void later_remove(void *arg) {
        Later *l = arg;
        index_cache_remove(l->cache, l->user_id, l->unit.id);
}

void index_later(Ctx *cx, const MemoryScope *s, const Stored *m) {
        Later *l = NEW(cx->arena, Later);
        *l = (Later){ .cache = s->m->cache, .user_id = s->user_id };
        stored_unit(cx, m, &l->unit);
        db_on_commit(s->c, later_put, l);
}

void index_turn_later(Ctx *cx, const MemoryScope *s, const Turn *t) {
        Later *l = NEW(cx->arena, Later);
        *l = (Later){ .cache = s->m->cache, .user_id = s->user_id };
        turn_unit(t, &l->unit);
        db_on_commit(s->c, later_put, l);
}

void unindex_later(Ctx *cx, const MemoryScope *s, int64_t unit) {
        Later *l = NEW(cx->arena, Later);
        *l = (Later){ .cache = s->m->cache, .user_id = s->user_id, .unit.id = unit };
        db_on_commit(s->c, later_remove, l);
}

enum { LOAD_PAGE = 512 };

/* Pages keep the arena small: a user of 100 000 units is not held twice. */
static Err load_memories(Ctx *cx, const MemoryScope *s, const Keys *k, UserIndex *ix) {
        int64_t before = INT64_MAX;
        for (;;) {
                _cleanup_(arena_freep) Arena *page = arena_new();
                Ctx pc = *cx;
                pc.arena = page;
                StoredList list;
                Err e = stored_page(&pc, s, k, (Page){ before, LOAD_PAGE }, &list);
                if (e)
                        return RAISE(cx, e, "index of a user: %s", pc.err.what ? pc.err.what : "");
                for (size_t i = 0; i < list.n; i++) {
                        Unit u;
                        stored_unit(&pc, &list.v[i], &u);
                        index_put(ix, &u);
                        before = u.id;
                }
                if (list.n < LOAD_PAGE)
                        return OK;
        }
}

static Err load_turns(Ctx *cx, const MemoryScope *s, UserIndex *ix) {
        int64_t before = INT64_MAX;
        for (;;) {
                _cleanup_(arena_freep) Arena *page = arena_new();
                Ctx pc = *cx;
                pc.arena = page;
                Turns list;
                Err e = turn_list(&pc, s, &(TurnFilter){ .before = before, .limit = LOAD_PAGE },
                                  &list);
                if (e)
                        return RAISE(cx, e, "index of a user: %s", pc.err.what ? pc.err.what : "");
                for (size_t i = 0; i < list.n; i++) {
                        Unit u;
                        turn_unit(&list.v[i], &u);
                        index_put(ix, &u);
                        before = u.id;
                }
                if (list.n < LOAD_PAGE)
                        return OK;
        }
}

static Err index_load(Ctx *cx, void *arg, Str user_id, UserIndex *ix) {
        Memory *m = arg;
        MemoryScope s = { .m = m, .user_id = user_id };
        _cleanup_(keys_done) Keys k = { 0 };
        TRY(db_read(cx, m->db, &s.c));
        TRY(keys_get(cx, &s, &k));
        TRY(load_memories(cx, &s, &k, ix));
        return load_turns(cx, &s, ix);
}

/* ---- life ---- */

Err memory_new(Ctx *cx, Db *db, const MemorySettings *set, Memory **ret) {
        RankParams rank = rank_defaults;
        if (!rank_parse(set->rank, &rank))
                return RAISE(cx, ERR_INVALID,
                             "ranking numbers: an unknown name or a value out of range");
        _cleanup_(memory_freep) Memory *m = calloc(1, sizeof *m);
        if (!m)
                abort();
        *m = (Memory){ .db = db, .set = *set };
        memory_counts_make();
        m->shelves = shelves_new(SHELVES_BYTES);
        m->shown = shown_new();
        m->touched = touched_new();
        m->quotas = quotas_new();
        IndexCacheSettings ics = {
                .bytes_max = set->index_bytes_max, .rank = rank, .load = index_load, .load_arg = m
        };
        TRY(index_cache_new(cx, &ics, &m->cache));
        m->vectors = vectors_new(cx, &set->embed);
        m->jobs = jobs_new(m);
        *ret = m;
        m = NULL;
        return OK;
}

void memory_use_model(Memory *m, const MemoryModel *model) { m->model = *model; }

Memory *memory_free(Memory *m) {
        if (!m)
                return NULL;
        jobs_free(m->jobs);
        index_cache_free(m->cache);
        vectors_free(m->vectors);
        shelves_free(m->shelves);
        shown_free(m->shown);
        touched_free(m->touched);
        quotas_free(m->quotas);
        free(m);
        return NULL;
}

Err memory_erase(Ctx *cx, Memory *m, DbConn *c, Str owner_id) {
        for (size_t i = 0; i < ELEMENTSOF(sql_erase); i++)
                TRY(db_run(cx, c, &sql_erase[i], ARGS(v_text(owner_id)), NULL));
        shelves_clear(m->shelves);
        shown_clear(m->shown);
        vectors_forget(m->vectors);
        db_on_commit(c, (void (*)(void *))index_cache_forget_all, m->cache);
        return OK;
}
