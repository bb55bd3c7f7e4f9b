// SPDX-License-Identifier: MIT
/* export: everything kept about a user as one archive: a manifest with the hash of each file,
 * and a page that explains them. */
#include <unistd.h>

#include "base/log.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/radix.h"
#include "codec/when.h"
#include "codec/zip.h"
#include "identity/api_key.h"
#include "identity/identity_int.h"
#include "identity/personal.h"
#include "sys/files.h"

enum { AUDIT_ROWS_MAX = 10000, OLD_MAX = 20 };
#define PART_MAX ((size_t)32 * 1024 * 1024)

/* ---- the parts of this room ---- */

static void add_str(Buf *b, const char *name, Str v) {
        buf_addf(b, "%s\"%s\":", b->n && b->p[b->n - 1] != '{' ? "," : "", name);
        if (v.p)
                json_write_str(b, v);
        else
                buf_add_c(b, "null");
}

static void add_time(Ctx *cx, Buf *b, const char *name, int64_t ms) {
        add_str(b, name, ms ? when_format(cx->arena, ms) : STR_NULL);
}

static Err write_profile(Ctx *cx, const Work *w, Str user_id, Buf *b) {
        User u;

        TRY(user_load(cx, w, user_id, &u));
        buf_addc(b, '{');
        add_str(b, "user_id", u.user_id);
        add_str(b, "email", u.email);
        add_str(b, "full_name", u.full_name);
        add_str(b, "tier", str_c(tier_limits[u.tier].name));
        add_str(b, "source", str_c(user_source_names[u.source]));
        add_time(cx, b, "created_at", u.created_at);
        add_time(cx, b, "last_login", u.last_login);
        buf_addf(b,
                 ",\"is_verified\":%s,\"consents\":{\"memory_extraction\":%s,\"llm_processing\":%s}"
                 "}",
                 u.is_verified ? "true" : "false", u.consent_extraction ? "true" : "false",
                 u.consent_llm ? "true" : "false");
        return OK;
}

static Err write_sessions(Ctx *cx, const Work *w, Str user_id, Buf *b) {
        SessionInfo *list;
        size_t n;

        TRY(session_list(cx, w, user_id, &list, &n));
        buf_addc(b, '[');
        for (size_t i = 0; i < n; i++) {
                buf_add_c(b, i ? ",{" : "{");
                add_str(b, "session_id", list[i].session_id);
                add_str(b, "ip", list[i].ip);
                add_str(b, "user_agent", list[i].user_agent);
                add_time(cx, b, "created_at", list[i].created_at);
                add_time(cx, b, "last_used_at", list[i].last_used_at);
                add_time(cx, b, "expires_at", list[i].expires_at);
                buf_addc(b, '}');
        }
        buf_addc(b, ']');
        return OK;
}

static Err write_keys(Ctx *cx, const Work *w, Str user_id, Buf *b) {
        ApiKey *list;
        size_t n;

        TRY(api_key_list(cx, w, user_id, &list, &n));
        buf_addc(b, '[');
        for (size_t i = 0; i < n; i++) {
                buf_add_c(b, i ? ",{" : "{");
                add_str(b, "key_id", list[i].key_id);
                add_str(b, "name", list[i].name);
                add_str(b, "scopes", scopes_format(cx, list[i].scopes));
                add_str(b, "ip_ranges", list[i].ip_ranges);
                add_time(cx, b, "created_at", list[i].created_at);
                add_time(cx, b, "expires_at", list[i].expires_at);
                add_time(cx, b, "last_used", list[i].last_used);
                add_str(b, "last_used_ip", list[i].last_used_ip);
                buf_addc(b, '}');
        }
        buf_addc(b, ']');
        return OK;
}

/* Subjects of other systems that sign in as this person. */
static Err write_connections(Ctx *cx, const Work *w, Str user_id, Buf *b) {
        _cleanup_(rows_done) Rows r = { 0 };
        bool more;

        TRY(db_rows(cx, w->c, &sql_link_list, ARGS(v_text(user_id)), &r));
        buf_addc(b, '[');
        for (const char *next = "{";; next = ",{") {
                TRY(rows_next(cx, &r, &more));
                if (!more)
                        break;
                buf_add_c(b, next);
                add_str(b, "source", row_text(&r, 0));
                add_str(b, "subject", row_text(&r, 1));
                buf_addc(b, '}');
        }
        buf_addc(b, ']');
        return OK;
}

static Err write_audit(Ctx *cx, const Work *w, Str user_id, Buf *b) {
        AuditRecords all;

        TRY(audit_list(cx, w->id->audit, w->c,
                       &(AuditFilter){ .owner = user_id, .limit = AUDIT_ROWS_MAX }, &all));
        buf_addc(b, '[');
        for (size_t i = 0; i < all.n; i++) {
                buf_add_c(b, i ? ",{" : "{");
                add_time(cx, b, "ts", all.v[i].ts_ms);
                add_str(b, "event", all.v[i].event);
                add_str(b, "outcome", all.v[i].outcome);
                add_str(b, "target_type", all.v[i].target_type);
                add_str(b, "target_id", all.v[i].target_id);
                add_str(b, "ip", all.v[i].ip);
                add_str(b, "user_agent", all.v[i].user_agent);
                buf_addc(b, '}');
        }
        buf_addc(b, ']');
        return OK;
}

typedef Err OwnWrite(Ctx *cx, const Work *w, Str user_id, Buf *b);
static const struct {
        const char *file, *about;
        OwnWrite *write;
} own_parts[] = {
        { "profile.json", "the account", write_profile },
        { "sessions.json", "sessions that are in force", write_sessions },
        { "api_keys.json", "API keys, without their secrets", write_keys },
        { "connections.json", "accounts elsewhere that lead to this one, without tokens",
          write_connections },
        { "audit.json", "security events about the account, newest first", write_audit },
};

/* ---- the archive ---- */

static Str sha256_text(Ctx *cx, Str bytes) {
        unsigned char h[SHA256_SIZE];

        sha256(bytes, h);
        return hex_encode(cx->arena, str_n(h, sizeof(h)));
}

typedef struct Archive {
        Zip zip;
        Buf out, manifest, readme;
} Archive;

static void archive_done(Archive *a) {
        buf_done(&a->out);
        buf_done(&a->manifest);
        buf_done(&a->readme);
}

static void archive_add(Ctx *cx, Archive *a, const char *file, const char *about, Str content) {
        zip_add(&a->zip, str_c(file), content);
        buf_addf(&a->manifest, "%s{\"file\":\"%s\",\"bytes\":%zu,\"sha256\":\"%.*s\"}",
                 a->zip.n > 1 ? "," : "", file, content.n, STR_FMT(sha256_text(cx, content)));
        buf_addf(&a->readme, "- `%s`: %s\n", file, about);
}

static Err parts_add(Ctx *cx, const Work *w, Str user_id, Archive *a) {
        for (size_t i = 0; i < ELEMENTSOF(own_parts) + w->id->n_parts; i++) {
                const PersonalPart *p =
                        i < ELEMENTSOF(own_parts) ? NULL : &w->id->parts[i - ELEMENTSOF(own_parts)];
                _cleanup_(buf_done) Buf b = BUF(PART_MAX);

                if (p && !p->write)
                        continue;
                TRY(p ? p->write(cx, w->c, p->arg, user_id, &b)
                      : own_parts[i].write(cx, w, user_id, &b));
                if (b.full)
                        return RAISE(cx, ERR_TOO_LARGE, "%s", p ? p->file : own_parts[i].file);
                archive_add(cx, a, p ? p->file : own_parts[i].file,
                            p ? p->about : own_parts[i].about, buf_str(&b));
        }
        return OK;
}

static Err archive_make(Ctx *cx, const Work *w, Str user_id, Archive *a) {
        a->out = BUF(EXPORT_BYTES_MAX);
        a->manifest = BUF(64 * 1024);
        a->readme = BUF(64 * 1024);
        zip_begin(&a->zip, &a->out, cx_now_ms(cx));
        buf_addf(&a->manifest, "{\"made_at\":\"%.*s\",\"files\":[",
                 STR_FMT(when_format(cx->arena, cx_now_ms(cx))));
        buf_add_c(&a->readme, "# Your data\n\nUTF-8 JSON; times are RFC 3339, UTC. `manifest.json` "
                              "has the SHA-256 of each file.\n\n");
        TRY(parts_add(cx, w, user_id, a));
        archive_add(cx, a, "README.md", "this page", buf_str(&a->readme));
        buf_add_c(&a->manifest, "]}\n");
        zip_add(&a->zip, STR("manifest.json"), buf_str(&a->manifest));
        return zip_end(&a->zip)
                       ? OK
                       : RAISE(cx, ERR_TOO_LARGE, "an export over %zu bytes", EXPORT_BYTES_MAX);
}

/* ---- files ---- */

static const char *export_path(Ctx *cx, const Identity *id, Str job_id) {
        return arena_printf(cx->arena, "%s/exports/%.*s.zip", id->set.data_dir, STR_FMT(job_id));
}

static Err archive_save(Ctx *cx, const Identity *id, Str job_id, Str bytes) {
        TRY(dir_make(cx, arena_printf(cx->arena, "%s/exports", id->set.data_dir)));
        return file_write(cx, export_path(cx, id, job_id), bytes);
}

Err export_forget(Ctx *cx, Identity *id, Str user_id) {
        _cleanup_(rows_done) Rows r = { 0 };
        DbConn *c;
        bool more;

        TRY(db_read(cx, id->db, &c));
        TRY(db_rows(cx, c, &sql_export_ids, ARGS(v_text(user_id)), &r));
        for (;;) {
                TRY(rows_next(cx, &r, &more));
                if (!more)
                        return OK;
                unlink(export_path(cx, id, row_text(&r, 0)));
        }
}

/* ---- jobs ---- */

typedef struct Job {
        Str job_id, user_id;
        const char *status;
        int64_t bytes, expires_at;
        Str sha256;
} Job;

static Err job_save(Ctx *cx, DbConn *c, void *arg) {
        const Job *j = arg;

        return db_run(cx, c, &sql_export_set,
                      ARGS(v_text(j->job_id), v_text(str_c(j->status)), v_int(j->bytes),
                           v_text(j->sha256), v_int(j->expires_at)),
                      NULL);
}

Err export_request(Ctx *cx, const Work *w, Str user_id, Str *ret_job_id) {
        int64_t today = 0, now = cx_now_ms(cx);
        Str job_id = id_new(cx, "exp_");
        bool more;

        {
                _cleanup_(rows_done) Rows r = { 0 };

                TRY(db_rows(cx, w->c, &sql_export_recent,
                            ARGS(v_text(user_id), v_int(now - DAY_MS)), &r));
                for (;;) {
                        TRY(rows_next(cx, &r, &more));
                        if (!more)
                                break;
                        if (str_eq(row_text(&r, 0), STR("queued")) ||
                            str_eq(row_text(&r, 0), STR("running")))
                                return RAISE(cx, ERR_CONFLICT, "an export is under way");
                        today++;
                }
        }
        if (today >= EXPORTS_PER_DAY) {
                cx->err.retry_after_s = DAY_MS / 1000;
                return RAISE(cx, ERR_RATE_LIMITED, "%lld exports today", (long long)today);
        }
        TRY(db_run(cx, w->c, &sql_export_add, ARGS(v_text(job_id), v_text(user_id), v_int(now)),
                   NULL));
        *ret_job_id = job_id;
        return OK;
}

static Str link_sign(Ctx *cx, Identity *id, Str user_id, Str job_id, int64_t expires_s) {
        unsigned char mac[SHA256_SIZE];

        hmac_key_sign(&id->link_mac,
                      arena_strf(cx->arena, "export\n%.*s\n%.*s\n%lld", STR_FMT(user_id),
                                 STR_FMT(job_id), (long long)expires_s),
                      mac);
        return base64url_encode(cx->arena, str_n(mac, sizeof(mac)));
}

Err export_find(Ctx *cx, const Work *w, Str user_id, Str job_id, ExportJob *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        int64_t now = cx_now_ms(cx), until = now / 1000 + EXPORT_LINK_S;
        Err e = db_row(cx, w->c, &sql_export_get, ARGS(v_text(job_id), v_text(user_id)), &r);
        ExportJob j;

        if (e == ERR_NOT_FOUND)
                return RAISE(cx, ERR_NOT_FOUND, "no such export of this user");
        TRY(e);
        j = (ExportJob){ .job_id = arena_dup(cx->arena, job_id),
                         .status = row_dup(cx, &r, 0),
                         .bytes = row_int(&r, 2),
                         .sha256 = row_dup(cx, &r, 3),
                         .expires_at = row_int(&r, 4) };
        if (str_eq(j.status, STR("ready")) && j.expires_at <= now)
                j.status = STR("expired");
        if (str_eq(j.status, STR("ready"))) {
                j.link = arena_strf(cx->arena, "expires=%lld&signature=%.*s", (long long)until,
                                    STR_FMT(link_sign(cx, w->id, user_id, job_id, until)));
                j.link_expires_at = 1000 * until;
        }
        *ret = j;
        return OK;
}

Err export_open(Ctx *cx, Identity *id, const ExportLink *l, Str *ret) {
        Err e;

        if (!secret_eq(l->signature, link_sign(cx, id, l->user_id, l->job_id, l->expires_s)))
                return RAISE(cx, ERR_NOT_FOUND, "not signed by us for this user");
        if (cx_now_ms(cx) / 1000 >= l->expires_s)
                return RAISE(cx, ERR_NOT_FOUND, "the link has expired");
        e = file_read(cx, export_path(cx, id, l->job_id), EXPORT_BYTES_MAX, ret);
        return e == ERR_NOT_FOUND ? RAISE(cx, ERR_NOT_FOUND, "the archive is gone") : e;
}

static Err job_next(Ctx *cx, DbConn *c, Job *ret) {
        _cleanup_(rows_done) Rows r = { 0 };

        TRY(db_row(cx, c, &sql_export_queued, NO_ARGS, &r));
        *ret = (Job){ .job_id = row_dup(cx, &r, 0), .user_id = row_dup(cx, &r, 1) };
        return OK;
}

static Err job_run(Ctx *cx, const Work *w, Job *j) {
        _cleanup_(archive_done) Archive a = { 0 };

        TRY(archive_make(cx, w, j->user_id, &a));
        j->sha256 = sha256_text(cx, buf_str(&a.out));
        j->bytes = (int64_t)a.out.n;
        return archive_save(cx, w->id, j->job_id, buf_str(&a.out));
}

static Err old_remove(Ctx *cx, const Work *w) {
        Job old[OLD_MAX];
        size_t n = 0;
        bool more;

        {
                _cleanup_(rows_done) Rows r = { 0 };

                TRY(db_rows(cx, w->c, &sql_export_old, ARGS(v_int(cx_now_ms(cx)), v_int(OLD_MAX)),
                            &r));
                for (;;) {
                        TRY(rows_next(cx, &r, &more));
                        if (!more || n == OLD_MAX)
                                break;
                        old[n++] = (Job){ .job_id = row_dup(cx, &r, 0), .status = "expired" };
                }
        }
        for (size_t i = 0; i < n; i++) {
                unlink(export_path(cx, w->id, old[i].job_id));
                TRY(db_write(cx, w->id->db, job_save, &old[i]));
        }
        return OK;
}

Err export_flush(Ctx *cx, Identity *id) {
        DbConn *c;
        Job j;
        Err e;

        TRY(db_read(cx, id->db, &c));
        TRY(old_remove(cx, &(Work){ id, c }));
        e = job_next(cx, c, &j);
        if (e)
                return e == ERR_NOT_FOUND ? OK : e;
        e = job_run(cx, &(Work){ id, c }, &j);
        j.status = e ? "failed" : "ready";
        j.expires_at = cx_now_ms(cx) + INT64_C(1000) * EXPORT_KEPT_S;
        if (e)
                LOG(cx, LOG_ERROR, "export_failed", "an export was not made",
                    L_STR("what", str_c(cx->err.what)));
        err_clear(cx);
        return db_write(cx, id->db, job_save, &j);
}
