// SPDX-License-Identifier: MIT
#pragma once
/* err: the one list of failures. Each line is the enum, the API's stable `code`, the HTTP status
 * and the public text. Product code returns these and never a status number; api/ looks the rest
 * up (RFC 9457 problem details). */
#include "base/macros.h"

#define ERR_LIST(X)                                                                                \
        /* the request itself */                                                                   \
        X(BAD_REQUEST, "bad_request", 400, "The request could not be understood")                  \
        X(BAD_JSON, "bad_json", 400, "The body is not valid JSON")                                 \
        X(MESSAGE_REQUIRED, "message_required", 400, "Message is required")                        \
        X(INVALID, "invalid_request", 422, "Some values are not valid")                            \
        X(MESSAGE_TOO_LONG, "message_too_long", 422,                                               \
          "The message is longer than 10000 characters")                                           \
        X(METHOD, "method_not_allowed", 405, "This method is not allowed here")                    \
        X(NOT_ACCEPTABLE, "not_acceptable", 406, "No acceptable representation")                   \
        X(REQUEST_TIMEOUT, "request_timeout", 408, "The request was not sent in time")             \
        X(CONFLICT, "conflict", 409, "It already exists or has changed")                           \
        X(LENGTH_REQUIRED, "length_required", 411, "A Content-Length is required")                 \
        X(PRECONDITION, "precondition_failed", 412, "The version given is not the current one")    \
        X(TOO_LARGE, "too_large", 413, "The request is too large")                                 \
        X(URI_TOO_LONG, "uri_too_long", 414, "The address is too long")                            \
        X(MEDIA_TYPE, "unsupported_media_type", 415, "Send application/json")                      \
        X(HEADERS_TOO_LARGE, "headers_too_large", 431, "The header fields are too large")          \
        X(NOT_IMPLEMENTED, "not_implemented", 501,                                                 \
          "The transfer coding of the request is not supported")                                   \
        X(HTTP_VERSION, "http_version_not_supported", 505, "Speak HTTP/1.1")                       \
        /* who is asking */                                                                        \
        X(UNAUTHENTICATED, "not_authenticated", 401,                                               \
          "Not authenticated. Provide a valid Bearer token or API key.")                           \
        X(TOKEN_INVALID, "invalid_token", 401, "Invalid token")                                    \
        X(TOKEN_EXPIRED, "token_expired", 401, "Token has expired")                                \
        X(CREDENTIALS, "invalid_credentials", 401, "Incorrect email or password")                  \
        X(REFRESH_INVALID, "invalid_refresh_token", 401, "Invalid refresh token")                  \
        X(REFRESH_REUSED, "refresh_reused", 401,                                                   \
          "This refresh token was used before; sign in again")                                     \
        X(FORBIDDEN, "forbidden", 403, "Not allowed")                                              \
        X(SCOPE, "insufficient_scope", 403, "The credential lacks the scope for this")             \
        X(USER_MISMATCH, "user_mismatch", 403, "The user named is not the user of the credential") \
        X(CSRF, "csrf_origin", 403, "The Origin of this request is not allowed")                   \
        X(EMAIL_UNVERIFIED, "email_not_verified", 403, "Verify the e-mail address first")          \
        X(TIER_REQUIRED, "tier_required", 403, "This needs a higher tier")                         \
        X(MEMORY_QUOTA, "memory_quota_exceeded", 403, "The memory limit of this tier is reached")  \
        X(NOT_FOUND, "not_found", 404, "Not found")                                                \
        X(MEMORY_NOT_FOUND, "memory_not_found", 404, "Memory not found")                           \
        /* accounts */                                                                             \
        X(EMAIL_TAKEN, "email_taken", 409, "An account with this e-mail address exists")           \
        X(LINK_INVALID, "invalid_link", 422, "This link or code is not valid any more")            \
        X(CODE_INVALID, "invalid_code", 401, "Incorrect code")                                     \
        X(PASSWORD_LONG, "password_too_long", 422, "The password is too long")                     \
        X(PASSWORD_COMMON, "password_too_common", 422,                                             \
          "This password is too common or too close to the e-mail address")                        \
        /* chat */                                                                                 \
        X(TURN_CONFLICT, "turn_conflict", 409, "This turn number is taken by another message")     \
        X(TURN_IN_PROGRESS, "turn_in_progress", 409,                                               \
          "Another turn of this conversation is running")                                          \
        X(MODEL_NOT_FOUND, "model_not_found", 404, "Unknown model")                                \
        X(UNSUPPORTED_OFFLINE, "unsupported_offline", 400,                                         \
          "This needs a language model and none is configured")                                    \
        X(LLM_UNAVAILABLE, "llm_unavailable", 503, "No language model is available")               \
        X(BUDGET, "budget_exhausted", 429, "The budget for language models is used up")            \
        /* idempotency */                                                                          \
        X(IDEMPOTENCY_MISMATCH, "idempotency_mismatch", 422,                                       \
          "This Idempotency-Key was used for another request")                                     \
        X(IDEMPOTENCY_BUSY, "idempotency_in_progress", 409,                                        \
          "The first request with this Idempotency-Key is running")                                \
        /* limits and failures of our own */                                                       \
        X(RATE_LIMITED, "rate_limit_exceeded", 429, "Too many requests")                           \
        X(LOCKED, "login_delayed", 429, "Too many failed attempts; wait and try again")            \
        X(HASH_QUEUE, "hash_queue_full", 503, "Too many sign-ins at once; try again shortly")      \
        X(UPSTREAM, "upstream_failed", 502, "A service we depend on failed")                       \
        X(UNAVAILABLE, "unavailable", 503, "Try again later")                                      \
        X(STORAGE, "storage_unavailable", 503, "Storage is not available; nothing was changed")    \
        X(TIMEOUT, "timeout", 504, "It took too long")                                             \
        X(UNCERTAIN, "uncertain", 502, "It may or may not have happened")                          \
        X(CANCELLED, "cancelled", 499, "The client went away")                                     \
        X(CORRUPT, "data_corrupt", 500, "Something went wrong")                                    \
        X(INTERNAL, "internal_error", 500, "Something went wrong")

typedef enum Err {
        OK = 0,
#define X(id, name, http, text) ERR_##id,
        ERR_LIST(X)
#undef X
                _ERR_N,
} Err;

typedef struct ErrInfo {
        const char *id, *name;
        int http;
        const char *text;
} ErrInfo;
extern const ErrInfo err_info[_ERR_N];
