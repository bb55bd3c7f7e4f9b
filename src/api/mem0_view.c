// SPDX-License-Identifier: MIT
#include "api/mem0.h"
#include "codec/radix.h"
#include "codec/when.h"
#include "crypto/hash.h"
#include "memory/extract.h"
#include "memory/reading.h"

enum { ROWS_MAX = 20000, PAGE = 200, MESSAGES_MAX = 100 };

/* ---- shapes ---- */

static const Shape breakdown = SHAPE(Mem0Breakdown,
        F_NUM(Mem0Breakdown, semantic, F_REQ),
        F_NUM(Mem0Breakdown, bm25, F_REQ),
        F_NUM(Mem0Breakdown, entity, F_REQ));
const Shape mem0_view = SHAPE(Mem0View,
        F_STR(Mem0View, id, F_REQ, .format = "uuid"),
        F_STR(Mem0View, memory, F_REQ),
        F_STR(Mem0View, user_id, F_REQ | F_NULL),
        F_STR(Mem0View, agent_id, F_REQ | F_NULL),
        F_STR(Mem0View, app_id, F_REQ | F_NULL),
        F_STR(Mem0View, run_id, F_REQ | F_NULL),
        F_STR(Mem0View, hash, F_REQ),
        F_JSON(Mem0View, metadata, F_REQ | F_NULL),
        F_STRS(Mem0View, categories, F_REQ),
        F_TIME(Mem0View, created_at, F_REQ),
        F_TIME(Mem0View, updated_at, F_REQ),
        F_STR(Mem0View, expiration_date, F_REQ | F_NULL),
        F_ONUM(Mem0View, score, 0),
        F_OBJ(Mem0View, score_breakdown, 0, .sub = &breakdown));

static const Shape data_view = SHAPE(Mem0Data, F_STR(Mem0Data, memory, F_REQ));
const Shape mem0_result = SHAPE(Mem0Result,
        F_STR(Mem0Result, id, F_REQ | F_NULL),
        F_STR(Mem0Result, memory, F_REQ | F_NULL),
        F_STR(Mem0Result, event, F_REQ, .one_of = "ADD|UPDATE|NOOP|DELETE"),
        F_STR(Mem0Result, reason, 0),
        F_OBJ(Mem0Result, data, 0, .sub = &data_view));
const Shape mem0_message = SHAPE(Mem0Message, F_STR(Mem0Message, message, F_REQ));

const Shape mem0_add_in = SHAPE_OPEN(Mem0AddIn,
        F_JSON(Mem0AddIn, messages, F_REQ, .max = 512 * 1024,
                .doc = "[{role, content}], or one text"),
        F_STR(Mem0AddIn, user_id, F_NULL, .max = 128),
        F_STR(Mem0AddIn, agent_id, F_NULL, .max = 128),
        F_STR(Mem0AddIn, app_id, F_NULL, .max = 128),
        F_STR(Mem0AddIn, run_id, F_NULL, .max = 128),
        F_JSON(Mem0AddIn, metadata, F_NULL, .max = 6 * 1024),
        F_STR(Mem0AddIn, expiration_date, F_NULL, .max = 32),
        F_OBOOL(Mem0AddIn, infer, F_NULL),
        F_OBOOL(Mem0AddIn, immutable, F_NULL),
        F_OINT(Mem0AddIn, timestamp, F_NULL));

const Shape mem0_search_in = SHAPE_OPEN(Mem0SearchIn,
        F_STR(Mem0SearchIn, query, F_REQ | F_BLANK, .min = 1, .max = 1000),
        F_JSON(Mem0SearchIn, filters, F_NULL, .max = 32 * 1024),
        F_STR(Mem0SearchIn, user_id, F_NULL, .max = 128),
        F_STR(Mem0SearchIn, agent_id, F_NULL, .max = 128),
        F_STR(Mem0SearchIn, app_id, F_NULL, .max = 128),
        F_STR(Mem0SearchIn, run_id, F_NULL, .max = 128),
        F_STR(Mem0SearchIn, reference_date, F_NULL, .max = 32),
        F_OINT(Mem0SearchIn, top_k, F_NULL, .min = 1, .max = 1000),
        F_OINT(Mem0SearchIn, limit, F_NULL, .min = 1, .max = 1000),
        F_ONUM(Mem0SearchIn, threshold, F_NULL, .min = 0, .max = 1),
        F_BOOL(Mem0SearchIn, rerank, F_NULL),
        F_BOOL(Mem0SearchIn, show_expired, F_NULL),
        F_STRS(Mem0SearchIn, fields, F_NULL, .max = 50, .item_max = 64),
        F_STRS(Mem0SearchIn, categories, F_NULL, .max = 32, .item_max = 64));

/* ---- rows ---- */

static Str label_of(Req *rq, JsonRef context, const char *name) {
        return arena_dup(rq->cx->arena, json_str(json_get(context, name)));
}

static Str content_hash(Arena *a, Str content) {
        unsigned char full[SHA256_SIZE];
        Sha256 h;
        sha256_init(&h);
        sha256_add(&h, content);
        sha256_end(&h, full);
        return hex_encode(a, str_n(full, 16));
}

void mem0_view_make(Req *rq, const MemoryRow *row, Mem0View *ret) {
        _cleanup_(json_freep) Json *j = NULL;
        Arena *a = rq->cx->arena;
        *ret = (Mem0View){ .id = row->memory_id,
                           .memory = row->content,
                           .user_id = mem0_user(rq, row->user_id),
                           .hash = content_hash(a, row->content),
                           .categories = row->tags,
                           .created_at = row->created_at,
                           .updated_at = row->updated_at };
        if (!ret->categories.v)
                ret->categories.v = &ret->id; /* empty, not absent */
        if (row->expires_at) {
                Civil c = civil_from_days(days_of_ms(row->expires_at - DAY_MS));
                ret->expiration_date = arena_strf(a, "%04d-%02d-%02d", c.year, c.month, c.day);
        }
        if (json_parse(rq->cx, row->context, JSON_DEPTH_MAX, &j)) {
                err_clear(rq->cx);
                return;
        }
        JsonRef context = json_root(j), metadata = json_get(context, "metadata");
        ret->agent_id = label_of(rq, context, "agent_id");
        ret->app_id = label_of(rq, context, "app_id");
        ret->run_id = label_of(rq, context, "run_id");
        if (json_kind(metadata) == JSON_OBJ)
                ret->metadata = json_text(rq->cx, metadata);
}

bool mem0_expires(Str date, int64_t *ret_ms) {
        Civil c;
        if (!civil_parse(str_to(date, 10), &c))
                return false;
        *ret_ms = (civil_to_days(c) + 1) * DAY_MS;
        return true;
}

Err mem0_rows(Req *rq, const MemoryScope *s, const Mem0Filter *f, Mem0Rows *ret) {
        Mem0Rows rows = { NEW_ARRAY(rq->cx->arena, MemoryRow, PAGE), 0 };
        size_t cap = PAGE;
        Str cursor = STR_NULL;
        do {
                MemoryRows page;
                TRY(memory_list(rq->cx, s, &(MemoryFilter){ .limit = PAGE, .cursor = cursor },
                                &page, &cursor));
                if (rows.n + page.n > cap) {
                        MemoryRow *more = NEW_ARRAY(rq->cx->arena, MemoryRow, cap * 2 + PAGE);
                        memcpy(more, rows.v, rows.n * sizeof *more);
                        rows.v = more;
                        cap = cap * 2 + PAGE;
                }
                for (size_t i = 0; i < page.n; i++)
                        if (mem0_filter_fits(rq, f, &page.v[i]))
                                rows.v[rows.n++] = page.v[i];
        } while (cursor.p && rows.n < ROWS_MAX);
        *ret = rows;
        return OK;
}

Str mem0_filters_from(Ctx *cx, const Mem0Labels *l) {
        _cleanup_(buf_done) Buf b = BUF(8 * 1024);
        const struct {
                const char *name;
                Str v;
        } all[] = {
                { "user_id", l->user_id },
                { "agent_id", l->agent_id },
                { "app_id", l->app_id },
                { "run_id", l->run_id },
        };
        buf_addc(&b, '{');
        for (size_t i = 0; i < ELEMENTSOF(all); i++) {
                if (!all[i].v.n)
                        continue;
                buf_addf(&b, "%s\"%s\":", b.n > 1 ? "," : "", all[i].name);
                json_write_str(&b, all[i].v);
        }
        buf_addc(&b, '}');
        return arena_dup(cx->arena, buf_str(&b));
}

/* ---- add ---- */

typedef struct Adding {
        Req *rq;
        const Mem0AddIn *in;
        MemoryScope s;
        Str context;
        int64_t expires_at, said_at;
        Mem0Result *v;
        size_t n;
} Adding;

static Err context_of(Req *rq, const Mem0AddIn *in, Str *ret) {
        _cleanup_(buf_done) Buf b = BUF(MEMORY_CONTEXT_MAX);
        Str labels = mem0_filters_from(
                rq->cx, &(Mem0Labels){ STR_NULL, in->agent_id, in->app_id, in->run_id });
        buf_add(&b, str_to(labels, labels.n - 1));
        if (in->metadata.n)
                buf_addf(&b, "%s\"metadata\":%.*s", b.n > 1 ? "," : "", STR_FMT(in->metadata));
        if (in->immutable.has && in->immutable.v)
                buf_addf(&b, "%s\"immutable\":true", b.n > 1 ? "," : "");
        buf_addc(&b, '}');
        if (b.full)
                return RAISE_FIELD(rq->cx, "#/metadata",
                                   "labels and metadata together over %d bytes",
                                   MEMORY_CONTEXT_MAX);
        *ret = arena_dup(rq->cx->arena, buf_str(&b));
        return OK;
}

/* A supersession is an ADD of the new and an UPDATE of the old one. */
static void result_note(Adding *ad, const MemoryWritten *w) {
        bool is_new = w->event == MEMORY_ADD || w->event == MEMORY_SUPERSEDE;
        Mem0Data *data = NEW(ad->rq->cx->arena, Mem0Data);
        data->memory = w->row.content;
        ad->v[ad->n++] = (Mem0Result){ w->row.memory_id, w->row.content,
                                       is_new ? STR("ADD") : str_c(memory_event_names[w->event]),
                                       str_c(w->reason), data };
        for (size_t i = 0; i < w->superseded.n && i < 4; i++)
                ad->v[ad->n++] = (Mem0Result){ .id = w->superseded.v[i],
                                               .event = STR("UPDATE"),
                                               .reason = STR("superseded") };
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

static Err add_text(Adding *ad, Str role, Str text) {
        Facts facts;
        bool infer = !ad->in->infer.has || ad->in->infer.v;
        if (!text.n)
                return OK;
        text = arena_dup(ad->rq->cx->arena, text); /* outlives the parsed body, in the answer */
        if (!infer)
                return add_one(ad, NULL, text);
        if (!str_eq_c(role, "user"))
                /* only what the person said tells about the person */
                return OK;
        facts_extract(ad->rq->cx->arena, text, &(ExtractContext){ .said_at = ad->said_at }, &facts);
        for (size_t i = 0; i < facts.n; i++)
                if (facts.v[i].confidence >= 0.7)
                        TRY(add_one(ad, &facts.v[i], STR_NULL));
        return OK;
}

/* content: a text, or parts of which the texts count */
static Err add_message(Adding *ad, JsonRef m) {
        JsonRef content = json_get(m, "content");
        Str role = json_str(json_get(m, "role"));
        if (json_kind(content) == JSON_STR)
                return add_text(ad, role, json_str(content));
        for (size_t i = 0;
             json_kind(content) == JSON_ARR && i < json_count(content) && i < MESSAGES_MAX; i++)
                TRY(add_text(ad, role, json_str(json_get(json_at(content, i), "text"))));
        return OK;
}

Err mem0_add(Req *rq, const Mem0AddIn *in, List *ret) {
        _cleanup_(json_freep) Json *j = NULL;
        Adding ad = { .rq = rq,
                      .in = in,
                      .said_at = in->timestamp.has ? in->timestamp.v * 1000 : 0 };
        TRY(mem0_scope(rq, in->user_id, &ad.s));
        TRY(context_of(rq, in, &ad.context));
        if (in->expiration_date.n && !mem0_expires(in->expiration_date, &ad.expires_at))
                return RAISE_FIELD(rq->cx, "#/expiration_date", "must be YYYY-MM-DD");
        TRY(json_parse(rq->cx, in->messages, JSON_DEPTH_MAX, &j));
        JsonRef root = json_root(j);
        size_t n = json_kind(root) == JSON_ARR ? json_count(root) : 1;
        if (n == 0 || n > MESSAGES_MAX)
                return RAISE_FIELD(rq->cx, "#/messages", "1 to %d are needed", MESSAGES_MAX);
        ad.v = NEW_ARRAY(rq->cx->arena, Mem0Result, n * (FACTS_MAX + 1) * 5);
        if (json_kind(root) == JSON_STR)
                TRY(add_text(&ad, STR("user"), json_str(root)));
        for (size_t i = 0; json_kind(root) == JSON_ARR && i < n; i++)
                TRY(add_message(&ad, json_at(root, i)));
        *ret = (List){ ad.v, ad.n };
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
                if (!str_eq_c(json_str(json_get(m, "role")), "user"))
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
        bool infers = !in->infer.has || in->infer.v;
        *ret = false;
        if (!infers || !memory_can_read(rq->sv->memory) || !rq->who->llm_processing)
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

/* ---- search ---- */

Err mem0_search(Req *rq, const Mem0SearchIn *in, List *ret) {
        _cleanup_(mem0_filter_done) Mem0Filter f = { 0 };
        Mem0Labels labels = { in->user_id, in->agent_id, in->app_id, in->run_id };
        MemoryScope s;
        MemoryHits hits;
        TRY(mem0_filter_parse(rq, in->filters.n ? in->filters : mem0_filters_from(rq->cx, &labels),
                              &f));
        if (!f.has_scope)
                return RAISE_FIELD(rq->cx, "#/filters",
                                   "one of user_id, agent_id, app_id, run_id is needed");
        TRY(mem0_scope(rq, f.user_id, &s));
        TRY(db_read(rq->cx, rq->sv->db, &s.c));
        int64_t top_k = in->top_k.has ? in->top_k.v : in->limit.has ? in->limit.v : 10;
        MemoryQuery q = { .query = in->query,
                          .top_k = MIN(top_k * 4 + 50, (int64_t)FIND_TOP_MAX),
                          .tags = in->categories,
                          .include_expired = in->show_expired,
                          .min_score = in->threshold.has ? in->threshold.v : 0.1 };
        TRY(memory_search(rq->cx, &s, &q, &hits));
        Mem0View *v = NEW_ARRAY(rq->cx->arena, Mem0View, (size_t)top_k);
        size_t n = 0;
        for (size_t i = 0; i < hits.n && (int64_t)n < top_k; i++) {
                const MemoryHit *h = &hits.v[i];
                if (!mem0_filter_fits(rq, &f, h->memory))
                        continue;
                Mem0Breakdown *b = NEW(rq->cx->arena, Mem0Breakdown);
                *b = (Mem0Breakdown){ h->breakdown.parts.semantic, h->breakdown.parts.lexical, 0 };
                mem0_view_make(rq, h->memory, &v[n]);
                v[n].score = (OptNum){ true, h->relevance };
                v[n++].score_breakdown = b;
        }
        *ret = (List){ v, n };
        return OK;
}
