// SPDX-License-Identifier: MIT
/* streams: what 5,000 idle event streams cost the server, and how soon it notices that their clients left.
 * The server runs in a child process with hooks that do nothing else; the parent is all clients.
 *
 * usage: streams [COUNT]      exit status 1 when a target was missed */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "web/server.h"

enum { COUNT = 5000, KIB_MAX = 16, RELEASE_MS_MAX = 1000, PATIENCE_MS = 20000 };

/* ---- the child ---- */

static Server *server;

static void on_begin(void *arg, Exchange *x) {}
static void on_end(void *arg, Exchange *x) {}

static void on_refuse(void *arg, Exchange *x, Err e) {
        exchange_answer(x, &(Answer){ .status = err_info[e].http });
}

static void on_ready(void *arg, Exchange *x) {
        static const Header type[] = { { STR("Content-Type"), STR("text/event-stream") } };
        if (str_eq(x->path, STR("/streams"))) {
                ServerStats s;
                server_stats(server, &s);
                Str text = arena_strf(x->cx.arena, "%lld;", (long long)s.streams);
                exchange_answer(
                        x,
                        &(Answer){ .status = 200, .headers = type, .n_headers = 1, .body = text });
                return;
        }
        StreamSettings set = { .gone = NULL };
        Stream *s = exchange_stream(x, type, 1, &set);
        stream_send(s, STR("event: start\ndata: {}\n\n"));
        stream_unref(s);
}

static void serve(int port_to) {
        Ctx cx = { .arena = arena_new(), .world = &world_real };
        ServerSettings set = { .listen = STR("127.0.0.1:0"), .fd = -1, .world = &world_real,
                               .hooks = { .begin = on_begin,
                                          .ready = on_ready,
                                          .end = on_end,
                                          .refuse = on_refuse } };
        if (server_start(&cx, &set, &server)) {
                fprintf(stderr, "streams: %s\n", cx.err.what);
                _exit(2);
        }
        uint16_t port = server_port(server);
        if (write(port_to, &port, sizeof port) != sizeof port)
                _exit(2);
        pause();
}

/* ---- the clients ---- */

static uint16_t port;

static int dial(const char *path) {
        char text[128];
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int n = snprintf(text, sizeof text,
                         "GET %s HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n",
                         path);
        if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) ||
            send(fd, text, (size_t)n, 0) != n) {
                perror("streams: connect");
                exit(2);
        }
        return fd;
}

static void hear(int fd, const char *until, char *got, size_t size) {
        size_t n = 0;
        struct pollfd p = { .fd = fd, .events = POLLIN };
        while (n < size - 1 && poll(&p, 1, PATIENCE_MS) > 0) {
                ssize_t m = recv(fd, got + n, size - 1 - n, 0);
                if (m <= 0)
                        break;
                n += (size_t)m;
                got[n] = '\0';
                if (strstr(got, until))
                        return;
        }
        fprintf(stderr, "streams: no answer\n");
        exit(2);
}

static long streams_open(int control) {
        static const char ask[] = "GET /streams HTTP/1.1\r\nHost: localhost\r\n\r\n";
        char got[1024];
        if (send(control, ask, sizeof ask - 1, 0) < 0)
                exit(2);
        hear(control, ";", got, sizeof got);
        const char *body = strstr(got, "\r\n\r\n");
        return body ? strtol(body + 4, NULL, 10) : -1;
}

static double rss_kib(pid_t pid) {
        char name[64], line[256];
        double kib = 0;
        snprintf(name, sizeof name, "/proc/%d/status", pid);
        FILE *f = fopen(name, "r");
        while (f && fgets(line, sizeof line, f))
                if (!strncmp(line, "VmRSS:", 6))
                        kib = strtod(line + 6, NULL);
        if (f)
                fclose(f);
        return kib;
}

static double now_ms(void) { return (double)world_real.mono_us(&world_real) / 1000; }

static int measure(pid_t child, int count) {
        char got[1024];
        int *fds = calloc((size_t)count, sizeof *fds);
        int control = dial("/streams");
        hear(control, ";", got, sizeof got);
        double idle = rss_kib(child);
        for (int i = 0; i < count; i++)
                hear(fds[i] = dial("/"), "event: start", got, sizeof got);
        poll(NULL, 0, 500);
        double each = (rss_kib(child) - idle) / count;
        double start = now_ms();
        for (int i = 0; i < count; i++)
                close(fds[i]);
        while (streams_open(control) > 0 && now_ms() - start < PATIENCE_MS)
                poll(NULL, 0, 5);
        double released = now_ms() - start;
        printf("%d idle streams: %.1f KiB each (at most %d), released %.0f ms after the clients "
               "left (at most %d)\n",
               count, each, KIB_MAX, released, RELEASE_MS_MAX);
        printf("resident before %.1f MiB, after %.1f MiB\n", idle / 1024, rss_kib(child) / 1024);
        free(fds);
        return each > KIB_MAX || released > RELEASE_MS_MAX;
}

int main(int argc, char **argv) {
        int ports[2];
        struct rlimit files;
        int count = argc > 1 ? (int)strtol(argv[1], NULL, 10) : COUNT;
        getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
        if (pipe(ports))
                return 2;
        pid_t child = fork();
        if (child == 0)
                serve(ports[1]);
        if (child < 0 || read(ports[0], &port, sizeof port) != sizeof port)
                return 2;
        int missed = measure(child, count);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        return missed;
}
