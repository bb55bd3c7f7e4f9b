// SPDX-License-Identifier: MIT
/* bench_talk: the generator's conversations as an import takes them.
 *
 *   bench_talk DIRECTORY TURNS SEED
 *
 * Prints a conversation per line (NDJSON, a session each) and last {"questions":[…]}. */
#include "bench/memory/talk.h"
#include "codec/json.h"
#include "codec/when.h"

enum { LINE_MAX_BYTES = 4 << 20, QUESTIONS_MAX = 2000 };
static const char *const books[] = { "friends", "terse", "letters" };

typedef struct Out {
        Buf line, questions;
        size_t questions_n;
} Out;

static void member(Buf *b, const char *name, Str value) {
        buf_addf(b, ",\"%s\":", name);
        json_write_str(b, value);
}

static void line_print(Buf *b) {
        buf_addc(b, '\n');
        if (b->full || fwrite(b->p, 1, b->n, stdout) != b->n)
                exit(1);
        buf_clear(b);
}

static void turn_write(Arena *arena, Buf *b, const TalkTurn *t, size_t no) {
        buf_addf(b, "{\"external_id\":\"t%zu\"", no);
        member(b, "speaker", t->speaker);
        member(b, "text", t->text);
        if (t->caption.n)
                member(b, "caption", t->caption);
        member(b, "at", when_format(arena, t->at_ms));
        buf_addc(b, '}');
}

/* One talk: its sessions are conversations. Stops at `turns`. */
static void talk_print(Arena *arena, const Talk *t, size_t no, size_t turns, Out *out) {
        size_t n = MIN(t->turns_n, turns);
        for (size_t i = 0; i < n; i++) {
                const TalkTurn *turn = &t->turns[i];
                bool opens = i == 0 || turn->session != t->turns[i - 1].session,
                     closes = i + 1 == n || turn->session != t->turns[i + 1].session;
                if (opens)
                        buf_addf(&out->line, "{\"external_id\":\"c%zu-%u\",\"turns\":[", no,
                                 turn->session);
                turn_write(arena, &out->line, turn, i);
                buf_add_c(&out->line, closes ? "]}" : ",");
                if (closes)
                        line_print(&out->line);
        }
        for (size_t i = 0; i < t->questions_n && out->questions_n < QUESTIONS_MAX; i++) {
                buf_add_c(&out->questions, out->questions_n++ ? "," : "{\"questions\":[");
                json_write_str(&out->questions, t->questions[i].text);
        }
}

int main(int argc, char **argv) {
        int64_t turns = 0, seed = 0;
        if (argc != 4 || !str_to_i64(str_c(argv[2]), &turns) || turns < 1 ||
            !str_to_i64(str_c(argv[3]), &seed))
                return fprintf(stderr, "usage: bench_talk DIRECTORY TURNS SEED\n"), 2;
        _cleanup_(arena_freep) Arena *shelf = arena_new();
        const TalkBook *book[ELEMENTSOF(books)];
        for (size_t i = 0; i < ELEMENTSOF(books); i++)
                book[i] =
                        talk_book_read(shelf, arena_printf(shelf, "%s/%s.talk", argv[1], books[i]));
        Out out = { BUF(LINE_MAX_BYTES), BUF(LINE_MAX_BYTES), 0 };
        for (size_t no = 0; turns > 0; no++) {
                _cleanup_(arena_freep) Arena *arena = arena_new();
                Talk t = talk_make(arena, book[no % ELEMENTSOF(books)], (uint64_t)seed + no, 1000);
                talk_print(arena, &t, no, (size_t)turns, &out);
                turns -= (int64_t)t.turns_n;
        }
        buf_add_c(&out.questions, "]}");
        line_print(&out.questions);
        buf_done(&out.line);
        buf_done(&out.questions);
        return 0;
}
