// SPDX-License-Identifier: MIT
#include "bench/memory/talk.h"
#include "codec/when.h"

enum { TURNS_MAX = 4096, MARKS_MAX = 1024, ANSWERS_MAX = 16 };

typedef struct Story { Arena *arena; Talk talk; uint32_t marks[MARKS_MAX]; int64_t at_ms; } Story;

static void line_bad(Str line) {
        fprintf(stderr, "story: %.*s\n", STR_FMT(line));
        exit(1);
}

static size_t mark_parse(Str s) {
        int64_t n = 0;
        if (!str_to_i64(s, &n) || n < 0 || n >= MARKS_MAX)
                line_bad(s);
        return (size_t)n;
}

static void session_read(Story *s, Str line) {
        Str stamp = arena_strf(s->arena, "%.*sT%.*s:00Z", STR_FMT(str_to(line, 10)),
                               STR_FMT(str_from(line, 11)));
        if (!when_parse(stamp, &s->at_ms))
                line_bad(line);
        s->talk.sessions++;
}

static void turn_read(Story *s, Str line) {
        if (s->talk.turns_n == TURNS_MAX)
                line_bad(line);
        if (line.p[0] == '#')
                s->marks[mark_parse(str_from(str_cut(&line, ' '), 1))] = (uint32_t)s->talk.turns_n;
        Str speaker = str_cut(&line, ':'), text = str_cut(&line, '[');
        s->talk.turns[s->talk.turns_n++] = (TalkTurn){
                .speaker = speaker,
                .text = str_trim(text),
                .caption = line.p ? str_cut(&line, ']') : STR(""),
                .session = s->talk.sessions - 1,
                .at_ms = s->at_ms,
        };
}

static void question_read(Story *s, Str line) {
        Str marks = line, text = str_trim(str_cut(&marks, '='));
        uint32_t *evidence = NEW_ARRAY(s->arena, uint32_t, ANSWERS_MAX);
        size_t n = 0;
        for (marks = str_trim(marks); marks.p && n < ANSWERS_MAX;)
                evidence[n++] = s->marks[mark_parse(str_cut(&marks, ' '))];
        s->talk.questions[s->talk.questions_n++] = (TalkQuestion){ text, evidence, n };
}

Talk story_read(Arena *arena, const char *path) {
        Story s = { .arena = arena };
        s.talk.turns = NEW_ARRAY(arena, TalkTurn, TURNS_MAX);
        s.talk.questions = NEW_ARRAY(arena, TalkQuestion, TURNS_MAX);
        FILE *f = fopen(path, "r");
        if (!f)
                line_bad(str_c(path));
        char *buf = NULL;
        size_t cap = 0;
        for (ssize_t n; (n = getline(&buf, &cap, f)) > 0;) {
                Str line = arena_dup(arena, str_trim(str_n(buf, (size_t)n)));
                if (!line.n || str_starts(line, STR("# ")))
                        continue;
                if (line.p[0] == '@')
                        session_read(&s, str_from(line, 2));
                else if (line.p[0] == '?')
                        question_read(&s, str_from(line, 2));
                else
                        turn_read(&s, line);
        }
        free(buf);
        (void)fclose(f);
        return s.talk;
}
