// SPDX-License-Identifier: MIT
#pragma once
/* profile: 27 fields of a person, each with where it came from (contracts/memory.md section 5). Rules fill it from memories in
 * the write that changes them; what the person sets is never overwritten by a rule. Values are sealed. */
#include "memory/memory.h"

typedef struct Profile {
        Str user_id, language;
        Str values;                                   /* JSON object: the 27 fields, absent ones null or empty */
        Str provenance;                               /* JSON object by path */
        double completeness;                          /* 0..100, one decimal */
        int64_t created_at, updated_at, last_conversation, total_conversations;
} Profile;
Err profile_get(Ctx *cx, const MemoryScope *s, Profile *ret) _must_check_;

/* `patch` is a JSON object of profile fields; null clears one. ERR_INVALID names the member. */
Err profile_patch(Ctx *cx, const MemoryScope *s, Str patch, Profile *ret) _must_check_;
Err profile_clear(Ctx *cx, const MemoryScope *s, Str field) _must_check_;          /* ERR_NOT_FOUND: no such field or empty */

typedef struct ProfileSummary {
        Str user_id, name, communication_style;
        Strs key_facts, preferences;                  /* <= 10, <= 5 */
        double completeness;
} ProfileSummary;
Err profile_summary(Ctx *cx, const MemoryScope *s, ProfileSummary *ret) _must_check_;

/* Minutes east of UTC of the profile's timezone at that moment; 0 when it has none. */
Err profile_utc_offset(Ctx *cx, const MemoryScope *s, int64_t at_ms, int *ret_min) _must_check_;
