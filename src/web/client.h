// SPDX-License-Identifier: MIT
#pragma once
/* client: every outbound HTTP request of the program (libcurl, one multi handle on one thread).
 *
 * Policy before connecting: https, or http where the operator named the target; no userinfo; the
 * resolved address checked against private, loopback and link-local ranges unless the operator
 * named the target (`allow_private`). Redirects and proxies of the environment are never followed.
 * Sizes and times are capped per call. TLS is always verified. */
#include "base/base.h"

struct sockaddr;

typedef struct Client Client;
typedef struct Call Call;

typedef struct CallHeader {
        Str name, value;
} CallHeader;
typedef struct CallSpec {
        const char *method; /* "GET", "POST" … */
        Str url;
        const CallHeader *headers;
        size_t n_headers; /* traceparent is added from the Ctx */
        Str body;
        int64_t connect_ms, first_byte_ms, between_ms, total_ms; /* 0 = 3 s, 15 s, 20 s, 60 s */
        size_t response_max; /* 0 = 1 MiB; more is ERR_TOO_LARGE */
        bool allow_private;  /* the operator named this target */
        /* of blocking calls: see call_is_retryable and retry_wait_ms */
        int retries;
} CallSpec;
typedef struct CallResult {
        int status;                                /* HTTP status; 0 when there was no answer */
        Str body;                                  /* whole body (blocking); in the arena */
        Str content_type, retry_after, request_id; /* selected headers; in the arena */
        /* from retry-after-ms or Retry-After (seconds or date); -1 = absent */
        int64_t retry_after_ms;
        Str ratelimit_remaining, ratelimit_limit, ratelimit_reset; /* x-ratelimit-*-requests */
        int64_t connect_us, first_byte_us, total_us;
        /* for the log and health: "Connection refused", "Timeout after 2000 ms", …; NULL when answered */
        const char *error;
} CallResult;

Err client_new(Ctx *cx, Client **ret) _must_check_;
Client *client_free(Client *c); /* cancels what runs, joins */
DEFINE_CLEANUP(Client, client_free)
size_t client_active(Client *c); /* calls between start and done */

/* Blocking; not on a loop thread. OK when any HTTP answer came (look at status). ERR_UPSTREAM:
 * refused, reset, TLS, name; ERR_TIMEOUT; ERR_TOO_LARGE; ERR_FORBIDDEN: the policy;
 * ERR_UNAVAILABLE: too many calls at once, or no thread for them; ERR_UNCERTAIN: sent, and the
 * answer was lost (non-idempotent methods). */
Err client_call(Ctx *cx, Client *c, const CallSpec *spec, CallResult *ret) _must_check_;

/* Asynchronous, for streams. Callbacks run on the client's thread and must not block. `head` when
 * status and headers are known, `chunk` for body bytes, `done` once at the end (also after cancel:
 * ERR_CANCELLED). `r` is valid inside the callback. *ret is written before the first callback runs;
 * the Call is gone when `done` returns. The spec is copied. */
typedef struct CallEvents {
        void *arg;
        void (*head)(void *arg, const CallResult *r);
        /* false: pause until call_resume; the bytes were taken */
        bool (*chunk)(void *arg, Str bytes);
        void (*done)(void *arg, Err e, const CallResult *r);
} CallEvents;
Err client_start(Ctx *cx, Client *c, const CallSpec *spec, const CallEvents *ev,
                 Call **ret) _must_check_;
void call_resume(Call *call); /* any thread, until done */
void call_cancel(Call *call); /* any thread, until done */

/* ---- policy, pure (client_policy.c) ---- */
enum { RETRY_AFTER_MAX_MS = 10000 };
/* Worth another try at the same place: no connection, no answer in time, 408, 429, 500, 502, 503,
 * 504. */
bool call_is_retryable(Err e, int status);
/* How long to wait before try number `attempt` + 1 (0-based): full jitter over 250 ms · 2^attempt,
 * at most 4 s, or what the server asked for (retry_after_ms >= 0). -1: it asked for more than
 * RETRY_AFTER_MAX_MS, do not wait. */
int64_t retry_wait_ms(int attempt, int64_t retry_after_ms, uint32_t chance);
/* Retry-After in seconds or as a date (RFC 9110 10.2.3), or milliseconds of retry-after-ms; -1:
 * neither. */
int64_t retry_after_parse(Str retry_after, Str retry_after_ms, int64_t now_ms);
/* Is this address on the public internet? Also looks into IPv4 mapped, 6to4 and NAT64 forms (RFC
 * 6890, RFC 4291). */
bool address_is_public(const struct sockaddr *address);
