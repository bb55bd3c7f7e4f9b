// SPDX-License-Identifier: MIT
#include "web/client_mail.h"

#include <curl/curl.h>

#include "codec/base64.h"
#include "codec/uuid.h"
#include "codec/when.h"
#include "web/client_curl.h"

enum { LETTER_MAX = 256 * 1024, TIMEOUT_MS = 20000 };

static void curl_freep(CURL **c) { curl_easy_cleanup(*c); }
static void slist_freep(struct curl_slist **l) { curl_slist_free_all(*l); }

/* ---- the letter ---- */

static bool is_ascii(Str s) {
        for (size_t i = 0; i < s.n; i++)
                if ((unsigned char)s.p[i] >= 0x80)
                        return false;
        return true;
}

/* RFC 2047: words of at most 75 characters, cut at whole characters of UTF-8. */
static void add_words(Ctx *cx, Buf *out, Str text) {
        if (is_ascii(text)) {
                buf_add(out, text);
                return;
        }
        for (const char *fold = ""; text.n; fold = "\r\n ") {
                size_t n = str_utf8_cut(text, 42);
                Str word = base64_encode(cx->arena, str_to(text, n));
                buf_addf(out, "%s=?UTF-8?B?%.*s?=", fold, STR_FMT(word));
                text = str_from(text, n);
        }
}

static void add_body(Buf *out, Str body) {
        while (body.p) {
                Str line = str_cut(&body, '\n');
                if (line.n && line.p[line.n - 1] == '\r')
                        line.n--;
                buf_add(out, line);
                buf_add_c(out, "\r\n");
        }
}

static void letter_write(Ctx *cx, const MailSpec *m, Buf *out) {
        char date[HTTP_DATE_TEXT + 1];
        http_date_write(date, cx_now_ms(cx));
        buf_addf(out, "From: %.*s\r\nTo: <%.*s>\r\nSubject: ", STR_FMT(m->from), STR_FMT(m->to));
        add_words(cx, out, m->subject);
        buf_addf(out, "\r\nDate: %s\r\nMessage-ID: <%.*s@mainstay>\r\n", date,
                 STR_FMT(uuid_new(cx)));
        buf_add_c(out, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                       "Content-Transfer-Encoding: 8bit\r\nAuto-Submitted: auto-generated\r\n\r\n");
        add_body(out, m->body);
}

/* "Name <address>" -> "<address>". */
static const char *envelope(Ctx *cx, Str from) {
        size_t open = str_index(from, '<');
        Str address = open < from.n ? str_from(from, open + 1) : from;
        return arena_printf(cx->arena, "<%.*s>", STR_FMT(str_to(address, str_index(address, '>'))));
}

/* ---- handing it over ---- */

typedef struct Reader {
        Str left;
        bool all;
} Reader;

static size_t on_read(char *to, size_t size, size_t n, void *arg) {
        Reader *r = arg;
        size_t take = MIN(size * n, r->left.n);
        memcpy(to, r->left.p, take);
        r->left = str_from(r->left, take);
        r->all = !r->left.n;
        return take;
}

static bool is_loopback(Str server) {
        Str host = server;
        for (size_t at = str_index(host, '/'); at < host.n; at = str_index(host, '/'))
                host = str_from(host, at + 1);
        size_t at = str_index(host, '@');
        host = at < host.n ? str_from(host, at + 1) : host;
        return str_starts(host, STR("127.")) || str_starts(host, STR("[::1]")) ||
               str_starts(host, STR("localhost"));
}

bool mail_needs_tls(Str server) { return !is_loopback(server); }

static void prepare(Ctx *cx, CURL *c, const MailSpec *m, struct curl_slist *to, Reader *reader) {
        long timeout = (long)(m->timeout_ms ? m->timeout_ms : TIMEOUT_MS);
        curl_easy_setopt(c, CURLOPT_URL, arena_cstr(cx->arena, m->server));
        curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
        curl_easy_setopt(c, CURLOPT_USE_SSL,
                         mail_needs_tls(m->server) ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_TRY);
        curl_easy_setopt(c, CURLOPT_MAIL_FROM, envelope(cx, m->from));
        curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to);
        curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(c, CURLOPT_READDATA, reader);
        curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, timeout);
}

/* Handed over whole while the server's last word was still "go on" (354): nobody knows whether it
 * was kept. */
static Err outcome(Ctx *cx, CURL *c, CURLcode rc, bool all_sent) {
        long said = 0;
        if (rc == CURLE_OK)
                return OK;
        curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &said);
        Err e = all_sent && (said == 354 || said == 0) ? ERR_UNCERTAIN
                : rc == CURLE_OPERATION_TIMEDOUT       ? ERR_TIMEOUT
                                                       : ERR_UPSTREAM;
        return RAISE(cx, e, "mail: %s (after %ld)", curl_easy_strerror(rc), said);
}

static bool has_break(Str s) { return str_index(s, '\n') < s.n || str_index(s, '\r') < s.n; }

Err mail_send(Ctx *cx, const MailSpec *m) {
        if (has_break(m->to) || has_break(m->from) || has_break(m->subject))
                return RAISE(cx, ERR_INVALID, "mail: a line break in a header");
        _cleanup_(buf_done) Buf letter = BUF(LETTER_MAX);
        letter_write(cx, m, &letter);
        if (letter.full)
                return RAISE(cx, ERR_TOO_LARGE, "mail: over %d bytes", LETTER_MAX);
        TRY(curl_load(cx));
        _cleanup_(curl_freep) CURL *c = curl_easy_init();
        _cleanup_(slist_freep) struct curl_slist *to =
                curl_slist_append(NULL, arena_printf(cx->arena, "<%.*s>", STR_FMT(m->to)));
        if (!c || !to)
                abort();
        Reader reader = { .left = buf_str(&letter) };
        prepare(cx, c, m, to, &reader);
        CURLcode rc = curl_easy_perform(c);
        return outcome(cx, c, rc, reader.all);
}
