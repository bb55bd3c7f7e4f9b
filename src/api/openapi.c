// SPDX-License-Identifier: MIT
/* The OpenAPI 3.1 document and the plain row list, both printed from the route table: nothing in
 * them is written by hand. */
#include "api/api.h"
#include "codec/json.h"

typedef struct Printer {
        Buf *out;
        const Shape *seen[512]; /* components, printed once each */
        bool answers[512];      /* seen[i] is part of an answer */
        size_t n_seen;
} Printer;

static void str(Buf *out, const char *c) { json_write_str(out, str_c(c)); }

/* ---- shapes ---- */

static size_t shape_place(const Printer *p, const Shape *s) {
        size_t i = 0;
        while (i < p->n_seen && p->seen[i] != s)
                i++;
        return i;
}

static void shape_note(Printer *p, const Shape *s, bool answer) {
        size_t i = shape_place(p, s);
        if (i < p->n_seen && (p->answers[i] || !answer))
                return;
        assert(i < ELEMENTSOF(p->seen));
        p->n_seen = MAX(p->n_seen, i + 1);
        p->seen[i] = s;
        p->answers[i] = answer;
        for (const Field *f = s->fields; f->type != FT_END; f++)
                if (f->sub)
                        shape_note(p, f->sub, answer);
}

/* Two rooms may name a struct alike; the later one gets a number. */
static void component_name(const Printer *p, const Shape *s, Buf *out) {
        int twins = 0;
        for (size_t i = 0; i < p->n_seen && p->seen[i] != s; i++)
                twins += !strcmp(p->seen[i]->name, s->name);
        buf_add_c(out, s->name);
        if (twins)
                buf_add_i64(out, twins + 1);
}

static void ref(const Printer *p, const Shape *s) {
        buf_add_c(p->out, "{\"$ref\":\"#/components/schemas/");
        component_name(p, s, p->out);
        buf_add_c(p->out, "\"}");
}

static void type_print(const Printer *p, const Field *f, const char *type) {
        if (f->flags & (F_NULL | F_CLEAR))
                buf_addf(p->out, "\"type\":[\"%s\",\"null\"]", type);
        else
                buf_addf(p->out, "\"type\":\"%s\"", type);
}

static void bounds(const Printer *p, const Field *f, const char *min, const char *max) {
        if (f->min == 0 && f->max == 0)
                return;
        buf_addf(p->out, ",\"%s\":%.15g", min, f->min);
        if (f->max != 0)
                buf_addf(p->out, ",\"%s\":%.15g", max, f->max);
}

static void enum_print(const Printer *p, const Field *f) {
        Str rest = str_c(f->one_of);
        buf_add_c(p->out, ",\"enum\":[");
        for (const char *comma = ""; rest.p; comma = ",") {
                buf_add_c(p->out, comma);
                json_write_str(p->out, str_cut(&rest, '|'));
        }
        buf_add_c(p->out, f->flags & (F_NULL | F_CLEAR) ? ",null]" : "]");
}

static void string_print(const Printer *p, const Field *f) {
        type_print(p, f, "string");
        if (f->one_of && !(f->flags & F_LOWER))
                enum_print(p, f);
        else
                bounds(p, f, "minLength", "maxLength");
        if (f->format)
                buf_addf(p->out, ",\"format\":\"%s\"", f->format);
}

static void field_type(Printer *p, const Field *f) {
        switch (f->type) {
        case FT_STR: string_print(p, f); return;
        case FT_INT:
        case FT_OINT:
                type_print(p, f, "integer");
                bounds(p, f, "minimum", "maximum");
                return;
        case FT_NUM:
        case FT_ONUM:
                type_print(p, f, "number");
                bounds(p, f, "minimum", "maximum");
                return;
        case FT_BOOL:
        case FT_OBOOL: type_print(p, f, "boolean"); return;
        case FT_TIME:
                type_print(p, f, "string");
                buf_add_c(p->out, ",\"format\":\"date-time\"");
                return;
        case FT_STRS:
                type_print(p, f, "array");
                bounds(p, f, "minItems", "maxItems");
                buf_add_c(p->out, ",\"items\":{\"type\":\"string\"");
                if (f->item_max)
                        buf_addf(p->out, ",\"maxLength\":%zu", f->item_max);
                buf_addc(p->out, '}');
                return;
        case FT_LIST:
                type_print(p, f, "array");
                bounds(p, f, "minItems", "maxItems");
                buf_add_c(p->out, ",\"items\":");
                ref(p, f->sub);
                return;
        case FT_OBJ:
        case FT_JSON:
        case FT_END:
        case _FT_N: return;
        }
}

static void field_schema(Printer *p, const Field *f, bool answer) {
        if (f->type == FT_OBJ) {
                if (f->flags & (F_NULL | F_CLEAR))
                        buf_add_c(p->out, "{\"oneOf\":[");
                ref(p, f->sub);
                if (f->flags & (F_NULL | F_CLEAR))
                        buf_add_c(p->out, ",{\"type\":\"null\"}]}");
                return;
        }
        buf_addc(p->out, '{');
        size_t empty = p->out->n;
        field_type(p, f);
        if (f->doc) {
                buf_add_c(p->out, p->out->n > empty ? ",\"description\":" : "\"description\":");
                str(p->out, f->doc);
        }
        if (f->flags & F_SECRET && !answer)
                buf_add_c(p->out, ",\"writeOnly\":true");
        buf_addc(p->out, '}');
}

static void shape_print(Printer *p, const Shape *s) {
        bool answer = p->answers[shape_place(p, s)];
        buf_add_c(p->out, "{\"type\":\"object\",\"properties\":{");
        for (const Field *f = s->fields; f->type != FT_END; f++) {
                buf_addf(p->out, "%s\"%s\":", f == s->fields ? "" : ",", f->name);
                field_schema(p, f, answer);
        }
        buf_addc(p->out, '}');
        const char *comma = ",\"required\":[";
        bool any = false;
        for (const Field *f = s->fields; f->type != FT_END; f++)
                if (f->flags & F_REQ) {
                        buf_addf(p->out, "%s\"%s\"", comma, f->name);
                        comma = ",";
                        any = true;
                }
        buf_addf(p->out, "%s,\"additionalProperties\":%s}", any ? "]" : "",
                 s->open ? "true" : "false");
}

/* ---- rows ---- */

static void err_add(Err out[_ERR_N], size_t *n, Err e) {
        for (size_t i = 0; i < *n; i++)
                if (out[i] == e)
                        return;
        out[(*n)++] = e;
}

size_t route_errors(const Route *r, Err out[_ERR_N]) {
        size_t n = 0;
        for (const Err *e = r->errors; e && *e; e++)
                err_add(out, &n, *e);
        if (r->auth == AUTH_USER || r->auth == AUTH_ADMIN)
                err_add(out, &n, ERR_UNAUTHENTICATED);
        if (r->auth == AUTH_ADMIN)
                err_add(out, &n, ERR_FORBIDDEN);
        if (r->auth == AUTH_OPTIONAL)
                err_add(out, &n, ERR_TOKEN_INVALID);
        if (r->in && !r->accepts)
                err_add(out, &n, ERR_BAD_JSON);
        if (r->in || (r->query && r->query != &query_ignored) || route_refuses_query(r))
                err_add(out, &n, ERR_INVALID);
        if (r->in || r->in_raw) {
                err_add(out, &n, ERR_TOO_LARGE);
                err_add(out, &n, ERR_MEDIA_TYPE);
        }
        if (r->rate != RATE_NONE && r->rate != RATE_FREE)
                err_add(out, &n, ERR_RATE_LIMITED);
        return n;
}

static void parameter(Printer *p, const char *where, const Field *f, const char **comma) {
        buf_addf(p->out, "%s{\"name\":\"%s\",\"in\":\"%s\",\"required\":%s", *comma, f->name, where,
                 !strcmp(where, "path") || f->flags & F_REQ ? "true" : "false");
        if (f->doc) {
                buf_add_c(p->out, ",\"description\":");
                str(p->out, f->doc);
        }
        buf_add_c(p->out, ",\"schema\":");
        Field bare = *f;
        bare.doc = NULL;
        field_schema(p, &bare, false);
        buf_addc(p->out, '}');
        *comma = ",";
}

static void path_parameters(Printer *p, const Route *r, const char **comma) {
        for (const char *at = strchr(r->path, '{'); at; at = strchr(at + 1, '{')) {
                char name[64];
                snprintf(name, sizeof name, "%.*s", (int)strcspn(at + 1, "}"), at + 1);
                parameter(p, "path", &(Field){ .name = name, .type = FT_STR }, comma);
        }
}

static void header_parameter(Printer *p, const HeaderDoc *h, const char **comma) {
        parameter(p, "header", &(Field){ .name = h->name, .type = FT_STR, .doc = h->doc }, comma);
}

static void header_parameters(Printer *p, const Route *r, const char **comma) {
        static const HeaderDoc key = { "Idempotency-Key",
                                       "1 to 255 characters. The same key with the same request "
                                       "has one effect and gives the same answer for 24 hours, "
                                       "with Idempotency-Replayed: true" };
        static const HeaderDoc turn_key = { "Idempotency-Key",
                                            "1 to 255 characters. The same key with the same "
                                            "request is one turn, also after a crash, and gives "
                                            "the same answer for 24 hours, events if it was "
                                            "streamed, with Idempotency-Replayed: true. Such a "
                                            "turn goes on to its end when its reader leaves, "
                                            "whatever ON_DISCONNECT says" };
        for (const HeaderDoc *h = r->headers; h && h->name; h++)
                header_parameter(p, h, comma);
        if (route_takes_key(r))
                header_parameter(p, r->lane == LANE_STREAM ? &turn_key : &key, comma);
}

static void parameters(Printer *p, const Route *r) {
        const char *comma = "";
        buf_add_c(p->out, ",\"parameters\":[");
        path_parameters(p, r, &comma);
        for (const Field *f = r->query ? r->query->fields : NULL; f && f->type != FT_END; f++)
                parameter(p, "query", f, &comma);
        header_parameters(p, r, &comma);
        buf_addc(p->out, ']');
}

static const Shape *body_form(const Route *r, Str type) {
        return r->in ? r->in : str_ends(type, STR("ndjson")) ? r->line_form : r->raw_form;
}

static void request_body(Printer *p, const Route *r) {
        if (!r->in && !r->in_raw)
                return;
        buf_add_c(p->out, ",\"requestBody\":{\"required\":true,\"content\":{");
        Str types = str_c(r->accepts ? r->accepts : "application/json");
        for (const char *comma = ""; types.p; comma = ",") {
                Str type = str_trim(str_cut(&types, ','));
                buf_addf(p->out, "%s\"%.*s\":{\"schema\":", comma, STR_FMT(type));
                if (body_form(r, type))
                        ref(p, body_form(r, type));
                else
                        buf_add_c(p->out, "{}");
                buf_addc(p->out, '}');
        }
        buf_add_c(p->out, "}}");
}

static int success_status(const Route *r) {
        return r->status ? r->status : r->out || r->produces ? 200 : 204;
}

/* An answer without a shape: JSON of any kind, or text. */
static void raw_content(Printer *p, const char *type) {
        size_t n = strcspn(type, ";");
        bool json = n >= 4 && !strncmp(type + n - 4, "json", 4);
        buf_addf(p->out, "\"%.*s\":{\"schema\":%s}", (int)n, type,
                 json ? "{}" : "{\"type\":\"string\"}");
}

static const char problem_content[] = "\"application/problem+json\":{\"schema\":"
                                      "{\"$ref\":\"#/components/schemas/Problem\"}}";

/* The media types of an answer that is not a problem. */
static void contents(Printer *p, const Route *r, bool second) {
        bool own_json = r->also && !strcmp(r->also, "application/json");
        if (r->produces) {
                raw_content(p, r->produces);
        } else if (second && own_json) {
                raw_content(p, r->also);
        } else if (r->out) {
                buf_addf(p->out, "\"%s\":{\"schema\":",
                         r->out_type ? r->out_type : "application/json");
                buf_add_c(p->out, r->out_list ? "{\"type\":\"array\",\"items\":" : "");
                ref(p, r->out);
                buf_add_c(p->out, r->out_list ? "}}" : "}");
        }
        if (r->also && !own_json) {
                buf_addc(p->out, ',');
                raw_content(p, r->also);
        }
}

static void success(Printer *p, const Route *r) {
        buf_addf(p->out, "\"%d\":{\"description\":\"Success\"", success_status(r));
        if (r->produces || r->out) {
                buf_add_c(p->out, ",\"content\":{");
                contents(p, r, false);
                buf_addc(p->out, '}');
        }
        buf_addc(p->out, '}');
        if (!r->also_status)
                return;
        buf_addf(p->out, ",\"%d\":{\"description\":\"%s\"", r->also_status,
                 r->also_status < 400 ? "Success as well" : "The same answer, or a problem");
        if (r->also_status != 304) {
                buf_add_c(p->out, ",\"content\":{");
                contents(p, r, true);
                if (r->also_status >= 400)
                        buf_addf(p->out, ",%s", problem_content);
                buf_addc(p->out, '}');
        }
        buf_addc(p->out, '}');
}

static int row_status(const Route *r, Err e) {
        return r->wire == WIRE_OPENAI && err_info[e].http == 422 ? 400 : err_info[e].http;
}

/* One entry a status; its description names the codes. */
static void failures(Printer *p, const Route *r) {
        Err errors[_ERR_N];
        size_t n = route_errors(r, errors);
        for (int status = 400; status < 600; status++) {
                const char *sep = "";
                for (size_t i = 0; i < n; i++) {
                        if (row_status(r, errors[i]) != status || status == r->also_status)
                                continue;
                        if (!*sep)
                                buf_addf(p->out, ",\"%d\":{\"description\":\"", status);
                        buf_addf(p->out, "%s%s", sep, err_info[errors[i]].name);
                        sep = ", ";
                }
                if (*sep)
                        buf_addf(p->out, "\",\"content\":{%s}}", problem_content);
        }
        for (const char *c = "45"; *c; c++)
                buf_addf(p->out,
                         ",\"%cXX\":{\"description\":\"Any other problem\",\"content\":{%s}}", *c,
                         problem_content);
}

static void security(Printer *p, const Route *r) {
        static const char all[] = "{\"bearer\":[]},{\"apiKey\":[]},{\"session\":[]}";
        if (r->auth == AUTH_NONE)
                buf_add_c(p->out, ",\"security\":[]");
        else
                buf_addf(p->out, ",\"security\":[%s%s]", r->auth == AUTH_OPTIONAL ? "{}," : "",
                         all);
}

static void operation(Printer *p, const Route *r) {
        static const char *const lower[_M_N] = {
                [GET] = "get",     [HEAD] = "head",     [POST] = "post",      [PUT] = "put",
                [PATCH] = "patch", [DELETE] = "delete", [OPTIONS] = "options"
        };
        buf_addf(p->out,
                 "\"%s\":{\"operationId\":\"%s\",\"tags\":[\"%s\"],\"summary\":", lower[r->method],
                 r->id, r->tag);
        str(p->out, r->summary);
        if (r->scope)
                buf_addf(p->out, ",\"x-scope\":\"%s\"", r->scope);
        security(p, r);
        parameters(p, r);
        request_body(p, r);
        buf_add_c(p->out, ",\"responses\":{");
        success(p, r);
        failures(p, r);
        buf_add_c(p->out, "}}");
}

static const Route *next_of_path(const Route *const *tables, const char *path, const Route *after) {
        bool past = !after;
        for (const Route *const *t = tables; *t; t++)
                for (const Route *r = *t; r->id; r++) {
                        if (past && !strcmp(r->path, path))
                                return r;
                        past = past || r == after;
                }
        return NULL;
}

static void paths(Printer *p, const Route *const *tables) {
        const char *comma = "";
        for (const Route *const *t = tables; *t; t++)
                for (const Route *first = *t; first->id; first++) {
                        if (next_of_path(tables, first->path, NULL) != first)
                                continue;
                        size_t n = strlen(first->path);
                        n -= n > 1 && first->path[n - 1] == '/'; /* answers with and without */
                        buf_addf(p->out, "%s\"%.*s\":{", comma, (int)n, first->path);
                        for (const Route *r = first; r; r = next_of_path(tables, first->path, r)) {
                                buf_add_c(p->out, r == first ? "" : ",");
                                operation(p, r);
                        }
                        buf_addc(p->out, '}');
                        comma = ",";
                }
}

/* What a group of operations is for; a tag without a line here stands for itself. */
static const char *tag_about(const char *tag) {
        static const struct {
                const char *tag, *about;
        } lines[] = {
                { "Auth", "Sign up, sign in, refresh, sign out, check a credential" },
                { "Account", "The person behind the credential" },
                { "API keys", "Credentials for programs" },
                { "Admin", "Accounts, for administrators" },
                { "Audit", "What happened to accounts and credentials, in a chain of hashes" },
                { "Mem0 compatible", "The interface of mem0's clients" },
                { "Memories", "What is known about a person: facts, search, history" },
                { "Profile", "The person in 27 fields, each with its source" },
                { "Chat", "Turns of a conversation, whole or streamed" },
                { "Conversations", "Conversations and their turns" },
                { "Usage", "What models cost, and budgets" },
                { "OpenAI compatible", "The interface of OpenAI's clients" },
                { "Health", "Liveness, readiness, checks" },
                { "Operations", "Status and metrics" },
                { "Documentation", "This document and its page" },
        };
        for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                if (!strcmp(lines[i].tag, tag))
                        return lines[i].about;
        return tag;
}

static void tags(Printer *p, const Route *const *tables) {
        const char *seen[64];
        size_t n = 0;
        for (const Route *const *t = tables; *t; t++)
                for (const Route *r = *t; r->id; r++) {
                        size_t i = 0;
                        while (i < n && strcmp(seen[i], r->tag))
                                i++;
                        if (i < n || n == ELEMENTSOF(seen))
                                continue;
                        buf_addf(p->out, "%s{\"name\":\"%s\",\"description\":\"%s\"}", n ? "," : "",
                                 r->tag, tag_about(r->tag));
                        seen[n++] = r->tag;
                }
}

static const char problem_schema[] =
        "{\"type\":\"object\",\"description\":\"RFC 9457 problem details\","
        "\"required\":[\"type\",\"title\",\"status\",\"code\",\"instance\",\"request_id\"],"
        "\"properties\":{\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},"
        "\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},"
        "\"instance\":{\"type\":\"string\"},\"code\":{\"type\":\"string\"},"
        "\"request_id\":{\"type\":\"string\"},\"errors\":{\"type\":\"array\",\"items\":"
        "{\"type\":\"object\",\"required\":[\"pointer\",\"detail\"],\"properties\":{"
        "\"pointer\":{\"type\":\"string\"},\"detail\":{\"type\":\"string\"}}}}}}";

static void shapes_note(Printer *p, const Route *r) {
        const Shape *const bodies[] = { r->in, r->raw_form, r->line_form };
        for (size_t i = 0; i < ELEMENTSOF(bodies); i++)
                if (bodies[i])
                        shape_note(p, bodies[i], false);
        if (r->out)
                shape_note(p, r->out, true);
}

void openapi_write(Buf *out, const Route *const *tables, Str version, Str public_url) {
        Printer p = { .out = out };
        for (const Route *const *t = tables; *t; t++)
                for (const Route *r = *t; r->id; r++)
                        shapes_note(&p, r);
        buf_add_c(out, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Mainstay\",\"summary\":\"The "
                       "backend an AI product stands on\","
                       "\"license\":{\"name\":\"MIT\",\"identifier\":\"MIT\"},\"version\":");
        json_write_str(out, version);
        buf_add_c(out, "},\"servers\":[{\"url\":");
        json_write_str(out, public_url);
        buf_add_c(out, "}],\"tags\":[");
        tags(&p, tables);
        buf_add_c(out, "],\"paths\":{");
        paths(&p, tables);
        buf_add_c(out, "},\"components\":{\"securitySchemes\":{\"bearer\":{\"type\":\"http\","
                       "\"scheme\":\"bearer\"},"
                       "\"apiKey\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-API-Key\"},"
                       "\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"authjs."
                       "session-token\"}},\"schemas\":{\"Problem\":");
        buf_add_c(out, problem_schema);
        for (size_t i = 0; i < p.n_seen; i++) {
                buf_add_c(out, ",\"");
                component_name(&p, p.seen[i], out);
                buf_add_c(out, "\":");
                shape_print(&p, p.seen[i]);
        }
        buf_add_c(out, "}}}");
}

/* The first row with the same handler: one operation under several paths. */
static const Route *row_origin(const Route *const *tables, const Route *of) {
        for (const Route *const *t = tables; *t; t++)
                for (const Route *r = *t; r->id; r++)
                        if (r->fn == of->fn && r->method == of->method)
                                return r;
        return of;
}

static const char *const auths[] = {
        [AUTH_UNSET] = "unset", [AUTH_NONE] = "none",   [AUTH_OPTIONAL] = "optional",
        [AUTH_USER] = "user",   [AUTH_ADMIN] = "admin",
};
static const char *const rates[] = {
        [RATE_UNSET] = "unset",       [RATE_NONE] = "none",     [RATE_READ] = "read",
        [RATE_WRITE] = "write",       [RATE_MEMORY] = "memory", [RATE_FREE] = "free",
        [RATE_LOGIN] = "login",       [RATE_REGISTER] = "register",
        [RATE_REFRESH] = "refresh",   [RATE_FORGOT] = "forgot", [RATE_RESET] = "reset",
};
static const char *const lanes[] = {
        [LANE_UNSET] = "unset", [LANE_INLINE] = "inline", [LANE_READ] = "read",
        [LANE_WRITE] = "write", [LANE_WORKER] = "worker", [LANE_HASH] = "hash",
        [LANE_STREAM] = "stream",
};

static void row_print(Buf *out, const Route *r, const Route *origin) {
        buf_addf(out,
                 "{\"id\":\"%s\",\"origin\":\"%s\",\"method\":\"%s\",\"path\":\"%s\","
                 "\"auth\":\"%s\",\"lane\":\"%s\",\"rate\":\"%s\",\"status\":%d,\"scope\":",
                 r->id, origin->id, method_names[r->method], r->path, auths[r->auth],
                 lanes[r->lane], rates[r->rate], success_status(r));
        json_write_str(out, str_c(r->scope ? r->scope : ""));
        buf_add_c(out, ",\"audit\":");
        json_write_str(out, str_c(r->audit ? r->audit : ""));
        buf_add_c(out, ",\"audit_none\":");
        json_write_str(out, str_c(r->audit_none ? r->audit_none : ""));
        buf_add_c(out, ",\"errors\":[");
        Err errors[_ERR_N];
        size_t n = route_errors(r, errors);
        for (size_t i = 0; i < n; i++)
                buf_addf(out, "%s\"%s\"", i ? "," : "", err_info[errors[i]].name);
        buf_add_c(out, "]}");
}

void routes_write(Buf *out, const Route *const *tables) {
        buf_addc(out, '[');
        const char *comma = "";
        for (const Route *const *t = tables; *t; t++)
                for (const Route *r = *t; r->id; r++, comma = ",\n") {
                        buf_add_c(out, comma);
                        row_print(out, r, row_origin(tables, r));
                }
        buf_add_c(out, "]\n");
}
