// SPDX-License-Identifier: MIT
/* JSON text -> struct by shape. All wrong members of a body are noted, not only the first, so that
 * a client mends them in one go. The struct is handed out only when nothing was wrong. */
#include "codec/json_int.h"
#include "codec/shape_int.h"

static void read_obj(Reader *r, const Path *path, const Shape *shape, const json_t *v, char *obj);

static Str text_of(const json_t *v) { return str_n(json_string_value(v), json_string_length(v)); }

static void read_strs(Reader *r, const Path *path, const Field *f, const json_t *v, Strs *ret) {
        size_t n = json_array_size(v);
        if (!json_is_array(v)) {
                field_bad(r, path, "must be a list of strings");
                return;
        }
        if (!field_count(r, path, f, n))
                return;
        Str *items = NEW_ARRAY(r->cx->arena, Str, n);
        for (size_t i = 0; i < n; i++) {
                Path at = { .up = path, .index = i };
                const json_t *item = json_array_get(v, i);
                if (json_is_string(item))
                        field_item(r, &at, f, text_of(item), &items[i]);
                else
                        field_bad(r, &at, "must be a string");
        }
        *ret = (Strs){ items, n };
}

static void read_list(Reader *r, const Path *path, const Field *f, const json_t *v, List *ret) {
        size_t n = json_array_size(v);
        if (!json_is_array(v)) {
                field_bad(r, path, "must be a list of objects");
                return;
        }
        if (!field_count(r, path, f, n))
                return;
        char *items = arena_array(r->cx->arena, n, f->sub->size);
        for (size_t i = 0; i < n; i++) {
                Path at = { .up = path, .index = i };
                read_obj(r, &at, f->sub, json_array_get(v, i), items + i * f->sub->size);
        }
        *ret = (List){ items, n };
}

static void read_number(Reader *r, const Path *path, const Field *f, const json_t *v, void *at) {
        bool whole = f->type == FT_INT || f->type == FT_OINT;
        if (json_is_integer(v) && whole)
                field_int(r, path, f, json_integer_value(v), at);
        else if (json_is_number(v) && !whole)
                field_num(r, path, f, json_number_value(v), at);
        else
                field_bad(r, path, whole ? "must be an integer" : "must be a number");
}

static bool kind_is_allowed(const Field *f, const json_t *v) {
        static const char *const kinds[] = {
                [JSON_OBJECT] = "object",  [JSON_ARRAY] = "array",   [JSON_STRING] = "string",
                [JSON_TRUE] = "boolean",   [JSON_FALSE] = "boolean", [JANSSON_NULL] = "null",
                [JSON_INTEGER] = "number", [JSON_REAL] = "number",
        };
        Str rest = str_c(f->one_of);
        while (rest.p)
                if (str_eq_c(str_cut(&rest, '|'), kinds[json_typeof(v)]))
                        return true;
        return !f->one_of;
}

static bool has_nul(const json_t *v) {
        const char *name;
        json_t *member;
        size_t i;
        json_object_foreach((json_t *)v, name, member)
                if (has_nul(member))
                        return true;
        json_array_foreach(v, i, member)
                if (has_nul(member))
                        return true;
        return json_is_string(v) && memchr(json_string_value(v), '\0', json_string_length(v));
}

static void read_json(Reader *r, const Path *path, const Field *f, const json_t *v, Str *ret) {
        if (has_nul(v)) {
                field_bad(r, path, "must not hold a NUL");
                return;
        }
        if (!kind_is_allowed(f, v)) {
                field_bad(r, path, "must be of type %s", f->one_of);
                return;
        }
        Buf out = BUF(f->max > 0 ? (size_t)f->max : STR_BYTES_DEFAULT);
        json_write_tree(&out, v);
        if (out.full)
                field_bad(r, path, "must have at most %zu bytes", out.max);
        else
                *ret = arena_dup(r->cx->arena, buf_str(&out));
        buf_done(&out);
}

static void read_sub(Reader *r, const Path *path, const Field *f, const json_t *v, void **ret) {
        char *sub = arena_alloc(r->cx->arena, f->sub->size);
        read_obj(r, path, f->sub, v, sub);
        *ret = sub;
}

static void read_bool(Reader *r, const Path *path, const Field *f, const json_t *v, void *at) {
        if (json_is_boolean(v))
                field_bool(f, json_is_true(v), at);
        else
                field_bad(r, path, "must be true or false");
}

static void read_text(Reader *r, const Path *path, const Field *f, const json_t *v, void *at) {
        if (!json_is_string(v))
                field_bad(r, path, "must be a string");
        else if (f->type == FT_TIME)
                field_time(r, path, text_of(v), at);
        else
                field_str(r, path, f, text_of(v), at);
}

static void read_value(Reader *r, const Path *path, const Field *f, const json_t *v, void *at) {
        switch (f->type) {
        case FT_STR:
        case FT_TIME: read_text(r, path, f, v, at); break;
        case FT_INT:
        case FT_OINT:
        case FT_NUM:
        case FT_ONUM: read_number(r, path, f, v, at); break;
        case FT_BOOL:
        case FT_OBOOL: read_bool(r, path, f, v, at); break;
        case FT_STRS: read_strs(r, path, f, v, at); break;
        case FT_LIST: read_list(r, path, f, v, at); break;
        case FT_OBJ: read_sub(r, path, f, v, at); break;
        case FT_JSON: read_json(r, path, f, v, at); break;
        case FT_END:
        case _FT_N: break;
        }
}

/* F_CLEAR: "set to nothing" must differ from "not mentioned". */
static void read_clear(const Field *f, void *at) {
        if (f->type == FT_STR || f->type == FT_JSON)
                *(Str *)at = STR("");
        else if (f->type == FT_STRS)
                *(Strs *)at = (Strs){ (const Str *)"", 0 };
        else if (f->type == FT_LIST)
                *(List *)at = (List){ "", 0 };
        else if (f->type == FT_OINT)
                *(OptInt *)at = (OptInt){ true, -1 };
        else if (f->type == FT_TIME)
                *(int64_t *)at = TIME_CLEARED;
}

static void read_field(Reader *r, const Path *up, const Field *f, const json_t *v, void *at) {
        Path path = { .up = up, .name = str_c(f->name) };
        if (!v)
                field_absent(r, &path, f, at);
        else if (!json_is_nil(v) || (f->type == FT_JSON && !(f->flags & (F_NULL | F_CLEAR))))
                read_value(r, &path, f, v, at);
        else if (f->flags & F_CLEAR)
                read_clear(f, at);
        else if (f->flags & F_NULL)
                field_absent(r, &path, &(Field){ .type = f->type, .def = f->def }, at);
        else
                field_bad(r, &path, "must not be null");
}

static void note_unknown(Reader *r, const Path *up, const Shape *shape, const json_t *v) {
        const char *name;
        json_t *member;
        json_object_foreach((json_t *)v, name, member) {
                const Field *f = shape->fields;
                while (f->type != FT_END && strcmp(f->name, name) != 0)
                        f++;
                Path path = { .up = up, .name = str_c(name) };
                if (f->type == FT_END)
                        field_bad(r, &path, "is not a member of this request");
        }
}

static void read_obj(Reader *r, const Path *path, const Shape *shape, const json_t *v, char *obj) {
        if (!json_is_object(v)) {
                field_bad(r, path, "must be an object");
                return;
        }
        size_t known = 0;
        for (const Field *f = shape->fields; f->type != FT_END; f++) {
                const json_t *member = json_object_get(v, f->name);
                known += member != NULL;
                read_field(r, path, f, member, obj + f->offset);
        }
        if (!shape->open && known != json_object_size(v))
                note_unknown(r, path, shape, v);
}

Err json_read(Ctx *cx, Str text, const Shape *shape, void *ret) {
        _cleanup_(json_decrefp_) json_t *root = NULL;
        Err e = json_load(cx, text, JSON_DEPTH_MAX, LOAD_FIELDS, &root);
        if (e == ERR_INVALID)
                return RAISE_FIELD(cx, "#", "holds a number that is out of range");
        if (e)
                return e;
        Reader r = { .cx = cx, .root = "#" };
        char *obj = arena_alloc(cx->arena, shape->size);
        read_obj(&r, NULL, shape, root, obj);
        if (r.errs)
                return ERR_INVALID;
        memcpy(ret, obj, shape->size);
        return OK;
}
