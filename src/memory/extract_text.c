// SPDX-License-Identifier: MIT
/* extract_text: from text to sentences of tokens. Short forms are taken apart ("I'm" is I + am), so
 * that rules need one form. */
#include "memory/extract_int.h"

static bool is_word_byte(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (unsigned char)c >= 0x80;
}

/* Bytes of a typographic sign that is no part of a word: “ ” ’ – — … and the no-break space. */
static size_t sign_at(Str s, size_t i) {
        Str t = str_from(s, i);
        if (!t.n || (unsigned char)t.p[0] < 0xc2)
                return 0;
        if (str_starts(t, STR("\u2019")) || str_starts(t, STR("\u2018")) ||
            str_starts(t, STR("\u201c")) || str_starts(t, STR("\u201d")) ||
            str_starts(t, STR("\u2013")) || str_starts(t, STR("\u2014")) ||
            str_starts(t, STR("\u2026")))
                return 3;
        return str_starts(t, STR("\u00a0")) ? 2 : 0;
}

/* An apostrophe inside a word, or before the letters of a short form. */
static size_t apostrophe_at(Str s, size_t i) {
        size_t n = i < s.n && s.p[i] == '\''                   ? 1
                   : str_starts(str_from(s, i), STR("\u2019")) ? 3
                                                               : 0;
        return n && i + n < s.n && is_word_byte(s.p[i + n]) && !sign_at(s, i + n) ? n : 0;
}

static size_t word_end(Str s, size_t i) {
        while (i < s.n) {
                size_t skip;
                if (is_word_byte(s.p[i]) && !sign_at(s, i))
                        i++;
                else if ((skip = apostrophe_at(s, i)))
                        i += skip;
                else if ((s.p[i] == '-' || s.p[i] == '+' || s.p[i] == '#' || s.p[i] == '@' ||
                          s.p[i] == '_') &&
                         i + 1 < s.n && (is_word_byte(s.p[i + 1]) || s.p[i] == s.p[i + 1]))
                        i++;
                else if ((s.p[i] == '.' || s.p[i] == ':' || s.p[i] == '/') && i + 1 < s.n &&
                         is_word_byte(s.p[i + 1]) && i && s.p[i - 1] != ' ')
                        i++; /* 3.5, 15:00, example.org, 12/05 */
                else
                        break;
        }
        while (i < s.n && (s.p[i] == '+' || s.p[i] == '#')) /* C++, C# */
                i++;
        return i;
}

static Str lowered(Arena *a, Str s) {
        char *p = arena_bytes(a, s.n + 1);
        size_t n = 0;
        for (size_t i = 0; i < s.n; i++) {
                if ((unsigned char)s.p[i] == 0xe2 && str_starts(str_from(s, i), STR("\u2019"))) {
                        p[n++] = '\'';
                        i += 2;
                } else {
                        p[n++] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] | 0x20) : s.p[i];
                }
        }
        return (Str){ p, n };
}

static unsigned token_flags(Str raw) {
        bool number = raw.n > 0;
        for (size_t i = 0; i < raw.n; i++)
                number &= raw.p[i] >= '0' && raw.p[i] <= '9';
        bool accented = raw.n > 1 && (unsigned char)raw.p[0] == 0xc3 &&
                        (unsigned char)raw.p[1] >= 0x80 &&
                        (unsigned char)raw.p[1] <= 0x9e; /* À to Þ */
        return (raw.p[0] >= 'A' && raw.p[0] <= 'Z') || accented ? T_CAPITAL : number ? T_NUMBER : 0;
}

static void token_add(Sentence *s, Str raw, Str low) {
        if (s->n < SENTENCE_MAX && low.n) /* a token has a byte of its own at least */
                s->v[s->n++] = (Token){ raw, low, token_flags(raw) };
}

/* tail of the word -> the word it stands for */
static const struct {
        const char *tail, *word;
} short_forms[] = {
        { "'m", "am" },    { "'re", "are" }, { "'ve", "have" }, { "'ll", "will" },
        { "'d", "would" }, { "'s", "'s" },   { "n't", "not" },  { NULL, NULL },
};

/* Back from the end of the raw word: as many bytes as the lower one has behind `at`, counting a
 * curly apostrophe as one. */
static size_t raw_split(Str raw, size_t tail) {
        size_t i = raw.n;
        for (; tail && i; tail--)
                i -= i >= 3 && str_starts(str_from(raw, i - 3), STR("\u2019")) ? 3 : 1;
        return i;
}

static void word_add(Arena *a, Sentence *s, Str raw) {
        Str low = lowered(a, raw);
        if (str_eq_c(low, "im") || str_eq_c(low, "ive")) {
                token_add(s, str_to(raw, 1), STR("i"));
                token_add(s, str_from(raw, 1), low.n == 2 ? STR("am") : STR("have"));
                return;
        }
        if (str_eq_c(low, "cannot") || str_eq_c(low, "can't") || str_eq_c(low, "won't")) {
                size_t head = low.p[0] == 'w' ? 2 : 3;
                token_add(s, str_to(raw, head), low.p[0] == 'w' ? STR("will") : STR("can"));
                token_add(s, str_from(raw, head), STR("not"));
                return;
        }
        if (str_eq_c(low, "dont") || str_eq_c(low, "doesnt") || str_eq_c(low, "didnt")) {
                token_add(s, str_to(raw, raw.n - 2), str_to(low, low.n - 2));
                token_add(s, str_from(raw, raw.n - 2), STR("not"));
                return;
        }
        bool has_tail = memchr(low.p, '\'', low.n) != NULL;
        for (size_t i = 0; has_tail && short_forms[i].tail; i++) {
                Str tail = str_c(short_forms[i].tail);
                if (low.n <= tail.n || !str_ends(low, tail))
                        continue;
                size_t at = raw_split(raw, tail.n);
                token_add(s, str_to(raw, at), str_to(low, low.n - tail.n));
                token_add(s, str_from(raw, at), str_c(short_forms[i].word));
                return;
        }
        token_add(s, raw, low);
}

static bool is_abbreviation(const Sentence *s) {
        return s->n && str_is_in(s->v[s->n - 1].low,
                                 " mr mrs ms dr st prof jr sr vs e.g i.e etc approx no ");
}

/* Where a quotation or a code span that begins here ends; i itself when none does. */
static size_t quote_end(Str s, size_t i) {
        Str t = str_from(s, i), close = STR_NULL;
        if (is_word_byte(t.p[0]) && (unsigned char)t.p[0] < 0x80)
                return i;
        if (str_starts(t, STR("```")))
                close = STR("```");
        else if (str_starts(t, STR("\u201c")))
                close = STR("\u201d");
        else if (str_starts(t, STR("`")) || str_starts(t, STR("\"")))
                close = str_to(t, 1);
        if (!close.p)
                return i;
        const char *end = memmem(t.p + close.n, t.n - close.n, close.p, close.n);
        return end ? (size_t)(end - s.p) + close.n : i;
}

/* One character that is no word: true when it ends the sentence. */
static bool mark_read(Sentence *s, Str text, size_t i) {
        Token *last = s->n ? &s->v[s->n - 1] : NULL;
        switch (text.p[i]) {
        case ',':
                if (last)
                        last->flags |= T_COMMA;
                return false;
        case ';':
        case ':':
        case '(':
        case ')':
        case '-':
        case '*':
        case '[':
        case ']':
        case '{':
        case '}':
        case '<':
        case '>':
                if (last)
                        last->flags |= T_BREAK;
                return false;
        case '?': s->is_question = true; return true;
        case '!':
        case '\n': return true;
        case '.': return !is_abbreviation(s);
        }
        if (sign_at(text, i) == 3 && last && !str_starts(str_from(text, i), STR("\u2019")))
                last->flags |= T_BREAK;
        return false;
}

bool sentence_next(Arena *a, Str *rest, Sentence *ret) {
        Str text = *rest;
        Sentence s = { .v = ret->v ? ret->v
                                   : NEW_ARRAY(a, Token, MIN((size_t)SENTENCE_MAX, text.n + 1)) };
        size_t i = 0;
        bool ended = false;
        while (i < text.n && !(ended && s.n)) {
                size_t skip = quote_end(text, i), end = word_end(text, i);
                ended = false;
                if (skip > i) {
                        i = skip;
                } else if (end > i) {
                        word_add(a, &s, (Str){ text.p + i, end - i });
                        i = end;
                } else {
                        ended = mark_read(&s, text, i);
                        i += sign_at(text, i) ? sign_at(text, i) : 1;
                }
        }
        while (i < text.n && (text.p[i] == '?' || text.p[i] == '!')) { /* "really?!" */
                s.is_question |= text.p[i] == '?';
                i++;
        }
        *rest = str_from(text, i);
        *ret = s;
        return s.n > 0;
}

Str tokens_text(const Sentence *s, size_t from, size_t to) {
        const char *b = s->v[from].raw.p, *e = s->v[to - 1].raw.p + s->v[to - 1].raw.n;
        Str text = { b, (size_t)(e - b) };
        int open = 0;
        for (size_t i = 0; i < text.n; i++)
                open += (text.p[i] == '(') - (text.p[i] == ')');
        bool closes = open > 0 && s->v[to - 1].flags & T_BREAK && *e == ')';
        return closes ? str_n(b, text.n + 1) : text;
}
