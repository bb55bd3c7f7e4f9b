// SPDX-License-Identifier: MIT
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/metric.h"

enum { LINE_MAX_ = 16 * 1024, QUEUE_MAX = 4 * 1024 * 1024, FLUSH_MS = 50 };

LogLevel log_level = LOG_DEBUG;

static const struct {
        const char *name;
        int sev;
} levels[] = {
        [LOG_TRACE] = { "TRACE", 1 }, [LOG_DEBUG] = { "DEBUG", 5 },  [LOG_INFO] = { "INFO", 9 },
        [LOG_WARN] = { "WARN", 13 },  [LOG_ERROR] = { "ERROR", 17 }, [LOG_FATAL] = { "FATAL", 21 },
};

/* Lines wait here for the flusher. When the reader of our stderr stalls the queue fills, and
 * lines are dropped and counted rather than requests stopped. */
static struct {
        pthread_mutex_t lock;
        pthread_cond_t wake;
        pthread_t flusher;
        Buf queue;
        LogFile *file; /* NULL: fd */
        int fd;
        bool running, stop;
        int64_t dropped;
} sink = { .lock = PTHREAD_MUTEX_INITIALIZER,
           .wake = PTHREAD_COND_INITIALIZER,
           .queue = { .max = QUEUE_MAX },
           .fd = 2 };

static Cell *_Atomic level_cells[ELEMENTSOF(levels)];

static void write_all(int fd, Str s) {
        while (s.n) {
                ssize_t n = write(fd, s.p, s.n);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return; /* nobody is left to tell */
                s = str_from(s, (size_t)n);
        }
}

static void sink_write(Str lines) {
        if (sink.file)
                log_file_write(sink.file, lines);
        else
                write_all(sink.fd, lines);
}

static void *flusher_run(void *arg) {
        Buf out = BUF(QUEUE_MAX);
        pthread_mutex_lock(&sink.lock);
        for (;;) {
                while (!sink.queue.n && !sink.stop)
                        pthread_cond_wait(&sink.wake, &sink.lock);
                if (!sink.queue.n && sink.stop)
                        break;
                bool stop = sink.stop;
                pthread_mutex_unlock(&sink.lock);
                if (!stop)
                        usleep(FLUSH_MS * 1000); /* let a burst gather into one write */
                pthread_mutex_lock(&sink.lock);
                Buf full = sink.queue;
                sink.queue = out;
                pthread_mutex_unlock(&sink.lock);
                sink_write(buf_str(&full));
                buf_clear(&full);
                out = full;
                pthread_mutex_lock(&sink.lock);
        }
        pthread_mutex_unlock(&sink.lock);
        buf_done(&out);
        return NULL;
}

void log_to_file(LogFile *f) { sink.file = f; }

void log_reopen(void) {
        pthread_mutex_lock(&sink.lock);
        if (sink.file)
                log_file_reopen(sink.file);
        pthread_mutex_unlock(&sink.lock);
}

void log_start(int fd, LogLevel level) {
        sink.fd = fd;
        log_level = level;
        sink.stop = false;
        sink.running = pthread_create(&sink.flusher, NULL, flusher_run, NULL) == 0;
}

void log_stop(void) {
        pthread_mutex_lock(&sink.lock);
        bool was = sink.running;
        sink.stop = true;
        sink.running = false;
        pthread_cond_signal(&sink.wake);
        pthread_mutex_unlock(&sink.lock);
        if (!was)
                return;
        pthread_join(sink.flusher, NULL);
        buf_done(&sink.queue);
        pthread_mutex_lock(&sink.lock);
        sink.file = log_file_close(sink.file);
        pthread_mutex_unlock(&sink.lock);
}

static void sink_line(Str line, LogLevel level) {
        pthread_mutex_lock(&sink.lock);
        if (!sink.running) {
                sink_write(line);
        } else if (line.n > QUEUE_MAX - sink.queue.n) {
                sink.dropped++;
        } else {
                bool wake = sink.queue.n == 0;
                buf_add(&sink.queue, line);
                if (wake || level >= LOG_ERROR)
                        pthread_cond_signal(&sink.wake);
        }
        pthread_mutex_unlock(&sink.lock);
}

/* JSON string with everything escaped that could break a line or a terminal; broken UTF-8
 * becomes U+FFFD. */
static void add_json_str(Buf *b, Str s) {
        static const char hex[] = "0123456789abcdef";
        buf_addc(b, '"');
        for (size_t i = 0; i < s.n;) {
                unsigned char c = (unsigned char)s.p[i];
                size_t run = i;
                while (run < s.n && (c = (unsigned char)s.p[run]) >= 0x20 && c < 0x7f && c != '"' &&
                       c != '\\')
                        run++;
                buf_add(b, (Str){ s.p + i, run - i });
                i = run;
                if (i == s.n)
                        break;
                size_t len = 1;
                if (c == '"' || c == '\\') {
                        buf_add(b, (Str){ (char[]){ '\\', (char)c }, 2 });
                } else if (c < 0x20 || c == 0x7f) {
                        buf_add(b, (Str){ (char[]){ '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] },
                                          6 });
                } else {
                        for (len = 2;
                             len <= 4 && !(i + len <= s.n && str_is_utf8((Str){ s.p + i, len }));
                             len++)
                                ;
                        buf_add(b, len > 4 ? STR("\xEF\xBF\xBD") : (Str){ s.p + i, len });
                        len = len > 4 ? 1 : len;
                }
                i += len;
        }
        buf_addc(b, '"');
}

static void add_ts(Buf *b, const Ctx *cx) {
        int64_t ms = cx ? cx_now_ms(cx) : world_real.now_ms(&world_real);
        time_t s = (time_t)(ms / 1000);
        struct tm tm;
        gmtime_r(&s, &tm);
        buf_addf(b, "{\"ts\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(ms % 1000));
}

static void add_member(Buf *b, const char *name, Str value) {
        buf_addf(b, ",\"%s\":", name);
        add_json_str(b, value);
}

static void add_value(Buf *b, const LogField *f) {
        switch (f->type) {
        case LOG_T_STR: add_json_str(b, f->s); return;
        case LOG_T_INT: buf_add_i64(b, f->i); return;
        case LOG_T_NUM: buf_addf(b, "%.3f", f->f); return;
        case LOG_T_BOOL: buf_add_c(b, f->b ? "true" : "false"); return;
        case LOG_END: return;
        }
}

static void add_fields(Buf *b, const LogField *fields, bool top) {
        bool first = true;
        for (const LogField *f = fields; f->type != LOG_END; f++) {
                if (f->top != top || (f->type == LOG_T_STR && !f->s.p))
                        continue;
                buf_addf(b, "%s\"%s\":", top || !first ? "," : "", f->key);
                add_value(b, f);
                first = false;
        }
}

static void add_ids(Buf *b, const Ctx *cx) {
        if (!cx || !cx->trace_id[0])
                return;
        add_member(b, "trace_id", str_c(cx->trace_id));
        if (cx->span_id[0])
                add_member(b, "span_id", str_c(cx->span_id));
        add_member(b, "request_id", str_c(cx->trace_id));
        if (cx->user_id.n)
                add_member(b, "user_id", cx->user_id);
        if (cx->route)
                add_member(b, "route", str_c(cx->route));
}

static void count_line(LogLevel level) {
        static Metric *_Atomic family;
        if (!atomic_load(&family))
                atomic_store(&family, metric_counter("mainstay_log_lines_total", "level",
                                                     "Log lines by level"));
        if (!level_cells[level]) /* benign race: both find the same cell */
                level_cells[level] = METRIC_CELL(atomic_load(&family), str_c(levels[level].name));
        cell_inc(level_cells[level]);
}

void log_write(const Ctx *cx, LogLevel level, const char *event, const char *msg,
               const LogField *fields) {
        _cleanup_(buf_done) Buf line = BUF(LINE_MAX_);
        buf_reserve(&line, 1024);
        add_ts(&line, cx);
        buf_addf(&line, ",\"level\":\"%s\",\"sev\":%d", levels[level].name, levels[level].sev);
        add_member(&line, "event", str_c(event));
        add_member(&line, "msg", str_c(msg));
        add_ids(&line, cx);
        size_t plain = line.n;
        add_fields(&line, fields, true);
        buf_add_c(&line, ",\"attrs\":{");
        add_fields(&line, fields, false);
        buf_add_c(&line, "}}\n");
        if (line.full) { /* too long: the ids stay, the fields go */
                line.n = plain;
                line.full = false;
                buf_add_c(&line, ",\"truncated\":true,\"attrs\":{}}\n");
        }
        count_line(level);
        sink_line(buf_str(&line), level);
}

bool log_level_parse(Str name, LogLevel *ret) {
        for (size_t i = 0; i < ELEMENTSOF(levels); i++)
                if (str_eq_nocase(name, str_c(levels[i].name))) {
                        *ret = (LogLevel)i;
                        return true;
                }
        return false;
}
