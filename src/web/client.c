// SPDX-License-Identifier: MIT
/* One thread drives all transfers: curl_multi_socket_action over epoll, so that the cost follows
 * the sockets that move and not the ones that are open. Other threads only put a call on the
 * command list and ring the eventfd; every libcurl handle is touched by the client's thread alone.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "sys/thread.h"
#include "web/client.h"
#include "web/client_curl.h"

enum {
        CALLS_MAX = 8192,
        /* how exactly first_byte_ms and between_ms are kept */
        TICK_MS = 50,
        EVENTS_MAX = 64,
        /* per running transfer; answers come in small pieces */
        RECEIVE_BYTES = 1024,
        IDLE_CONNECTIONS = 64,
};

struct Call {
        Client *client;
        Call *prev, *next; /* of the active ones */
        Call *cmd_next;
        bool queued, want_start, want_resume, want_cancel; /* under client->lock */

        Arena *arena;
        CURL *easy;
        struct curl_slist *headers;
        char *body; /* until it is sent and answered: a stream goes on for long after that */
        size_t body_n;
        CallEvents ev;
        CallResult r;
        Str retry_after_ms;
        int64_t first_byte_ms, between_ms, total_ms, now_ms, started_us, moved_us;
        size_t taken, response_max;
        bool allow_private, idempotent;
        bool sent, has_head, paused, denied, too_large, cancelled;
};

struct Client {
        CURLM *multi;
        pthread_t thread;
        int epoll, bell;
        /* when libcurl wants to be called; -1 = not at all */
        int64_t timer_us;
        Call *active; /* the thread's own */

        pthread_mutex_t lock;
        pthread_cond_t closed;
        Call *commands;
        size_t n_calls;
        bool runs, closing; /* runs: the thread and what is above are there */
};

/* ---- the result ---- */

typedef struct HeaderSlot {
        const char *name;
        size_t at;
} HeaderSlot;
static const HeaderSlot header_slots[] = {
        { "content-type", offsetof(Call, r.content_type) },
        { "retry-after", offsetof(Call, r.retry_after) },
        { "retry-after-ms", offsetof(Call, retry_after_ms) },
        { "x-request-id", offsetof(Call, r.request_id) },
        { "x-ratelimit-remaining-requests", offsetof(Call, r.ratelimit_remaining) },
        { "x-ratelimit-limit-requests", offsetof(Call, r.ratelimit_limit) },
        { "x-ratelimit-reset-requests", offsetof(Call, r.ratelimit_reset) },
};

static size_t on_header(char *p, size_t size, size_t n, void *arg) {
        Call *call = arg;
        Str line = str_trim(str_n(p, size * n));
        size_t colon = str_index(line, ':');
        Str name = str_to(line, colon), value = str_trim(str_from(line, colon + 1));

        call->moved_us = thread_mono_us();
        for (size_t i = 0; i < ELEMENTSOF(header_slots); i++) {
                Str *slot = (Str *)(void *)((char *)call + header_slots[i].at);
                /* a new head: what an interim answer (1xx) said does not count */
                if (str_starts(line, STR("HTTP/")))
                        *slot = STR_NULL;
                else if (str_eq_nocase(name, str_c(header_slots[i].name)))
                        *slot = arena_dup(call->arena, str_to(value, 256));
        }
        return size * n;
}

/* An answer may come before all of the request is sent. */
static void body_let_go(Call *call) {
        curl_off_t sent = 0;
        curl_easy_getinfo(call->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
        if ((size_t)sent < call->body_n)
                return;
        free(call->body);
        call->body = NULL;
}

static void head_deliver(Call *call) {
        if (call->has_head)
                return;
        long status = 0;
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
        call->has_head = true;
        body_let_go(call);
        call->r.status = (int)status;
        call->r.first_byte_us = thread_mono_us() - call->started_us;
        call->r.retry_after_ms =
                retry_after_parse(call->r.retry_after, call->retry_after_ms, call->now_ms);
        if (call->ev.head)
                call->ev.head(call->ev.arg, &call->r);
}

static size_t on_body(char *p, size_t size, size_t n, void *arg) {
        Call *call = arg;
        head_deliver(call);
        call->moved_us = thread_mono_us();
        if (n > call->response_max - call->taken) {
                call->too_large = true;
                return 0; /* ends the transfer */
        }
        call->taken += n;
        if (call->ev.chunk && !call->ev.chunk(call->ev.arg, str_n(p, n))) {
                call->paused = true;
                curl_easy_pause(call->easy, CURLPAUSE_RECV);
        }
        return size * n;
}

static const char *error_text(Call *call, CURLcode code) {
        if (call->denied)
                return "Address not allowed";
        if (call->too_large)
                return "Answer too large";
        switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST: return "Name not resolved";
        case CURLE_COULDNT_CONNECT: return "Connection refused";
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE: return "TLS error";
        case CURLE_OPERATION_TIMEDOUT: {
                int64_t ms = (thread_mono_us() - call->started_us) / 1000;
                return arena_printf(call->arena, "Timeout after %lld ms", (long long)ms);
        }
        default: return "Bad response";
        }
}

static Err error_code(const Call *call, CURLcode code) {
        if (code == CURLE_OK)
                return OK;
        if (call->cancelled)
                return ERR_CANCELLED;
        if (call->denied)
                return ERR_FORBIDDEN;
        if (call->too_large)
                return ERR_TOO_LARGE;
        if (call->sent && !call->idempotent && !call->has_head)
                return ERR_UNCERTAIN;
        return code == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_UPSTREAM;
}

/* ---- one transfer, on the client's thread ---- */

static void headers_free(struct curl_slist *list) {
        for (struct curl_slist *h = list; h; h = h->next)
                /* Authorization is among them */
                secret_wipe(h->data, strlen(h->data));
        curl_slist_free_all(list);
}

static void call_free(Call *call) {
        Client *c = call->client;
        pthread_mutex_lock(&c->lock);
        for (Call **at = &c->commands; call->queued && *at; at = &(*at)->cmd_next)
                if (*at == call) {
                        *at = call->cmd_next;
                        break;
                }
        c->n_calls--;
        pthread_mutex_unlock(&c->lock);
        if (call->easy)
                curl_easy_cleanup(call->easy);
        headers_free(call->headers);
        free(call->body);
        arena_free(call->arena);
        free(call);
}

static void call_finish(Call *call, CURLcode code) {
        Client *c = call->client;
        if (call->prev || c->active == call) {
                curl_multi_remove_handle(c->multi, call->easy);
                *(call->prev ? &call->prev->next : &c->active) = call->next;
                if (call->next)
                        call->next->prev = call->prev;
        }
        if (code == CURLE_OK)
                head_deliver(call); /* an answer without a body */
        curl_off_t connect_us = 0;
        curl_easy_getinfo(call->easy, CURLINFO_APPCONNECT_TIME_T, &connect_us);
        if (!connect_us)
                curl_easy_getinfo(call->easy, CURLINFO_CONNECT_TIME_T, &connect_us);
        call->r.connect_us = connect_us;
        call->r.total_us = thread_mono_us() - call->started_us;
        call->r.error = code == CURLE_OK ? NULL : error_text(call, code);
        call->ev.done(call->ev.arg, error_code(call, code), &call->r);
        call_free(call);
}

static void call_begin(Call *call) {
        Client *c = call->client;
        call->started_us = call->moved_us = thread_mono_us();
        if (curl_multi_add_handle(c->multi, call->easy) != CURLM_OK) {
                call_finish(call, CURLE_FAILED_INIT);
                return;
        }
        call->next = c->active;
        if (c->active)
                c->active->prev = call;
        c->active = call;
}

/* The two limits libcurl does not have. A paused call waits for us, not for the peer. */
static bool call_is_stalled(const Call *call, int64_t now_us) {
        if (call->paused)
                return false;
        if (!call->has_head)
                return now_us - call->started_us > call->first_byte_ms * 1000;
        return now_us - call->moved_us > call->between_ms * 1000;
}

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address) {
        Call *call = arg;
        if (!call->allow_private && !address_is_public(&address->addr)) {
                call->denied = true;
                return CURL_SOCKET_BAD;
        }
        return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* A connection kept from another call never passed on_open for this one. */
static int on_request(void *arg, char *peer, char *local, int peer_port, int local_port) {
        Call *call = arg;
        union {
                struct sockaddr any;
                struct sockaddr_in v4;
                struct sockaddr_in6 v6;
        } a = { 0 };
        if (inet_pton(AF_INET, peer, &a.v4.sin_addr) == 1)
                a.any.sa_family = AF_INET;
        else if (inet_pton(AF_INET6, peer, &a.v6.sin6_addr) == 1)
                a.any.sa_family = AF_INET6;
        if (!call->allow_private && !address_is_public(&a.any)) {
                call->denied = true;
                return CURL_PREREQFUNC_ABORT;
        }
        call->sent = true;
        return CURL_PREREQFUNC_OK;
}

/* ---- the thread ---- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known) {
        Client *c = arg;
        struct epoll_event ev = { .data.fd = fd };
        if (what == CURL_POLL_REMOVE) {
                epoll_ctl(c->epoll, EPOLL_CTL_DEL, fd, &ev);
                return 0;
        }
        ev.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
        /* A number that was closed and opened again may be known to one side only: try the other
         * way round. */
        if (epoll_ctl(c->epoll, EPOLL_CTL_MOD, fd, &ev) < 0 && errno == ENOENT)
                epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &ev);
        return 0;
}

static int on_timer(CURLM *multi, long ms, void *arg) {
        Client *c = arg;
        c->timer_us = ms < 0 ? -1 : thread_mono_us() + (int64_t)ms * 1000;
        return 0;
}

static int wait_ms(const Client *c) {
        int64_t ms = c->active ? TICK_MS : 60000;
        if (c->timer_us >= 0)
                ms = MIN(ms, MAX((c->timer_us - thread_mono_us() + 999) / 1000, 0));
        return (int)ms;
}

static Call *commands_take(Client *c, bool *ret_closing) {
        uint64_t rings;
        if (read(c->bell, &rings, sizeof rings) < 0)
                rings = 0; /* nobody rang: woken for another reason */
        pthread_mutex_lock(&c->lock);
        Call *list = c->commands;
        c->commands = NULL;
        for (Call *call = list; call; call = call->cmd_next)
                call->queued = false;
        *ret_closing = c->closing;
        pthread_mutex_unlock(&c->lock);
        return list;
}

static void command_run(Call *call) {
        Client *c = call->client;
        pthread_mutex_lock(&c->lock);
        bool start = call->want_start, resume = call->want_resume, cancel = call->want_cancel;
        call->want_start = call->want_resume = false;
        pthread_mutex_unlock(&c->lock);
        if (cancel) {
                call->cancelled = true;
                call_finish(call, CURLE_ABORTED_BY_CALLBACK);
        } else if (start) {
                call_begin(call);
        } else if (resume && call->paused) {
                call->paused = false;
                call->moved_us = thread_mono_us();
                curl_easy_pause(call->easy, CURLPAUSE_CONT);
        }
}

static void stalled_end(Client *c) {
        int64_t now_us = thread_mono_us();
        for (Call *call = c->active, *next; call; call = next) {
                next = call->next;
                if (call_is_stalled(call, now_us))
                        call_finish(call, CURLE_OPERATION_TIMEDOUT);
        }
}

static void finished_end(Client *c) {
        int left;
        for (CURLMsg *m; (m = curl_multi_info_read(c->multi, &left));) {
                Call *call;
                if (m->msg != CURLMSG_DONE)
                        continue;
                CURLcode code = m->data.result;
                curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&call);
                call_finish(call, code);
        }
}

static void sockets_run(Client *c, const struct epoll_event *events, int n) {
        int running;
        for (int i = 0; i < n; i++) {
                if (events[i].data.fd == c->bell)
                        continue;
                int what = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                           (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                           (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
                curl_multi_socket_action(c->multi, events[i].data.fd, what, &running);
        }
        if (c->timer_us >= 0 && thread_mono_us() >= c->timer_us) {
                c->timer_us = -1;
                curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        }
}

static void all_cancel(Client *c) {
        while (c->active) {
                c->active->cancelled = true;
                call_finish(c->active, CURLE_ABORTED_BY_CALLBACK);
        }
}

static void *client_main(void *arg) {
        Client *c = arg;
        int64_t looked_us = 0;
        for (bool closing = false; !closing;) {
                struct epoll_event events[EVENTS_MAX];
                int n = epoll_wait(c->epoll, events, EVENTS_MAX, wait_ms(c));
                for (Call *call = commands_take(c, &closing), *next; call; call = next) {
                        next = call->cmd_next;
                        command_run(call);
                }
                sockets_run(c, events, MAX(n, 0));
                finished_end(c);
                if (thread_mono_us() - looked_us >= TICK_MS * 1000) {
                        stalled_end(c);
                        looked_us = thread_mono_us();
                }
        }
        all_cancel(c);
        return NULL;
}

/* ---- life ---- */

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static void curl_start(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

Err client_new(Ctx *cx, Client **ret) {
        Client *c = calloc(1, sizeof *c);
        if (!c)
                abort();
        c->timer_us = -1;
        c->epoll = c->bell = -1;
        pthread_mutex_init(&c->lock, NULL);
        cond_init(&c->closed);
        *ret = c;
        return OK;
}

static Err client_open(Ctx *cx, Client *c) {
        pthread_once(&curl_once, curl_start);
        c->multi = curl_multi_init();
        c->epoll = epoll_create1(EPOLL_CLOEXEC);
        c->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        struct epoll_event ev = { .events = EPOLLIN, .data.fd = c->bell };
        if (!c->multi || c->epoll < 0 || c->bell < 0 ||
            epoll_ctl(c->epoll, EPOLL_CTL_ADD, c->bell, &ev) < 0)
                return RAISE(cx, ERR_INTERNAL, "outbound client: %s", strerror(errno));
        curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
        curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
        curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer);
        curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
        curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS);
        return thread_start(cx, "client", client_main, c, &c->thread);
}

static void client_shut(Client *c) {
        if (c->multi)
                curl_multi_cleanup(c->multi);
        if (c->epoll >= 0)
                close(c->epoll);
        if (c->bell >= 0)
                close(c->bell);
        c->multi = NULL;
        c->epoll = c->bell = -1;
}

/* With the first call: a server that calls nobody keeps neither the thread nor what libcurl sets
 * up. A failure is that call's; the next one tries again. */
static Err client_run(Ctx *cx, Client *c) {
        Err e = OK;
        pthread_mutex_lock(&c->lock);
        if (!c->runs && !c->closing) {
                e = client_open(cx, c);
                c->runs = !e;
                if (e)
                        client_shut(c);
        }
        pthread_mutex_unlock(&c->lock);
        return e;
}

static void bell_ring(Client *c) {
        uint64_t one = 1;
        if (write(c->bell, &one, sizeof one) < 0)
                assert(errno == EAGAIN); /* the counter is full: it rings already */
}

Client *client_free(Client *c) {
        if (!c)
                return NULL;
        pthread_mutex_lock(&c->lock);
        c->closing = true;
        bool runs = c->runs;
        pthread_cond_broadcast(&c->closed);
        pthread_mutex_unlock(&c->lock);
        if (runs) {
                bell_ring(c);
                pthread_join(c->thread, NULL);
        }
        client_shut(c);
        pthread_cond_destroy(&c->closed);
        pthread_mutex_destroy(&c->lock);
        free(c);
        return NULL;
}

size_t client_active(Client *c) {
        pthread_mutex_lock(&c->lock);
        size_t n = c->n_calls;
        pthread_mutex_unlock(&c->lock);
        return n;
}

/* ---- start ---- */

static bool part_is_set(CURLU *u, CURLUPart what) {
        char *part = NULL;
        bool set = curl_url_get(u, what, &part, 0) == CURLUE_OK && *part;
        curl_free(part);
        return set;
}

static Err url_check(Ctx *cx, const CallSpec *spec) {
        if (spec->url.n > 4096 || memchr(spec->url.p, '\0', spec->url.n))
                return RAISE(cx, ERR_FORBIDDEN, "not an address we call");
        TRY(curl_load(cx));
        CURLU *u = curl_url();
        char *scheme = NULL;
        bool parsed = curl_url_set(u, CURLUPART_URL, arena_cstr(cx->arena, spec->url),
                                   CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;
        bool userinfo =
                parsed && (part_is_set(u, CURLUPART_USER) || part_is_set(u, CURLUPART_PASSWORD));
        bool host = parsed && part_is_set(u, CURLUPART_HOST);
        bool scheme_ok =
                parsed && curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                (!strcmp(scheme, "https") || (!strcmp(scheme, "http") && spec->allow_private));
        curl_free(scheme);
        curl_url_cleanup(u);
        if (!host || userinfo || !scheme_ok)
                return RAISE(cx, ERR_FORBIDDEN, "not an address we call: %s",
                             userinfo ? "it holds a user name"
                             : !host  ? "no host"
                                      : "scheme");
        return OK;
}

static bool header_is_clean(const CallHeader *h) {
        for (size_t i = 0; i < h->name.n; i++)
                if (h->name.p[i] <= ' ' || h->name.p[i] == ':' || h->name.p[i] == 0x7f)
                        return false;
        for (size_t i = 0; i < h->value.n; i++)
                if ((unsigned char)h->value.p[i] < ' ' && h->value.p[i] != '\t')
                        return false;
        return h->name.n > 0;
}

static bool header_add(Call *call, const CallHeader *h) {
        /* libcurl takes "Name;" for a header without a value */
        Buf line = BUF(16 * 1024);
        buf_add(&line, h->name);
        buf_add_c(&line, h->value.n ? ": " : ";");
        buf_add(&line, h->value);
        struct curl_slist *more =
                line.full ? NULL : curl_slist_append(call->headers, buf_str(&line).p);
        if (more)
                call->headers = more;
        if (line.p)
                secret_wipe(line.p, line.n);
        buf_done(&line);
        return more != NULL;
}

/* A call never leaves without a header that its caller counts on. */
static Err headers_set(Ctx *cx, Call *call, const CallSpec *spec) {
        for (size_t i = 0; i < spec->n_headers; i++)
                if (!header_add(call, &spec->headers[i]))
                        return RAISE(cx, ERR_TOO_LARGE, "header %.*s of a call",
                                     STR_FMT(spec->headers[i].name));
        if (cx->trace_id[0] && cx->span_id[0]) {
                Str v = arena_strf(call->arena, "00-%s-%s-01", cx->trace_id, cx->span_id);
                (void)header_add(call, &(CallHeader){ STR("traceparent"), v });
        }
        /* none: no wait for 100-continue */
        struct curl_slist *more = curl_slist_append(call->headers, "Expect:");
        if (more)
                call->headers = more;
        curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
        return OK;
}

static void limits_set(Ctx *cx, Call *call, const CallSpec *spec) {
        int64_t left = cx_left_ms(cx);
        call->total_ms = MAX(MIN(spec->total_ms ? spec->total_ms : 60000, left), 1);
        call->first_byte_ms = spec->first_byte_ms ? spec->first_byte_ms : 15000;
        call->between_ms = spec->between_ms ? spec->between_ms : 20000;
        call->response_max = spec->response_max ? spec->response_max : 1024 * 1024;
        int64_t connect_ms = MIN(spec->connect_ms ? spec->connect_ms : 3000, call->total_ms);
        curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS, (long)call->total_ms);
        curl_easy_setopt(call->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
}

static void body_set(Call *call, const CallSpec *spec) {
        bool get = !strcmp(spec->method, "GET"), head = !strcmp(spec->method, "HEAD");
        call->idempotent =
                get || head || !strcmp(spec->method, "PUT") || !strcmp(spec->method, "DELETE");
        if (spec->body.p) {
                call->body_n = spec->body.n;
                call->body = malloc(call->body_n + 1);
                if (!call->body)
                        abort();
                memcpy(call->body, spec->body.p, call->body_n);
                curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_n);
                curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->body);
        } else if (head) {
                curl_easy_setopt(call->easy, CURLOPT_NOBODY, 1L);
        }
        curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, spec->method);
}

static void easy_set(Call *call, const CallSpec *spec) {
        CURL *e = call->easy;
        curl_easy_setopt(e, CURLOPT_URL, arena_cstr(call->arena, spec->url));
        curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
        curl_easy_setopt(e, CURLOPT_PROXY, "");
        curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(e, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
        curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
        curl_easy_setopt(e, CURLOPT_PRIVATE, call);
        curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open);
        curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, call);
        curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_request);
        curl_easy_setopt(e, CURLOPT_PREREQDATA, call);
        curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(e, CURLOPT_HEADERDATA, call);
        curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(e, CURLOPT_WRITEDATA, call);
}

/* On the list once, however often it is asked; the caller holds the lock. */
static void command_add(Call *call) {
        if (call->queued)
                return;
        call->queued = true;
        call->cmd_next = call->client->commands;
        call->client->commands = call;
}

static bool call_admit(Client *c) {
        pthread_mutex_lock(&c->lock);
        bool ok = !c->closing && c->n_calls < CALLS_MAX;
        c->n_calls += ok;
        pthread_mutex_unlock(&c->lock);
        return ok;
}

Err client_start(Ctx *cx, Client *c, const CallSpec *spec, const CallEvents *ev, Call **ret) {
        TRY(url_check(cx, spec));
        for (size_t i = 0; i < spec->n_headers; i++)
                if (!header_is_clean(&spec->headers[i]))
                        return RAISE(cx, ERR_FORBIDDEN, "header %zu holds control characters", i);
        TRY(client_run(cx, c));
        if (!call_admit(c))
                return RAISE(cx, ERR_UNAVAILABLE, "%d outbound calls run already", CALLS_MAX);

        Call *call = calloc(1, sizeof *call);
        if (!call)
                abort();
        *call = (Call){ .client = c,
                        .arena = arena_new_small(),
                        .easy = curl_easy_init(),
                        .ev = *ev,
                        .want_start = true,
                        .started_us = thread_mono_us(),
                        .now_ms = cx_now_ms(cx),
                        .r.retry_after_ms = -1,
                        .allow_private = spec->allow_private };
        if (!call->easy) {
                call_free(call);
                return RAISE(cx, ERR_INTERNAL, "no transfer handle");
        }
        easy_set(call, spec);
        Err e = headers_set(cx, call, spec);
        if (e) {
                call_free(call);
                return e;
        }
        limits_set(cx, call, spec);
        body_set(call, spec);
        *ret = call;
        pthread_mutex_lock(&c->lock);
        command_add(call);
        pthread_mutex_unlock(&c->lock);
        bell_ring(c);
        return OK;
}

void call_resume(Call *call) {
        Client *c = call->client;
        pthread_mutex_lock(&c->lock);
        call->want_resume = true;
        command_add(call);
        pthread_mutex_unlock(&c->lock);
        bell_ring(c);
}

void call_cancel(Call *call) {
        Client *c = call->client;
        pthread_mutex_lock(&c->lock);
        call->want_cancel = true;
        command_add(call);
        pthread_mutex_unlock(&c->lock);
        bell_ring(c);
}

/* ---- blocking ---- */

typedef struct Wait {
        pthread_mutex_t lock;
        pthread_cond_t cond;
        Ctx *cx;
        Buf body;
        CallResult r;
        Err e;
        bool done;
} Wait;

static bool wait_chunk(void *arg, Str bytes) {
        Wait *w = arg;
        buf_add(&w->body, bytes);
        return true;
}

/* The caller sleeps until `done`, so its arena is ours for the moment. */
static void wait_done(void *arg, Err e, const CallResult *r) {
        Wait *w = arg;
        Arena *a = w->cx->arena;
        pthread_mutex_lock(&w->lock);
        w->r = *r;
        Str *texts[] = { &w->r.content_type,        &w->r.retry_after,     &w->r.request_id,
                         &w->r.ratelimit_remaining, &w->r.ratelimit_limit, &w->r.ratelimit_reset };
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                *texts[i] = arena_dup(a, *texts[i]);
        w->r.body = arena_dup(a, w->body.n ? buf_str(&w->body) : STR(""));
        w->r.error = r->error ? arena_cstr(a, str_c(r->error)) : NULL;
        w->e = e;
        w->done = true;
        pthread_cond_signal(&w->cond);
        pthread_mutex_unlock(&w->lock);
}

static Err call_once(Ctx *cx, Client *c, const CallSpec *spec, CallResult *ret) {
        Wait w = { .lock = PTHREAD_MUTEX_INITIALIZER,
                   .cond = PTHREAD_COND_INITIALIZER,
                   .cx = cx,
                   .body = BUF(spec->response_max ? spec->response_max : 1024 * 1024) };
        CallEvents ev = { .arg = &w, .chunk = wait_chunk, .done = wait_done };
        Call *call;
        TRY(client_start(cx, c, spec, &ev, &call));
        pthread_mutex_lock(&w.lock);
        while (!w.done) /* total_ms bounds this */
                pthread_cond_wait(&w.cond, &w.lock);
        pthread_mutex_unlock(&w.lock);
        buf_done(&w.body);
        *ret = w.r;
        return w.e;
}

/* false: the client is closing. */
static bool client_sleep(Client *c, int64_t ms) {
        int64_t until_us = thread_mono_us() + ms * 1000;
        pthread_mutex_lock(&c->lock);
        while (!c->closing && cond_wait_until(&c->closed, &c->lock, until_us))
                ;
        bool open = !c->closing;
        pthread_mutex_unlock(&c->lock);
        return open;
}

Err client_call(Ctx *cx, Client *c, const CallSpec *spec, CallResult *ret) {
        CallResult r = { .retry_after_ms = -1 };
        for (int attempt = 0;; attempt++) {
                Err e = call_once(cx, c, spec, &r);
                uint32_t chance;
                cx_random(cx, &chance, sizeof chance);
                int64_t wait = retry_wait_ms(attempt, r.retry_after_ms, chance);
                bool again = attempt < spec->retries && call_is_retryable(e, r.status) &&
                             wait >= 0 && wait < cx_left_ms(cx);
                if (again && client_sleep(c, wait)) {
                        err_clear(cx);
                        continue;
                }
                /* the text of a failure is in r.error also when e is set */
                *ret = r;
                if (e)
                        return RAISE(cx, e, "%s: %s", spec->method, r.error ? r.error : "not sent");
                return OK;
        }
}
