// SPDX-License-Identifier: MIT
#include "bench/memory/talk.h"

#include "codec/when.h"

enum {
        LIST_MAX = 64,
        FACTS_MAX = 128,
        VALUES_MAX = 64,
        SESSION_TURNS = 20,
        EVIDENCE_MAX = 64,
        MADE_MAX = 4096
};

typedef struct List { Str v[LIST_MAX]; size_t n; } List;
typedef struct Values { Str name; List list; } Values;
typedef struct Fact { List says, asks; size_t times; } Fact;
struct TalkBook {
        Values values[VALUES_MAX];
        size_t values_n;
        Fact facts[FACTS_MAX];
        size_t facts_n;
        Fact chat;
};

/* ---- the book ---- */
static void fail(const char *what, Str line) {
        fprintf(stderr, "talk: %s: %.*s\n", what, STR_FMT(line));
        exit(1);
}

static void list_add(List *l, Str s) {
        if (l->n == LIST_MAX)
                fail("too many", s);
        l->v[l->n++] = str_trim(s);
}

static void values_read(TalkBook *b, Str line) {
        if (b->values_n == VALUES_MAX)
                fail("too many values", line);
        Values *v = &b->values[b->values_n++];
        v->name = str_trim(str_cut(&line, '='));
        while (line.p)
                list_add(&v->list, str_cut(&line, '|'));
}

static void line_read(TalkBook *b, Fact **at, Str line) {
        Str word = str_cut(&line, ' ');
        if (!word.n || word.p[0] == '#')
                return;
        if (str_eq_c(word, "values")) {
                values_read(b, line);
        } else if (str_eq_c(word, "fact")) {
                int64_t times = 1;
                if (b->facts_n == FACTS_MAX || (line.p && !str_to_i64(str_trim(line), &times)))
                        fail("bad fact", line);
                *at = &b->facts[b->facts_n++];
                (*at)->times = (size_t)times;
        } else if (str_eq_c(word, "chat")) {
                *at = &b->chat;
        } else if (*at && str_eq_c(word, "say")) {
                list_add(&(*at)->says, line);
        } else if (*at && str_eq_c(word, "ask")) {
                list_add(&(*at)->asks, line);
        } else {
                fail("unknown line", word);
        }
}

TalkBook *talk_book_read(Arena *arena, const char *path) {
        TalkBook *b = NEW(arena, TalkBook);
        FILE *f = fopen(path, "r");
        if (!f)
                fail("cannot open", str_c(path));
        char *line = NULL;
        size_t cap = 0;
        Fact *at = NULL;
        for (ssize_t n; (n = getline(&line, &cap, f)) > 0;)
                line_read(b, &at, str_trim(arena_dup(arena, str_n(line, (size_t)n))));
        free(line);
        (void)fclose(f);
        return b;
}

/* ---- making ---- */
typedef struct Made {
        size_t fact, speaker, session;
        uint64_t seed;
        uint32_t answers[EVIDENCE_MAX];
        size_t answers_n;
} Made;
typedef struct Maker {
        Arena *arena;
        const TalkBook *book;
        uint64_t seed;
        Str names[2];
        Talk talk;
        size_t turns_cap;
        Made made[MADE_MAX];
        size_t made_n;
} Maker;

static uint32_t chance(uint64_t *seed, size_t n) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        return (uint32_t)((*seed >> 33) % n);
}

static const List *values_find(const TalkBook *b, Str name) {
        for (size_t i = 0; i < b->values_n; i++)
                if (str_eq(b->values[i].name, name))
                        return &b->values[i].list;
        fail("no such values", name);
        return NULL;
}

/* The same seed gives the same value for the same name: what is said and what is asked agree. */
static Str value_of(const Maker *m, Str name, size_t speaker, uint64_t seed) {
        if (str_eq_c(name, "A"))
                return m->names[speaker];
        if (str_eq_c(name, "B"))
                return m->names[1 - speaker];
        const List *list = values_find(m->book, name);
        seed = str_hash_from(seed, name);
        return list->v[chance(&seed, list->n)];
}

static Str fill(Maker *m, Str text, size_t speaker, uint64_t seed) {
        Str out = STR("");
        while (text.p) {
                Str plain = str_cut(&text, '{');
                out = arena_strf(m->arena, "%.*s%.*s", STR_FMT(out), STR_FMT(plain));
                if (!text.p)
                        break;
                Str value = value_of(m, str_cut(&text, '}'), speaker, seed);
                out = arena_strf(m->arena, "%.*s%.*s", STR_FMT(out), STR_FMT(value));
        }
        if (out.n && out.p[0] >= 'a' && out.p[0] <= 'z' && chance(&seed, 2)) {
                char *p = arena_bytes(m->arena, out.n);
                memcpy(p, out.p, out.n);
                p[0] = (char)(p[0] - 32);
                out = str_n(p, out.n);
        }
        return out;
}

static void turn_add(Maker *m, Str text, Made *made, int64_t at_ms) {
        bool answers = text.p[0] == '*';
        text = str_from(text, answers);
        size_t who = text.p[0] == 'A' ? made->speaker : 1 - made->speaker;
        Str said = fill(m, str_trim(str_from(text, 2)), made->speaker, made->seed);
        Str caption = said, spoken = str_cut(&caption, '[');
        if (m->talk.turns_n == m->turns_cap)
                fail("too many turns", text);
        if (answers && made->answers_n < EVIDENCE_MAX)
                made->answers[made->answers_n++] = (uint32_t)m->talk.turns_n;
        m->talk.turns[m->talk.turns_n++] = (TalkTurn){
                .speaker = m->names[who],
                .text = str_trim(spoken),
                .session = (uint32_t)made->session,
                .at_ms = at_ms,
                .caption = caption.p ? str_trim(str_cut(&caption, ']')) : STR(""),
        };
}

static void say(Maker *m, const Fact *f, Made *made, int64_t at_ms) {
        uint64_t seed = made->seed;
        Str line = f->says.v[chance(&seed, f->says.n)];
        while (line.p)
                turn_add(m, str_trim(str_cut(&line, '/')), made, at_ms);
}

static void sessions_fill(Maker *m, size_t sessions) {
        int64_t at_ms =
                civil_to_days((Civil){ 2022, 1, 10 }) * DAY_MS + chance(&m->seed, 300) * DAY_MS;
        for (size_t s = 0; s < sessions; s++) {
                at_ms += (1 + chance(&m->seed, 20)) * DAY_MS + chance(&m->seed, 600) * 60000;
                size_t begin = m->talk.turns_n;
                for (size_t i = 0; i < m->made_n; i++) {
                        if (m->made[i].session != s)
                                continue;
                        for (size_t k = chance(&m->seed, 3); k > 0 || m->talk.turns_n == begin;
                             k -= k > 0) {
                                Made chat = { .speaker = chance(&m->seed, 2),
                                              .session = s,
                                              .seed = m->seed };
                                say(m, &m->book->chat, &chat, at_ms);
                        }
                        say(m, &m->book->facts[m->made[i].fact], &m->made[i], at_ms);
                }
                while (m->talk.turns_n < begin + SESSION_TURNS) {
                        Made chat = { .speaker = chance(&m->seed, 2),
                                      .session = s,
                                      .seed = m->seed + 1 };
                        say(m, &m->book->chat, &chat, at_ms);
                        (void)chance(&m->seed, 2);
                }
        }
        m->talk.sessions = (uint32_t)sessions;
}

static void facts_place(Maker *m, size_t sessions) {
        for (size_t f = 0; f < m->book->facts_n; f++)
                for (size_t who = 0; who < 2; who++)
                        for (size_t t = 0; t < m->book->facts[f].times && m->made_n < MADE_MAX; t++)
                                m->made[m->made_n++] =
                                        (Made){ .fact = f,
                                                .speaker = who,
                                                .session = chance(&m->seed, sessions),
                                                .seed = m->seed ^
                                                        (m->made_n * 0x9e3779b97f4a7c15u) };
}

/* Tellings that lead to the same question are its evidence together. */
static void question_add(Maker *m, Str text, const Made *made) {
        for (size_t i = 0; i < m->talk.questions_n; i++) {
                TalkQuestion *q = &m->talk.questions[i];
                if (!str_eq(q->text, text))
                        continue;
                for (size_t k = 0; k < made->answers_n && q->evidence_n < EVIDENCE_MAX; k++)
                        ((uint32_t *)(uintptr_t)q->evidence)[q->evidence_n++] = made->answers[k];
                return;
        }
        uint32_t *evidence = NEW_ARRAY(m->arena, uint32_t, EVIDENCE_MAX);
        memcpy(evidence, made->answers, made->answers_n * sizeof *evidence);
        m->talk.questions[m->talk.questions_n++] =
                (TalkQuestion){ text, evidence, made->answers_n };
}

static void questions_fill(Maker *m) {
        size_t max = 1;
        for (size_t i = 0; i < m->made_n; i++)
                max += m->book->facts[m->made[i].fact].asks.n;
        m->talk.questions = NEW_ARRAY(m->arena, TalkQuestion, max);
        for (size_t i = 0; i < m->made_n; i++) {
                const List *asks = &m->book->facts[m->made[i].fact].asks;
                for (size_t k = 0; k < asks->n; k++) {
                        Str text = fill(m, asks->v[k], m->made[i].speaker, m->made[i].seed);
                        question_add(m, text, &m->made[i]);
                }
        }
}

Talk talk_make(Arena *arena, const TalkBook *book, uint64_t seed, size_t turns) {
        static const char *const names[] = {
                "Caroline", "Melanie", "Jon",  "Gina",   "Nate",   "Joanna", "Tim",     "John",
                "Audrey",   "Andrew",  "Evan", "Sam",    "Calvin", "Dave",   "Deborah", "Jolene",
                "James",    "Maria",   "Ruth", "Anselm", "Fatima", "Kofi",   "Ingrid",  "Tomas",
                "Wanda",    "Xavier",  "Yara", "Zoltan", "Bea",    "Cyril",  "Dolores", "Edmund"
        };
        Maker *m = NEW(arena, Maker);
        *m = (Maker){ .arena = arena, .book = book, .seed = seed * 0x9e3779b97f4a7c15u + 1 };
        size_t first = chance(&m->seed, ELEMENTSOF(names));
        size_t second = (first + 1 + chance(&m->seed, ELEMENTSOF(names) - 1)) % ELEMENTSOF(names);
        m->names[0] = str_c(names[first]);
        m->names[1] = str_c(names[second]);
        size_t sessions = MAX(turns / SESSION_TURNS, (size_t)1);
        m->turns_cap = sessions * SESSION_TURNS * 2 + MADE_MAX * 8;
        m->talk.turns = NEW_ARRAY(arena, TalkTurn, m->turns_cap);
        facts_place(m, sessions);
        sessions_fill(m, sessions);
        questions_fill(m);
        return m->talk;
}
