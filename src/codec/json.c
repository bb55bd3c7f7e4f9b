// SPDX-License-Identifier: MIT
/* Parsing, and the reader for JSON whose form is not ours. The library checks grammar, UTF-8 and
 * duplicate members; nesting is counted before it runs, because its own limit is far above ours and
 * it recurses. */
#include "codec/json_int.h"

struct Json {
        json_t *root;
};

/* One pass: deepest nesting outside of strings, -1 when the text holds a NUL. Grammar is not its
 * business. */
static int depth_scan(Str text) {
        int depth = 0, deepest = 0;
        bool in_string = false;
        for (size_t i = 0; i < text.n; i++) {
                char c = text.p[i];
                if (c == '\0')
                        return -1;
                if (c == '"')
                        in_string = !in_string;
                else if (in_string)
                        i += c == '\\';
                else if (c == '{' || c == '[')
                        depth++;
                else if (c == '}' || c == ']')
                        depth--;
                deepest = MAX(deepest, depth);
        }
        return deepest;
}

Err json_load(Ctx *cx, Str text, int depth_max, LoadFor who, json_t **ret) {
        int depth = depth_scan(text);
        if (depth < 0)
                return RAISE(cx, ERR_BAD_JSON, "NUL in the text");
        if (depth > depth_max)
                return RAISE(cx, ERR_BAD_JSON, "nested deeper than %d", depth_max);
        json_error_t err;
        size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
        if (who == LOAD_FIELDS)
                flags |= JSON_ALLOW_NUL;
        json_t *root = json_loadb(text.p ? text.p : "", text.n, flags, &err);
        if (!root && json_error_code(&err) == json_error_numeric_overflow)
                return RAISE(cx, who == LOAD_FIELDS ? ERR_INVALID : ERR_BAD_JSON,
                             "a number is out of range");
        if (!root)
                return RAISE(cx, ERR_BAD_JSON, "byte %d: error %d", err.position,
                             (int)json_error_code(&err));
        *ret = root;
        return OK;
}

void json_write_tree(Buf *out, const json_t *v) {
        const char *name;
        json_t *member;
        size_t i;
        switch (json_typeof(v)) {
        case JSON_OBJECT:
                buf_addc(out, '{');
                i = 0;
                json_object_foreach((json_t *)v, name, member) {
                        if (i++)
                                buf_addc(out, ',');
                        json_write_str(out, str_c(name));
                        buf_addc(out, ':');
                        json_write_tree(out, member);
                }
                buf_addc(out, '}');
                break;
        case JSON_ARRAY:
                buf_addc(out, '[');
                json_array_foreach(v, i, member) {
                        if (i)
                                buf_addc(out, ',');
                        json_write_tree(out, member);
                }
                buf_addc(out, ']');
                break;
        case JSON_STRING:
                json_write_str(out, str_n(json_string_value(v), json_string_length(v)));
                break;
        case JSON_INTEGER: buf_add_i64(out, json_integer_value(v)); break;
        case JSON_REAL: json_write_num(out, json_real_value(v)); break;
        case JSON_TRUE: buf_add(out, STR("true")); break;
        case JSON_FALSE: buf_add(out, STR("false")); break;
        case JANSSON_NULL: buf_add(out, STR("null")); break;
        }
}

Err json_parse(Ctx *cx, Str text, int depth_max, Json **ret) {
        json_t *root;
        TRY(json_load(cx, text, depth_max, LOAD_WHOLE, &root));
        Json *j = malloc(sizeof *j);
        if (!j)
                abort();
        j->root = root;
        *ret = j;
        return OK;
}

Json *json_free(Json *j) {
        if (j)
                json_decref(j->root);
        free(j);
        return NULL;
}

JsonRef json_root(const Json *j) { return (JsonRef){ j->root }; }

JsonKind json_kind(JsonRef v) {
        if (!v.v)
                return JSON_ABSENT;
        switch (json_typeof((const json_t *)v.v)) {
        case JSON_OBJECT: return JSON_OBJ;
        case JSON_ARRAY: return JSON_ARR;
        case JSON_STRING: return JSON_STR;
        case JSON_INTEGER: return JSON_INT;
        case JSON_REAL: return JSON_NUM;
        case JSON_TRUE:
        case JSON_FALSE: return JSON_BOOL;
        case JANSSON_NULL: return JSON_NULL;
        }
        return JSON_ABSENT;
}

JsonRef json_get(JsonRef obj, const char *name) {
        return (JsonRef){ json_object_get(obj.v, name) };
}

JsonRef json_at(JsonRef arr, size_t i) { return (JsonRef){ json_array_get(arr.v, i) }; }

size_t json_count(JsonRef v) { return json_object_size(v.v) + json_array_size(v.v); }

Str json_str(JsonRef v) {
        const char *s = json_string_value(v.v);
        return s ? str_n(s, json_string_length(v.v)) : STR_NULL;
}

int64_t json_int(JsonRef v, int64_t otherwise) {
        return json_kind(v) == JSON_INT ? json_integer_value(v.v) : otherwise;
}

double json_num(JsonRef v, double otherwise) {
        JsonKind k = json_kind(v);
        return k == JSON_INT || k == JSON_NUM ? json_number_value(v.v) : otherwise;
}

bool json_bool(JsonRef v, bool otherwise) {
        return json_kind(v) == JSON_BOOL ? json_is_true((const json_t *)v.v) : otherwise;
}

Str json_text(Ctx *cx, JsonRef v) {
        if (!v.v)
                return STR_NULL;
        Buf out = BUF(SIZE_MAX / 2); /* bounded by the text it came from */
        json_write_tree(&out, v.v);
        Str text = arena_dup(cx->arena, buf_str(&out));
        buf_done(&out);
        return text;
}

bool json_next(JsonRef obj, JsonIter *it) {
        json_t *o = (json_t *)obj.v; /* the library's iterators take no const */
        it->pos = it->pos ? json_object_iter_next(o, it->pos) : json_object_iter(o);
        if (!it->pos)
                return false;
        it->name = str_c(json_object_iter_key(it->pos));
        it->value = (JsonRef){ json_object_iter_value(it->pos) };
        return true;
}

const char *json_library(void) { return jansson_version_str(); }
