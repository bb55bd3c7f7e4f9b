// SPDX-License-Identifier: MIT
/* What memory and chat keep about a person, for identity's export and erasure
 * (identity/personal.h). */
#include "identity/personal.h"
#include "app/app.h"
#include "chat/usage.h"
#include "codec/json.h"
#include "memory/profile.h"
#include "memory/turns.h"

enum { PAGE = 200 };

static const Shape memory_shape = SHAPE(MemoryRow,
        F_STR(MemoryRow, memory_id, F_REQ),
        F_STR(MemoryRow, type, F_REQ),
        F_STR(MemoryRow, content, F_REQ),
        F_STR(MemoryRow, status, F_REQ),
        F_TIME(MemoryRow, valid_from, F_NULL),
        F_TIME(MemoryRow, valid_to, F_NULL),
        F_TIME(MemoryRow, created_at, F_NULL),
        F_TIME(MemoryRow, updated_at, F_NULL),
        F_TIME(MemoryRow, expires_at, F_NULL),
        F_NUM(MemoryRow, confidence, F_REQ),
        F_STR(MemoryRow, source_kind, 0),
        F_STR(MemoryRow, source_conversation_id, 0),
        F_STRS(MemoryRow, tags, 0),
        F_STRS(MemoryRow, entities, 0),
        F_JSON(MemoryRow, context, 0),
        F_STR(MemoryRow, superseded_by, 0));

static const Shape version_shape = SHAPE(MemoryVersion,
        F_INT(MemoryVersion, version, F_REQ),
        F_TIME(MemoryVersion, at, F_REQ),
        F_STR(MemoryVersion, event, F_REQ),
        F_STR(MemoryVersion, reason, 0),
        F_STR(MemoryVersion, old_content, F_NULL),
        F_STR(MemoryVersion, new_content, F_NULL),
        F_STR(MemoryVersion, actor, 0));

static const Shape conversation_shape = SHAPE(Conversation,
        F_STR(Conversation, conversation_id, F_REQ),
        F_STR(Conversation, external_id, 0),
        F_STR(Conversation, title, F_NULL),
        F_STR(Conversation, timezone, 0),
        F_JSON(Conversation, metadata, 0),
        F_TIME(Conversation, created_at, F_REQ),
        F_TIME(Conversation, updated_at, F_REQ));

static const Shape turn_shape = SHAPE(Turn,
        F_STR(Turn, turn_id, F_REQ),
        F_STR(Turn, role, F_REQ),
        F_STR(Turn, speaker, 0),
        F_STR(Turn, text, F_REQ),
        F_STR(Turn, caption, 0),
        F_STR(Turn, external_id, 0),
        F_TIME(Turn, at, F_REQ));

static const Shape profile_shape = SHAPE(Profile,
        F_STR(Profile, name, F_NULL),
        F_OINT(Profile, age, F_NULL),
        F_STR(Profile, gender, F_NULL),
        F_STR(Profile, language, F_NULL),
        F_STR(Profile, location, F_NULL),
        F_STR(Profile, education, F_NULL),
        F_STR(Profile, profession, F_NULL),
        F_STR(Profile, workplace, F_NULL),
        F_OINT(Profile, experience_years, F_NULL),
        F_STRS(Profile, skills, 0),
        F_STR(Profile, relationship_status, F_NULL),
        F_STR(Profile, partner_name, F_NULL),
        F_STRS(Profile, family, 0),
        F_STRS(Profile, interests, 0),
        F_STRS(Profile, hobbies, 0),
        F_STRS(Profile, goals, 0),
        F_STRS(Profile, personality_traits, 0),
        F_STR(Profile, writing_style, F_NULL),
        F_OBOOL(Profile, prefers_short_responses, F_NULL),
        F_OBOOL(Profile, uses_emojis, F_NULL),
        F_STR(Profile, tone_preference, F_NULL),
        F_JSON(Profile, likes, 0),
        F_JSON(Profile, dislikes, 0),
        F_STR(Profile, timezone, F_NULL),
        F_STRS(Profile, active_hours, 0),
        F_JSON(Profile, routines, 0),
        F_JSON(Profile, provenance, 0));

static MemoryScope scope_of(App *a, DbConn *c, Str user_id) {
        return (MemoryScope){ .m = a->memory, .c = c, .user_id = user_id, .actor = "job" };
}

/* ---- memories with their history ---- */

static Err memory_write(Ctx *cx, const MemoryScope *s, const MemoryRow *row, Buf *out) {
        MemoryVersions h;
        TRY(memory_history(cx, s, row->memory_id, &h));
        buf_add_c(out, out->p[out->n - 1] == '[' ? "{\"memory\":" : ",\n{\"memory\":");
        json_write(out, &memory_shape, row);
        buf_add_c(out, ",\"history\":");
        json_write_list(out, &version_shape, (List){ h.v, h.n });
        buf_addc(out, '}');
        return OK;
}

static Err memories_write(Ctx *cx, DbConn *c, void *arg, Str user_id, Buf *out) {
        static const Str states[] = { { NULL, 0 }, STR("superseded"), STR("archived") };
        MemoryScope s = scope_of(arg, c, user_id);
        buf_addc(out, '[');
        for (size_t i = 0; i < ELEMENTSOF(states); i++) {
                MemoryFilter f = { .status = states[i], .limit = PAGE };
                do {
                        MemoryRows rows;
                        TRY(memory_list(cx, &s, &f, &rows, &f.cursor));
                        for (size_t k = 0; k < rows.n; k++)
                                TRY(memory_write(cx, &s, &rows.v[k], out));
                } while (f.cursor.p && !out->full);
        }
        buf_addc(out, ']');
        return OK;
}

/* ---- conversations with every word ---- */

static Err conversation_write(Ctx *cx, const MemoryScope *s, const Conversation *k, Buf *out) {
        TurnFilter f = { .conversation_id = k->conversation_id, .limit = PAGE };
        Turns t;
        bool first = true;
        buf_add_c(out, out->p[out->n - 1] == '[' ? "{\"conversation\":" : ",\n{\"conversation\":");
        json_write(out, &conversation_shape, k);
        buf_add_c(out, ",\"turns_newest_first\":[");
        do {
                TRY(turn_list(cx, s, &f, &t));
                for (size_t i = 0; i < t.n; i++, first = false) {
                        if (!first)
                                buf_addc(out, ',');
                        json_write(out, &turn_shape, &t.v[i]);
                        f.before = t.v[i].seq;
                }
        } while (t.n == PAGE && !out->full);
        buf_add_c(out, "]}");
        return OK;
}

static Err conversations_write(Ctx *cx, DbConn *c, void *arg, Str user_id, Buf *out) {
        MemoryScope s = scope_of(arg, c, user_id);
        ConversationFilter f = { .limit = PAGE };
        buf_addc(out, '[');
        do {
                Conversations list;
                TRY(conversation_list(cx, &s, &f, &list, &f.cursor));
                for (size_t i = 0; i < list.n; i++)
                        TRY(conversation_write(cx, &s, &list.v[i], out));
        } while (f.cursor.p && !out->full);
        buf_addc(out, ']');
        return OK;
}

static Err profile_write(Ctx *cx, DbConn *c, void *arg, Str user_id, Buf *out) {
        MemoryScope s = scope_of(arg, c, user_id);
        Profile p;
        TRY(profile_get(cx, &s, true, &p));
        json_write(out, &profile_shape, &p);
        return OK;
}

static Err usage_write(Ctx *cx, DbConn *c, void *arg, Str user_id, Buf *out) {
        App *a = arg;
        UsageMonth m;
        TRY(usage_month(cx, &(ChatScope){ a->chat, c, user_id }, STR_NULL, &m));
        buf_addf(out, "{\"this_month\":{\"total_cost_micro_usd\":%lld,\"unpriced_calls\":%lld}}",
                 (long long)m.total_micro, (long long)m.unpriced);
        return OK;
}

/* ---- erasure ---- */

static Err memory_gone(Ctx *cx, DbConn *c, void *arg, Str user_id) {
        App *a = arg;
        return memory_erase(cx, a->memory, c, user_id);
}

static Err chat_gone(Ctx *cx, DbConn *c, void *arg, Str user_id) {
        App *a = arg;
        return chat_erase(cx, a->chat, c, user_id);
}

void personal_register(App *a) {
        const PersonalPart parts[] = {
                { "memories.json", "what is remembered, with every version", memories_write,
                  memory_gone, a },
                { "conversations.json", "conversations, word for word", conversations_write,
                  chat_gone, a },
                { "assistant_profile.json", "what was understood about the person, and from where",
                  profile_write, NULL, a },
                { "usage.json", "use of language models", usage_write, NULL, a },
        };
        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                identity_add_personal(a->identity, &parts[i]);
}
