// SPDX-License-Identifier: MIT
/* The profile of the caller. */
#include "memory/profile.h"

#include "api/memory_view.h"

enum { BODY_MAX = 64 * 1024, ITEMS_MAX = 100, ITEM_MAX = 300 };

#define PROFILE_FIELDS(flags)                                                                      \
        F_STR(Profile, name, flags, .min = 1, .max = ITEM_MAX),                                    \
                F_OINT(Profile, age, flags, .min = 1, .max = 130),                                 \
                F_STR(Profile, gender, flags, .min = 1, .max = ITEM_MAX),                          \
                F_STR(Profile, language, flags, .min = 1, .max = ITEM_MAX),                        \
                F_STR(Profile, location, flags, .min = 1, .max = ITEM_MAX),                        \
                F_STR(Profile, education, flags, .min = 1, .max = ITEM_MAX),                       \
                F_STR(Profile, profession, flags, .min = 1, .max = ITEM_MAX),                      \
                F_STR(Profile, workplace, flags, .min = 1, .max = ITEM_MAX),                       \
                F_OINT(Profile, experience_years, flags, .min = 0, .max = 90),                     \
                F_STRS(Profile, skills, flags, .max = ITEMS_MAX, .item_max = ITEM_MAX),            \
                F_STR(Profile, relationship_status, flags, .min = 1, .max = ITEM_MAX),             \
                F_STR(Profile, partner_name, flags, .min = 1, .max = ITEM_MAX),                    \
                F_STRS(Profile, family, flags, .max = ITEMS_MAX, .item_max = ITEM_MAX),            \
                F_STRS(Profile, interests, flags, .max = ITEMS_MAX, .item_max = ITEM_MAX),         \
                F_STRS(Profile, hobbies, flags, .max = ITEMS_MAX, .item_max = ITEM_MAX),           \
                F_STRS(Profile, goals, flags, .max = ITEMS_MAX, .item_max = ITEM_MAX),             \
                F_STRS(Profile, personality_traits, flags, .max = ITEMS_MAX,                       \
                       .item_max = ITEM_MAX),                                                      \
                F_STR(Profile, writing_style, flags, .one_of = "formal|casual|technical"),         \
                F_OBOOL(Profile, prefers_short_responses, flags),                                  \
                F_OBOOL(Profile, uses_emojis, flags),                                              \
                F_STR(Profile, tone_preference, flags,                                             \
                      .one_of = "friendly|professional|humorous"),                                 \
                F_JSON(Profile, likes, flags, .max = BODY_MAX, .one_of = "object",                 \
                       .doc = "things by category"),                                               \
                F_JSON(Profile, dislikes, flags, .max = BODY_MAX, .one_of = "object",              \
                       .doc = "things by category"),                                               \
                F_STR(Profile, timezone, flags, .min = 1, .max = 64),                              \
                F_STRS(Profile, active_hours, flags, .max = 24, .item_max = 11,                    \
                       .doc = "like 09:00-12:00"),                                                 \
                F_JSON(Profile, routines, flags, .max = BODY_MAX, .one_of = "object",              \
                       .doc = "text by name")

static const Shape profile_in = { .name = "ProfileChange",
                                  .size = sizeof(Profile),
                                  .fields = (const Field[]){ PROFILE_FIELDS(F_NULL),
                                                             { .type = FT_END } } };
static const Shape profile_view = SHAPE(Profile,
        F_STR(Profile, user_id, F_REQ),
        PROFILE_FIELDS(F_REQ | F_NULL),
        F_NUM(Profile, profile_completeness, F_REQ),
        F_TIME(Profile, created_at, F_REQ | F_NULL),
        F_TIME(Profile, updated_at, F_REQ | F_NULL),
        F_TIME(Profile, last_conversation, F_REQ | F_NULL),
        F_INT(Profile, total_conversations, F_REQ),
        F_JSON(Profile, provenance, 0,
                .doc = "by path: value, confidence, source, since when, " "earlier values"));

typedef struct ProfileQuery {
        OptBool provenance;
} ProfileQuery;
static const Shape profile_query = SHAPE(ProfileQuery, F_OBOOL(ProfileQuery, provenance, 0));

static Err profile_handle(Req *rq, const void *in, void *ret) {
        const ProfileQuery *q = rq->query;
        MemoryScope s = req_memory(rq);
        return profile_get(rq->cx, &s, !q->provenance.has || q->provenance.v, ret);
}

static Err patch_handle(Req *rq, const void *in, void *ret) {
        MemoryScope s = req_memory(rq);
        /* checked by shape; the text tells null from absent */
        TRY(profile_patch(rq->cx, &s, rq->x->body));
        return profile_get(rq->cx, &s, true, ret);
}

static Err clear_handle(Req *rq, const void *in, void *ret) {
        MemoryScope s = req_memory(rq);
        Err e = profile_clear(rq->cx, &s, rq->path[0]);
        if (e)
                return e == ERR_NOT_FOUND ? RAISE(rq->cx, e, "no such field, or it is empty") : e;
        return profile_get(rq->cx, &s, true, ret);
}

static const Shape summary_view = SHAPE(ProfileSummary,
        F_STR(ProfileSummary, user_id, F_REQ),
        F_STR(ProfileSummary, name, F_REQ | F_NULL),
        F_STRS(ProfileSummary, key_facts, F_REQ),
        F_STRS(ProfileSummary, preferences, F_REQ),
        F_STR(ProfileSummary, communication_style, F_REQ | F_NULL),
        F_NUM(ProfileSummary, profile_completeness, F_REQ));

static Err summary_handle(Req *rq, const void *in, void *ret) {
        MemoryScope s = req_memory(rq);
        return profile_summary(rq->cx, &s, ret);
}

#define PROFILE_ROW .auth = AUTH_USER, .scope = "profile", .tag = "Profile"
#define CHANGES                                                                                    \
        PROFILE_ROW, .lane = LANE_WRITE, .rate = RATE_WRITE,                                       \
                     .audit_none = "kept as previous values in the profile"

const Route profile_routes[] = {
        {
                .id = "profile.get",
                .method = GET,
                .path = "/api/v1/profile",
                PROFILE_ROW,
                .lane = LANE_READ,
                .rate = RATE_READ,
                .audit_none = "the caller reads own data",
                .query = &profile_query,
                .out = &profile_view,
                .summary = "What is known of the caller, and where from",
                .fn = profile_handle,
        },
        {
                .id = "profile.update",
                .method = PATCH,
                .path = "/api/v1/profile",
                CHANGES,
                .in = &profile_in,
                .out = &profile_view,
                .body_max = BODY_MAX,
                .summary = "Set fields; null clears one",
                .fn = patch_handle,
        },
        {
                .id = "profile.clear",
                .method = DELETE,
                .path = "/api/v1/profile/{field}",
                CHANGES,
                .out = &profile_view,
                .errors = ERRORS(ERR_NOT_FOUND),
                .summary = "Clear one field",
                .fn = clear_handle,
        },
        {
                .id = "profile.summary",
                .method = GET,
                .path = "/api/v1/profile/summary",
                PROFILE_ROW,
                .lane = LANE_READ,
                .rate = RATE_READ,
                .audit_none = "the caller reads own data",
                .out = &summary_view,
                .summary = "The profile in a few lines",
                .fn = summary_handle,
        },
        {},
};
