// SPDX-License-Identifier: MIT
#pragma once
/* log_file: lines appended to a file that is turned over each day (UTC) and when it is full: x
 * becomes x.1, x.1 becomes x.2, and what is older than the newest `keep` is deleted. Used by one
 * thread at a time, except log_file_reopen. What cannot be written goes to stderr instead. */
#include "base/ctx.h"

typedef struct LogFile LogFile;
typedef struct LogFileSettings {
        Str path;
        int64_t bytes_max; /* of one file; a single batch of lines may be larger */
        int64_t keep;      /* old files; 0 = none */
        World *world;
} LogFileSettings;

/* ERR_STORAGE with the reason: the file cannot be opened. Mode 0640. */
Err log_file_open(Ctx *cx, const LogFileSettings *set, LogFile **ret) _must_check_;
LogFile *log_file_close(LogFile *f);
void log_file_write(LogFile *f, Str lines);
/* Any thread: the file was moved away by another program; the next line makes a new one. */
void log_file_reopen(LogFile *f);
