// SPDX-License-Identifier: MIT
#include "api/docs.h"

#include <pthread.h>

#include "api/api.h"
#include "codec/when.h"
#include "web/static.h"

enum { OPENAPI_MAX = 4 * 1024 * 1024 };

/* The document is printed when it is first asked for: most servers never are, and it is half a
 * megabyte. */
struct Docs {
        pthread_mutex_t lock;
        Str version, public_url;
        Buf openapi;
        Static *ui;
};

static const char page_csp[] =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors "
        "'none'";

static const char ui_page[] =
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Mainstay "
        "API</title>\n"
        "<link rel=\"icon\" type=\"image/png\" href=\"/docs/favicon-32x32.png\">\n"
        "<link rel=\"stylesheet\" href=\"/docs/swagger-ui.css\">\n</head>\n<body>\n<div "
        "id=\"swagger-ui\"></div>\n"
        "<script src=\"/docs/swagger-ui-bundle.js\"></script>\n<script "
        "src=\"/docs/start.js\"></script>\n</body>\n</html>\n";

static const char ui_start[] =
        "SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true, "
        "docExpansion: 'none',\n"
        "  defaultModelsExpandDepth: -1, persistAuthorization: false, validatorUrl: null });\n";

static const char plain_page[] =
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Mainstay "
        "API</title>\n</head>\n<body>\n"
        "<h1>Mainstay API</h1>\n<p>The interactive page is not installed on this server. The API "
        "is described in "
        "<a href=\"/openapi.json\">openapi.json</a>, which any OpenAPI 3.1 viewer "
        "shows.</p>\n</body>\n</html>\n";

Err docs_new(Ctx *cx, Str dir, Str version, Str public_url, Docs **ret) {
        Docs *d = calloc(1, sizeof *d);
        if (!d)
                abort();
        *d = (Docs){ .version = version, .public_url = public_url, .openapi = BUF(OPENAPI_MAX) };
        pthread_mutex_init(&d->lock, NULL);
        if (dir.n && static_open(cx, dir, &d->ui))
                /* the page is a convenience: without it the server still serves */
                err_clear(cx);
        *ret = d;
        return OK;
}

Docs *docs_free(Docs *d) {
        if (d) {
                static_close(d->ui);
                buf_done(&d->openapi);
                pthread_mutex_destroy(&d->lock);
        }
        free(d);
        return NULL;
}

static Str document(Docs *d) {
        pthread_mutex_lock(&d->lock);
        if (!d->openapi.n)
                openapi_write(&d->openapi, route_tables, d->version, d->public_url);
        pthread_mutex_unlock(&d->lock);
        return buf_str(&d->openapi);
}

static Err page(Req *rq, Str type, Str body) {
        req_header(rq, STR("Content-Security-Policy"), str_c(page_csp));
        return req_raw(rq, type, body);
}

static Err index_handle(Req *rq, const void *in, void *ret) {
        return page(rq, STR("text/html; charset=utf-8"),
                    str_c(rq->sv->docs->ui ? ui_page : plain_page));
}

static Err file_handle(Req *rq, const void *in, void *ret) {
        if (!rq->sv->docs->ui)
                return ERR_NOT_FOUND;
        if (str_eq(rq->path[0], STR("start.js")))
                return page(rq, STR("text/javascript; charset=utf-8"), str_c(ui_start));
        StaticFile f;
        TRY(static_get(rq->cx, rq->sv->docs->ui, rq->path[0],
                       exchange_header(rq->x, "if-none-match"), &f));
        rq->status = f.status;
        req_header(rq, STR("ETag"), f.etag);
        req_header(rq, STR("Cache-Control"), f.cache_control);
        return page(rq, f.type, f.body);
}

static Err openapi_handle(Req *rq, const void *in, void *ret) {
        req_header(rq, STR("Cache-Control"), STR("no-cache"));
        return req_raw(rq, STR("application/json"), document(rq->sv->docs));
}

static Err home_handle(Req *rq, const void *in, void *ret) {
        rq->status = 302;
        req_header(rq, STR("Location"), STR("/docs"));
        return req_raw(rq, STR("text/plain; charset=utf-8"), STR("See /docs\n"));
}

/* Problem types resolve to a page that says what they mean (RFC 9457 section 3.1.1). */
static Err problem_handle(Req *rq, const void *in, void *ret) {
        for (int e = 1; e < _ERR_N; e++)
                if (str_eq_c(rq->path[0], err_info[e].name))
                        return page(rq, STR("text/html; charset=utf-8"),
                                    arena_strf(rq->cx->arena,
                                               "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta "
                                               "charset=\"utf-8\">\n"
                                               "<meta name=\"viewport\" "
                                               "content=\"width=device-width, initial-scale=1\">\n"
                                               "<title>%s</title>\n</head>\n<body>\n<h1>%s</"
                                               "h1>\n<p>HTTP status %d. %s.</p>\n"
                                               "</body>\n</html>\n",
                                               err_info[e].name, err_info[e].name, err_info[e].http,
                                               err_info[e].text));
        return ERR_NOT_FOUND;
}

/* RFC 9116; it advises less than a year ahead. */
static Err security_txt_handle(Req *rq, const void *in, void *ret) {
        Str expires = when_format(rq->cx->arena, cx_now_ms(rq->cx) + 180 * DAY_MS);
        return req_raw(rq, STR("text/plain; charset=utf-8"),
                       arena_strf(rq->cx->arena,
                                  "Contact: %.*s/docs\nExpires: %.*s\nPreferred-Languages: en\n",
                                  STR_FMT(rq->sv->public_url), STR_FMT(expires)));
}

#define PAGE_ROW                                                                                   \
        .lane = LANE_INLINE, .auth = AUTH_NONE, .rate = RATE_NONE, .tag = "Documentation",         \
        .audit_none = "public text"

const Route docs_routes[] = {
        { .id = "home",
          .method = GET,
          .path = "/",
          PAGE_ROW,
          .produces = "text/plain",
          .status = 302,
          .summary = "To the API page",
          .fn = home_handle },
        { .id = "docs.page",
          .method = GET,
          .path = "/docs",
          PAGE_ROW,
          .produces = "text/html",
          .summary = "The API page",
          .fn = index_handle },
        { .id = "docs.file",
          .method = GET,
          .path = "/docs/{file}",
          PAGE_ROW,
          .produces = "*/*",
          .also_status = 304,
          .errors = ERRORS(ERR_NOT_FOUND),
          .summary = "Files of the API page",
          .fn = file_handle },
        { .id = "docs.openapi",
          .method = GET,
          .path = "/openapi.json",
          PAGE_ROW,
          .produces = "application/json",
          .summary = "This document",
          .fn = openapi_handle },
        { .id = "docs.problem",
          .method = GET,
          .path = "/problems/{code}",
          PAGE_ROW,
          .produces = "text/html",
          .errors = ERRORS(ERR_NOT_FOUND),
          .summary = "What a problem type means",
          .fn = problem_handle },
        { .id = "docs.security",
          .method = GET,
          .path = "/.well-known/security.txt",
          PAGE_ROW,
          .produces = "text/plain",
          .summary = "Where to report a vulnerability",
          .fn = security_txt_handle },
        { .id = NULL },
};
