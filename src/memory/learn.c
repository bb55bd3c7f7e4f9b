// SPDX-License-Identifier: MIT
#include "memory/learn.h"

#include "base/log.h"
#include "memory/memory_int.h"
#include "memory/moment.h"
#include "memory/shown.h"

#define LEARN_CONFIDENCE 0.7

static Err digest_of(Ctx *cx, Str content, uint64_t *ret) {
        Str folded;
        Sha256 h;
        unsigned char full[SHA256_SIZE];
        TRY(content_fold(cx, content, &folded));
        /* "I like tea" is "I like tea." */
        while (folded.n && strchr(".!? ", folded.p[folded.n - 1]))
                folded.n--;
        sha256_init(&h);
        sha256_add(&h, folded);
        sha256_end(&h, full);
        memcpy(ret, full, sizeof *ret);
        return OK;
}

void memory_shown(Ctx *cx, const MemoryScope *s, Strs contents) {
        uint64_t *v = NEW_ARRAY(cx->arena, uint64_t, contents.n ? contents.n : 1);
        size_t n = 0;
        for (size_t i = 0; i < contents.n; i++)
                if (digest_of(cx, contents.v[i], &v[n]) == OK)
                        n++;
                else
                        /* text that cannot be folded cannot come back equal either */
                        err_clear(cx);
        shown_add(s->m->shown, s->user_id, v, n);
}

/* The fact itself, or the clause that it was taken from, is what we said to the user before. */
static Err is_echo(Ctx *cx, const MemoryScope *s, const Fact *f, bool *ret) {
        uint64_t content, quote;
        TRY(digest_of(cx, f->content, &content));
        TRY(digest_of(cx, f->quote.p ? f->quote : f->content, &quote));
        *ret = shown_has(s->m->shown, s->user_id, content) ||
               shown_has(s->m->shown, s->user_id, quote);
        return OK;
}

static MemoryNew new_of(const Turn *turn, const Fact *f, const char *kind) {
        return (MemoryNew){ .type = f->type,
                            .content = f->content,
                            .confidence = f->confidence,
                            .tags = f->tags,
                            .entities = f->entities,
                            .valid_from = f->valid_from,
                            .said_at = turn->at,
                            .source_turn = turn->seq,
                            .source_kind = str_c(kind),
                            .source_turn_id = turn->turn_id,
                            .source_conversation_id = turn->conversation_id };
}

Fact fact_of_model(Ctx *cx, const Fact *f) {
        Fact whole = *f, read;
        if (f->attribute != ATTR_NONE || !fact_attribute(cx->arena, f->content, &read))
                return whole;
        whole.attribute = read.attribute;
        whole.subject = read.subject;
        whole.value = read.value;
        whole.is_negated = read.is_negated;
        whole.is_correction = read.is_correction;
        whole.is_past = read.is_past;
        return whole;
}

static Err learn_one(Ctx *cx, const MemoryScope *s, const Turn *turn, const Fact *f,
                     MemoryWritten *ret) {
        MemoryNew in = new_of(turn, f, s->actor);
        bool echo;
        TRY(is_echo(cx, s, f, &echo));
        if (echo) {
                *ret = (MemoryWritten){ .event = MEMORY_NOOP, .reason = "echo_of_returned_memory" };
                return OK;
        }
        Fact read = str_eq_c(str_c(s->actor), "llm") ? fact_of_model(cx, f) : *f;
        return memory_add_pending(cx, s, &in, &read, ret);
}

Err memory_learn(Ctx *cx, const MemoryScope *s, const Turn *turn, const Facts *facts,
                 Learned *ret) {
        Learned l = { .v = NEW_ARRAY(cx->arena, MemoryWritten, facts->n ? facts->n : 1) };
        Str *created = NEW_ARRAY(cx->arena, Str, facts->n ? facts->n : 1);
        for (size_t i = 0; i < facts->n; i++) {
                if (facts->v[i].confidence < LEARN_CONFIDENCE)
                        continue;
                Err e = learn_one(cx, s, turn, &facts->v[i], &l.v[l.n]);
                if (e == ERR_MEMORY_QUOTA || e == ERR_INVALID) {
                        l.quota_reached |= e == ERR_MEMORY_QUOTA;
                        /* one fact that cannot be kept does not cost the turn */
                        err_clear(cx);
                        continue;
                }
                TRY(e);
                const MemoryWritten *w = &l.v[l.n++];
                if (w->event == MEMORY_ADD || w->event == MEMORY_SUPERSEDE)
                        created[l.created.n++] = w->row.memory_id;
        }
        if (facts->is_cut)
                LOG(cx, LOG_WARN, "memory.learn.cut", "a turn says more than is learned of one",
                    L_INT("facts", (int64_t)facts->n));
        l.created.v = created;
        *ret = l;
        return OK;
}
