// SPDX-License-Identifier: MIT
/* The C side of diff.py: answers on stdout what it is asked on stdin, one line each, fields behind
 * tabs.
 *   words                                    the four word lists, each ended by a line "."
 *   stem WORD …                              a stem per word
 *   turn SESSION SPEAKER AT_MS TEXT CAPTION  puts a turn; numbers count from 1
 *   ask TEXT                                 NUMBER:SCORE of every turn that scores, best first */
#include <inttypes.h>

#include "memory/index.h"
#include "memory/stem.h"
#include "memory/words.h"

static void list_print(const char *list) {
        printf("%s\n.\n", list);
}

static void stems_print(Str words) {
        char out[STEM_MAX];
        while (words.p) {
                Str stem = stem_english(str_cut(&words, '\t'), out);
                printf("%.*s%c", STR_FMT(stem), words.p ? '\t' : '\n');
        }
}

static void turn_put(UserIndex *ix, Str line) {
        static int64_t number;
        number++;
        Unit u = {
                .kind = UNIT_TURN, .id = number, .ordinal = number, .valid_to_ms = UNIT_FOREVER
        };
        u.conversation = str_cut(&line, '\t');
        u.speaker = str_cut(&line, '\t');
        if (!str_to_i64(str_cut(&line, '\t'), &u.at_ms))
                abort();
        u.text = str_cut(&line, '\t');
        u.extra = str_cut(&line, '\t');
        index_put(ix, &u);
}

static void ask(UserIndex *ix, Str question) {
        _cleanup_(arena_freep) Arena *arena = arena_new();
        Ctx cx = { .arena = arena, .world = &world_real };
        SearchQuery q = { .text = question, .top_k = 1000000 };
        Hits hits;
        if (index_search(&cx, ix, &q, &hits))
                abort();
        for (size_t i = 0; i < hits.n; i++)
                printf("%s%" PRId64 ":%.17g", i ? "\t" : "", hits.v[i].id, hits.v[i].score);
        printf("\n");
}

int main(void) {
        RankParams rank = rank_reference();
        _cleanup_(index_freep) UserIndex *ix = index_new(&rank);
        char *line = NULL;
        size_t cap = 0;
        for (ssize_t n; (n = getline(&line, &cap, stdin)) > 0;) {
                Str rest = str_n(line, (size_t)n - (line[n - 1] == '\n'));
                Str verb = str_cut(&rest, '\t');
                if (str_eq_c(verb, "words")) {
                        list_print(word_stops);
                        list_print(word_asks);
                        list_print(word_irregulars);
                        list_print(word_synonym_groups);
                } else if (str_eq_c(verb, "stem")) {
                        stems_print(rest);
                } else if (str_eq_c(verb, "turn")) {
                        turn_put(ix, rest);
                } else if (str_eq_c(verb, "ask")) {
                        ask(ix, rest);
                } else {
                        fprintf(stderr, "unknown: %.*s\n", STR_FMT(verb));
                        return 1;
                }
                fflush(stdout);
        }
        free(line);
        return 0;
}
