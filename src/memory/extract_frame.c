// SPDX-License-Identifier: MIT
/* extract_frame: how a sentence is meant: as a statement, a question, a request, a hypothesis, or
 * as a text that somebody else may have written. */
#include "memory/extract_int.h"

/* ---- hypotheses and reported speech ---- */

/* "Let's say I live in Munich", "For example, I work at Google": to the end of the sentence. */
static bool opens_scenario(const Sentence *s) {
        size_t i = 0;
        while (str_is_in(low_at(s, i), " ok okay so well now just hey and but please fine alright "
                                       "then let lets 's us for the sake of argument "))
                i++;
        bool example = i && is_at(s, i - 1, "for") && str_is_in(low_at(s, i), " example instance ");
        bool say = is_at(s, i, "say") && (i || str_is_in(low_at(s, 1), " i my we "));
        return example || say ||
               str_is_in(low_at(s, i), " imagine pretend suppose supposing hypothetically assume "
                                       "assuming e.g example ");
}

/* Is what token i says somebody else's? "people keep saying", not "I have to say" */
static bool is_others(const Sentence *s, size_t i) {
        while (i && str_is_in(s->v[i - 1].low, " keep keeps just always also have has been even "
                                               "only 's is are am kept once to must can may would "
                                               "should will might used want like "))
                i--;
        return !(i && str_is_in(s->v[i - 1].low, " i we "));
}

/* "I'm not sure I like it", "I don't think that I …", "I feel like I am …" */
static bool is_doubted(const Sentence *s, size_t at) {
        size_t i = at - (at > 1 && is_at(s, at - 1, "that"));
        Str w = s->v[i - 1].low;
        if (str_is_in(w, " like thought doubt ") ||
            (str_eq_c(w, "though") && is_at(s, i - 2, "as")))
                return true;
        return i > 1 && is_at(s, i - 2, "not") &&
               str_is_in(w, " sure think believe know say saying certain remember mean convinced ");
}

bool is_hypothetical(const Sentence *s, size_t at) {
        if (at &&
            (str_is_in(s->v[at - 1].low, " do did does should would could can may might must will "
                                         "where what which who how why am are is was were shall "
                                         "whose ") ||
             is_doubted(s, at)))
                return true;
        bool crossed = false;
        for (size_t i = at; i > 0; i--) {
                Str w = s->v[i - 1].low;
                bool near = at - i < 3;
                crossed |= s->v[i - 1].flags & (T_COMMA | T_BREAK);
                if (!crossed && str_is_in(w, " if whether unless suppose imagine pretend wish "
                                             "wishes assuming hypothetically "))
                        return true;
                bool reports =
                        str_is_in(w, " said says say saying told tells thinks thought claims "
                                     "claimed asked asks believes believed ");
                if (reports && (near || !crossed) && is_others(s, i - 1))
                        return true;
                if (str_is_in(w, " but because ") || (crossed && !near))
                        break;
        }
        return opens_scenario(s);
}

/* ---- questions and requests ---- */

static const char question_words[] = " what who where why how which whose when ";
static const char auxiliaries[] = " do does did is are am was were can could will would should "
                                  "shall may have has 's ";

/* Tokens of "please remember that", "could you note:", "don't forget that"; 0 when the sentence
 * does not begin so. */
size_t remember_prefix(const Sentence *s) {
        size_t i = 0;
        while (i < s->n &&
               str_is_in(s->v[i].low, " please can could would will you also and so ok okay hey "
                                      "just btw "))
                i++;
        if (i + 1 < s->n && str_eq_c(s->v[i].low, "keep") && str_eq_c(s->v[i + 1].low, "in"))
                i += 3;
        else if (i + 2 < s->n && str_eq_c(s->v[i].low, "do") && str_eq_c(s->v[i + 1].low, "not") &&
                 str_eq_c(s->v[i + 2].low, "forget"))
                i += 3;
        else if (i < s->n && str_is_in(s->v[i].low, " remember note memorize memorise fyi save "))
                i++;
        else
                return 0;
        while (i < s->n && str_is_in(s->v[i].low, " that this down the following fact please "))
                i++;
        return i < s->n ? i : 0;
}

/* "Could you please keep …?": a request in the form of a question; 0 when it is none. */
size_t request_prefix(const Sentence *s) {
        if (!str_is_in(low_at(s, 0), " can could would will ") || !is_at(s, 1, "you"))
                return 0;
        size_t i = 2 + is_at(s, 2, "please");
        return str_is_in(low_at(s, i), " remind keep always never stop call ") ? i : 0;
}

bool corrects(const Sentence *s, size_t from) {
        for (size_t i = from; i < s->n && i < from + 4; i++)
                if (str_is_in(s->v[i].low,
                              " actually correction sorry oops meant mistake wrong rather "))
                        return true;
        return false;
}

bool asks(const Sentence *s) {
        Str first = s->v[0].low, second = s->n > 1 ? s->v[1].low : STR("");
        bool aux = str_is_in(second, auxiliaries) || str_eq_c(second, "not");
        if (!str_eq_c(first, "when") && str_is_in(first, question_words))
                return aux || s->is_question;
        if (str_eq_c(first, "when") && aux)
                return true;
        bool inverted = str_is_in(second, " i you we he she it they my your the this that there ");
        return s->is_question ||
               (str_is_in(first,
                          " do does did is are am was were can could will would should may have "
                          "has ") &&
                inverted);
}

/* "…, don't I?" asks about what was said before it */
static bool is_tag(const Sentence *s, size_t i) {
        return str_is_in(low_at(s, i), auxiliaries) && s->n - i <= 3 &&
               str_is_in(s->v[s->n - 1].low, " i we ");
}

/* "I live in Berlin, is it far?": leaves the statement before the question. */
bool question_cut(Sentence *s) {
        if (!str_is_in(low_at(s, 0), " i my we our "))
                return false;
        for (size_t i = 1; i < s->n; i++) {
                size_t k = i + str_is_in(s->v[i].low, " and but so ");
                bool begins = str_is_in(low_at(s, k), question_words) ||
                              str_is_in(low_at(s, k), auxiliaries) ||
                              str_is_in(low_at(s, k), " any ok okay you yours ");
                if (!(flags_before(s, i) & (T_COMMA | T_BREAK)) || !begins)
                        continue;
                if (is_tag(s, k))
                        return false;
                s->n = i;
                return true;
        }
        return false;
}

/* ---- what others may have written ---- */

/* "Translate this: …", "Act as a doctor.", "Here is my essay:": what follows is no word of the
 * speaker's. */
static bool opens_pasted(const Sentence *s) {
        static const char texts[] = " text character mail email e-mail letter essay draft story "
                                    "poem transcript chapter paragraph backstory dialogue script "
                                    "article message homework passage novel scene lyrics speech ";
        static const char openers[] = " please can could would will you hi hey hello ok okay now "
                                      "and also kindly just help me ";
        size_t i = 0;
        while (str_is_in(low_at(s, i), openers))
                i++;
        Str verb = low_at(s, i);
        if (str_is_in(verb, " translate summarise summarize paraphrase rephrase rewrite proofread "
                            "shorten transcribe roleplay role-play "))
                return true;
        if (str_is_in(verb,
                      " correct improve fix check analyse analyze edit polish continue complete "
                      "explain "))
                return str_is_in(low_at(s, i + 1), " this these the following ");
        if ((str_eq_c(verb, "act") && is_at(s, i + 1, "as")) ||
            (str_eq_c(verb, "pretend") && is_at(s, i + 1, "you")))
                return true;
        if (!str_is_in(verb, " here this below ") || !str_is_in(low_at(s, i + 1), " is 's are "))
                return false;
        for (size_t k = i + 2; k < s->n && k < i + 6; k++)
                if (str_is_in(s->v[k].low, texts))
                        return true;
        return false;
}

/* Bytes up to the next blank line, which is left out; all when there is none. */
static size_t paragraph_end(Str s) {
        for (size_t i = 0; i < s.n; i++) {
                size_t k = i + 1;
                while (s.p[i] == '\n' && k < s.n && strchr(" \t\r", s.p[k]))
                        k++;
                if (s.p[i] == '\n' && k < s.n && s.p[k] == '\n')
                        return k;
        }
        return s.n;
}

bool pasted_skip(const Sentence *s, Str text, Str *rest) {
        if (!opens_pasted(s))
                return false;
        size_t at = text.n - rest->n;
        at -= at && text.p[at - 1] == '\n';
        size_t end = paragraph_end(str_from(text, at));
        bool heading = s->v[s->n - 1].flags & T_BREAK && str_trim(str_n(text.p + at, end)).n == 0;
        if (heading) { /* the text stands below a blank line */
                Str body = str_trim(str_from(text, at + end));
                end = (size_t)(body.p - text.p) - at + paragraph_end(body);
        }
        *rest = str_from(text, MIN(at + end, text.n));
        return true;
}

static bool is_quoted(Str line) { return str_starts(str_trim(line), STR(">")); }

static bool is_mail_head(Str line) {
        static const char *const heads[] = { "subject:", "from:", "sent:" };
        for (size_t i = 0; i < ELEMENTSOF(heads); i++)
                if (str_eq_nocase(str_to(line, MIN(line.n, strlen(heads[i]))), str_c(heads[i])))
                        return true;
        return false;
}

bool passage_next(Str *rest, Str *ret) {
        size_t n = 0;
        while (rest->n && is_quoted(str_to(*rest, str_index(*rest, '\n'))))
                *rest = str_from(*rest, MIN(rest->n, str_index(*rest, '\n') + 1));
        while (n < rest->n) {
                Str line = str_from(*rest, n);
                line = str_to(line, str_index(line, '\n'));
                if (is_quoted(line))
                        break;
                if (is_mail_head(line)) { /* a mail goes to the end */
                        *ret = str_to(*rest, n);
                        *rest = str_from(*rest, rest->n);
                        return n > 0;
                }
                n = MIN(rest->n, n + line.n + 1);
        }
        *ret = str_to(*rest, n);
        *rest = str_from(*rest, n);
        return n > 0;
}
