// SPDX-License-Identifier: MIT
/* bench_memory: what the index finds, how fast and in how much memory, beside SQLite's FTS5
 * (porter) on the same data.
 *
 *   bench_memory [-q] [-d N] [-r name=value,…] DIRECTORY
 *
 * -q: small sizes; -d: dialogues per book; -r: other ranking numbers; the directory has the books.
 * Recall: share of the turns that hold the answer among the first k, averaged over questions. */
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <sqlite3.h>
#include <unistd.h>

#include "bench/memory/talk.h"
#include "codec/when.h"
#include "memory/index_cache.h"
#include "memory/terms.h"

enum { TOP = 50 };
static const size_t cuts[] = { 5, 10, 25, 50 };
static const char *const books[] = { "friends", "terse", "letters" };
static const char *const stories[] = { "nadia-theo", "marcus-elif" };
static int64_t now_ms;
static unsigned missed;                               /* targets */

/* Time this thread was working: what else the machine does is not the search's. */
static int64_t cpu_us(void) {
        struct timespec t;
        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

/* what malloc has handed out, its own overhead included */
static size_t heap_bytes(void) {
        struct mallinfo2 m = mallinfo2();
        return m.uordblks + m.hblkhd;
}

static int time_cmp(const void *a, const void *b) {
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
        return x < y ? -1 : x > y;
}

static void target_check(const char *what, double value, double most) {
        if (value <= most)
                return;
        printf("  MISSED: %s is %.2f, the target is %.2f\n", what, value, most);
        missed++;
}

typedef struct Times { int64_t *v; size_t n; } Times;

static double percentile_ms(Times *t, double p) {
        qsort(t->v, t->n, sizeof *t->v, time_cmp);
        return t->n ? (double)t->v[MIN((size_t)(p * (double)t->n), t->n - 1)] / 1000 : 0;
}

/* ---- ours ---- */
/* a conversation per session; all sessions in one */
typedef enum Shape { SHAPE_SESSIONS, SHAPE_WHOLE } Shape;

static void talk_put(UserIndex *ix, const Talk *t, UnitId first, Shape shape, const char *prefix) {
        char conversation[64];
        for (size_t i = 0; i < t->turns_n; i++) {
                const TalkTurn *turn = &t->turns[i];
                (void)snprintf(conversation, sizeof conversation, "%s-%u", prefix,
                               shape == SHAPE_SESSIONS ? turn->session : 0);
                Unit u = { .kind = UNIT_TURN,
                           .id = first + (UnitId)i,
                           .ordinal = (int64_t)i,
                           .text = turn->text,
                           .extra = turn->caption,
                           .speaker = turn->speaker,
                           .at_ms = turn->at_ms,
                           .conversation = str_c(conversation),
                           .valid_to_ms = UNIT_FOREVER,
                           .retired_ms = UNIT_FOREVER };
                index_put(ix, &u);
        }
}

static size_t ours_find(Arena *arena, UserIndex *ix, Str question, UnitId *ret) {
        Ctx cx = { .arena = arena, .world = &world_real };
        SearchQuery q = { .text = question, .top_k = TOP, .now_ms = now_ms };
        Hits hits;
        if (index_search(&cx, ix, &q, &hits))
                abort();
        for (size_t i = 0; i < hits.n; i++)
                ret[i] = hits.v[i].id;
        return hits.n;
}

/* ---- the peer ---- */
typedef struct Peer { sqlite3 *db; sqlite3_stmt *find; } Peer;

static void peer_check(Peer *p, int rc) {
        if (rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW)
                return;
        fprintf(stderr, "sqlite: %s\n", sqlite3_errmsg(p->db));
        exit(1);
}

static void peer_open(Peer *p) {
        peer_check(p, sqlite3_open(":memory:", &p->db));
        peer_check(
                p,
                sqlite3_exec(p->db,
                             "CREATE VIRTUAL TABLE t USING fts5(text, tokenize='porter unicode61')",
                             NULL, NULL, NULL));
}

static void peer_put(Peer *p, Arena *arena, const Talk *t, UnitId first) {
        sqlite3_stmt *add = NULL;
        peer_check(p, sqlite3_exec(p->db, "BEGIN", NULL, NULL, NULL));
        peer_check(p, sqlite3_prepare_v2(p->db, "INSERT INTO t(rowid, text) VALUES(?1, ?2)", -1,
                                         &add, NULL));
        for (size_t i = 0; i < t->turns_n; i++) {
                const TalkTurn *turn = &t->turns[i];
                Str text = arena_strf(arena, "%.*s: %.*s %.*s", STR_FMT(turn->speaker),
                                      STR_FMT(turn->text), STR_FMT(turn->caption));
                (void)sqlite3_bind_int64(add, 1, first + (UnitId)i);
                (void)sqlite3_bind_text(add, 2, text.p, (int)text.n, SQLITE_STATIC);
                peer_check(p, sqlite3_step(add));
                peer_check(p, sqlite3_reset(add));
        }
        (void)sqlite3_finalize(add);
        peer_check(p, sqlite3_exec(p->db, "COMMIT", NULL, NULL, NULL));
}

/* Any of the question's words, without stop words (it is slower and no better with them). */
static size_t peer_find(Peer *p, Arena *arena, Str question, UnitId *ret) {
        Str match = STR("");
        TermReader r = term_reader(question);
        for (Term t; term_next(&r, &t);)
                if (!(t.flags & (TERM_STOP | TERM_ASK)) && str_index(t.word, '\'') == t.word.n)
                        match = arena_strf(arena, "%.*s%s\"%.*s\"", STR_FMT(match),
                                           match.n ? " OR " : "", STR_FMT(t.word));
        if (!match.n)
                return 0;
        if (!p->find)
                peer_check(p, sqlite3_prepare_v2(
                                      p->db,
                                      "SELECT rowid FROM t WHERE t MATCH ?1 ORDER BY rank LIMIT 50",
                                      -1, &p->find, NULL));
        (void)sqlite3_bind_text(p->find, 1, match.p, (int)match.n, SQLITE_STATIC);
        size_t n = 0;
        int rc;
        while ((rc = sqlite3_step(p->find)) == SQLITE_ROW && n < TOP)
                ret[n++] = sqlite3_column_int64(p->find, 0);
        peer_check(p, rc);
        peer_check(p, sqlite3_reset(p->find));
        return n;
}

static void peer_close(Peer *p) {
        (void)sqlite3_finalize(p->find);
        (void)sqlite3_close(p->db);
}

/* ---- recall ---- */
typedef struct Recall { double at[ELEMENTSOF(cuts)], questions; } Recall;
/* of questions as they are, and with the other one's name */
typedef struct Recalls { Recall right, wrong; } Recalls;

static void recall_note(Recall *r, const TalkQuestion *q, UnitId first, const UnitId *found,
                        size_t n) {
        for (size_t c = 0; c < ELEMENTSOF(cuts); c++) {
                size_t hit = 0;
                for (size_t e = 0; e < q->evidence_n; e++)
                        for (size_t i = 0; i < MIN(n, cuts[c]); i++)
                                hit += found[i] == first + (UnitId)q->evidence[e];
                r->at[c] += (double)hit / (double)q->evidence_n;
        }
        r->questions++;
}

static void recall_print(const char *what, const Recall *r) {
        printf("  %-28s", what);
        for (size_t c = 0; c < ELEMENTSOF(cuts); c++)
                printf("  @%-2zu %5.1f %%", cuts[c], 100 * r->at[c] / r->questions);
        printf("   (%.0f questions)\n", r->questions);
}

typedef struct Setup { const char *dir; size_t dialogues; RankParams rank; bool quick; } Setup;

static const TalkBook *book_open(Arena *arena, const Setup *set, const char *name) {
        return talk_book_read(arena, arena_printf(arena, "%s/%s.talk", set->dir, name));
}

/* The question with the other one's name, as people ask who forgot which of the two it was. */
static Str misnamed(Arena *arena, const Talk *t, Str question) {
        Str names[2] = { t->turns[0].speaker, t->turns[0].speaker };
        for (size_t i = 0; i < t->turns_n && str_eq(names[0], names[1]); i++)
                names[1] = t->turns[i].speaker;
        for (size_t i = 0; i < 2; i++) {
                const char *at = memmem(question.p, question.n, names[i].p, names[i].n);
                if (!at)
                        continue;
                Str head = { question.p, (size_t)(at - question.p) };
                return arena_strf(arena, "%.*s%.*s%.*s", STR_FMT(head), STR_FMT(names[!i]),
                                  STR_FMT(str_from(question, head.n + names[i].n)));
        }
        return question;
}

static void recall_ours(Arena *arena, const Talk *t, const RankParams *rank, Shape shape,
                        Recalls *r) {
        _cleanup_(index_freep) UserIndex *ix = index_new(rank);
        talk_put(ix, t, 1, shape, "c");
        for (size_t i = 0; i < t->questions_n; i++) {
                UnitId found[TOP];
                const TalkQuestion *q = &t->questions[i];
                recall_note(&r->right, q, 1, found, ours_find(arena, ix, q->text, found));
                recall_note(&r->wrong, q, 1, found,
                            ours_find(arena, ix, misnamed(arena, t, q->text), found));
        }
}

static void recall_peer(Arena *arena, const Talk *t, Recall *r) {
        Peer p = { 0 };
        peer_open(&p);
        peer_put(&p, arena, t, 1);
        for (size_t i = 0; i < t->questions_n; i++) {
                UnitId found[TOP];
                recall_note(r, &t->questions[i], 1, found,
                            peer_find(&p, arena, t->questions[i].text, found));
        }
        peer_close(&p);
}

static void bench_recall(const Setup *set) {
        RankParams contract = rank_reference();
        printf("recall: two people over 40 sessions, asked about what one of them told\n");
        for (size_t b = 0; b < ELEMENTSOF(books); b++) {
                _cleanup_(arena_freep) Arena *arena = arena_new();
                const TalkBook *book = book_open(arena, set, books[b]);
                Recalls sessions = { 0 }, whole = { 0 }, plain = { 0 };
                Recall peer = { 0 };
                for (uint64_t seed = 1; seed <= set->dialogues; seed++) {
                        Talk t = talk_make(arena, book, seed * 100 + b, 800);
                        recall_ours(arena, &t, &set->rank, SHAPE_SESSIONS, &sessions);
                        recall_ours(arena, &t, &set->rank, SHAPE_WHOLE, &whole);
                        recall_ours(arena, &t, &contract, SHAPE_SESSIONS, &plain);
                        recall_peer(arena, &t, &peer);
                }
                printf(" %s\n", books[b]);
                recall_print("ours", &sessions.right);
                recall_print("ours, one conversation", &whole.right);
                recall_print("ours, the other one named", &sessions.wrong);
                recall_print("contract's formula alone", &plain.right);
                recall_print("  the other one named", &plain.wrong);
                recall_print("SQLite FTS5 porter", &peer);
        }
}

static void bench_story(const Setup *set, const char *name) {
        _cleanup_(arena_freep) Arena *arena = arena_new();
        RankParams contract = rank_reference();
        Talk t = story_read(arena, arena_printf(arena, "%s/%s.story", set->dir, name));
        Recalls ours = { 0 }, plain = { 0 };
        Recall peer = { 0 };
        recall_ours(arena, &t, &set->rank, SHAPE_WHOLE, &ours);
        recall_ours(arena, &t, &contract, SHAPE_SESSIONS, &plain);
        recall_peer(arena, &t, &peer);
        printf(" %s (written by hand, %zu turns)\n", name, t.turns_n);
        recall_print("ours", &ours.right);
        recall_print("ours, the other one named", &ours.wrong);
        recall_print("contract's formula alone", &plain.right);
        recall_print("  the other one named", &plain.wrong);
        recall_print("SQLite FTS5 porter", &peer);
}

/* ---- speed and size ---- */
typedef struct Load { Talk *talks; size_t talks_n, turns; } Load;

static Load load_make(Arena *arena, const Setup *set, size_t turns, uint64_t seed) {
        Load l = { NEW_ARRAY(arena, Talk, turns / 500 + 4), 0, 0 };
        const TalkBook *all[ELEMENTSOF(books)];
        for (size_t b = 0; b < ELEMENTSOF(books); b++)
                all[b] = book_open(arena, set, books[b]);
        while (l.turns < turns) {
                Talk t = talk_make(arena, all[l.talks_n % ELEMENTSOF(books)], seed + l.talks_n,
                                   MIN(turns, (size_t)1000));
                t.turns_n = MIN(t.turns_n, turns - l.turns);
                l.turns += t.turns_n;
                l.talks[l.talks_n++] = t;
        }
        return l;
}

static void load_put(UserIndex *ix, const Load *l) {
        UnitId first = 1;
        char prefix[32];
        for (size_t i = 0; i < l->talks_n; i++) {
                (void)snprintf(prefix, sizeof prefix, "conversation-%zu", i);
                talk_put(ix, &l->talks[i], first, SHAPE_SESSIONS, prefix);
                first += (UnitId)l->talks[i].turns_n;
        }
}

static const TalkQuestion *load_question(const Load *l, size_t n) {
        const Talk *t = &l->talks[n % l->talks_n];
        return &t->questions[n * 7919 / l->talks_n % t->questions_n];
}

/* A chat message of about 1,000 characters is a question, too. */
static double long_p99(Arena *arena, UserIndex *ix, const Load *l, size_t rounds) {
        Times times = { NEW_ARRAY(arena, int64_t, rounds), 0 };
        for (size_t i = 0; i < rounds; i++) {
                _cleanup_(arena_freep) Arena *request = arena_new();
                const Talk *t = &l->talks[i % l->talks_n];
                Str text = STR("");
                for (size_t k = 0; text.n < 1000; k++)
                        text = arena_strf(request, "%.*s %.*s", STR_FMT(text),
                                          STR_FMT(t->turns[(i * 31 + k) % t->turns_n].text));
                UnitId found[TOP];
                int64_t begin = cpu_us();
                (void)ours_find(request, ix, text, found);
                times.v[times.n++] = cpu_us() - begin;
        }
        return percentile_ms(&times, .99);
}

static void bench_speed(const Setup *set, size_t turns) {
        _cleanup_(arena_freep) Arena *arena = arena_new();
        Load l = load_make(arena, set, turns, turns);
        size_t heap = heap_bytes();
        int64_t begin = cpu_us();
        _cleanup_(index_freep) UserIndex *ix = index_new(&set->rank);
        load_put(ix, &l);
        double build_ms = (double)(cpu_us() - begin) / 1000;
        double bytes = (double)(heap_bytes() - heap) / (double)l.turns;
        IndexStats stats;
        index_stats(ix, &stats);
        if (bytes > 1.15 * (double)stats.bytes / (double)l.turns)
                target_check("heap bytes per turn, beside what the index says", bytes,
                             (double)stats.bytes / (double)l.turns);

        Peer p = { 0 };
        peer_open(&p);
        UnitId first = 1;
        for (size_t i = 0; i < l.talks_n; first += (UnitId)l.talks[i++].turns_n)
                peer_put(&p, arena, &l.talks[i], first);

        size_t rounds = set->quick ? 200 : 2000;
        Times ours = { NEW_ARRAY(arena, int64_t, rounds), 0 },
              peer = { NEW_ARRAY(arena, int64_t, rounds), 0 };
        for (size_t i = 0; i < rounds; i++) {
                _cleanup_(arena_freep) Arena *request = arena_new();
                UnitId found[TOP];
                Str question = load_question(&l, i)->text;
                begin = cpu_us();
                (void)ours_find(request, ix, question, found);
                ours.v[ours.n++] = cpu_us() - begin;
                if (turns > 20000 && i % 10)
                        continue;                     /* the peer is slow there */
                begin = cpu_us();
                (void)peer_find(&p, request, question, found);
                peer.v[peer.n++] = cpu_us() - begin;
        }
        peer_close(&p);
        double p99 = percentile_ms(&ours, .99);
        printf("  %7zu turns  p50 %6.2f ms  p99 %6.2f ms   FTS5 p50 %6.2f ms  p99 %6.2f ms   built "
               "in %6.1f ms   %3.0f bytes/turn\n",
               l.turns, percentile_ms(&ours, .5), p99, percentile_ms(&peer, .5),
               percentile_ms(&peer, .99), build_ms, bytes);
        double message = long_p99(arena, ix, &l, rounds / 10);
        printf("                a message of 1,000 characters: p99 %6.2f ms\n", message);
        target_check("p99", p99, turns <= 10000 ? 5 : 20);
        target_check("bytes per turn", bytes, 400);
        if (turns <= 10000)
                target_check("building", build_ms, 150);
}

/* ---- many users, nothing in memory ---- */
static Err cold_load(Ctx *cx, void *arg, Str user, UserIndex *ix) {
        const Load *l = arg;
        int64_t no = 0;
        if (!str_to_i64(user, &no))
                return RAISE(cx, ERR_INTERNAL, "no such user");
        talk_put(ix, &l->talks[(size_t)no % l->talks_n], 1, SHAPE_SESSIONS, "c");
        return OK;
}

static void bench_cold(const Setup *set, size_t users) {
        _cleanup_(arena_freep) Arena *arena = arena_new();
        Load l = load_make(arena, set, 40000, 5);
        IndexCacheSettings settings = {
                .bytes_max = 16u << 20, .rank = set->rank, .load = cold_load, .load_arg = &l
        };
        _cleanup_(index_cache_freep) IndexCache *cache = NULL;
        Ctx cx = { .arena = arena, .world = &world_real };
        if (index_cache_new(&cx, &settings, &cache))
                abort();
        Times times = { NEW_ARRAY(arena, int64_t, users), 0 };
        for (size_t i = 0; i < users; i++) {
                _cleanup_(arena_freep) Arena *request = arena_new();
                Ctx rcx = { .arena = request, .world = &world_real };
                int64_t begin = cpu_us();
                _cleanup_(index_unpin) IndexPin pin = { 0 };
                UnitId found[TOP];
                if (index_pin(&rcx, cache, arena_strf(request, "%zu", i), &pin))
                        abort();
                (void)ours_find(request, pin.ix, l.talks[i % l.talks_n].questions[0].text, found);
                times.v[times.n++] = cpu_us() - begin;
        }
        IndexCacheStats stats;
        index_cache_stats(cache, &stats);
        printf("  %zu users of %zu turns, all cold, 16 MiB cache: p50 %.2f ms  p99 %.2f ms   %zu "
               "users held, %" PRIu64 " evictions\n",
               users, l.turns / l.talks_n, percentile_ms(&times, .5), percentile_ms(&times, .99),
               stats.users, stats.evictions);
}

int main(int argc, char **argv) {
        Setup set = { .dialogues = 6, .rank = rank_defaults };
        for (int c; (c = getopt(argc, argv, "qr:d:")) != -1;) {
                int64_t n = 0;
                if (c == 'q')
                        set.quick = true;
                else if (c == 'd' && str_to_i64(str_c(optarg), &n))
                        set.dialogues = (size_t)n;
                else if (c != 'r' || !rank_parse(str_c(optarg), &set.rank))
                        return fprintf(stderr, "usage: bench_memory [-q] [-d DIALOGUES] [-r "
                                               "name=value,…] DIRECTORY\n"),
                               2;
        }
        set.dir = optind < argc ? argv[optind] : "bench/memory";
        now_ms = civil_to_days((Civil){ 2026, 1, 1 }) * DAY_MS;
        bench_recall(&set);
        for (size_t i = 0; i < ELEMENTSOF(stories); i++)
                bench_story(&set, stories[i]);

        printf("search: one user, first %d of all turns, CPU time\n", TOP);
        bench_speed(&set, 1000);
        bench_speed(&set, 10000);
        if (!set.quick)
                bench_speed(&set, 100000);
        bench_cold(&set, set.quick ? 100 : 1000);
        return missed ? 1 : 0;
}
