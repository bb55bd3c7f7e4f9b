// SPDX-License-Identifier: MIT
#pragma once
/* audit: what happened to accounts and data, appended in the transaction of the effect, so that
 * neither stands without the other.
 *
 * Records form a chain: hash = SHA-256(prev_hash, seq, ts, length-prefixed fields), see
 * audit_hash; numbers are 64 bits, big-endian. A checkpoint signs the newest hash with a key
 * derived from the root key, so that neither a record nor the tail before a checkpoint can be
 * altered, removed or reordered unseen. After an erasure the actor and target keep a pseudonym.
 * No passwords, tokens, keys, cookies or letters. */
#include "base/base.h"
#include "identity/user_key.h"
#include "store/db.h"

typedef struct Audit Audit; /* one per process; thread safe */

Audit *audit_new(Ctx *cx, UserKeys *keys,
                 const unsigned char seed[32]); /* seed: of the checkpoint key, from the root key */
Audit *audit_free(Audit *a);
DEFINE_CLEANUP(Audit, audit_free)

typedef struct AuditEvent {
        const char *event, *outcome; /* OWASP logging vocabulary; "success", "failure", "denied" */
        /* "user", "api_key", "system"; "session", "memory" … ; NULL = none */
        const char *actor_type, *target_type;
        Str actor_id, target_id;
        Str owner; /* user whose event it is; STR_NULL: actor_id when the actor is a user */
        Str ip, user_agent; /* cut to 45 and 200 bytes */
        Str reason;
} AuditEvent;

/* An event in one expression: AUDIT_EVENT("user_created", "success", AUDIT_BY_USER(id),
 * AUDIT_OF("user", id), AUDIT_FROM(caller)); members by name may follow. */
#define AUDIT_EVENT(event_, outcome_, ...)                                                         \
        (&(const AuditEvent){ .event = (event_), .outcome = (outcome_), __VA_ARGS__ })
#define AUDIT_BY_USER(id)       .actor_type = "user", .actor_id = (id)
#define AUDIT_BY_SYSTEM(owner_) .actor_type = "system", .owner = (owner_)
#define AUDIT_OF(type, id)      .target_type = (type), .target_id = (id)
#define AUDIT_FROM(caller)      .ip = (caller).ip, .user_agent = (caller).user_agent

/* Inside a write. The trace id comes from the Ctx. Fails closed: the caller's effect must fail
 * with it. */
Err audit_append(Ctx *cx, Audit *a, DbConn *c, const AuditEvent *e) _must_check_;

typedef struct AuditRecord {
        int64_t seq, ts_ms;
        Str event, outcome, actor_type, actor_id, target_type, target_id, trace_id, reason;
        Str owner; /* whose event it is: the user it is shown to; "" = nobody's */
        /* as stored: ip NL user agent, sealed with the owner's key where there is one */
        Str client;
        Str ip, user_agent;  /* opened; "" after an erasure. Not part of the hash */
        Str prev_hash, hash; /* 32 bytes each */
} AuditRecord;

/* What `hash` must be for this record: pure. ret is 32 bytes. */
void audit_hash(const AuditRecord *r, unsigned char ret[32]);

typedef struct AuditRecords {
        AuditRecord *v;
        size_t n;
} AuditRecords;

typedef struct AuditFilter {
        Str owner; /* only events about this user; STR_NULL = all */
        Str event, outcome;
        int64_t from_ms, to_ms; /* 0 = open */
        int64_t before_seq;     /* 0 = newest first from the end */
        int limit;
} AuditFilter;
Err audit_list(Ctx *cx, Audit *a, DbConn *c, const AuditFilter *f, AuditRecords *ret) _must_check_;

/* Oldest first, as stored, for exports. */
Err audit_scan(Ctx *cx, DbConn *c, int64_t after_seq, int limit, AuditRecords *ret) _must_check_;

/* Checkpoints are Ed25519 signatures over kind, seq, ts and hash. */
Err audit_checkpoint(Ctx *cx, Audit *a,
                     DbConn *c) _must_check_; /* inside a write; nothing new: nothing written */

/* Inside a write: records before `before_ms` go, at most AUDIT_PIECE of them; a signed base takes
 * the place of the last. */
enum { AUDIT_PIECE = 5000 };
Err audit_prune(Ctx *cx, Audit *a, DbConn *c, int64_t before_ms, int64_t *ret_gone) _must_check_;

typedef struct AuditVerdict {
        int64_t records, checkpoints, last_seq;
        int64_t bad_seq; /* 0 = the chain is whole */
        const char
                *fault; /* "hash", "link", "gap", "checkpoint", "truncated", "start"; NULL = none */
} AuditVerdict;
Err audit_verify(Ctx *cx, Audit *a, DbConn *c, AuditVerdict *ret) _must_check_;
