// SPDX-License-Identifier: MIT
/* The functions of libcurl that are called, each passed on to the library. With it come twenty
 * others, which a server that calls nobody does without. */
#define CURL_DISABLE_TYPECHECK /* its checks are macros of the names that are defined here */
#include "web/client_curl.h"

#include <curl/curl.h>
#include <stdarg.h>

#include "sys/late.h"

static LateLibrary lib = LATE_LIBRARY("libcurl.so.4", "for outbound calls");

Err curl_load(Ctx *cx) { return late_load(cx, &lib); }

/* One value follows: a long, a pointer or a curl_off_t, which are passed alike. */
_Static_assert(sizeof(long) == sizeof(void *) && sizeof(curl_off_t) == sizeof(void *), "LP64");
#define LATE_VALUE(type, name, params, args, last)                                                 \
        type name params {                                                                         \
                static void *at;                                                                   \
                va_list rest;                                                                      \
                va_start(rest, last);                                                              \
                void *value = va_arg(rest, void *);                                                \
                va_end(rest);                                                                      \
                return ((__typeof__(&name))late_function(&lib, &at, #name)) args;                  \
        }
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

LATE_VALUE(CURLcode, curl_easy_setopt, (CURL * c, CURLoption o, ...), (c, o, value), o)
LATE_VALUE(CURLcode, curl_easy_getinfo, (CURL * c, CURLINFO i, ...), (c, i, value), i)
LATE_VALUE(CURLMcode, curl_multi_setopt, (CURLM * m, CURLMoption o, ...), (m, o, value), o)

#define LATE(type, name, params, args) LATE_FUNCTION(&lib, type, name, params, args)

LATE(CURLcode, curl_global_init, (long flags), (flags))
LATE(void, curl_free, (void *p), (p))

LATE(CURL *, curl_easy_init, (void), ())
LATE(void, curl_easy_cleanup, (CURL * c), (c))
LATE(CURLcode, curl_easy_perform, (CURL * c), (c))
LATE(CURLcode, curl_easy_pause, (CURL * c, int mask), (c, mask))
LATE(CURLcode, curl_easy_recv, (CURL * c, void *p, size_t max, size_t *n), (c, p, max, n))
LATE(CURLcode, curl_easy_send, (CURL * c, const void *p, size_t max, size_t *n), (c, p, max, n))
LATE(const char *, curl_easy_strerror, (CURLcode rc), (rc))

LATE(CURLM *, curl_multi_init, (void), ())
LATE(CURLMcode, curl_multi_cleanup, (CURLM * m), (m))
LATE(CURLMcode, curl_multi_add_handle, (CURLM * m, CURL *c), (m, c))
LATE(CURLMcode, curl_multi_remove_handle, (CURLM * m, CURL *c), (m, c))
LATE(CURLMsg *, curl_multi_info_read, (CURLM * m, int *left), (m, left))
LATE(CURLMcode, curl_multi_socket_action, (CURLM * m, curl_socket_t fd, int what, int *running),
     (m, fd, what, running))

LATE(struct curl_slist *, curl_slist_append, (struct curl_slist * l, const char *s), (l, s))
LATE(void, curl_slist_free_all, (struct curl_slist * l), (l))

LATE(CURLU *, curl_url, (void), ())
LATE(void, curl_url_cleanup, (CURLU * u), (u))
LATE(CURLUcode, curl_url_get, (CURLU * u, CURLUPart what, char **part, unsigned flags),
     (u, what, part, flags))
LATE(CURLUcode, curl_url_set, (CURLU * u, CURLUPart what, const char *part, unsigned flags),
     (u, what, part, flags))
