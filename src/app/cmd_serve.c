// SPDX-License-Identifier: MIT
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "app/command.h"
#include "base/log.h"
#include "identity/audit.h"
#include "sys/fds.h"
#include "sys/proc.h"
#include "sys/signals.h"
#include "sys/thread.h"

enum { CHECKS_WAIT_MS = 500, CHECKS_POLL_MS = 2 };

/* What the signal thread tells the main thread. */
static struct {
        pthread_mutex_t lock;
        pthread_cond_t came;
        _Atomic int terms;
} stop = {
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .came = PTHREAD_COND_INITIALIZER,
};

/* What may change while running: the log level, and where the log file is. The rest of the settings
 * needs a restart. */
static void reload(const Cmd *c) {
        log_reopen();
        _cleanup_(arena_freep) Arena *arena = arena_new();
        Ctx cx = { .arena = arena, .world = &world_real };
        Settings set;
        SettingsSource src = { .file = c->config, .environ = environ };
        LogLevel level;
        if (settings_load(&cx, &src, &set) || !log_level_parse(set.log_level, &level)) {
                LOG(NULL, LOG_ERROR, "config_error", "the settings were not reloaded",
                    L_STR("what", str_c(cx.err.what)));
                return;
        }
        log_level = level;
        LOG(NULL, LOG_WARN, "config_reloaded", "the log level was read again",
            L_STR("log_level", set.log_level));
}

static void on_signal(void *arg, int sig) {
        if (sig == SIGHUP) {
                reload(arg);
                return;
        }
        pthread_mutex_lock(&stop.lock);
        atomic_fetch_add(&stop.terms, 1);
        pthread_cond_signal(&stop.came);
        pthread_mutex_unlock(&stop.lock);
}

static bool is_hurried(void) { return atomic_load(&stop.terms) > 1; }

static void wait_for_stop(void) {
        pthread_mutex_lock(&stop.lock);
        while (!atomic_load(&stop.terms))
                pthread_cond_wait(&stop.came, &stop.lock);
        pthread_mutex_unlock(&stop.lock);
}

static void welcome(const App *a, Str address) {
        if (!isatty(1))
                return;
        printf("Mainstay %s listens on http://%.*s\n", MAINSTAY_VERSION, STR_FMT(address));
        printf("  API page  http://%.*s/docs\n  data in   %.*s\n", STR_FMT(address),
               STR_FMT(a->set.data_dir));
        if (!a->sv.llm_configured)
                printf("  no language model: answers come from memory alone (set LLM_BASE_URL)\n");
        fflush(stdout);
}

static void warn_conveniences(Ctx *cx, const Settings *s) {
        if (s->limits_off)
                LOG(cx, LOG_WARN, "limits_off", "quotas and rate limits are off");
        if (s->skip_auth)
                LOG(cx, LOG_WARN, "skip_auth", "requests need no credential");
}

static Str host_of(Str listen) {
        size_t n = listen.n;
        while (n && listen.p[n - 1] != ':')
                n--;
        return str_to(listen, n); /* with its colon */
}

/* Port 0 in LISTEN, or a socket that was handed over: the port is known once there is a socket,
 * and PUBLIC_URL, where it was not set, follows it. */
static Err address_claim(Ctx *cx, Settings *set, int *ret_fd) {
        TRY(listen_fd_take(cx, ret_fd));
        if (*ret_fd < 0 && str_ends(set->listen, STR(":0")))
                TRY(server_bind(cx, set->listen, ret_fd));
        if (*ret_fd >= 0 && str_eq(set->public_url, listen_url(cx, set->listen)))
                set->public_url = listen_url(cx, arena_strf(cx->arena, "%.*s%u",
                                                            STR_FMT(host_of(set->listen)),
                                                            server_fd_port(*ret_fd)));
        return OK;
}

static Err listen_start(Ctx *cx, App *a, int fd) {
        ServerSettings set = { .listen = a->set.listen,
                               .fd = fd,
                               .threads = (unsigned)a->set.loops,
                               .world = &world_real,
                               .hooks = api_hooks(a->api) };
        return server_start(cx, &set, &a->server);
}

static Str address_of(Ctx *cx, const App *a) {
        return arena_strf(cx->arena, "%.*s%u", STR_FMT(host_of(a->set.listen)),
                          server_port(a->server));
}

static Err start(Ctx *cx, Settings *set, App *a) {
        int fd;
        TRY(address_claim(cx, set, &fd));
        TRY(app_open(cx, set, APP_ALL, a));
        TRY(listen_start(cx, a, fd));
        TRY(management_start(cx, a));
        health_start(a->health);
        gauges_register(a);
        health_phase(a->health, PHASE_SERVING);
        return OK;
}

static bool has_results(const CheckViews *views) {
        for (size_t i = 0; i < views->n; i++)
                if (views->v[i].state == HEALTH_STARTING)
                        return false;
        return true;
}

typedef struct Start {
        Ctx *cx;
        Settings *set;
        App *app;
        Err result;
} Start;

static void *start_main(void *arg) {
        Start *s = arg;
        s->result = start(s->cx, s->set, s->app);
        return NULL;
}

/* On a thread of its own, with which its connection to the store goes: the main thread only waits
 * for signals from here on. */
static Err start_apart(Ctx *cx, Settings *set, App *a) {
        Start s = { cx, set, a, OK };
        pthread_t thread;
        TRY(thread_start(cx, "start", start_main, &s, &thread));
        pthread_join(thread, NULL);
        return s.result;
}

/* The first round of checks, so that who is told "ready" finds it so. Requests are answered
 * meanwhile, and a dependency that hangs does not hold this up. */
static void wait_for_checks(App *a) {
        for (int waited_ms = 0; waited_ms < CHECKS_WAIT_MS; waited_ms += CHECKS_POLL_MS) {
                _cleanup_(arena_freep) Arena *arena = arena_new();
                Ctx cx = { .arena = arena, .world = &world_real };
                CheckViews views;
                health_view(&cx, a->health, &views);
                if (has_results(&views))
                        return;
                thread_sleep_ms(CHECKS_POLL_MS);
        }
}

/* ---- in the audit ---- */

typedef struct Note {
        Audit *audit;
        const char *event;
} Note;

static Err note_write(Ctx *cx, DbConn *c, void *arg) {
        const Note *n = arg;
        TRY(audit_append(cx, n->audit, c,
                         AUDIT_EVENT(n->event, "success", AUDIT_BY_SYSTEM(STR("")))));
        return audit_checkpoint(cx, n->audit, c);
}

/* Serving does not hang on it: a store that cannot be written says so by itself. */
static void note(Ctx *cx, const App *a, const char *event) {
        Note n = { identity_audit(a->identity), event };
        if (!db_write(cx, a->db, note_write, &n))
                return;
        LOG(cx, LOG_WARN, "audit_failed", "start or stop was not recorded",
            L_STR("what", str_c(cx->err.what)));
        err_clear(cx);
}

static int run(Ctx *cx, Cmd *c, Settings *set) {
        App a = { .arena = NULL };
        int64_t began = cx_mono_us(cx);
        Err e = start_apart(cx, set, &a);
        if (e) {
                int rc = cmd_fail(c, e);
                app_close(&a);
                return rc;
        }
        Str address = address_of(cx, &a);
        int64_t listening = cx_mono_us(cx);
        warn_conveniences(cx, set);
        note(cx, &a, "sys_startup");
        wait_for_checks(&a);
        LOG(cx, LOG_INFO, "server_ready", "listening", L_STR("address", address),
            L_INT("port", server_port(a.server)), L_INT("routes", (int64_t)router_count(a.router)),
            L_NUM("start_ms", (double)(listening - began) / 1000));
        notify("READY=1");
        welcome(&a, address);
        wait_for_stop();
        bool clean = app_drain(cx, &a, is_hurried);
        if (!clean)
                LOG(cx, LOG_WARN, "server_stop", "requests were still running");
        note(cx, &a, "sys_shutdown");
        app_close(&a);
        LOG(cx, LOG_INFO, "server_stop", "stopped");
        return clean ? EXIT_FINE : EXIT_FAILED;
}

static Err log_open(Ctx *cx, const Settings *set) {
        LogFile *file = NULL;
        LogLevel level = LOG_INFO;
        if (!log_level_parse(set->log_level, &level))
                level = LOG_INFO;
        if (set->log_file.n) {
                TRY(log_file_open(cx,
                                  &(LogFileSettings){ .path = set->log_file,
                                                      .bytes_max = set->log_file_max_mib << 20,
                                                      .keep = set->log_files_keep,
                                                      .world = &world_real },
                                  &file));
                log_to_file(file);
        }
        log_start(2, level);
        return OK;
}

static int serve(Cmd *c) {
        Settings set;
        int rc = cmd_settings(c, &set);
        if (rc)
                return rc;
        if (c->n_args)
                return cmd_usage_error(c, "serve takes no arguments");
        /* Loops and the writer allocate all the time and want arenas of their own; the many other
         * threads would only spread small things over more. */
        mallopt(M_ARENA_MAX, (int)sysconf(_SC_NPROCESSORS_ONLN) + 2);
        _cleanup_(signals_stopp) Signals *signals = NULL;
        Err e = signals_start(c->cx, on_signal, c, &signals);
        if (!e)
                e = log_open(c->cx, &set);
        if (e)
                return cmd_fail(c, e);
        fds_limit_raise();
        LOG(c->cx, LOG_INFO, "server_start", "starting", L_STR("version", STR(MAINSTAY_VERSION)),
            L_STR("environment", set.environment));
        return run(c->cx, c, &set);
}

const Command commands_serve[] = {
        { .name = "serve",
          .usage = "serve",
          .summary = "Start the server",
          .help = "Logs are JSON lines on stderr. SIGTERM drains and stops, a second one stops at "
                  "once.\n"
                  "A listening socket handed over by the service manager (LISTEN_FDS) is used "
                  "instead of LISTEN.",
          .run = serve },
        { .name = NULL },
};
