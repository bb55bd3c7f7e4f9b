// SPDX-License-Identifier: MIT
#pragma once
/* profile: 27 fields of a person, each with where it came from. Rules fill
 * it from memories in the write that changes them; what the person sets is never overwritten by a rule.
 * Values are sealed. */
#include "codec/shape.h"
#include "memory/memory.h"

typedef struct Profile {
        Str user_id, name;
        OptInt age;
        Str gender, language, location, education, profession, workplace;
        OptInt experience_years;
        Strs skills;
        Str relationship_status, partner_name;
        Strs family, interests, hobbies, goals, personality_traits;
        Str writing_style; /* formal, casual, technical */
        OptBool prefers_short_responses, uses_emojis;
        Str tone_preference; /* friendly, professional, humorous */
        Str likes, dislikes; /* JSON: {category: [thing]} */
        Str timezone;
        Strs active_hours; /* "09:00-12:00" */
        Str routines;      /* JSON: {name: text} */
        /* JSON by path; STR_NULL when not asked for */
        Str provenance;
        double profile_completeness; /* 0..100, one decimal */
        int64_t created_at, updated_at, last_conversation, total_conversations;
} Profile;
Err profile_get(Ctx *cx, const MemoryScope *s, bool provenance, Profile *ret) _must_check_;

/* `patch` is the text of a JSON object of profile fields that were checked for type; null clears one.
 * ERR_INVALID names a member that is not a field. */
Err profile_patch(Ctx *cx, const MemoryScope *s, Str patch) _must_check_;
/* ERR_NOT_FOUND: none, or empty */
Err profile_clear(Ctx *cx, const MemoryScope *s, Str field) _must_check_;

typedef struct ProfileSummary {
        Str user_id, name, communication_style;
        Strs key_facts, preferences; /* <= 10, <= 5 */
        double profile_completeness;
} ProfileSummary;
Err profile_summary(Ctx *cx, const MemoryScope *s, ProfileSummary *ret) _must_check_;

/* "UTC+2", "-03:30", or a name of the system's zone files. */
bool zone_is_known(Str zone);

/* Minutes east of UTC of the profile's timezone at that moment; 0 when it has none that is known. */
Err profile_utc_offset(Ctx *cx, const MemoryScope *s, int64_t at_ms, int *ret_min) _must_check_;
