// SPDX-License-Identifier: MIT
#include "codec/yaml.h"

#include <yaml.h>

typedef struct Reader {
        Ctx *cx;
        yaml_parser_t parser;
        YamlEntry *v;
        size_t n;
} Reader;

static void reader_cleanup(Reader *r) { yaml_parser_delete(&r->parser); }
static void event_cleanup(yaml_event_t *e) { yaml_event_delete(e); }

static int line_of(const yaml_event_t *e) { return (int)e->start_mark.line + 1; }

static Err next(Reader *r, yaml_event_t *ret) {
        if (yaml_parser_parse(&r->parser, ret))
                return OK;
        const char *why = r->parser.problem ? r->parser.problem : "not readable";
        return RAISE(r->cx, ERR_INVALID, "line %zu: %s", r->parser.problem_mark.line + 1, why);
}

/* Why this event is no plain value; NULL when it is one. */
static const char *refusal(const yaml_event_t *e) {
        if (e->type == YAML_ALIAS_EVENT)
                return "aliases (*name) are not used here";
        if (e->type == YAML_MAPPING_START_EVENT)
                return "settings are flat, without a mapping inside";
        if (e->type == YAML_SEQUENCE_START_EVENT)
                return "settings have no lists: write a,b,c";
        if (e->type != YAML_SCALAR_EVENT)
                return "a value is missing";
        if (e->data.scalar.anchor)
                return "anchors (&name) are not used here";
        if (e->data.scalar.tag)
                return "tags (!name) are not used here";
        if (memchr(e->data.scalar.value, '\0', e->data.scalar.length))
                return "a value holds a NUL";
        return NULL;
}

static Err scalar_take(Reader *r, const yaml_event_t *e, Str *ret) {
        const char *why = refusal(e);
        if (why)
                return RAISE(r->cx, ERR_INVALID, "line %d: %s", line_of(e), why);
        Str s = str_n(e->data.scalar.value, e->data.scalar.length);
        bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        bool null = plain && (str_eq_c(s, "~") || str_eq_c(s, "null"));
        *ret = arena_dup(r->cx->arena, null ? STR("") : s);
        return OK;
}

static Err key_check(Reader *r, Str key, int line) {
        if (!key.n)
                return RAISE(r->cx, ERR_INVALID, "line %d: a setting without a name", line);
        for (size_t i = 0; i < r->n; i++)
                if (str_eq(r->v[i].key, key))
                        return RAISE(r->cx, ERR_INVALID, "line %d: %.*s is already set on line %d",
                                     line, STR_FMT(key), r->v[i].line);
        if (r->n == YAML_ENTRIES_MAX)
                return RAISE(r->cx, ERR_TOO_LARGE, "line %d: more than %d settings", line,
                             YAML_ENTRIES_MAX);
        return OK;
}

/* One name and its value; *ret_more false at the end of the mapping. */
static Err entry_read(Reader *r, bool *ret_more) {
        _cleanup_(event_cleanup) yaml_event_t key = { 0 }, value = { 0 };
        TRY(next(r, &key));
        *ret_more = key.type != YAML_MAPPING_END_EVENT;
        if (!*ret_more)
                return OK;
        YamlEntry entry = { .line = line_of(&key) };
        TRY(scalar_take(r, &key, &entry.key));
        TRY(key_check(r, entry.key, entry.line));
        TRY(next(r, &value));
        TRY(scalar_take(r, &value, &entry.value));
        r->v[r->n++] = entry;
        return OK;
}

static Err mapping_read(Reader *r, const yaml_event_t *start) {
        if (start->type != YAML_MAPPING_START_EVENT)
                return RAISE(r->cx, ERR_INVALID, "line %d: expected lines of the form name: value",
                             line_of(start));
        if (start->data.mapping_start.anchor || start->data.mapping_start.tag)
                return RAISE(r->cx, ERR_INVALID, "line %d: anchors and tags are not used here",
                             line_of(start));
        for (bool more = true; more;)
                TRY(entry_read(r, &more));
        return OK;
}

/* STREAM-START (DOCUMENT-START mapping DOCUMENT-END)? STREAM-END */
static Err stream_read(Reader *r) {
        static const yaml_event_type_t frame[] = { YAML_STREAM_START_EVENT,
                                                   YAML_DOCUMENT_START_EVENT, YAML_NO_EVENT,
                                                   YAML_DOCUMENT_END_EVENT, YAML_STREAM_END_EVENT };
        for (size_t i = 0; i < ELEMENTSOF(frame); i++) {
                _cleanup_(event_cleanup) yaml_event_t e = { 0 };
                TRY(next(r, &e));
                if (i == 1 && e.type == YAML_STREAM_END_EVENT)
                        return OK; /* an empty file */
                if (frame[i] == YAML_NO_EVENT)
                        TRY(mapping_read(r, &e));
                else if (e.type != frame[i])
                        return RAISE(r->cx, ERR_INVALID, "line %d: one document only", line_of(&e));
        }
        return OK;
}

Err yaml_read(Ctx *cx, Str text, YamlEntries *ret) {
        if (text.n > YAML_TEXT_MAX)
                return RAISE(cx, ERR_TOO_LARGE, "a settings file of more than %d bytes",
                             YAML_TEXT_MAX);
        _cleanup_(reader_cleanup) Reader r = { .cx = cx };
        if (!yaml_parser_initialize(&r.parser))
                abort();
        r.v = NEW_ARRAY(cx->arena, YamlEntry, YAML_ENTRIES_MAX);
        yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.p ? text.p : ""),
                                     text.n);
        TRY(stream_read(&r));
        *ret = (YamlEntries){ r.v, r.n };
        return OK;
}
