// SPDX-License-Identifier: MIT
#include "base/testing.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <unistd.h>

#include "web/client_mail.h"

/* A mail server for one letter: answers each command, keeps what it was sent. */
typedef struct Post {
        int fd;
        uint16_t port;
        const char *rcpt_answer; /* "250 ok\r\n" or a refusal */
        bool hang_up;            /* after the letter, before the answer */
        char letter[8192];
        size_t n;
        pthread_t thread;
} Post;

static void say(int c, const char *text) { (void)!send(c, text, strlen(text), MSG_NOSIGNAL); }

static bool read_line(int c, char *line, size_t max) {
        size_t n = 0;
        while (n + 1 < max && recv(c, line + n, 1, 0) == 1)
                if (line[n++] == '\n')
                        break;
        line[n] = '\0';
        return n > 0;
}

static void take_letter(Post *p, int c) {
        char line[2048];
        say(c, "354 go on\r\n");
        while (read_line(c, line, sizeof line) && strcmp(line, ".\r\n"))
                p->n += (size_t)snprintf(p->letter + p->n, sizeof p->letter - p->n, "%s", line);
        if (!p->hang_up)
                say(c, "250 queued\r\n");
}

static void *post_run(void *arg) {
        Post *p = arg;
        char line[2048];
        int c = accept(p->fd, NULL, NULL);
        say(c, "220 post\r\n");
        while (read_line(c, line, sizeof line)) {
                if (!strncmp(line, "EHLO", 4))
                        say(c, "250-post\r\n250 8BITMIME\r\n");
                else if (!strncmp(line, "RCPT", 4))
                        say(c, p->rcpt_answer);
                else if (!strncmp(line, "DATA", 4))
                        take_letter(p, c);
                else
                        say(c, "250 ok\r\n");
                if (p->hang_up && p->n)
                        break;
        }
        close(c);
        return NULL;
}

static void post_open(Post *p) {
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t n = sizeof at;
        p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(p->fd, (struct sockaddr *)&at, n), 0);
        assert_int_equal(listen(p->fd, 4), 0);
        assert_int_equal(getsockname(p->fd, (struct sockaddr *)&at, &n), 0);
        p->port = ntohs(at.sin_port);
        assert_int_equal(pthread_create(&p->thread, NULL, post_run, p), 0);
}

static Err send_through(Post *p, Ctx *cx, MailSpec m) {
        post_open(p);
        m.server = arena_strf(cx->arena, "smtp://127.0.0.1:%u", p->port);
        Err e = mail_send(cx, &m);
        pthread_join(p->thread, NULL);
        close(p->fd);
        return e;
}

static const MailSpec letter = { .from = STR("Mainstay <no-reply@example.com>"),
                                 .to = STR("ann@example.com"),
                                 .subject = STR("Confirm"),
                                 .body = STR("Hello\n.\nBye"),
                                 .timeout_ms = 5000 };

#define WITH_CTX(cx)                                                                               \
        _cleanup_(arena_freep) Arena *arena_ = arena_new();                                        \
        TestWorld world_ = TEST_WORLD(INT64_C(1700000000000));                                     \
        Ctx cx = TEST_CTX(arena_, &world_.world)

static void test_a_letter_arrives_whole(void **state) {
        WITH_CTX(cx);
        Post p = { .rcpt_answer = "250 ok\r\n" };
        MailSpec m = letter;
        m.subject = STR("Gr\xC3\xBC\xC3\x9F");
        assert_ok(send_through(&p, &cx, m));
        Str got = str_c(p.letter);
        assert_true(str_starts(
                got,
                STR("From: Mainstay <no-reply@example.com>\r\nTo: <ann@example.com>\r\n"
                    "Subject: =?UTF-8?B?R3LDvMOf?=\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\n")));
        assert_true(str_ends(got, STR("\r\n\r\nHello\r\n..\r\nBye\r\n")));
}

static void test_a_refusal_is_upstream(void **state) {
        WITH_CTX(cx);
        Post p = { .rcpt_answer = "550 nobody here\r\n" };
        assert_err(send_through(&p, &cx, letter), ERR_UPSTREAM);
        assert_int_equal(p.n, 0);
}

static void test_a_lost_answer_is_uncertain(void **state) {
        WITH_CTX(cx);
        Post p = { .rcpt_answer = "250 ok\r\n", .hang_up = true };
        assert_err(send_through(&p, &cx, letter), ERR_UNCERTAIN);
}

static void test_headers_cannot_be_injected(void **state) {
        WITH_CTX(cx);
        MailSpec m = letter;
        m.server = STR("smtp://127.0.0.1:1");
        m.to = STR("ann@example.com>\r\nBcc: <eve@example.com");
        assert_err(mail_send(&cx, &m), ERR_INVALID);
        m = letter;
        m.subject = STR("a\nb");
        assert_err(mail_send(&cx, &m), ERR_INVALID);
}

static void test_nobody_listens(void **state) {
        WITH_CTX(cx);
        MailSpec m = letter;
        m.server = STR("smtp://127.0.0.1:1");
        assert_err(mail_send(&cx, &m), ERR_UPSTREAM);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_letter_arrives_whole),
                cmocka_unit_test(test_a_refusal_is_upstream),
                cmocka_unit_test(test_a_lost_answer_is_uncertain),
                cmocka_unit_test(test_headers_cannot_be_injected),
                cmocka_unit_test(test_nobody_listens),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
