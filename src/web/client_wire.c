// SPDX-License-Identifier: MIT
#include "web/client_wire.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>

#include "web/client_curl.h"
#include "web/client_mail.h"

enum { BUCKETS_MAX = 1024 * 1024 };

static void curl_freep(CURL **c) { curl_easy_cleanup(*c); }
static void slist_freep(struct curl_slist **l) { curl_slist_free_all(*l); }

static const char *timeout_text(Ctx *cx, int64_t ms) {
        return arena_printf(cx->arena, "Timeout after %lld ms", (long long)ms);
}

static const char *error_of(Ctx *cx, CURLcode rc, int64_t timeout_ms) {
        switch (rc) {
        case CURLE_OK: return NULL;
        case CURLE_COULDNT_RESOLVE_HOST: return "Name not resolved";
        case CURLE_COULDNT_CONNECT: return "Connection refused";
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_USE_SSL_FAILED:
        case CURLE_SSL_CACERT_BADFILE: return "TLS error";
        case CURLE_LOGIN_DENIED: return "Authentication failed";
        case CURLE_OPERATION_TIMEDOUT: return timeout_text(cx, timeout_ms);
        default: return "Bad response";
        }
}

static const char *library_error(Ctx *cx) {
        const char *error = curl_load(cx) ? cx->err.what : NULL;
        err_clear(cx);
        return error;
}

static CURL *easy_new(int64_t timeout_ms) {
        CURL *c = curl_easy_init();
        if (!c)
                abort();
        curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(c, CURLOPT_PROXY, "");
        curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
        curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
        return c;
}

/* ---- a question and an answer ---- */

typedef struct Wire {
        Ctx *cx;
        const WireSpec *spec;
        CURL *c;
        int64_t until_us;
} Wire;

/* False: the time is over. */
static bool wire_wait(const Wire *w, short events) {
        curl_socket_t fd = CURL_SOCKET_BAD;
        curl_easy_getinfo(w->c, CURLINFO_ACTIVESOCKET, &fd);
        int64_t left_ms = (w->until_us - cx_mono_us(w->cx)) / 1000;
        struct pollfd p = { .fd = fd, .events = events };
        return left_ms > 0 && poll(&p, 1, (int)left_ms) > 0;
}

static const char *wire_send(const Wire *w, Str left) {
        while (left.n) {
                size_t n = 0;
                CURLcode rc = curl_easy_send(w->c, left.p, left.n, &n);
                if (rc == CURLE_AGAIN && !wire_wait(w, POLLOUT))
                        return timeout_text(w->cx, w->spec->timeout_ms);
                if (rc != CURLE_OK && rc != CURLE_AGAIN)
                        return "Bad response";
                left = str_from(left, n);
        }
        return NULL;
}

static const char *wire_receive(const Wire *w, Buf *answer) {
        while (!w->spec->is_whole(buf_str(answer), w->spec->arg)) {
                char bytes[4096];
                size_t n = 0;
                CURLcode rc = curl_easy_recv(w->c, bytes, sizeof bytes, &n);
                if (rc == CURLE_AGAIN) {
                        if (!wire_wait(w, POLLIN))
                                return timeout_text(w->cx, w->spec->timeout_ms);
                        continue;
                }
                if (rc != CURLE_OK || !n || !buf_add(answer, str_n(bytes, n)))
                        return "Bad response"; /* lost, closed, or too much of it */
        }
        return NULL;
}

const char *wire_ask(Ctx *cx, const WireSpec *spec, Str *ret_answer) {
        const char *error = library_error(cx);
        if (error)
                return error;
        _cleanup_(curl_freep) CURL *c = easy_new(spec->timeout_ms);
        _cleanup_(buf_done) Buf answer = BUF(spec->answer_max);
        Wire w = { cx, spec, c, cx_mono_us(cx) + spec->timeout_ms * 1000 };
        curl_easy_setopt(c, CURLOPT_CONNECT_ONLY, 1L);
        curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(c, CURLOPT_URL,
                         arena_printf(cx->arena, "%s://%.*s:%d", spec->tls ? "https" : "http",
                                      STR_FMT(spec->host), spec->port));
        error = error_of(cx, curl_easy_perform(c), spec->timeout_ms);
        if (!error)
                error = wire_send(&w, spec->ask);
        if (!error)
                error = wire_receive(&w, &answer);
        if (!error)
                *ret_answer = arena_dup(cx->arena, buf_str(&answer));
        return error;
}

/* ---- mail ---- */

static CURLcode on_tls(CURL *c, void *context, void *arg) {
        *(bool *)arg = true;
        return CURLE_OK;
}

static size_t on_nothing(char *p, size_t size, size_t n, void *arg) { return size * n; }

const char *mail_probe(Ctx *cx, Str server, int64_t timeout_ms, bool *ret_tls) {
        const char *error = library_error(cx);
        if (error)
                return error;
        _cleanup_(curl_freep) CURL *c = easy_new(timeout_ms);
        *ret_tls = false;
        curl_easy_setopt(c, CURLOPT_URL, arena_cstr(cx->arena, server));
        curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
        curl_easy_setopt(c, CURLOPT_USE_SSL,
                         mail_needs_tls(server) ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_TRY);
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, "NOOP");
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
        curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_nothing);
        curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, on_tls);
        curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, ret_tls);
        return error_of(cx, curl_easy_perform(c), timeout_ms);
}

/* ---- buckets ---- */

static size_t on_body(char *p, size_t size, size_t n, void *arg) {
        return buf_add(arg, str_n(p, size * n)) ? size * n : 0;
}

/* SHA-256 of nothing: a GET has no body. */
#define EMPTY_DIGEST "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

const char *buckets_get(Ctx *cx, const BucketsSpec *spec, int *ret_status, Str *ret_body) {
        const char *error = library_error(cx);
        if (error)
                return error;
        _cleanup_(curl_freep) CURL *c = easy_new(spec->timeout_ms);
        _cleanup_(slist_freep) struct curl_slist *headers =
                curl_slist_append(NULL, "x-amz-content-sha256: " EMPTY_DIGEST);
        _cleanup_(buf_done) Buf body = BUF(BUCKETS_MAX);
        long status = 0;
        curl_easy_setopt(c, CURLOPT_URL, arena_cstr(cx->arena, spec->url));
        curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(c, CURLOPT_AWS_SIGV4,
                         arena_printf(cx->arena, "aws:amz:%.*s:s3", STR_FMT(spec->region)));
        curl_easy_setopt(c, CURLOPT_USERNAME, arena_cstr(cx->arena, spec->access_key));
        curl_easy_setopt(c, CURLOPT_PASSWORD, arena_cstr(cx->arena, spec->secret_key));
        curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(c, CURLOPT_WRITEDATA, &body);
        error = error_of(cx, curl_easy_perform(c), spec->timeout_ms);
        if (error)
                return error;
        curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
        *ret_status = (int)status;
        *ret_body = arena_dup(cx->arena, body.n ? buf_str(&body) : STR(""));
        return NULL;
}

const char *client_library(void) { return LIBCURL_VERSION; }
