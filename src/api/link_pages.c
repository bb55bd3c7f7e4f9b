// SPDX-License-Identifier: MIT
/* The pages that mailed links open. Nothing happens by opening one (mail scanners do that): a
 * button sends the token on. The token leaves the address bar at once; no referrer carries it. */
#include "api/route.h"

static const char csp[] = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src "
                          "'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
                          "require-trusted-types-for 'script'";

static const char script[] =
        "const form = document.querySelector('form');\n"
        "const said = document.querySelector('output');\n"
        "const token = new URLSearchParams(location.search).get('token') ?? '';\n"
        "history.replaceState(null, '', location.pathname);\n"
        "form.addEventListener('submit', async (event) => {\n"
        "  event.preventDefault();\n"
        "  said.textContent = 'One moment …';\n"
        "  try {\n"
        "    const answer = await fetch(form.action, {\n"
        "      method: 'POST',\n"
        "      headers: { 'Content-Type': 'application/json' },\n"
        "      body: JSON.stringify({ token, ...Object.fromEntries(new FormData(form)) }),\n"
        "    });\n"
        "    const { status, detail, errors } = await answer.json();\n"
        "    form.hidden = answer.ok;\n"
        "    said.textContent = !answer.ok ? 'Sorry: ' + (errors?.[0]?.detail ?? detail)\n"
        "      : status === 'pending' ? 'Thank you. Now confirm from the other mailbox too.'\n"
        "      : 'Done. You can close this page.';\n"
        "  } catch {\n"
        "    said.textContent = 'The server did not answer. Please try again.';\n"
        "  }\n"
        "});\n"
        "if (!token) {\n"
        "  form.hidden = true;\n"
        "  said.textContent = 'This link is not complete. Please open it from the letter again.';\n"
        "}\n";

static const char style[] =
        ":root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }\n"
        "body { margin: 0; padding: 3rem 1.25rem; }\n"
        "main { max-width: 24rem; margin: 0 auto; }\n"
        "h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1.5rem; }\n"
        "label { display: block; margin-bottom: 1rem; }\n"
        "input, button { box-sizing: border-box; width: 100%; font: inherit; padding: .625rem "
        ".75rem; "
        "border: 1px solid #6b7280; border-radius: .5rem; }\n"
        "input { margin-top: .25rem; }\n"
        "button { border-color: #1d4ed8; background: #1d4ed8; color: #fff; cursor: pointer; }\n"
        "button:hover { background: #1e40af; }\n"
        ":focus-visible { outline: 3px solid #93c5fd; outline-offset: 2px; }\n"
        "output { display: block; margin-top: 1.25rem; }\n";

typedef struct Page {
        const char *path, *title, *action, *fields;
} Page;
static const Page pages[] = {
        { "/verify-email", "Verify your e-mail address", "email/verify", "" },
        { "/reset-password", "Set a new password", "password/reset",
          "<label>New password <input type=\"password\" name=\"new_password\" required "
          "autocomplete=\"new-password\"></label>\n" },
        { "/confirm-email", "Confirm the change of your e-mail address", "email/change/confirm",
          "" },
};

static Err page_send(Req *rq, Str type, Str body) {
        req_header(rq, STR("Content-Security-Policy"), str_c(csp));
        return req_raw(rq, type, body);
}

static Err page_handle(Req *rq, const void *in, void *ret) {
        const Page *p = pages;

        while (strcmp(p->path, rq->route->path) != 0)
                p++;
        return page_send(rq, STR("text/html; charset=utf-8"),
                         arena_strf(rq->cx->arena,
                                    "<!doctype html>\n<html lang=\"en\">\n<head>\n"
                                    "<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
                                    "content=\"width=device-width, initial-scale=1\">\n"
                                    "<title>%s</title>\n"
                                    "<link rel=\"stylesheet\" href=\"link.css\">\n"
                                    "</head>\n<body>\n<main>\n<h1>%s</h1>\n"
                                    "<form method=\"post\" action=\"api/v1/auth/%s\">\n"
                                    "%s<button>%s</button>\n</form>\n<output></output>\n"
                                    "<noscript>This page needs JavaScript.</noscript>\n"
                                    "</main>\n<script src=\"link.js\"></script>\n"
                                    "</body>\n</html>\n",
                                    p->title, p->title, p->action, p->fields, p->title));
}

static Err script_handle(Req *rq, const void *in, void *ret) {
        return page_send(rq, STR("text/javascript; charset=utf-8"), str_c(script));
}

static Err style_handle(Req *rq, const void *in, void *ret) {
        return page_send(rq, STR("text/css; charset=utf-8"), str_c(style));
}

#define PAGE(id_, path_, type_, summary_, fn_)                                                     \
        {                                                                                          \
                .id = id_, .method = GET, .path = path_, .lane = LANE_INLINE, .auth = AUTH_NONE,   \
                .rate = RATE_NONE, .produces = type_,                                              \
                .audit_none = "public text; what it sends is recorded", .tag = "Auth",             \
                .summary = summary_, .fn = fn_                                                     \
        }

const Route link_routes[] = {
        PAGE("link.verify", "/verify-email", "text/html", "Page of the letter that verifies",
             page_handle),
        PAGE("link.reset", "/reset-password", "text/html", "Page of the letter that resets",
             page_handle),
        PAGE("link.confirm", "/confirm-email", "text/html",
             "Page of the letters that change an address", page_handle),
        PAGE("link.script", "/link.js", "text/javascript", "Script of these pages", script_handle),
        PAGE("link.style", "/link.css", "text/css", "Style of these pages", style_handle),
        {},
};
