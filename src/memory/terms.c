// SPDX-License-Identifier: MIT
#include "memory/terms.h"

#include <pthread.h>

#include "codec/unicode.h"
#include "memory/stem.h"
#include "memory/words.h"
#include "memory/words_int.h"

_Static_assert(TERM_MAX <= (int)STEM_MAX, "a term fits the stemmer");

/* ---- characters ---- */
typedef enum CharKind { CHAR_GAP, CHAR_LETTER, CHAR_DIGIT, CHAR_SIGN, CHAR_APOSTROPHE } CharKind;
/* SIGN: a word of its own; n: bytes in the text */
typedef struct Char {
        CharKind kind;
        int32_t c;
        size_t n;
} Char;

/* Latin letters with marks, U+00C0 to U+017F, without them; ligatures and letters of their own
 * (ø, ß, þ) stay. */
static const char latin_base[] = "AAAAAA?CEEEEIIII?NOOOOO??UUUUY??aaaaaa?ceeeeiiii?nooooo??uuuuy?y"
                                 "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIi??JjKk?"
                                 "LlLlLlLlLlNnNnNn???OoOoOo??RrRrRrSsSsSsSsTtTtTt"
                                 "UuUuUuUuUuUuWwYyYZzZzZz?";

static int32_t letter_plain(int32_t c) {
        if (c >= 0xc0 && c < 0xc0 + (int32_t)sizeof latin_base - 1 && latin_base[c - 0xc0] != '?')
                c = latin_base[c - 0xc0];
        return c < 0x80 ? c | 0x20 : unicode_lower(c);
}

static Char char_wide(Str text, size_t at) {
        Str rest = str_from(text, at);
        int32_t c = unicode_next(&rest);
        size_t n = text.n - at - rest.n;
        if (c == 0x2019)
                return (Char){ CHAR_APOSTROPHE, '\'', n };
        if (unicode_is_ideograph(c))
                return (Char){ CHAR_SIGN, c, n };
        if (c != 0xfffd && unicode_is_letter(c))
                return (Char){ CHAR_LETTER, letter_plain(c), n };
        return (Char){ unicode_is_digit(c) ? CHAR_DIGIT : CHAR_GAP, c, n };
}

static inline Char char_at(Str text, size_t at) {
        unsigned char c = (unsigned char)text.p[at];
        if (c >= 0x80)
                return char_wide(text, at);
        if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
                return (Char){ CHAR_LETTER, c | 0x20, 1 };
        if (c >= '0' && c <= '9')
                return (Char){ CHAR_DIGIT, c, 1 };
        return (Char){ c == '\'' ? CHAR_APOSTROPHE : CHAR_GAP, c, 1 };
}

static inline bool is_wordy(CharKind k) { return k == CHAR_LETTER || k == CHAR_DIGIT; }

/* ---- one word ---- */
static size_t char_put(char *word, size_t n, int32_t c) {
        char bytes[4];
        size_t more = c < 0x80 ? 1 : unicode_put(c, bytes);
        if (c < 0x80)
                bytes[0] = (char)c;
        if (n + more > TERM_MAX)
                return n;
        memcpy(word + n, bytes, more);
        return n + more;
}

/* Behind an apostrophe only letters may stand, and only once: [a-z0-9]+(?:'[a-z]+)? */
static size_t word_read(TermReader *r) {
        size_t n = 0;
        bool tail = false;
        while (r->at < r->text.n) {
                Char c = char_at(r->text, r->at);
                if (c.kind == CHAR_APOSTROPHE && !tail && r->at + c.n < r->text.n &&
                    char_at(r->text, r->at + c.n).kind == CHAR_LETTER) {
                        tail = true;
                        c.c = '\'';
                } else if (tail ? c.kind != CHAR_LETTER : !is_wordy(c.kind)) {
                        break;
                }
                n = char_put(r->word, n, c.c);
                r->at += c.n;
        }
        return n;
}

static Str word_bare(Str w) { /* without possessive, n't, 'll … */
        if (str_ends(w, STR("'s")))
                return str_to(w, w.n - 2);
        if (str_ends(w, STR("n't")))
                return str_to(w, w.n - 3);
        return str_to(w, str_index(w, '\''));
}

Str term_of(Str word, char out[TERM_MAX]) {
        Str bare = word_bare(word), lemma = word_info(bare).lemma;
        if (lemma.p)
                bare = lemma;
        if (bare.n && str_is_ascii(bare))
                return stem_english(bare, out);
        memmove(out, bare.p, bare.n);
        return str_n(out, bare.n);
}

static unsigned flags_of(Str word, Str term) {
        unsigned flags = word_info(word).flags;
        if ((flags & TERM_STOP_WORD) || !term.n || (word_info(term).flags & TERM_STOP_WORD))
                flags |= TERM_STOP;
        return flags;
}

/* ---- what a thread has stemmed lately: most of any text is the same few hundred words ---- */
enum { CACHE_SLOTS = 4096, CACHE_WORD_MAX = 20 };
typedef struct Cached {
        uint8_t word_n, term_n, flags;
        char word[CACHE_WORD_MAX], term[CACHE_WORD_MAX];
} Cached;

/* Made on first use: most threads never stem a word, and 170 KiB each would be a third of an idle process. */
static _Thread_local Cached *cached;
static pthread_key_t cached_key;

static void cached_key_make(void) {
        if (pthread_key_create(&cached_key, free))
                abort();
}

static Cached *cached_new(void) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        pthread_once(&once, cached_key_make);
        cached = calloc(CACHE_SLOTS, sizeof *cached);
        if (!cached)
                abort();
        pthread_setspecific(cached_key, cached); /* frees it when the thread ends */
        return cached;
}

static void term_resolve(TermReader *r, Str word, Term *ret) {
        Cached *c = &(cached ? cached : cached_new())[word_hash(word) & (CACHE_SLOTS - 1)];
        if (word.n && c->word_n == word.n && !memcmp(c->word, word.p, word.n)) {
                memcpy(r->term, c->term, CACHE_WORD_MAX);
                ret->term = str_n(r->term, c->term_n);
                ret->flags = c->flags;
                return;
        }
        ret->term = term_of(word, r->term);
        ret->flags = flags_of(word, ret->term);
        if (word.n > CACHE_WORD_MAX || ret->term.n > CACHE_WORD_MAX)
                return;
        *c = (Cached){
                .word_n = (uint8_t)word.n,
                .term_n = (uint8_t)ret->term.n,
                .flags = (uint8_t)ret->flags,
        };
        memcpy(c->word, word.p, word.n);
        memcpy(c->term, ret->term.p, ret->term.n);
}

bool term_next(TermReader *r, Term *ret) {
        for (; r->at < r->text.n;) {
                Char c = char_at(r->text, r->at);
                size_t at = r->at, n;
                if (c.kind == CHAR_SIGN) {
                        n = char_put(r->word, 0, c.c);
                        r->at += c.n;
                } else if (is_wordy(c.kind)) {
                        n = word_read(r);
                } else {
                        r->at += c.n;
                        continue;
                }
                *ret = (Term){ .word = str_n(r->word, n), .at = at, .end = r->at };
                term_resolve(r, ret->word, ret);
                return true;
        }
        return false;
}
