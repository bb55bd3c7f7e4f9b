// SPDX-License-Identifier: MIT
#pragma once
/* files: whole small files, private directories, and the lock that keeps a second process away. All
 * descriptors close on exec. */
#include "base/base.h"

/* The whole file in the arena. ERR_NOT_FOUND (not raised): no such file. ERR_TOO_LARGE: more than
 * `max` bytes. */
Err file_read(Ctx *cx, const char *path, size_t max, Str *ret) _must_check_;
/* Replaces the file in one step that survives a crash: written beside it, synced, renamed,
 * directory synced. Mode 0600. */
Err file_write(Ctx *cx, const char *path, Str bytes) _must_check_;
/* The same for content that is already in the file `part`, on the same file system. */
Err file_move(Ctx *cx, const char *part, const char *path) _must_check_;
/* The name of a file that was made here survives a crash: its directory is synced. */
Err name_keep(Ctx *cx, const char *path) _must_check_;
/* A directory for us alone (0700); fine when it is there. Parents must exist. */
Err dir_make(Ctx *cx, const char *path) _must_check_;

/* Holds an exclusive lock on the file until *ret_fd is closed. ERR_CONFLICT (raised): another
 * process holds it. */
Err lock_take(Ctx *cx, const char *path, int64_t wait_ms, int *ret_fd) _must_check_;

void fd_close(int *fd); /* for _cleanup_; nothing for negative ones */
