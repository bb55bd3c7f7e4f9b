// SPDX-License-Identifier: MIT
#pragma once
/* personal: a user's data as a whole: what an export holds and what an erasure takes away (GDPR
 * Art. 15, 17, 20). This room knows its own part; the others are handed in by the application,
 * so that no room knows another. */
#include "identity/session.h"

/* One file of the export, and the rows behind it. Either function may be NULL. */
typedef struct PersonalPart {
        const char *file,
                *about; /* "memories.json", and what the README of the archive says of it */
        Err (*write)(Ctx *cx, DbConn *c, void *arg, Str user_id, Buf *out); /* JSON text */
        Err (*erase)(Ctx *cx, DbConn *c, void *arg,
                     Str user_id); /* inside the write of the erasure */
        void *arg;
} PersonalPart;

enum { PERSONAL_PARTS_MAX = 16, EXPORTS_PER_DAY = 3, EXPORT_KEPT_S = 3600, EXPORT_LINK_S = 900 };
#define EXPORT_BYTES_MAX ((size_t)64 * 1024 * 1024)

void identity_add_personal(Identity *id, const PersonalPart *part); /* at start, before requests */

/* ---- export ---- */

typedef struct ExportJob {
        Str job_id, status;        /* queued, running, ready, failed, expired */
        int64_t bytes, expires_at; /* expires_at: of the file, ms */
        Str sha256;
        Str link; /* query of a download, good for EXPORT_LINK_S; STR_NULL unless ready */
        int64_t link_expires_at;
} ExportJob;

/* Inside a write. ERR_CONFLICT: one is under way. ERR_RATE_LIMITED: EXPORTS_PER_DAY were made. */
Err export_request(Ctx *cx, const Work *w, Str user_id, Str *ret_job_id) _must_check_;
Err export_find(Ctx *cx, const Work *w, Str user_id, Str job_id,
                ExportJob *ret) _must_check_; /* ERR_NOT_FOUND */
/* The archive of a signed link; the bytes are in the arena. ERR_NOT_FOUND: not signed by us,
 * expired, gone. */
typedef struct ExportLink {
        Str user_id, job_id;
        int64_t expires_s;
        Str signature;
} ExportLink;
Err export_open(Ctx *cx, Identity *id, const ExportLink *l, Str *ret) _must_check_;
/* Makes one archive that waits, and removes old ones. On a worker. */
Err export_flush(Ctx *cx, Identity *id) _must_check_;

Err export_forget(Ctx *cx, Identity *id, Str user_id) _must_check_; /* the files of this user */

/* ---- erasure ---- */

typedef struct Erasure {
        Str receipt;
        int64_t erase_at, completed_at;
} Erasure; /* ms; completed_at 0 = not yet */

/* Inside a write: sessions and keys end now, the data goes when the grace period is over. */
Err erasure_schedule(Ctx *cx, const Work *w, const User *u, Erasure *ret) _must_check_;
/* The account's password within the grace period. ERR_CREDENTIALS also when there is nothing to
 * restore. */
Err erasure_cancel(Ctx *cx, Identity *id, Str email, Str password, const Caller *from) _must_check_;
Err erasure_find(Ctx *cx, DbConn *c, Str receipt, Erasure *ret) _must_check_; /* ERR_NOT_FOUND */
/* Erases a few users whose time has come. On a worker. */
Err erasure_flush(Ctx *cx, Identity *id) _must_check_;
