// SPDX-License-Identifier: MIT
/* Adding: messages in, what the rules find in them at once, the rest for a model. */
#include "api/mem0.h"
#include "memory/extract.h"
#include "memory/reading.h"

/* Others wait while one add is written. */
enum { MESSAGES_MAX = 100, ADD_FACTS_MAX = 2400 };

typedef struct Adding {
        Req *rq;
        const Mem0AddIn *in;
        MemoryScope s;
        Str context;
        int64_t expires_at, said_at;
        Mem0Result *v;
        size_t n, cap, facts;
} Adding;

static Err context_of(Req *rq, const Mem0AddIn *in, Str *ret) {
        _cleanup_(buf_done) Buf b = BUF(MEMORY_CONTEXT_MAX);
        buf_addc(&b, '{');
        mem0_labels_write(&b, &(Mem0Labels){ STR_NULL, in->agent_id, in->app_id, in->run_id });
        if (in->metadata.n)
                buf_addf(&b, "%s\"metadata\":%.*s", b.n > 1 ? "," : "", STR_FMT(in->metadata));
        if (in->immutable.has && in->immutable.v)
                buf_addf(&b, "%s\"immutable\":true", b.n > 1 ? "," : "");
        if (in->timestamp.has)
                buf_addf(&b, "%s\"timestamp\":%lld", b.n > 1 ? "," : "",
                         (long long)in->timestamp.v);
        buf_addc(&b, '}');
        if (b.full)
                return RAISE_FIELD(rq->cx, "#/metadata",
                                   "labels and metadata together over %d bytes",
                                   MEMORY_CONTEXT_MAX);
        *ret = arena_dup(rq->cx->arena, buf_str(&b));
        return OK;
}

static void result_add(Adding *ad, const Mem0Result *r) {
        if (ad->n == ad->cap) {
                ad->cap = 2 * ad->cap + 16;
                Mem0Result *more = NEW_ARRAY(ad->rq->cx->arena, Mem0Result, ad->cap);
                if (ad->n)
                        memcpy(more, ad->v, ad->n * sizeof *more);
                ad->v = more;
        }
        ad->v[ad->n++] = *r;
}

/* A supersession is an ADD of the new and an UPDATE of the old one. */
static void result_note(Adding *ad, const MemoryWritten *w) {
        bool is_new = w->event == MEMORY_ADD || w->event == MEMORY_SUPERSEDE;
        Mem0Data *data = NEW(ad->rq->cx->arena, Mem0Data);
        data->memory = w->row.content;
        result_add(ad, &(Mem0Result){ w->row.memory_id, w->row.content,
                                      is_new ? STR("ADD") : str_c(memory_event_names[w->event]),
                                      str_c(w->reason), data });
        for (size_t i = 0; i < w->superseded.n && i < 4; i++)
                result_add(ad, &(Mem0Result){ .id = w->superseded.v[i],
                                              .event = STR("UPDATE"),
                                              .reason = STR("superseded") });
}

static Err add_one(Adding *ad, const Fact *f, Str verbatim) {
        MemoryWritten w;
        MemoryNew new = { .type = f ? f->type : STR("fact"),
                          .content = f ? f->content : verbatim,
                          .confidence = f ? f->confidence : -1,
                          .context = ad->context,
                          .expires_at = ad->expires_at,
                          .said_at = ad->said_at,
                          .source_kind = f ? STR("rule") : STR("user"),
                          .verbatim = !f };
        if (f) {
                new.tags = f->tags;
                new.entities = f->entities;
                new.valid_from = f->valid_from;
                if (f->attribute != ATTR_NONE && !f->is_past && !f->is_negated) {
                        new.attribute = str_c(attribute_names[f->attribute]);
                        new.subject = f->subject;
                        new.value = f->value;
                }
        }
        TRY(memory_add(ad->rq->cx, &ad->s, &new, &w));
        result_note(ad, &w);
        return OK;
}

static bool infers(const Mem0AddIn *in) { return !in->infer.has || in->infer.v; }
static bool is_persons(Str role) { return str_eq_nocase(role, STR("user")); }

static Err add_text(Adding *ad, Str role, Str text) {
        Facts facts;
        if (!text.n)
                return OK;
        text = arena_dup(ad->rq->cx->arena, text); /* outlives the parsed body, in the answer */
        if (!infers(ad->in))
                return add_one(ad, NULL, text);
        if (!is_persons(role))
                /* only what the person said tells about the person */
                return OK;
        facts_extract(ad->rq->cx->arena, text, &(ExtractContext){ .said_at = ad->said_at }, &facts);
        if (facts.n > ADD_FACTS_MAX - ad->facts) {
                facts.n = ADD_FACTS_MAX - ad->facts;
                facts.is_cut = true;
        }
        ad->facts += facts.n;
        for (size_t i = 0; i < facts.n; i++)
                if (facts.v[i].confidence >= 0.7)
                        TRY(add_one(ad, &facts.v[i], STR_NULL));
        if (facts.is_cut)
                result_add(ad, &(Mem0Result){ .event = STR("NOOP"),
                                              .reason = STR("more_facts_than_kept") });
        return OK;
}

/* content: a text, or parts of which the texts count */
static Err add_content(Adding *ad, Str role, JsonRef content) {
        if (json_kind(content) == JSON_STR)
                return add_text(ad, role, json_str(content));
        for (size_t i = 0; json_kind(content) == JSON_ARR && i < json_count(content); i++)
                TRY(add_text(ad, role, json_str(json_get(json_at(content, i), "text"))));
        return OK;
}

static void nothing_note(Adding *ad, Str role) {
        result_add(ad, &(Mem0Result){ .event = STR("NOOP"),
                                      .reason = infers(ad->in) && !is_persons(role)
                                                        ? STR("not_from_the_user")
                                                        : STR("no_fact_found") });
}

static Err add_message(Adding *ad, Str role, JsonRef content) {
        size_t before = ad->n;
        TRY(add_content(ad, role, content));
        if (ad->n == before && (is_persons(role) || !infers(ad->in)))
                nothing_note(ad, role);
        return OK;
}

static Err content_check(Req *rq, size_t i, JsonRef m) {
        JsonRef content = json_get(m, "content"), role = json_get(m, "role");
        const char *at = arena_printf(rq->cx->arena, "#/messages/%zu", i);
        const unsigned texts = 1u << JSON_STR | 1u << JSON_ABSENT | 1u << JSON_NULL;
        if (json_kind(m) != JSON_OBJ)
                return RAISE_FIELD(rq->cx, at, "must be an object");
        if (!(texts >> json_kind(role) & 1))
                return RAISE_FIELD(rq->cx, arena_printf(rq->cx->arena, "%s/role", at),
                                   "must be a text");
        if (!((texts | 1u << JSON_ARR) >> json_kind(content) & 1))
                return RAISE_FIELD(rq->cx, arena_printf(rq->cx->arena, "%s/content", at),
                                   "must be a text or a list of parts");
        if (json_kind(content) == JSON_ARR && json_count(content) > MESSAGES_MAX)
                return RAISE_FIELD(rq->cx, arena_printf(rq->cx->arena, "%s/content", at),
                                   "at most %d parts", MESSAGES_MAX);
        for (size_t k = 0; json_kind(content) == JSON_ARR && k < json_count(content); k++)
                if (json_kind(json_at(content, k)) != JSON_OBJ)
                        return RAISE_FIELD(rq->cx,
                                           arena_printf(rq->cx->arena, "%s/content/%zu", at, k),
                                           "must be an object");
        return OK;
}

static Err messages_check(Req *rq, JsonRef root) {
        if (json_kind(root) == JSON_STR)
                return OK;
        if (json_kind(root) != JSON_ARR)
                return RAISE_FIELD(rq->cx, "#/messages", "must be a list of messages, or a text");
        if (json_count(root) == 0 || json_count(root) > MESSAGES_MAX)
                return RAISE_FIELD(rq->cx, "#/messages", "1 to %d are needed", MESSAGES_MAX);
        for (size_t i = 0; i < json_count(root); i++)
                TRY(content_check(rq, i, json_at(root, i)));
        return OK;
}

/* A name that no path or filter could say again would be kept out of reach. */
static Err user_check(Req *rq, Str user_id) {
        if (str_eq_c(user_id, "*") || str_index(user_id, '/') < user_id.n)
                return RAISE_FIELD(rq->cx, "#/user_id", "must not be * nor have a / in it");
        return OK;
}

/* What others said is beside the point as long as something came of the add; nothing at all has its
 * reasons. */
static Err messages_add(Adding *ad, JsonRef root) {
        size_t n = json_kind(root) == JSON_ARR ? json_count(root) : 0;
        if (!n)
                return add_message(ad, STR("user"), root);
        for (size_t i = 0; i < n; i++) {
                JsonRef m = json_at(root, i);
                TRY(add_message(ad, json_str(json_get(m, "role")), json_get(m, "content")));
        }
        bool is_silent = ad->n == 0;
        for (size_t i = 0; is_silent && i < n; i++)
                nothing_note(ad, json_str(json_get(json_at(root, i), "role")));
        return OK;
}

Err mem0_add(Req *rq, const Mem0AddIn *in, List *ret) {
        _cleanup_(json_freep) Json *j = NULL;
        Adding ad = { .rq = rq,
                      .in = in,
                      .said_at = in->timestamp.has ? in->timestamp.v * 1000 : 0 };
        TRY(user_check(rq, in->user_id));
        TRY(mem0_scope(rq, in->user_id, &ad.s));
        TRY(context_of(rq, in, &ad.context));
        if (in->expiration_date.n && !mem0_expires(in->expiration_date, &ad.expires_at))
                return RAISE_FIELD(rq->cx, "#/expiration_date", "must be YYYY-MM-DD");
        TRY(json_parse(rq->cx, in->messages, JSON_DEPTH_MAX, &j));
        TRY(messages_check(rq, json_root(j)));
        TRY(messages_add(&ad, json_root(j)));
        *ret = (List){ ad.v ? ad.v : NEW(rq->cx->arena, Mem0Result), ad.n };
        return OK;
}

typedef struct Words {
        Arena *arena;
        Str v[MESSAGES_MAX];
        size_t n;
} Words;

static void words_add(Words *w, Str text) {
        if (text.n && w->n < MESSAGES_MAX)
                w->v[w->n++] = arena_dup(w->arena, text);
}

/* What the person said, and nobody else. */
static void words_of(Words *w, JsonRef root) {
        if (json_kind(root) == JSON_STR)
                words_add(w, json_str(root));
        for (size_t i = 0; json_kind(root) == JSON_ARR && i < json_count(root); i++) {
                JsonRef m = json_at(root, i), content = json_get(m, "content");
                if (!is_persons(json_str(json_get(m, "role"))))
                        continue;
                words_add(w, json_str(content));
                for (size_t k = 0; json_kind(content) == JSON_ARR && k < json_count(content); k++)
                        words_add(w, json_str(json_get(json_at(content, k), "text")));
        }
}

Err mem0_read_later(Req *rq, const Mem0AddIn *in, Str job_id, Str results, bool *ret) {
        _cleanup_(json_freep) Json *j = NULL;
        Words *words = NEW(rq->cx->arena, Words);
        MemoryScope s;
        Reading r = { .said_at = in->timestamp.has ? in->timestamp.v * 1000 : 0,
                      .results = results };
        *ret = false;
        if (!infers(in) || !memory_can_read(rq->sv->memory) || !rq->who->llm_processing)
                return OK;
        TRY(mem0_scope(rq, in->user_id, &s));
        TRY(context_of(rq, in, &r.context));
        if (in->expiration_date.n && !mem0_expires(in->expiration_date, &r.expires_at))
                return RAISE_FIELD(rq->cx, "#/expiration_date", "must be YYYY-MM-DD");
        TRY(json_parse(rq->cx, in->messages, JSON_DEPTH_MAX, &j));
        words->arena = rq->cx->arena;
        words_of(words, json_root(j));
        if (!words->n)
                return OK;
        r.texts = (Strs){ words->v, words->n };
        *ret = true;
        return memory_read_later(rq->cx, &s, job_id, &r);
}
