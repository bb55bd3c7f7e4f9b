// SPDX-License-Identifier: MIT
/* The caller's own account, its export and its end. */
#include "api/identity_view.h"
#include "codec/url.h"
#include "identity/personal.h"
#include "identity/recovery.h"

enum { PASSWORD_TEXT_MAX = 16384, EMAIL_TEXT_MAX = 320, SIGNATURE_MAX = 64, ID_TEXT_MAX = 255 };

/* ---- GET ---- */

/* From what was verified with the credential: it is looked up again after any change of the
 * account. */
static Err me_handle(Req *rq, const void *in, void *ret) {
        User u = principal_user(rq->who);

        *(UserView *)ret = user_view(rq->cx, &u);
        return OK;
}

/* ---- PATCH ---- */

typedef struct ConsentsIn {
        OptBool memory_extraction, llm_processing;
} ConsentsIn;
static const Shape consents_in = SHAPE(ConsentsIn,
        F_OBOOL(ConsentsIn, memory_extraction, 0),
        F_OBOOL(ConsentsIn, llm_processing, 0));

typedef struct PatchIn {
        Str full_name, email, current_password;
        const ConsentsIn *consents;
} PatchIn;
static const Shape patch_in = SHAPE(PatchIn,
        F_STR(PatchIn, full_name, F_NULL | F_CLEAR, .min = 1, .max = FULL_NAME_MAX),
        F_STR(PatchIn, email, 0, .min = 1, .max = EMAIL_TEXT_MAX, .format = "email",
                .doc = "Needs current_password; the change waits for both mailboxes where " "mail is sent"),
        F_STR(PatchIn, current_password, F_SECRET | F_BLANK, .min = 1, .max = PASSWORD_TEXT_MAX,
                .format = "password"),
        F_OBJ(PatchIn, consents, 0, .sub = &consents_in));

typedef struct Patch {
        Req *rq;
        const PatchIn *in;
        User user;
} Patch;

static Err patch_audit(const Patch *p, DbConn *c, const char *what) {
        Caller from = req_caller(p->rq);

        return audit_append(p->rq->cx, identity_audit(p->rq->sv->identity), c,
                            AUDIT_EVENT("user_updated", "success", AUDIT_BY_USER(p->user.user_id),
                                        AUDIT_OF("user", p->user.user_id), AUDIT_FROM(from),
                                        .reason = str_c(what)));
}

static Err patch_write(Ctx *cx, DbConn *c, void *arg) {
        Patch *p = arg;
        Work w = req_work(p->rq, c);
        const ConsentsIn *want = p->in->consents;

        TRY(req_user(p->rq, c, &p->user));
        if (p->in->full_name.p) {
                p->user.full_name = p->in->full_name;
                TRY(user_save_profile(cx, &w, &p->user));
                TRY(patch_audit(p, c, "full_name"));
        }
        if (want) {
                p->user.consent_extraction = want->memory_extraction.has
                                                     ? want->memory_extraction.v
                                                     : p->user.consent_extraction;
                p->user.consent_llm =
                        want->llm_processing.has ? want->llm_processing.v : p->user.consent_llm;
                TRY(user_save_consents(cx, &w, &p->user));
                TRY(patch_audit(p, c, "consents"));
        }
        return OK;
}

static Err patch_email(Req *rq, const PatchIn *in) {
        EmailWish wish = { rq->who->user_id, in->email, in->current_password, req_caller(rq) };
        bool changed;

        if (!in->current_password.p)
                return RAISE_FIELD(rq->cx, "#/current_password", "is needed to change the address");
        return email_change(rq->cx, rq->sv->identity, &wish, &changed);
}

static Err patch_handle(Req *rq, const void *in_, void *ret) {
        Patch p = { .rq = rq, .in = in_ };

        TRY(hash_begin(rq, rq->who->user_id));
        if (p.in->email.p)
                TRY(patch_email(rq, p.in));
        TRY(db_write(rq->cx, rq->sv->db, patch_write, &p));
        *(UserView *)ret = user_view(rq->cx, &p.user);
        return OK;
}

/* ---- DELETE, restore, receipt ---- */

typedef struct DeleteIn {
        Str password;
} DeleteIn;
static const Shape delete_in = SHAPE(DeleteIn,
        F_STR(DeleteIn, password, F_SECRET | F_BLANK, .min = 1, .max = PASSWORD_TEXT_MAX,
                .format = "password", .doc = "May be left out within five minutes of signing in"));
typedef struct Scheduled {
        Str status;
        int64_t erase_at;
        Str receipt;
} Scheduled;
static const Shape scheduled_shape = SHAPE(Scheduled,
        F_STR(Scheduled, status, F_REQ),
        F_TIME(Scheduled, erase_at, F_REQ),
        F_STR(Scheduled, receipt, F_REQ, .doc = "GET /erasures/{receipt} tells when it is done"));

typedef struct Removal {
        Req *rq;
        User user;
        Erasure erasure;
} Removal;

static Err delete_write(Ctx *cx, DbConn *c, void *arg) {
        Removal *r = arg;
        Work w = req_work(r->rq, c);

        TRY(req_user(r->rq, c, &r->user));
        return erasure_schedule(cx, &w, &r->user, &r->erasure);
}

static Err delete_handle(Req *rq, const void *in_, void *ret) {
        const DeleteIn *in = in_;
        Caller from = req_caller(rq);
        Removal r = { .rq = rq };

        TRY(hash_begin(rq, rq->who->user_id));
        TRY(presence_confirm(rq->cx, rq->sv->identity, rq->who, in->password, &from));
        TRY(db_write(rq->cx, rq->sv->db, delete_write, &r));
        *(Scheduled *)ret = (Scheduled){ STR("scheduled"), r.erasure.erase_at, r.erasure.receipt };
        return OK;
}

typedef struct RestoreIn {
        Str email, password;
} RestoreIn;
static const Shape restore_in = SHAPE(RestoreIn,
        F_STR(RestoreIn, email, F_REQ, .min = 1, .max = EMAIL_TEXT_MAX, .format = "email"),
        F_STR(RestoreIn, password, F_REQ | F_SECRET | F_BLANK, .min = 1, .max = PASSWORD_TEXT_MAX,
                .format = "password"));

static Err restore_admit(Req *rq, const void *in_, void *ret) {
        const RestoreIn *in = in_;

        return hash_queue_enter(rq->cx, rq->sv->identity, rq->client_ip, in->email);
}

static Err restore_handle(Req *rq, const void *in_, void *ret) {
        const RestoreIn *in = in_;
        Caller from = req_caller(rq);

        TRY(hash_begin(rq, in->email));
        TRY(erasure_cancel(rq->cx, rq->sv->identity, in->email, in->password, &from));
        *(Status *)ret = (Status){ .status = STR("restored") };
        return OK;
}

typedef struct Receipt {
        Str status;
        int64_t completed_at;
} Receipt;
static const Shape receipt_shape = SHAPE(Receipt,
        F_STR(Receipt, status, F_REQ, .one_of = "scheduled|completed"),
        F_TIME(Receipt, completed_at, F_REQ | F_NULL));

static Err receipt_handle(Req *rq, const void *in, void *ret) {
        Erasure e;

        TRY(erasure_find(rq->cx, rq->db, rq->path[0], &e));
        *(Receipt *)ret =
                (Receipt){ e.completed_at ? STR("completed") : STR("scheduled"), e.completed_at };
        return OK;
}

/* ---- export ---- */

typedef struct ExportView {
        Str job_id, status;
        OptInt bytes;
        Str sha256, download_url;
        int64_t expires_at;
} ExportView;
static const Shape export_shape = SHAPE(ExportView,
        F_STR(ExportView, job_id, F_REQ),
        F_STR(ExportView, status, F_REQ, .one_of = "queued|running|ready|failed|expired"),
        F_OINT(ExportView, bytes, 0),
        F_STR(ExportView, sha256, 0),
        F_STR(ExportView, download_url, 0, .doc = "Good for 15 minutes"),
        F_TIME(ExportView, expires_at, 0, .doc = "When the address ends; ask again for a new one"));

static Err export_start_handle(Req *rq, const void *in, void *ret) {
        Work w = req_work(rq, rq->db);
        Str job_id;

        TRY(export_request(rq->cx, &w, rq->who->user_id, &job_id));
        TRY(audit_append(rq->cx, identity_audit(rq->sv->identity), rq->db,
                         AUDIT_EVENT("sensitive_read", "success", AUDIT_BY_USER(rq->who->user_id),
                                     AUDIT_OF("export", job_id), AUDIT_FROM(w.from))));
        *(ExportView *)ret = (ExportView){ .job_id = job_id, .status = STR("queued") };
        return OK;
}

static Str url_text(Ctx *cx, Str s) {
        _cleanup_(buf_done) Buf b = BUF(4 * ID_TEXT_MAX);

        url_encode(&b, s);
        return arena_dup(cx->arena, buf_str(&b));
}

static Err export_get_handle(Req *rq, const void *in, void *ret) {
        Work w = req_work(rq, rq->db);
        ExportView *v = ret;
        IdentityOffer offer;
        ExportJob j;

        TRY(export_find(rq->cx, &w, rq->who->user_id, rq->path[0], &j));
        *v = (ExportView){ .job_id = j.job_id, .status = j.status };
        if (!j.link.p)
                return OK;
        identity_offer(rq->sv->identity, &offer);
        v->bytes = (OptInt){ true, j.bytes };
        v->sha256 = j.sha256;
        v->download_url =
                arena_strf(rq->cx->arena, "%.*s/api/v1/me/export/%.*s/download?user=%.*s&%.*s",
                           STR_FMT(offer.public_url), STR_FMT(j.job_id),
                           STR_FMT(url_text(rq->cx, rq->who->user_id)), STR_FMT(j.link));
        v->expires_at = j.link_expires_at;
        return OK;
}

typedef struct DownloadQuery {
        Str user;
        int64_t expires;
        Str signature;
} DownloadQuery;
static const Shape download_query = SHAPE(DownloadQuery,
        F_STR(DownloadQuery, user, F_REQ, .min = 1, .max = ID_TEXT_MAX),
        F_INT(DownloadQuery, expires, F_REQ),
        F_STR(DownloadQuery, signature, F_REQ, .min = 1, .max = SIGNATURE_MAX));

/* The signed address is the credential; one that is shown besides must be of the same user. */
static Err export_download_handle(Req *rq, const void *in, void *ret) {
        const DownloadQuery *q = rq->query;
        ExportLink link = { q->user, rq->path[0], q->expires, q->signature };

        if (rq->who && !str_eq(rq->who->user_id, q->user))
                return RAISE(rq->cx, ERR_NOT_FOUND, "another user's link");
        req_header(rq, STR("Content-Disposition"), STR("attachment; filename=\"export.zip\""));
        return export_open(rq->cx, rq->sv->identity, &link, ret);
}

#define ME(id_, path_)                                                                             \
        {                                                                                          \
                .id = id_, .method = GET, .path = path_, .lane = LANE_INLINE, .auth = AUTH_USER,   \
                .rate = RATE_FREE, .out = &user_view_shape, .audit_none = "one's own account",     \
                .tag = "Account", .summary = "The account of the caller", .fn = me_handle          \
        }
#define ME_PATCH(id_, path_)                                                                       \
        {                                                                                          \
                .id = id_, .method = PATCH, .path = path_, .lane = LANE_HASH, .auth = AUTH_USER,   \
                .scope = "profile", .rate = RATE_FREE, .in = &patch_in, .out = &user_view_shape,   \
                .body_max = 16 * 1024,                                                             \
                .errors = ERRORS(ERR_CREDENTIALS, ERR_LOCKED, ERR_EMAIL_TAKEN, ERR_FORBIDDEN,      \
                                 ERR_HASH_QUEUE),                                                  \
                .audit = "user_updated", .tag = "Account",                                         \
                .summary = "Change one's name, address or consents", .admit = admit_user,          \
                .fn = patch_handle                                                                 \
        }
#define ME_DELETE(id_, path_)                                                                      \
        {                                                                                          \
                .id = id_, .method = DELETE, .path = path_, .lane = LANE_HASH, .auth = AUTH_USER,  \
                .scope = "profile", .rate = RATE_FREE, .in = &delete_in, .out = &scheduled_shape,  \
                .status = 202, .body_max = 4 * 1024,                                               \
                .errors = ERRORS(ERR_CREDENTIALS, ERR_LOCKED, ERR_FORBIDDEN, ERR_HASH_QUEUE),      \
                .audit = "user_archived", .tag = "Account",                                        \
                .summary = "Delete one's account and everything in it", .admit = admit_user,       \
                .fn = delete_handle                                                                \
        }

const Route me_routes[] = {
        ME("me.get", "/api/v1/me"),
        ME("me.get.auth", "/api/v1/auth/me"),
        ME("me.get.alias", "/api/auth/me"),
        ME_PATCH("me.patch", "/api/v1/me"),
        ME_PATCH("me.patch.auth", "/api/v1/auth/me"),
        ME_DELETE("me.delete", "/api/v1/me"),
        ME_DELETE("me.delete.auth", "/api/v1/auth/me"),
        {
                .id = "me.restore",
                .method = POST,
                .path = "/api/v1/me/restore",
                .lane = LANE_HASH,
                .auth = AUTH_NONE,
                .rate = RATE_LOGIN,
                .in = &restore_in,
                .out = &status_shape,
                .body_max = 16 * 1024,
                .errors = ERRORS(ERR_CREDENTIALS, ERR_LOCKED, ERR_HASH_QUEUE),
                .audit = "user_updated",
                .tag = "Account",
                .summary = "Take the deletion of one's account back",
                .admit = restore_admit,
                .fn = restore_handle,
        },
        {
                .id = "erasure.get",
                .method = GET,
                .path = "/api/v1/erasures/{receipt}",
                .lane = LANE_READ,
                .auth = AUTH_NONE,
                .rate = RATE_NONE,
                .out = &receipt_shape,
                .errors = ERRORS(ERR_NOT_FOUND),
                .audit_none = "says only whether it is done",
                .tag = "Account",
                .summary = "Is the erasure done?",
                .fn = receipt_handle,
        },
        {
                .id = "export.create",
                .method = POST,
                .path = "/api/v1/me/export",
                .lane = LANE_WRITE,
                .auth = AUTH_USER,
                .scope = "export",
                .rate = RATE_FREE,
                .out = &export_shape,
                .status = 202,
                .errors = ERRORS(ERR_CONFLICT, ERR_RATE_LIMITED),
                .audit = "sensitive_read",
                .tag = "Account",
                .summary = "Ask for an archive of everything kept about oneself",
                .fn = export_start_handle,
        },
        {
                .id = "export.get",
                .method = GET,
                .path = "/api/v1/me/export/{job_id}",
                .lane = LANE_READ,
                .auth = AUTH_USER,
                .scope = "export",
                .rate = RATE_FREE,
                .out = &export_shape,
                .errors = ERRORS(ERR_NOT_FOUND),
                .audit_none = "recorded when it was asked for",
                .tag = "Account",
                .summary = "Is the archive ready?",
                .fn = export_get_handle,
        },
        {
                .id = "export.download",
                .method = GET,
                .path = "/api/v1/me/export/{job_id}/download",
                .lane = LANE_WORKER,
                .auth = AUTH_OPTIONAL,
                .rate = RATE_FREE,
                .query = &download_query,
                .produces = "application/zip",
                .errors = ERRORS(ERR_NOT_FOUND),
                .audit_none = "recorded when it was asked for",
                .tag = "Account",
                .summary = "The archive behind a signed address",
                .fn = export_download_handle,
        },
        {},
};
