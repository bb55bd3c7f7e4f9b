// SPDX-License-Identifier: MIT
/* The audit log: one's own events, or all of them with the admin scope. */
#include "api/identity_view.h"
#include "codec/radix.h"

enum { EVENT_MAX = 64, PAGE_MAX = 200 };

typedef struct AuditQuery {
        Str event, outcome;
        int64_t from, to, limit;
        Str cursor;
} AuditQuery;
static const Shape audit_query = SHAPE(AuditQuery,
        F_STR(AuditQuery, event, 0, .max = EVENT_MAX),
        F_STR(AuditQuery, outcome, 0, .one_of = "success|failure|denied"),
        F_TIME(AuditQuery, from, 0),
        F_TIME(AuditQuery, to, 0),
        F_INT(AuditQuery, limit, 0, .min = 1, .max = PAGE_MAX, .def = 50),
        F_STR(AuditQuery, cursor, 0, .max = 20, .doc = "seq of the last record seen"));

typedef struct Party {
        Str type, id;
} Party;
static const Shape party_shape = SHAPE(Party,
        F_STR(Party, type, F_REQ),
        F_STR(Party, id, F_REQ));

typedef struct RecordView {
        int64_t seq, ts;
        Str event, outcome;
        const Party *actor, *target;
        Str ip, user_agent, trace_id, reason, prev_hash, hash;
} RecordView;
static const Shape record_shape = SHAPE(RecordView,
        F_INT(RecordView, seq, F_REQ),
        F_TIME(RecordView, ts, F_REQ),
        F_STR(RecordView, event, F_REQ),
        F_STR(RecordView, outcome, F_REQ),
        F_OBJ(RecordView, actor, F_REQ, .sub = &party_shape),
        F_OBJ(RecordView, target, F_REQ, .sub = &party_shape),
        F_STR(RecordView, ip, F_REQ),
        F_STR(RecordView, user_agent, F_REQ),
        F_STR(RecordView, trace_id, F_REQ),
        F_STR(RecordView, reason, 0),
        F_STR(RecordView, prev_hash, F_REQ, .doc = "Hexadecimal"),
        F_STR(RecordView, hash, F_REQ, .doc = "Hexadecimal"));

static const Party *party(Ctx *cx, Str type, Str id) {
        Party *p = NEW(cx->arena, Party);

        *p = (Party){ type, id };
        return p;
}

static RecordView record_view(Ctx *cx, const AuditRecord *r) {
        return (RecordView){
                .seq = r->seq,
                .ts = r->ts_ms,
                .event = r->event,
                .outcome = r->outcome,
                .actor = party(cx, r->actor_type, r->actor_id),
                .target = party(cx, r->target_type, r->target_id),
                .ip = r->ip,
                .user_agent = r->user_agent,
                .trace_id = r->trace_id,
                .reason = r->reason.n ? r->reason : STR_NULL,
                .prev_hash = hex_encode(cx->arena, r->prev_hash),
                .hash = hex_encode(cx->arena, r->hash),
        };
}

static Err audit_list_handle(Req *rq, const void *in, void *ret) {
        const AuditQuery *q = rq->query;
        AuditFilter f = {
                .owner = rq->who->scopes & SCOPE_ADMIN ? STR_NULL : rq->who->user_id,
                .event = q->event,
                .outcome = q->outcome,
                .from_ms = q->from,
                .to_ms = q->to,
                .limit = (int)q->limit,
        };
        AuditRecords list;
        RecordView *views;

        if (q->cursor.p && (!str_to_i64(q->cursor, &f.before_seq) || f.before_seq < 1))
                return RAISE_FIELD(rq->cx, "?cursor", "is not one that was given out");
        TRY(audit_list(rq->cx, identity_audit(rq->sv->identity), rq->db, &f, &list));
        views = NEW_ARRAY(rq->cx->arena, RecordView, list.n + 1);
        for (size_t i = 0; i < list.n; i++)
                views[i] = record_view(rq->cx, &list.v[i]);
        *(List *)ret = (List){ views, list.n };
        return OK;
}

const Route audit_routes[] = {
        {
                .id = "audit.list",
                .method = GET,
                .path = "/api/v1/audit",
                .lane = LANE_READ,
                .auth = AUTH_USER,
                .scope = "profile",
                .rate = RATE_FREE,
                .query = &audit_query,
                .out = &record_shape,
                .out_list = true,
                .audit_none = "reading the log is in the access log",
                .tag = "Audit",
                .summary = "Security events, newest first: one's own, or all for administrators",
                .fn = audit_list_handle,
        },
        {}
};
