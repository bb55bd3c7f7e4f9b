// SPDX-License-Identifier: MIT
#pragma once
/* once: random tokens that work one time: in mailed links, and between the two steps of a
 * sign-in. Stored as SHA-256. */
#include "identity/account.h"

typedef enum OnceKind {
        ONCE_VERIFY,
        ONCE_RESET,
        ONCE_EMAIL_OLD,
        ONCE_EMAIL_NEW,
        ONCE_MFA,
        _ONCE_N
} OnceKind;

typedef struct OnceNew {
        OnceKind kind;
        Str user_id, data; /* data: given back when it is redeemed; STR_NULL = none */
        int64_t ttl_s;
} OnceNew;
typedef struct OnceInfo {
        Str user_id, data; /* data: what was given to once_new, opened */
        int64_t tries, created_at;
} OnceInfo;

/* Inside a write: older ones of this kind and user end. Data is sealed. */
Err once_new(Ctx *cx, const Work *w, const OnceNew *in, Str *ret_token) _must_check_;
/* Looks without using. ERR_LINK_INVALID: unknown, used or expired. */
Err once_peek(Ctx *cx, const Work *w, OnceKind kind, Str token, OnceInfo *ret) _must_check_;
/* Inside a write: exactly one caller succeeds. */
Err once_redeem(Ctx *cx, const Work *w, OnceKind kind, Str token, OnceInfo *ret) _must_check_;
Err once_count_try(Ctx *cx, DbConn *c, Str token) _must_check_;
/* Whether one of this kind waits to be used. */
Err once_is_open(Ctx *cx, DbConn *c, OnceKind kind, Str user_id, bool *ret) _must_check_;
Err once_void(Ctx *cx, DbConn *c, OnceKind kind, Str user_id) _must_check_;
