// SPDX-License-Identifier: MIT
#pragma once
/* log: one JSON object per line. An event has a stable name and
 * typed fields; the ids of the request come from the Ctx. There is no field for a Secret, and
 * none for the text of a message or a memory. Lines are formatted on the caller's thread into
 * its own buffer and written by one flusher, so no request waits for the disk. */
#include "base/ctx.h"
#include "base/log_file.h"

typedef enum LogLevel { LOG_TRACE, LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_FATAL } LogLevel;
typedef enum LogType { LOG_END = 0, LOG_T_STR, LOG_T_INT, LOG_T_NUM, LOG_T_BOOL } LogType;
/* `attr` false: a top-level member (method, status, duration_ms, client_ip, error_type, route);
 * true: inside attrs. */
typedef struct LogField {
        const char *key;
        LogType type;
        bool top;
        union {
                Str s;
                int64_t i;
                double f;
                bool b;
        };
} LogField;

#define L_STR(k, v)                                                                                \
        { .key = (k), .type = LOG_T_STR, .s = (v) }
#define L_INT(k, v)                                                                                \
        { .key = (k), .type = LOG_T_INT, .i = (v) }
#define L_NUM(k, v)                                                                                \
        { .key = (k), .type = LOG_T_NUM, .f = (v) }
#define L_BOOL(k, v)                                                                               \
        { .key = (k), .type = LOG_T_BOOL, .b = (v) }
#define L_TOP_STR(k, v)                                                                            \
        { .key = (k), .type = LOG_T_STR, .top = true, .s = (v) }
#define L_TOP_INT(k, v)                                                                            \
        { .key = (k), .type = LOG_T_INT, .top = true, .i = (v) }
#define L_TOP_NUM(k, v)                                                                            \
        { .key = (k), .type = LOG_T_NUM, .top = true, .f = (v) }

/* LOG(cx, LOG_INFO, "turn_completed", "offline answer", L_INT("memories", n)); cx may be NULL
 * outside a request. */
#define LOG(cx, level, event, msg, ...)                                                            \
        do {                                                                                       \
                if ((level) >= log_level)                                                          \
                        log_write((cx), (level), (event), (msg),                                   \
                                  (const LogField[]){                                              \
                                          __VA_ARGS__ __VA_OPT__(, ){ .type = LOG_END } });        \
        } while (0)

extern LogLevel log_level; /* lines below it cost one comparison */
void log_write(const Ctx *cx, LogLevel level, const char *event, const char *msg,
               const LogField *fields);

bool log_level_parse(Str name, LogLevel *ret) _must_check_;
/* Before log_start: lines go to this file, which is the log's from now on. */
void log_to_file(LogFile *f);
/* starts the flusher; before it lines go out at once to stderr */
void log_start(int fd, LogLevel level);
void log_reopen(void); /* the file, if there is one, was moved away */
/* flushes all threads' lines and stops; safe to call twice */
void log_stop(void);
