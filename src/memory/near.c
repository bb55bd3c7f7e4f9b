// SPDX-License-Identifier: MIT
#include "memory/near.h"

#include <math.h>
#include <pthread.h>

enum { GRAM_MIN = 3, GRAM_MAX = 5, VECTOR_DIM = 8192, WORDS_MAX = 512 };

static uint64_t mix(uint64_t h) { /* splitmix64's finisher */
        h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
        h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
        return h ^ (h >> 31);
}

static bool is_start(char c) { return ((unsigned char)c & 0xc0) != 0x80; }

/* Calls for each n-gram of code points, with its hash. Text shorter than a gram is one gram. */
static void grams_each(Str s, uint64_t seed, void (*fn)(void *arg, uint64_t h), void *arg) {
        if (s.n < GRAM_MIN)
                fn(arg, mix(seed ^ s.n));
        for (size_t i = 0; i < s.n; i++) {
                if (!is_start(s.p[i]))
                        continue;
                uint64_t h = seed;
                size_t chars = 0;
                for (size_t j = i; j < s.n && chars <= GRAM_MAX; j++) {
                        chars += is_start(s.p[j]);
                        bool ends = j + 1 == s.n || is_start(s.p[j + 1]);
                        h = str_hash_from(h, str_n(&s.p[j], 1));
                        if (ends && chars >= GRAM_MIN && chars <= GRAM_MAX)
                                fn(arg, mix(h ^ chars << 56));
                }
        }
}

/* One permutation serves all bytes (Li, Owen and Zhang 2012): the hash chooses the bin and is its value. */
typedef struct Minima {
        uint32_t least[SKETCH_SIZE];
} Minima;

static void minima_take(void *arg, uint64_t h) {
        Minima *m = arg;
        uint32_t *bin = &m->least[h % SKETCH_SIZE], v = (uint32_t)(h >> 32);
        *bin = MIN(*bin, v);
}

/* A bin that got nothing borrows from the next one that did, told apart by the distance. */
static uint64_t minima_get(const Minima *m, size_t i) {
        size_t away = 0;
        while (away < SKETCH_SIZE && m->least[(i + away) % SKETCH_SIZE] == UINT32_MAX)
                away++;
        return m->least[(i + away) % SKETCH_SIZE] | (uint64_t)away << 32;
}

/* Eight bytes at a time: the high bit of each byte that is not zero, which is where they differ. */
unsigned sketch_same(const Sketch *a, const Sketch *b) {
        const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
        int differ = 0;
        for (size_t i = 0; i < SKETCH_SIZE; i += 8) {
                uint64_t x, y;
                memcpy(&x, a->b + i, 8);
                memcpy(&y, b->b + i, 8);
                x ^= y;
                uint64_t marks = ((((x & low) + low) | x) & ~low) >> 7;
                /* the sum of the bytes */
                differ += (int)(marks * UINT64_C(0x0101010101010101) >> 56);
        }
        return SKETCH_SIZE - (unsigned)differ;
}

/* Counts of n-grams by hash; a table is filled for one text and then asked by the other. */
typedef struct Grams {
        uint16_t *counts, *others;
        int64_t xx, xy, yy;
} Grams;

static void gram_count(void *arg, uint64_t h) {
        Grams *g = arg;
        g->xx += 2 * g->counts[h % VECTOR_DIM]++ + 1;
}

static void gram_meet(void *arg, uint64_t h) {
        Grams *g = arg;
        g->yy += 2 * g->others[h % VECTOR_DIM]++ + 1;
        g->xy += g->counts[h % VECTOR_DIM];
}

double near_cosine(Arena *a, Str x, Str y) {
        Grams g = { .counts = NEW_ARRAY(a, uint16_t, VECTOR_DIM),
                    .others = NEW_ARRAY(a, uint16_t, VECTOR_DIM) };
        grams_each(x, 0, gram_count, &g);
        grams_each(y, 0, gram_meet, &g);
        return g.xx && g.yy ? (double)g.xy / sqrt((double)g.xx * (double)g.yy) : 0;
}

/* ---- what must not differ ---- */

typedef enum WordKind {
        WORD_PLAIN,
        WORD_FILLER,
        WORD_NUMBER,
        WORD_DATE,
        WORD_NAME,
        WORD_NOT,
        _WORD_N
} WordKind;
typedef struct Word {
        Str s;
        WordKind kind;
} Word;

static const char numbers[] =
        " one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety "
        "hundred thousand million first second third fourth fifth once twice half dozen both ";
static const char dates[] =
        " january february march april may june july august september october november december "
        "jan feb mar apr jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday "
        "saturday sunday mon tue tues wed thu thur thurs fri sat sun today tomorrow yesterday "
        "tonight morning afternoon evening night noon midnight weekday weekend week month year am "
        "pm spring summer autumn fall winter next last ";
static const char negations[] =
        " not no never none nothing nobody neither nor without cannot hardly stopped quit former "
        "formerly longer anymore isn't aren't wasn't weren't don't doesn't didn't won't wouldn't "
        "can't couldn't shouldn't hasn't haven't hadn't hates hate dislikes dislike unlike avoid "
        "avoids ";
/* Whom it is about: as strict as a name. The speaker is left out or not, as the form of words wants. */
static const char persons[] = " you your yours he him his she her hers they them their theirs we "
                              "us our ours ";
/* What may come and go without a change of meaning. */
static const char fillers[] = " a an the i me my mine user user's that this these those really "
                              "very quite so just also too ";

static bool is_word_byte(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (unsigned char)c >= 0x80 || c == '\'';
}

static bool has_digit(Str w) {
        for (size_t i = 0; i < w.n; i++)
                if (w.p[i] >= '0' && w.p[i] <= '9')
                        return true;
        return false;
}

/* The words of the lists with their kinds, open addressing. */
enum { KIND_SLOTS = 1024 };
static struct {
        Str word;
        WordKind kind;
} word_kinds[KIND_SLOTS];

static size_t kind_slot(Str w) {
        size_t at = mix(str_hash(w)) % KIND_SLOTS;
        while (word_kinds[at].word.p && !str_eq(word_kinds[at].word, w))
                at = (at + 1) % KIND_SLOTS;
        return at;
}

static void kind_add(const char *list, WordKind kind) {
        for (Str rest = str_trim(str_c(list)); rest.p;) {
                Str w = str_cut(&rest, ' ');
                size_t at = kind_slot(w);
                if (!word_kinds[at].word.p)
                        word_kinds[at].kind = kind;
                word_kinds[at].word = w;
        }
}

static void kinds_make(void) {
        kind_add(numbers, WORD_NUMBER);
        kind_add(negations, WORD_NOT);
        kind_add(dates, WORD_DATE);
        kind_add(persons, WORD_NAME);
        kind_add(fillers, WORD_FILLER);
}

static WordKind word_kind(Str low, bool is_capital, bool is_first) {
        if (has_digit(low))
                return WORD_NUMBER;
        size_t at = kind_slot(low);
        if (word_kinds[at].word.p)
                return word_kinds[at].kind;
        return is_capital && !is_first ? WORD_NAME : WORD_PLAIN;
}

static Word *words_room(Arena *a, Str s) {
        return NEW_ARRAY(a, Word, MIN((size_t)WORDS_MAX, s.n / 2 + 1));
}

/* Into words_room(s). */
static size_t words_split(Arena *a, Str s, Word *ret) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        pthread_once(&once, kinds_make);
        size_t n = 0;
        bool is_first = true;
        for (size_t i = 0; i < s.n && n < WORDS_MAX;) {
                size_t e = i;
                while (e < s.n && is_word_byte(s.p[e]))
                        e++;
                if (e == i) {
                        is_first |= strchr(".!?\n", s.p[i]) != NULL;
                        i++;
                        continue;
                }
                char *low = arena_bytes(a, e - i);
                for (size_t j = i; j < e; j++)
                        low[j - i] =
                                s.p[j] >= 'A' && s.p[j] <= 'Z' ? (char)(s.p[j] | 0x20) : s.p[j];
                Str w = { low, e - i };
                ret[n++] = (Word){ w, word_kind(w, s.p[i] >= 'A' && s.p[i] <= 'Z', is_first) };
                is_first = false;
                i = e;
        }
        return n;
}

/* The same word, its plural, or with a letter left out of a longer one. A letter changed or moved
 * makes another word too often: horse and house, trial and trail. */
static bool words_alike(Str x, Str y) {
        Str l = x.n >= y.n ? x : y, t = x.n >= y.n ? y : x;
        if (l.n == t.n)
                return str_eq(x, y);
        if (l.n - t.n > 1 || t.n < 3)
                return false;
        size_t i = 0;
        while (i < t.n && l.p[i] == t.p[i])
                i++;
        bool is_plural = i == t.n && l.p[i] == 's';
        return is_plural || (t.n > 4 && str_eq(str_from(l, i + 1), str_from(t, i)));
}

/* A name or a number with a letter changed is another one. */
static bool is_strict(const Word *w) { return w->kind >= WORD_NUMBER; }

static bool words_match(const Word *a, const Word *b) {
        return is_strict(a) || is_strict(b) ? str_eq(a->s, b->s) : words_alike(a->s, b->s);
}

static bool word_missing(const Word *w, const Word *others, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (words_match(w, &others[i]))
                        return false;
        return true;
}

static size_t without_fillers(Word *w, size_t n) {
        size_t kept = 0;
        for (size_t i = 0; i < n; i++)
                if (w[i].kind != WORD_FILLER)
                        w[kept++] = w[i];
        return kept;
}

/* All of `few` in their order among `many`, and what is between is neither name, number, date nor
 * negation. */
static bool words_within(const Word *few, size_t n_few, const Word *many, size_t n_many) {
        size_t at = 0;
        for (size_t i = 0; i < n_many; i++) {
                if (at < n_few && words_match(&few[at], &many[i]))
                        at++;
                else if (is_strict(&many[i]))
                        return false;
        }
        return at == n_few;
}

bool near_differs(Arena *a, Str x, Str y) {
        if (!str_is_ascii(x) || !str_is_ascii(y)) /* how other languages deny is not known here */
                return !str_eq(x, y);
        Word *wx = words_room(a, x), *wy = words_room(a, y);
        size_t nx = without_fillers(wx, words_split(a, x, wx));
        size_t ny = without_fillers(wy, words_split(a, y, wy));
        return nx <= ny ? !words_within(wx, nx, wy, ny) : !words_within(wy, ny, wx, nx);
}

bool near_adds(Arena *a, Str known, Str said) {
        Word *wk = words_room(a, known), *ws = words_room(a, said);
        size_t nk = words_split(a, known, wk), ns = words_split(a, said, ws);
        for (size_t i = 0; i < ns; i++)
                if (is_strict(&ws[i]) && word_missing(&ws[i], wk, nk))
                        return true;
        return false;
}

/* Numbers, dates and negations of a text, in any order, as one number. */
static uint64_t strict_words(Arena *a, Str folded, uint64_t seed) {
        Word *w = words_room(a, folded);
        size_t n = words_split(a, folded, w);
        uint64_t sum = seed;
        for (size_t i = 0; i < n; i++) {
                bool counts =
                        w[i].kind == WORD_NUMBER || w[i].kind == WORD_DATE || w[i].kind == WORD_NOT;
                if (!counts || !word_missing(&w[i], w, i))
                        continue;
                sum += mix(str_hash_from(seed, w[i].s));
        }
        return mix(sum);
}

void sketch_make(Arena *a, Str folded, uint64_t seed, Sketch *ret) {
        Minima m;
        memset(&m, 0xff, sizeof m);
        grams_each(folded, seed, minima_take, &m);
        uint64_t strict = strict_words(a, folded, seed);
        for (size_t i = 0; i < SKETCH_SIZE; i++)
                ret->b[i] = (uint8_t)(mix(minima_get(&m, i) ^ strict) & 0xff);
}
