// SPDX-License-Identifier: MIT
#pragma once
/* token_cache: principals of tokens that were verified. Bounded, sharded, four ways to a set,
 * the least used way goes first. Tokens are not kept, only a keyed hash of each (64 bits) and
 * its last 12 characters: these belong to the signature, the tag or the secret, so whoever can
 * match them has the token. A hit costs one hash, one lock that is nearly never contended, and
 * one comparison of the change sequence. */
#include "identity/change.h"
#include "identity/identity.h"

typedef struct TokenCache TokenCache;
typedef struct TokenHash {
        uint64_t sip;
        char tail[12];
} TokenHash;

enum { TOKEN_REFS_MAX = 3 }; /* what a token depends on: user, session or key, token id */

TokenCache *token_cache_new(Ctx *cx, Changes *changes, size_t max);
TokenCache *token_cache_free(TokenCache *t);
DEFINE_CLEANUP(TokenCache, token_cache_free)

/* `kind` keeps credentials apart that may have the same text: how it came matters to what it
 * opens. */
TokenHash token_hash(const TokenCache *t, unsigned kind, Str token);
bool token_cache_get(Ctx *cx, TokenCache *t, TokenHash h, Principal *ret) _must_check_;
/* What a verified principal rests on. `seen`: change_now before it was looked up. */
typedef struct TokenBasis {
        uint64_t seen;
        size_t n;
        ChangeRef refs[TOKEN_REFS_MAX];
} TokenBasis;
void token_cache_put(TokenCache *t, TokenHash h, const Principal *who, const TokenBasis *basis);
size_t token_cache_count(const TokenCache *t);
