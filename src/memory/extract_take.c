// SPDX-License-Identifier: MIT
/* extract_take: how far a capture reaches: names, places, employers, jobs, things. */
#include "memory/extract_int.h"

const char kin_words[] =
        " wife husband partner fiance fiancee fiancé fiancée girlfriend boyfriend spouse mother "
        "mom mum mommy father dad daddy sister brother son daughter child kid baby grandmother "
        "grandma grandfather grandpa granddaughter grandson aunt uncle cousin niece nephew "
        "stepmother stepfather stepsister stepbrother stepson stepdaughter twin friend roommate "
        "flatmate neighbor neighbour boss manager colleague coworker co-worker mentor teacher "
        "doctor therapist dentist landlord ex mother-in-law father-in-law sister-in-law "
        "brother-in-law godmother godfather assistant coach kids children sons gf bf hubby bro sis "
        "stepmum stepmom stepdad ex-wife ex-husband ex-girlfriend ex-boyfriend granny grandad nan "
        "nana mam gp physio lawyer accountant tutor stepbrothers stepsisters grandkids "
        "grandchildren siblings daughters sisters brothers parents grandparents twins friends "
        "cousins ";
const char animal_words[] =
        " dog cat puppy kitten rabbit bunny hamster parrot bird fish goldfish turtle tortoise "
        "horse pony snake lizard gecko guinea-pig ferret rat mouse chicken budgie canary pet dogs "
        "cats rabbits birds horses chickens kittens puppies parrots hamsters turtles fishes pets "
        "retriever labrador lab poodle beagle bulldog terrier dachshund corgi spaniel husky collie "
        "shepherd chihuahua pug greyhound whippet boxer rottweiler doodle labradoodle cockapoo "
        "mutt pup tabby tomcat siamese persian ragdoll tortoiseshell pig guinea-pigs cockatiel "
        "parakeet ";
const char pronoun_words[] = " i we he she they it you this that there who which what my our his "
                             "her their your ";

bool is_plural_kin(Str kin) {
        return str_is_in(kin, " kids children sons daughters sisters brothers siblings parents "
                              "grandparents twins friends cousins grandkids grandchildren "
                              "stepbrothers stepsisters dogs cats ");
}

bool is_woman(Str kin) {
        return str_is_in(kin, " wife fiancee fiancée girlfriend mother mom mum mommy sister "
                              "daughter grandmother grandma granddaughter aunt niece stepmother "
                              "stepsister stepdaughter mother-in-law sister-in-law godmother gf "
                              "sis stepmum stepmom ex-wife ex-girlfriend granny nan nana mam ");
}

bool is_man(Str kin) {
        return str_is_in(kin, " husband fiance fiancé boyfriend father dad daddy brother son "
                              "grandfather grandpa grandson uncle nephew stepfather stepbrother "
                              "stepson father-in-law brother-in-law godfather bf hubby bro stepdad "
                              "ex-husband ex-boyfriend grandad ");
}

static const char stop_place[] =
        " with for since as from to at by because and or but now where which who when while so if "
        "in on last next this yesterday today tomorrow recently again too though originally alone "
        "together currently anymore any until till over about before after during then i we my he "
        "she it they is are was were not please ago right these these-days ";
static const char stop_org[] =
        " as in since for with now on but where which who when while so if because and or until "
        "till last next this yesterday today tomorrow recently again too though currently anymore "
        "any before after during then i we my he she it they is was please right doing these ";
static const char stop_job[] =
        " at for in with and but since who that where on now by which so because i we my while "
        "when from but until these currently though anymore any there here ";
static const char stop_thing[] =
        " but because since although though however while when whenever if unless until which who "
        "whereas then than anymore ";
static const char stop_clause[] = " but however although though whereas because ";
static const char trailing[] =
        " too also lately though please now anymore anyway haha lol btw tbh really most either "
        "currently recently well much lot all days moment right today thanks as a at so very these "
        "the by to be honest any more longer again after there ";
static const char not_name[] =
        " the a an not in on at very so too my your his her their our this that it and or but is "
        "are was for with from to what who where when why how just really also still here there "
        "now about like going trying looking working sure sure will no yes when if maybe because "
        "after before again back later today tomorrow tonight home away up off out over down done "
        "here's monday tuesday wednesday thursday friday saturday sunday ";
/* what somebody may be at the moment, in a capital too: "I'm Back!" is no introduction */
static const char states[] =
        " sorry happy sad tired fine good ok okay well great not allergic married single engaged "
        "divorced busy hungry bored boring back angry mad lost excited sick ill ready curious "
        "confused late early old young new stuck broke alone lonely scared afraid nervous anxious "
        "stressed depressed worried upset annoyed frustrated exhausted sleepy thirsty drunk sober "
        "pregnant retired unemployed free home here there online offline away awake asleep alive "
        "dead done finished right wrong lucky proud glad grateful thankful thrilled interested "
        "serious joking kidding serious vegan vegetarian human female male straight gay bisexual "
        "trans nonbinary deaf blind autistic ";
static const char number_words[] =
        " one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty "
        "ninety ";

static const char clause_words[] =
        " also am is are was were have has had live lives work works like likes "
        "love loves hate hates dislike enjoy enjoys prefer want wants need can "
        "could do does did don't will would am moved started got went visited "
        "bought thanks please so because especially right ok yes no how what maybe "
        "then please always never usually can't not study plan play speak know "
        "use ";

/* Does the word begin a clause of its own? Used behind "and" and commas. */
static bool begins_clause(const Sentence *s, size_t i) {
        static const char does[] =
                " is are was has lives works likes loves hates enjoys wants studies plays goes ";
        Str w = low_at(s, i);
        bool names = i < s->n && s->v[i].flags & T_CAPITAL; /* "and Ana lives in Rome" */
        return str_is_in(w, pronoun_words) || (names && str_is_in(low_at(s, i + 1), does)) ||
               str_is_in(w, clause_words);
}

/* token i follows a comma inside a list of things */
static size_t list_comma(const Sentence *s, size_t i) {
        return !begins_clause(s, i) &&
               !str_is_in(low_at(s, i), " but and or though thanks please too right which who ");
}

static const char place_heads[] =
        " flat house apartment village farm farmhouse cottage hotel hostel town city suburb "
        "suburbs neighborhood neighbourhood room studio condo home place dorm bungalow area part "
        "outskirts centre center heart district region county state province north south east west "
        "middle countryside house-share flatshare loft villa cabin houseboat van caravan trailer ";
/* "I live in fear", "moved to tears", "live at home": no places */
static const char no_places[] =
        " fear hope peace harmony denial tears poverty luxury comfort silence pain exile hiding "
        "debt sin shame style limbo squalor chaos misery bliss isolation solitude darkness secret "
        "anguish dread panic captivity freedom love hell heaven paradise paradox constant "
        "permanent action write remote management marketing sales engineering design product "
        "finance hr accounting team department job role position level desk bed couch sofa floor "
        "office work group phase stage topic question point money nothing scratch home school "
        "university college campus here there abroad overseas everywhere somewhere nowhere "
        "anywhere outside inside upstairs downstairs back forward full-time part-time linux "
        "windows python past benefits welfare pension coffee takeaways future present moment world "
        "another other one something anything it's mine yours ";
static const char no_place_begins[] = " the a an my your his her its our their this that these "
                                      "those some any every each no ";

static bool is_proper(const Sentence *s, size_t i) {
        return i < s->n && (s->v[i].flags & T_CAPITAL || (unsigned char)s->v[i].raw.p[0] >= 0xc4);
}

/* Names have no capitals where the speaker uses none. */
static bool has_no_capitals(const Sentence *s) {
        for (size_t i = 1; i < s->n; i++)
                if (is_proper(s, i) && !is_at(s, i, "i"))
                        return false;
        return true;
}

size_t place_start(const Sentence *s, size_t i) {
        bool headed = false;
        size_t start = i;
        for (size_t k = i; k < s->n && k - i < 12 && (k == i || !flags_before(s, k)); k++) {
                bool leads = k > i && str_is_in(s->v[k - 1].low, " in near of outside by ");
                size_t name = k + is_at(s, k, "the");
                if (is_proper(s, k) && str_is_in(s->v[k].low, place_heads))
                        return i;
                headed |= str_is_in(s->v[k].low, place_heads);
                bool plain = has_no_capitals(s) && !str_is_in(low_at(s, k), no_place_begins) &&
                             !str_is_in(low_at(s, k), place_heads);
                if (headed && leads && (is_proper(s, name) || plain))
                        start = k;
                if (str_is_in(s->v[k].low, " with and but who which because since for "))
                        break;
        }
        return start;
}

/* A place has a capital, behind an article, a number or an adjective; or it is a plain word of
 * somebody who writes none. */
static bool is_place(const Sentence *s, size_t i, size_t e) {
        bool plain = e - i <= 3 && has_no_capitals(s), proper = false;
        for (size_t k = i; k < e; k++) {
                proper |= is_proper(s, k) && k - i < 3;
                plain &= !str_is_in(s->v[k].low, no_place_begins) && !(s->v[k].flags & T_NUMBER);
                if (str_is_in(s->v[k].low, no_places) ||
                    (!is_proper(s, k) && str_is_in(s->v[k].low, place_heads)) ||
                    (k > i && str_is_in(s->v[k].low, no_place_begins)))
                        return false;
        }
        return proper ? !str_is_in(s->v[i].low, no_place_begins) || is_at(s, i, "the") : plain;
}

static size_t take_place(const Sentence *s, size_t i) {
        size_t e = i;
        for (; e < s->n && e - i < 6; e++) {
                bool comma = e > i && flags_before(s, e) & T_COMMA;
                if (e > i && flags_before(s, e) & T_BREAK)
                        break;
                if (comma && !(s->v[e].flags & T_CAPITAL && !begins_clause(s, e)))
                        break;
                if (str_is_in(s->v[e].low, stop_place) || str_is_in(s->v[e].low, number_words))
                        break;
        }
        return e > i && is_place(s, i, e) ? e : i;
}

static size_t take_until(const Sentence *s, size_t i, const char *stops, size_t max) {
        size_t e = i;
        for (; e < s->n && e - i < max; e++) {
                bool conjoined = str_is_in(s->v[e].low, " and & ") && e > i && e + 1 < s->n &&
                                 s->v[e + 1].flags & T_CAPITAL && !begins_clause(s, e + 1);
                if ((e > i && flags_before(s, e) & (T_COMMA | T_BREAK)) ||
                    (str_is_in(s->v[e].low, stops) && !conjoined))
                        break;
        }
        return e;
}

/* "I work at night", "for 8 hours a day", "for myself": no employers */
static const char no_orgs[] =
        " least most night nights home myself yourself himself herself themselves ourselves "
        "themself hours days weeks weekends times once all it that this free money now fun ages "
        "years months a-living noon midnight dawn day daytime lunch ";

static size_t take_org(const Sentence *s, size_t i) {
        bool counts = i < s->n && !is_proper(s, i) &&
                      (s->v[i].flags & T_NUMBER || str_is_in(s->v[i].low, number_words));
        bool living = str_is_in(low_at(s, i), " a an the ") &&
                      str_is_in(low_at(s, i + 1), " living while week day night moment weekend bit "
                                                  "long few couple time best ");
        if (i >= s->n || counts || living || str_is_in(s->v[i].low, no_orgs))
                return i;
        return take_until(s, i, stop_org, 6);
}

static size_t take_thing(const Sentence *s, size_t i, const char *stops, size_t max) {
        size_t e = i;
        for (; e < s->n && e - i < max; e++) {
                Str w = s->v[e].low;
                if (e > i && flags_before(s, e) & T_BREAK)
                        break;
                if (e > i && flags_before(s, e) & T_COMMA && !list_comma(s, e) &&
                    !is_at(s, e, "and") && !is_at(s, e, "or"))
                        break;
                if (str_is_in(w, " and or ") && (e + 1 >= s->n || begins_clause(s, e + 1)))
                        break;
                if (str_is_in(w, stops) ||
                    (e > i && str_is_in(w, " so ") && begins_clause(s, e + 1)))
                        break;
        }
        return e;
}

static size_t trim_tail(const Sentence *s, size_t i, size_t e) {
        while (e > i && str_is_in(s->v[e - 1].low, trailing))
                e--;
        return e;
}

static size_t take_name(const Sentence *s, size_t i) {
        size_t e = i;
        if (str_is_in(low_at(s, i), states))
                return i;
        while (e < s->n && e - i < 3 && s->v[e].flags & T_CAPITAL && !is_at(s, e, "i") &&
               !is_at(s, e, "my") && (e == i || !(flags_before(s, e) & (T_COMMA | T_BREAK))))
                e++;
        if (e == i && i < s->n && !str_is_in(s->v[i].low, not_name) &&
            !(s->v[i].flags & T_NUMBER) && s->v[i].low.n > 1)
                e = i + 1; /* "my name is anna" */
        return e;
}

static const char no_jobs[] =
        " lover beginner believer member mother father brother sister daughter number "
        "matter winner loser sufferer survivor owner user follower newcomer foreigner "
        "teenager smoker drinker riser christian vegetarian italian brazilian canadian "
        "indian russian australian austrian belgian egyptian hungarian iranian "
        "norwegian peruvian ukrainian romanian asian human woman man outsider customer "
        "subscriber buyer sinner dreamer gamer reader supporter hater amateur stranger "
        "perfectionist person minimalist pessimist optimist realist feminist atheist "
        "racist tourist traveler traveller cancer taker keeper tester better other "
        "another volunteer winner student ";

/* By its last word: "a software engineer" is a job, "a night owl" and "an Italian" are not. */
static bool is_job_word(Str w) {
        static const char *const endings[] = { "er",  "or",    "ist",    "ian", "eer",
                                               "ant", "smith", "wright", "man", "woman" };
        if (str_is_in(w, " nurse chef student pilot dj ceo cto cfo vp coach host judge clerk cook "
                         "midwife freelancer intern architect vet guide athlete cashier surgeon "
                         "model poet artisan barista "))
                return true;
        if (str_is_in(w, no_jobs))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(endings); i++)
                if (w.n > 4 && str_ends(w, str_c(endings[i])))
                        return true;
        return false;
}

static size_t take_job_word(const Sentence *s, size_t i) {
        size_t e = take_until(s, i, stop_job, 5);
        return e > i && is_job_word(s->v[e - 1].low) ? e : i;
}

static size_t take_nationality(const Sentence *s, size_t i) {
        Str w = low_at(s, i);
        bool fits = i < s->n && s->v[i].flags & T_CAPITAL &&
                    (str_ends(w, STR("ese")) || str_ends(w, STR("ish")) ||
                     str_ends(w, STR("ian")) || str_ends(w, STR("ican")) ||
                     str_is_in(w, " german french greek dutch korean african european moroccan "
                                  "swiss thai czech serb croat turk slovak catholic muslim israeli "
                                  "iraqi pakistani cuban chilean filipino icelandic kiwi welsh "
                                  "afghan arab kurd saudi kenyan hindu buddhist sikh protestant "
                                  "mormon basque catalan tamil punjabi bengali nepali somali "
                                  "latina latino "));
        return fits ? i + 1 : i;
}

/* "Asha (7)", "Asha, 7,": an age behind a name is of it. */
static size_t take_age(const Sentence *s, size_t e) {
        bool is_aside = e < s->n && flags_before(s, e) & (T_COMMA | T_BREAK);
        return is_aside && s->v[e].flags & T_NUMBER ? e + 1 : e;
}

static size_t take_names(const Sentence *s, size_t i) {
        size_t e = take_name(s, i);
        e += e > i ? take_age(s, e) - e : 0;
        while (e > i && e < s->n) {
                size_t next = e + (is_at(s, e, "and") || is_at(s, e, "&"));
                if (next == e && !(flags_before(s, e) & T_COMMA))
                        break;
                if (next >= s->n || !(s->v[next].flags & T_CAPITAL) || begins_clause(s, next))
                        break;
                e = take_age(s, take_name(s, next));
        }
        return e;
}

/* "golden retriever", "little black cat": up to the animal, with what it is like. */
static size_t take_animal(const Sentence *s, size_t i) {
        static const char none[] =
                " a an the my our your his her its and or of to in on for with is are am was has "
                "have no not any called named from at by as but than like who that it one two "
                "three 's ";
        for (size_t k = i; k < s->n && k < i + 3; k++) {
                if (str_is_in(s->v[k].low, animal_words))
                        return k + 1 + str_is_in(low_at(s, k + 1), animal_words);
                if (str_is_in(s->v[k].low, none) || str_is_in(s->v[k].low, kin_words) ||
                    s->v[k].flags & (T_COMMA | T_BREAK | T_NUMBER))
                        break;
        }
        return i;
}

static size_t take_number(const Sentence *s, size_t i) {
        if (i < s->n && s->v[i].flags & T_NUMBER)
                return i + 1;
        size_t e = i;
        while (e < s->n && e - i < 2 && str_is_in(s->v[e].low, number_words))
                e++;
        bool dashed = e == i && i < s->n && str_index(s->v[i].low, '-') < s->v[i].low.n &&
                      str_is_in(str_to(s->v[i].low, str_index(s->v[i].low, '-')), number_words);
        return e + dashed;
}

/* "thirty-four" -> 34; 0 when it is none */
static int number_value(Str low) {
        static const char *const words[] = {
                "one",     "two",     "three",     "four",     "five",     "six",      "seven",
                "eight",   "nine",    "ten",       "eleven",   "twelve",   "thirteen", "fourteen",
                "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",   "thirty",
                "forty",   "fifty",   "sixty",     "seventy",  "eighty",   "ninety"
        };
        for (int i = 0; i < (int)ELEMENTSOF(words); i++)
                if (str_eq_c(low, words[i]))
                        return i < 20 ? i + 1 : (i - 17) * 10;
        return 0;
}

Str number_text(Arena *a, const Sentence *s, size_t i, size_t e) {
        if (s->v[i].flags & T_NUMBER)
                return s->v[i].raw;
        int v = 0;
        for (; i < e; i++) {
                Str rest = s->v[i].low;
                while (rest.p)
                        v += number_value(str_cut(&rest, '-'));
        }
        return arena_strf(a, "%d", v);
}

static bool shouts(Str raw) {
        for (size_t i = 0; i < raw.n; i++)
                if (raw.p[i] >= 'a' && raw.p[i] <= 'z')
                        return false;
        return true;
}

/* The capital is what tells a name here, so it must tell: not in a sentence that has no others. */
static size_t take_capitalised(const Sentence *s, size_t i) {
        bool tells = i < s->n && s->v[i].flags & T_CAPITAL && !str_is_in(s->v[i].low, not_name);
        if (tells && s->v[i].raw.n > 1 && shouts(s->v[i].raw))
                tells = !shouts(tokens_text(s, 0, s->n));
        return tells ? take_name(s, i) : i;
}

Str name_text(Arena *a, Str raw) {
        if (raw.p[0] < 'a' || raw.p[0] > 'z')
                return raw;
        return arena_strf(a, "%c%.*s", raw.p[0] - 32, STR_FMT(str_from(raw, 1)));
}

/* By its ending, as medicines are named, or by its name. */
static size_t take_remedy(const Sentence *s, size_t i) {
        static const char *const endings[] = {
                "formin",  "pril",    "sartan", "statin", "olol",     "oxetine", "pram",
                "traline", "azole",   "mycin",  "cillin", "profen",   "oxin",    "thyroxine",
                "tidine",  "triptan", "azepam", "azolam", "thiazide", "dipine",  "gliptin",
                "xaban",   "parin",   "solone", "lukast", "cycline",  "codone",  "gabalin",
                "pentin",  "zepine",  "caine"
        };
        static const char names[] =
                " aspirin ibuprofen paracetamol acetaminophen tylenol advil insulin lithium prozac "
                "xanax zoloft ritalin adderall concerta warfarin eliquis ozempic wegovy metoprolol "
                "lexapro lipitor synthroid ventolin albuterol salbutamol humira melatonin "
                "methotrexate prednisone prednisolone furosemide clopidogrel tramadol morphine "
                "codeine antidepressants antibiotics antihistamines statins painkillers steroids "
                "beta-blockers contraceptives supplements magnesium probiotics ";
        Str w = low_at(s, i);
        if (str_is_in(w, names))
                return i + 1;
        for (size_t k = 0; k < ELEMENTSOF(endings); k++)
                if (w.n > strlen(endings[k]) + 1 && str_ends(w, str_c(endings[k])))
                        return i + 1;
        return i;
}

size_t take_kind(const Sentence *s, char kind, size_t i) {
        switch (kind) {
        case 'N': return take_name(s, i);
        case 'M': return take_capitalised(s, i);
        case 'G': return take_nationality(s, i);
        case 'W': return take_job_word(s, i);
        case 'L': return take_names(s, i);
        case 'Q': return take_capitalised(s, i) > i ? take_names(s, i) : i;
        case 'P': return take_place(s, i);
        case 'O': return take_org(s, i);
        case 'J': return take_until(s, i, stop_job, 6);
        case 'T': return trim_tail(s, i, take_thing(s, i, stop_thing, 14));
        case 'C': return take_thing(s, i, stop_clause, 40);
        case 'X': return take_until(s, i, " is are was 's i my he she it they ", 3);
        case 'D': return take_number(s, i);
        case 'H':
                return str_is_in(low_at(s, i), " wife husband partner spouse girlfriend boyfriend "
                                               "fiance fiancee fiancé fiancée gf bf hubby ")
                               ? i + 1
                               : i;
        case 'U': return take_remedy(s, i);
        case 'V':
                return i && flags_before(s, i) & (T_COMMA | T_BREAK)
                               ? i
                               : take_until(s, i, " and but for because i we my with when so or ",
                                            8);
        case 'K': return i < s->n && str_is_in(s->v[i].low, kin_words) ? i + 1 : i;
        case 'A': return take_animal(s, i);
        }
        return i;
}
