// SPDX-License-Identifier: MIT
#include "chat/asking.h"


#include "chat/phrase.h"
#include "chat/whose.h"

enum { CLASS_MAX = 4, US_MAX = 5 };

static const char leads[] = " hi hello hey ok okay so and but please well now thanks oh hmm um "
                            "also sorry then yes no actually ";
/* With the verb in them, also as typed in haste. */
static const char contracted[] = " what's who's where's when's how's why's whats whos wheres whens "
                                 "hows whys ";
static const char wh_words[] = " who whom whose what where when which why how ";
static const char class_words[] = " what which whose how ";
static const char auxiliaries[] =
        " do does did don't doesn't didn't is are am was were isn't aren't wasn't weren't can "
        "can't could couldn't will won't would should shall have haven't has hasn't had may might "
        "must ";
/* Directly behind "what" and the like, with no auxiliary: "what happened", "what about Tom". */
static const char wh_verbs[] = " happened happens happening about if kind kinds type sort ";
/* The subject stands before the verb: "when I drink coffee", "what a day". */
static const char no_class[] = " i you we he she they it my our your his her their a an the this "
                               "that ";
static const char subjects[] = " i you we he she they it there anyone anybody someone somebody "
                               "everyone everybody anything something everything nobody any ";
static const char determiners[] = " my our your his her their its the this that these those a an ";
/* Statements without a subject begin with these, too: "Had a great day", "Have my exam". */
static const char bare_verbs[] = " do did have has had may might must ";
static const char name_verbs[] = " is are was were does isn't aren't wasn't weren't doesn't didn't "
                                 "hasn't ";
static const char any_nouns[] = " plans plan news appointments meetings events deadlines reminders "
                                "birthdays allergies trips ";
static const char request_words[] =
        " tell list show remind recall summarize summarise give describe find search explain ";

/* "remind me to …" and "tell Ann …" are not questions to us */
static bool is_reminder(Str word, Str rest) {
        Str next = word_first(&rest);
        Str after = word_first(&rest);
        return (str_eq_nocase(word, STR("remind")) && str_eq_nocase(next, STR("me")) &&
                str_eq_nocase(after, STR("to"))) ||
               (str_is_in(word, " tell give show ") && !str_is_in(next, " me us "));
}

/* "is Leo", "do my parents", "had I"; not "May is", "Had a great day", "Did my homework". */
static bool is_inverted(Str verb, Str rest) {
        Str next = word_first(&rest);
        if (str_is_in(next, subjects))
                return true;
        /* who writes so leaves out no subject: "is wayne in rehab", "does bernie call" */
        if (str_is_in(verb, " is does ") && !has_capital(verb) && next.n && rest.n)
                return true;
        if (str_is_in(verb, bare_verbs))
                return str_is_in(next, determiners) && is_somebody(word_first(&rest));
        return str_is_in(next, determiners) ||
               (str_is_in(verb, name_verbs) && has_capital(next) && next.n > 1);
}

/* An auxiliary behind the question word, or behind the kind of thing it names. */
static bool wh_asks(Str word, Str rest) {
        size_t most = str_is_in(word, class_words) ? CLASS_MAX : 1;
        Str behind = rest;
        if (str_eq_nocase(word, STR("who")))
                return true;
        if (str_eq_nocase(word, STR("how")) && str_is_in(word_first(&behind), " many much "))
                return true; /* "how many kids i got" */
        for (size_t k = 0; k < most; k++) {
                Str next = word_first(&rest);
                if (str_is_in(next, auxiliaries) || (!k && str_is_in(next, wh_verbs)))
                        return true;
                if (!next.n || str_is_in(next, no_class))
                        return false;
        }
        return false;
}

/* "everything you know about Ann": a request without its verb. */
static bool is_all_known(Str first, Str rest) {
        Str next = word_first(&rest);
        return (str_is_in(first, " everything all ") && str_is_in(next, " you about ")) ||
               (str_is_in(first, " all ") && str_eq_nocase(next, STR("my")) &&
                str_eq_nocase(word_first(&rest), STR("memories"))) ||
               (str_is_in(first, " my about ") && str_is_in(next, " profile me "));
}

static bool begins_question(Str text) {
        Str rest = text, first = word_first(&rest);
        while (str_is_in(first, leads))
                first = word_first(&rest);
        if (is_all_known(first, rest))
                return true;
        if (str_is_in(first, contracted))
                return true;
        if (str_is_in(first, wh_words))
                return wh_asks(first, rest);
        if (str_is_in(first, request_words))
                return !is_reminder(first, rest);
        if (str_eq_nocase(first, STR("any")))
                return str_is_in(word_first(&rest), any_nouns);
        return str_is_in(first, auxiliaries) && is_inverted(first, rest);
}

/* "quick question: where do I work" */
static bool sentence_asks(Str text) {
        if (str_ends(text, STR("?")) || begins_question(text))
                return true;
        for (Str rest = text; (str_cut(&rest, ':'), rest.p);)
                if (begins_question(rest))
                        return true;
        return false;
}

bool message_asks(Str message) {
        for (Str rest = str_trim(message), s; (s = sentence_first(&rest)).n;)
                if (sentence_asks(s))
                        return true;
        return false;
}

Str asking_part(Str message) {
        Str all = str_trim(message), found = STR_NULL;
        for (Str rest = all, s; (s = sentence_first(&rest)).n;) {
                if (!sentence_asks(s))
                        continue;
                if (found.p)
                        return all;
                found = s;
        }
        for (Str rest = found; rest.p && (str_cut(&rest, ':'), rest.p);)
                if (begins_question(rest))
                        return str_trim(rest);
        return found.p ? found : all;
}

bool asks_about_us(Str message) {
        static const char ours[] = " i i'm i've my mine we our us ";
        /* what we are asked to do with what is stored */
        static const char doings[] =
                " know remember recall have tell show give find list remind say store stored keep "
                "save saved learn note noted help think suggest recommend summarize summarise mean "
                "see ";
        Str rest = message, before = STR(""), w;
        bool found = false;
        for (Str all = message; (w = word_first(&all)).n;)
                if (str_is_in(w, ours))
                        return false;
        for (int i = 0; i < US_MAX && !found && (w = word_first(&rest)).n; i++) {
                found = str_is_in(w, " you your you're ") &&
                        (str_is_in(before, auxiliaries) || str_is_in(before, contracted) ||
                         str_is_in(w, " you're "));
                before = w;
        }
        return found && !str_is_in(word_first(&rest), doings);
}
