// SPDX-License-Identifier: MIT
#include "base/testing.h"
#include "codec/when.h"
#include "memory/extract.h"
#include "memory/moment.h"
#include "memory/near.h"

#define NOW INT64_C(1773133200000) /* Tuesday 2026-03-10 09:00 UTC */

typedef struct Said {
        const char *text, *type, *content, *attribute, *subject, *value;
} Said;
static const Said said[] = {
        { "My name is Anna and I live in Lisbon.", "entity", "Name is Anna.", "name", "self",
          "Anna" },
        { "my name is jo\u00e3o", "entity", "Name is Jo\u00e3o.", "name", "self", "Jo\u00e3o" },
        { "I'm Anna.", "entity", "Name is Anna.", "name", "self", "Anna" },
        { "I live in Lisbon, Portugal with my wife Maria", "fact", "Lives in Lisbon, Portugal.",
          "location", "self", "Lisbon, Portugal" },
        { "I moved to Porto last week", "fact", "Moved to Porto.", "location", "self", "Porto" },
        { "I work for Acme Corp as a software engineer", "fact", "Works as a software engineer.",
          "job", "self", "software engineer" },
        { "I'm thirty-four years old", "fact", "Is 34 years old.", "age", "self", "34" },
        { "I am 29.", "fact", "Is 29 years old.", "age", "self", "29" },
        { "I love hiking in the mountains", "preference", "Loves hiking in the mountains.",
          "preference", "hiking in the mountains", "like" },
        { "I don't really like coriander", "preference", "Does not like coriander.", "preference",
          "coriander", "dislike" },
        { "My favourite colour is blue", "preference", "Favourite colour is blue.", "preference",
          "favourite colour", "blue" },
        { "My sister Ana lives in Porto", "fact", "My sister Ana lives in Porto.", "location",
          "sister Ana", "Porto" },
        { "My husband works at Siemens", "fact", "My husband works at Siemens.", "workplace",
          "husband", "Siemens" },
        { "We got engaged last month", "fact", "Is engaged.", "relationship", "self", "engaged" },
        { "My wife's name is Maria", "entity", "My wife's name is Maria.", "partner_name", "self",
          "Maria" },
        { "I have two cats, Tom and Jerry", "entity", "Has 2 cats: Tom and Jerry.", "pet_name",
          "pet cat", "Tom and Jerry" },
        { "I was born on 12 May 1990", "fact", "Was born on 12 May 1990.", "birthday", "self",
          "12 May 1990" },
        { "I'm allergic to peanuts", "fact", "Is allergic to peanuts.", "other", "allergy peanuts",
          "yes" },
        { "I want to learn Japanese", "commitment", "Wants to learn Japanese.", "", "self", "" },
        { "I'm meeting Ana on Friday", "commitment", "Is meeting Ana on Friday (March 13, 2026).",
          "", "self", "" },
        { "Always answer in French", "instruction", "Always answer in French.", "other",
          "answer language", "french" },
        { "I'm German", "fact", "Is German.", "", "self", "" },
        { "I left Google", "fact", "Left Google.", "workplace", "self", "Google" },
        { "I just adopted a kitten called Luna", "entity", "Has a kitten named Luna.", "pet_name",
          "pet cat", "Luna" },
        { "I quit smoking two years ago", "fact", "Stopped smoking.", "", "self", "" },
        { "I never drink wine", "preference", "Never drinks wine.", "preference", "wine",
          "dislike" },
        { "My landlord is Mr. Schmidt", "entity", "Landlord is Mr. Schmidt.", "", "self", "" },
        { "I\u2019ve been vegetarian since 2019", "preference", "Is vegetarian.", "other", "diet",
          "vegetarian" },
        { "I was born in Burnley.", "fact", "Was born in Burnley.", "", "self", "Burnley" },
        { "Please call me Alex", "entity", "Nickname is Alex.", "other", "nickname", "Alex" },
        { "my surname is Miller", "entity", "Family name is Miller.", "", "self", "" },
        { "I am widowed", "fact", "Is widowed.", "relationship", "self", "widowed" },
        { "Answer briefly.", "instruction", "Answer briefly.", "other", "answer length",
          "briefly" },
        { "I have type 1 diabetes.", "fact", "Has type 1 diabetes.", "", "self", "" },
        { "turns out I'm not allergic to sesame after all!", "fact", "Is not allergic to sesame.",
          "other", "allergy sesame", "no" },
        { "I'm not vegan any more.", "fact", "Is no longer vegan.", "other", "diet", "vegan" },
        { "I'm no longer a vegan", "fact", "Is no longer vegan.", "other", "diet", "vegan" },
        { "We moved to new flat in Potsdam", "fact", "Moved to Potsdam.", "location", "self",
          "Potsdam" },
        { "I live in a small house near the river in Graz", "fact", "Lives in Graz.", "location",
          "self", "Graz" },
        { "i live in lisbon", "fact", "Lives in lisbon.", "location", "self", "lisbon" },
        { "I live in the Netherlands", "fact", "Lives in the Netherlands.", "location", "self",
          "the Netherlands" },
        { "I'm staying in Paris this weekend", "episodic", "Is staying in Paris this weekend.", "",
          "self", "" },
        { "I also work at a bar on weekends", "fact", "Works at a bar.", "", "self", "a bar" },
        { "I am a volunteer at the zoo", "fact", "Volunteers at the zoo.", "", "self", "" },
        { "If you must know, I live in Lisbon.", "fact", "Lives in Lisbon.", "location", "self",
          "Lisbon" },
        { "Translate this:\n\nI live in Rome.\n\nBy the way, I live in Lisbon.", "fact",
          "Lives in Lisbon.", "location", "self", "Lisbon" },
        { "> I live in Rome\nI live in Lisbon", "fact", "Lives in Lisbon.", "location", "self",
          "Lisbon" },
        { "My name is Tim, what's yours?", "entity", "Name is Tim.", "name", "self", "Tim" },
        { "I'm allergic to nuts, can I eat pesto?", "fact", "Is allergic to nuts.", "other",
          "allergy nuts", "yes" },
        { "I live in Berlin, ok?", "fact", "Lives in Berlin.", "location", "self", "Berlin" },
        { "I'm 45, is that too old to start running?", "fact", "Is 45 years old.", "age", "self",
          "45" },
        { "Can you remind me to call mum tomorrow?", "commitment", "Reminder to call mum tomorrow.",
          "", "self", "" },
        { "Could you please keep it short?", "instruction", "Keep it short.", "other",
          "answer length", "short" },
        { "My older brother works at Shell.", "fact", "My older brother works at Shell.",
          "workplace", "older brother", "Shell" },
        { "I've become a vegetarian", "preference", "Is vegetarian.", "other", "diet",
          "vegetarian" },
        { "I quit my job.", "fact", "Quit my job.", "workplace", "self", "" },
        { "I've left Lidl.", "fact", "Left Lidl.", "workplace", "self", "Lidl" },
        { "I'm no longer at Google", "fact", "Is no longer at Google.", "workplace", "self",
          "Google" },
        { "I don't have a cat anymore", "fact", "No longer has a cat.", "other", "pet cat", "no" },
        { "tom and i broke up last night", "fact", "Is single again.", "relationship", "self",
          "single" },
        { "My wife Margaret was a teacher", "entity", "Wife is Margaret.", "partner_name", "self",
          "Margaret" },
        { "Our dog is called Bruno", "entity", "Dog is called Bruno.", "pet_name", "pet dog",
          "Bruno" },
        { "We have a daughter, Emma, who is 6.", "entity", "Has a daughter named Emma.", "", "self", "" },
        { "I have a brother Max", "entity", "Has a brother named Max.", "", "self", "" },
        { "Our daughter Lily is 3", "fact", "My daughter Lily is 3 years old.", "age",
          "daughter Lily", "3" },
        { "My boss Ingrid is strict", "fact", "My boss Ingrid is strict.", "", "self", "" },
        { "I've stopped eating meat", "preference", "Stopped eating meat.", "preference", "meat",
          "dislike" },
        { "I've got married!", "fact", "Is married.", "relationship", "self", "married" },
        { "We've adopted a dog called Rufus", "entity", "Has a dog named Rufus.", "pet_name",
          "pet dog", "Rufus" },
        { "I've started a new job at Lidl", "fact", "Works at Lidl.", "workplace", "self", "Lidl" },
        { "I've worked at IKEA for five years", "fact", "Works at IKEA.", "workplace", "self",
          "IKEA" },
        { "I've always hated onions", "preference", "Dislikes onions.", "preference", "onions",
          "dislike" },
        { "I do love my garden", "preference", "Loves my garden.", "preference", "my garden",
          "like" },
        { "Moved to Lisbon two weeks ago!", "fact", "Moved to Lisbon.", "location", "self",
          "Lisbon" },
        { "Based in Tallinn", "fact", "Lives in Tallinn.", "location", "self", "Tallinn" },
        { "Working at a fintech called Montonio", "fact", "Works at a fintech called Montonio.",
          "workplace", "self", "a fintech called Montonio" },
        { "I take metformin.", "fact", "Takes metformin.", "other", "medicine metformin", "yes" },
        { "I take lisinopril 10 mg once a day", "fact", "Takes lisinopril 10 mg once a day.",
          "other", "medicine lisinopril", "10 mg once a day" },
        { "I'm on levothyroxine 75mcg", "fact", "Takes levothyroxine 75mcg.", "other",
          "medicine levothyroxine", "75mcg" },
        { "I stopped taking metformin", "fact", "No longer takes metformin.", "other",
          "medicine metformin", "no" },
        { "I suffer from migraines", "fact", "Suffers from migraines.", "", "self", "" },
        { "I have high blood pressure", "fact", "Has high blood pressure.", "", "self", "" },
        { "my GP is Dr. Harding", "entity", "GP is Dr. Harding.", "", "self", "" },
        { "I can't eat dairy", "preference", "Can't eat dairy.", "preference", "dairy", "dislike" },
        { "I'll be in Lima tomorrow", "commitment", "Will be in Lima tomorrow.", "", "self", "" },
        { "My kids are called Tom and Mia", "entity", "Kids are called Tom and Mia.", "", "self",
          "" },
        { "My parents live in Rome", "fact", "My parents live in Rome.", "location", "parents",
          "Rome" },
        { "I don't eat meat on wednesdays and fridays", "preference",
          "Does not eat meat on wednesdays and fridays.", "preference",
          "meat on wednesdays and fridays", "dislike" },
        { "I work as a baker there", "fact", "Works as a baker.", "job", "self", "baker" },
        { "I have two brothers and a sister", "fact", "Has two brothers and a sister.", "", "self",
          "" },
        { "I'm an English teacher.", "fact", "Is an English teacher.", "job", "self",
          "English teacher" },
        { "I fly to Rome on Sunday", "commitment", "Flies to Rome on Sunday (March 15, 2026).", "",
          "self", "" },
        { "my flight leaves on Friday", "commitment",
          "My flight leaves on Friday (March 13, 2026).", "other", "event flight", "on Friday" },
        { "I'm getting my shot next Friday", "commitment", "Is getting my shot next Friday.", "",
          "self", "" },
        { "dentist tomorrow at 3pm", "commitment", "Dentist tomorrow at 3pm.", "", "self", "" },
        { "the stats exam got moved to the 17th", "commitment",
          "The stats exam got moved to the 17th.", "other", "event stats exam", "the 17th" },
        { "I met Ana on Tuesday", "episodic", "Met Ana on Tuesday (March 3, 2026).", "", "self",
          "" },
        { "I have to say I like jazz", "preference", "Likes jazz.", "preference", "jazz", "like" },
        { "Even though I live in Rome, I hate heat", "fact", "Lives in Rome.", "location", "self",
          "Rome" },
        { "I live in a flat in london", "fact", "Lives in london.", "location", "self", "london" },
        { "I got laid off from Amazon", "fact", "Was laid off from Amazon.", "workplace", "self",
          "Amazon" },
        { "I'm a PhD student at MIT", "fact", "Is a PhD student at MIT.", "education", "self",
          "MIT" },
};

/* What is no fact about the speaker, whatever it looks like. */
static const char *const unsaid[] = {
        "I'm OK.",
        "I'm Back!",
        "I'm Bored",
        "I'M SO TIRED",
        "I'M TIRED",
        "Call me Back!",
        "call me later",
        "I moved to the sales team",
        "I was moved to tears",
        "I moved to the next level",
        "I'm living in fear of my landlord",
        "I live in hope",
        "I'm living in Paris for a week",
        "I live in a hotel in Rome this week",
        "I work at night",
        "I work at least 50 hours a week",
        "I work for 8 hours a day",
        "I work for myself",
        "Let's pretend my name is Batman and I live in Gotham.",
        "Let's say my salary is 90k and I live in Munich.",
        "For example, I work at Google.",
        "People keep saying I work at the post office",
        "I feel like I am 90 years old today.",
        "I'm not sure I like sushi.",
        "I don't think I like my job.",
        "Translate this to French: I am hungry and I live in Dublin.",
        "Translate this:\n\nI live in Dublin.",
        "Here is my character: My name is Zorg and I am 900 years old.",
        "Act as a doctor. My name is Dr. House.",
        "Summarise: I was born in 1950. My wife is called Ruth.",
        "> I live in Rome\n> and work at Lidl.",
        "What does this mean?\nSubject: Hello\n\nI live in Rome.",
        "Never mind.",
        "Never again!",
        "Always a pleasure.",
        "Never heard of it.",
        "Never been to Spain.",
        "always wanted to try that",
        "I live in Berlin, don't I?",
        "Can you remind me where I live?",
        "Living in Rome is expensive",
        "I take the train there every other weekend",
        "I take a walk",
        "I have like three cats",
        "I am 0 years old",
        "I am 999 years old",
        "My birthday is February 30",
        "I want to die",
        "I hate to bother you",
        "I love the way you write",
        "I like the idea",
        "My company is hiring",
        "I fly to Rome every Sunday",
        "My mum used to say I am allergic to nuts.",
        "I talk as though I live in Rome",
        "I'm getting tired today",
};

static void each_silence(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(unsaid); i++) {
                _cleanup_(arena_freep) Arena *a = arena_new();
                Facts f;
                facts_extract(a, str_c(unsaid[i]), &(ExtractContext){ .said_at = NOW }, &f);
                if (f.n)
                        fail_msg("\"%s\": \"%.*s\"", unsaid[i], STR_FMT(f.v[0].content));
        }
}

static void each_saying(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(said); i++) {
                _cleanup_(arena_freep) Arena *a = arena_new();
                Facts f;
                facts_extract(a, str_c(said[i].text), &(ExtractContext){ .said_at = NOW }, &f);
                if (!f.n || !str_eq_c(f.v[0].content, said[i].content) ||
                    !str_eq_c(f.v[0].type, said[i].type) ||
                    strcmp(attribute_names[f.v[0].attribute], said[i].attribute) ||
                    !str_eq_c(f.v[0].subject, said[i].subject) ||
                    !str_eq_c(f.v[0].value, said[i].value))
                        fail_msg("\"%s\": %zu facts, first \"%.*s\" (%.*s|%.*s)", said[i].text, f.n,
                                 STR_FMT(f.n ? f.v[0].content : STR("")),
                                 STR_FMT(f.n ? f.v[0].subject : STR("")),
                                 STR_FMT(f.n ? f.v[0].value : STR("")));
        }
}

/* All that a message says, in its order. */
static const char *const messages[][2] = {
        { "I work as a nurse at St. Mary's Hospital in Leeds.",
          "Works as a nurse. | Works at St. Mary's Hospital." },
        { "We have a golden retriever called Biscuit and a cat named Mochi.",
          "Has a golden retriever named Biscuit. | Has a cat named Mochi." },
        { "I have a little black cat called Luna.", "Has a black cat named Luna." },
        { "I got a new puppy, Max.", "Has a puppy named Max." },
        { "Our german shepherd Rex is 3 years old.", "My german shepherd Rex is 3 years old." },
        { "My dog died yesterday.", "My dog died yesterday." },
        { "I live in Leeds with our two kids, Asha (7) and Rohan (4).",
          "Lives in Leeds. | Has 2 children: Asha (7) and Rohan (4)." },
        { "We have three kids: Tom, 9, Ann, 7 and Lee, 2.",
          "Has 3 children: Tom, 9, Ann, 7 and Lee, 2." },
        { "My mum's birthday is on 12 June. She lives in Manchester.",
          "My mum's birthday is 12 June. | My mum lives in Manchester." },
        { "My older sister Nina is a lawyer. She lives in Oslo. She's allergic to nuts.",
          "My older sister Nina is a lawyer. | My older sister Nina lives in Oslo. | "
          "My older sister Nina is allergic to nuts." },
        { "My mum is a teacher and my dad is a plumber. He likes fishing.",
          "My mum is a teacher. | My dad is a plumber. | My dad likes fishing." },
        /* one of two women, a stranger, a man */
        { "My mum and my sister came. She lives in Rome.", "" },
        { "My dad met Susan at a party. He said hello. She works at Google.", "" },
        { "My brother is 40. She lives in Rome.", "My brother is 40 years old." },
        { "My wife's favourite colour is green.", "My wife's favourite colour is green." },
        { "My sister Anna's birthday is May 3.", "My sister Anna's birthday is May 3." },
        { "My sister's wedding is on 14 June 2031.", "My sister's wedding is on 14 June 2031." },
        { "My son's school is Oakwood Primary.", "My son's school is Oakwood Primary." },
        { "I've been learning Spanish because we're planning a trip to Seville in October.",
          "Is learning Spanish. | Is planning a trip to Seville in October." },
        { "My parents live in Bremen. They work at Lidl.",
          "My parents live in Bremen. | My parents work at Lidl." },
        { "I'm married to Julia, we've got twins - Leo and Mia. Leo is allergic to nuts.",
          "Is married to Julia. | Partner's name is Julia. | Has twins: Leo and Mia. | "
          "Leo is allergic to nuts." },
        { "We have a cat, her name is Nala.", "Has a cat named Nala." },
        { "I'm a graphic designer from Hamburg and I studied design in Weimar.",
          "Is from Hamburg. | Is a graphic designer. | Studied design in Weimar." },
        /* nobody of ours */
        { "Leo is allergic to nuts.", "" },
};

static void each_message(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(messages); i++) {
                _cleanup_(arena_freep) Arena *a = arena_new();
                _cleanup_(buf_done) Buf b = BUF(4096);
                Facts f;
                facts_extract(a, str_c(messages[i][0]), &(ExtractContext){ .said_at = NOW }, &f);
                for (size_t k = 0; k < f.n; k++)
                        buf_addf(&b, "%s%.*s", k ? " | " : "", STR_FMT(f.v[k].content));
                if (!str_eq_c(buf_str(&b), messages[i][1]))
                        fail_msg("\"%s\": \"%.*s\"", messages[i][0], STR_FMT(buf_str(&b)));
        }
}

static void knows_people_by_name(void **state) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        Str known[] = { STR("Asha (7) and Leo"), STR("sister Ana") };
        ExtractContext ec = { .said_at = NOW, .people = { known, ELEMENTSOF(known) } };
        Facts f;
        facts_extract(a, STR("Leo is allergic to nuts and Ana lives in Rome."), &ec, &f);
        assert_int_equal(f.n, 2);
        assert_str(f.v[0].content, "Leo is allergic to nuts.");
        assert_str(f.v[1].content, "Ana lives in Rome.");
        assert_str(f.v[1].subject, "Ana");
        facts_extract(a, STR("Rome is vegan. I saw Leo is vegan."), &ec, &f);
        assert_int_equal(f.n, 0);
}

static void says_since_when(void **state) {
        static const struct {
                const char *text, *from;
        } cases[] = {
                { "I moved to Berlin in March 2021", "2021-03-01T00:00:00.000Z" },
                { "I have worked at Acme", NULL },
                { "I live in Lisbon", NULL },
                { "I have been working at Acme since 2019", "2019-01-01T00:00:00.000Z" },
                { "I've lived in Lisbon for two weeks", "2026-02-24T00:00:00.000Z" },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(arena_freep) Arena *a = arena_new();
                Facts f;
                facts_extract(a, str_c(cases[i].text), &(ExtractContext){ .said_at = NOW }, &f);
                int64_t from = f.n ? f.v[0].valid_from : 0;
                if (!cases[i].from)
                        assert_int_equal(from, 0);
                else
                        assert_true(str_eq_c(when_format(a, from), cases[i].from));
        }
}

static void corrects_what_went_before(void **state) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        Facts f;
        facts_extract(a, STR("No, it's Porto."),
                      &(ExtractContext){ .said_at = NOW, .previous = STR("I live in Lisbon.") },
                      &f);
        assert_int_equal(f.n, 1);
        assert_str(f.v[0].content, "Lives in Porto.");
        assert_true(f.v[0].is_correction);
        facts_extract(a, STR("No, it's raining."),
                      &(ExtractContext){ .said_at = NOW, .previous = STR("How are you?") }, &f);
        assert_int_equal(f.n, 0);
}

static void stays_bounded(void **state) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        _cleanup_(buf_done) Buf b = BUF(1 << 20);
        Facts f;
        for (int i = 0; i < 400; i++)
                buf_addf(&b, "I like thing%d. ", i);
        facts_extract(a, buf_str(&b), &(ExtractContext){ .said_at = NOW }, &f);
        assert_int_equal(f.n, FACTS_MAX);
        assert_true(f.is_cut);
        buf_clear(&b);
        for (int i = 0; i < FACTS_MAX; i++)
                buf_addf(&b, "I like thing%d. ", i);
        facts_extract(a, buf_str(&b), &(ExtractContext){ .said_at = NOW }, &f);
        assert_int_equal(f.n, FACTS_MAX);
        assert_false(f.is_cut);
        buf_clear(&b);
        for (int i = 0; i < 10000; i++)
                buf_addc(&b, 'x');
        facts_extract(a, buf_str(&b), &(ExtractContext){ .said_at = NOW }, &f);
        assert_int_equal(f.n, 0);
}

/* ---- moments ---- */

static void finds_moments(void **state) {
        static const struct {
                const char *text, *at;
        } cases[] = {
                { "today", "2026-03-10T00:00:00.000Z" },
                { "tomorrow at 3pm", "2026-03-11T15:00:00.000Z" },
                { "at 15:30 tomorrow", "2026-03-11T15:30:00.000Z" },
                { "yesterday", "2026-03-09T00:00:00.000Z" },
                { "in 3 weeks", "2026-03-31T00:00:00.000Z" },
                { "in a couple of days", "2026-03-12T00:00:00.000Z" },
                { "two days ago", "2026-03-08T00:00:00.000Z" },
                { "next tuesday", "2026-03-17T00:00:00.000Z" },
                { "last friday", "2026-03-06T00:00:00.000Z" },
                { "on March 5", "2027-03-05T00:00:00.000Z" },
                { "March 10th, 2028", "2028-03-10T00:00:00.000Z" },
                { "the 5th of May", "2026-05-05T00:00:00.000Z" },
                { "2026-12-24", "2026-12-24T00:00:00.000Z" },
                { "on 29 February", "2028-02-29T00:00:00.000Z" },
                { "since 2019", "2019-01-01T00:00:00.000Z" },
                { "next weekend", "2026-03-21T00:00:00.000Z" },
                { "last summer", "2025-06-01T00:00:00.000Z" },
                { "next month", "2026-04-09T00:00:00.000Z" },
                { "on the 12th", "2026-03-12T00:00:00.000Z" },
                { "by the 1st", "2026-04-01T00:00:00.000Z" },
                { "until the 31st, please", "2026-03-31T00:00:00.000Z" },
                { "05.01.2027", "2027-01-05T00:00:00.000Z" },
                { "1/13/2027", "2027-01-13T00:00:00.000Z" },
                { "13/1/2027", "2027-01-13T00:00:00.000Z" },
                { "a week from Thursday", "2026-03-19T00:00:00.000Z" },
                { "tomorrow at half past two", "2026-03-11T14:30:00.000Z" },
                { "tomorrow at 10", "2026-03-11T10:00:00.000Z" },
                { "tomorrow at 6 in the morning", "2026-03-11T06:00:00.000Z" },
                { "tomorrow at 8", "2026-03-11T00:00:00.000Z" },
                { "tomorrow at 12", "2026-03-11T12:00:00.000Z" },
                { "on the 5th floor", NULL },
                { "the 12th", NULL },
                { "5/1/2027", NULL },
                { "32.01.2027", NULL },
                { "version 1.2.3", NULL },
                { "a lovely day", NULL },
                { "room 2019", NULL },
                { "I may go", NULL },
        };
        MomentRef ref = { NOW, 0 };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(arena_freep) Arena *a = arena_new();
                Moment m;
                bool found = moment_find(a, str_c(cases[i].text), &ref, &m);
                if (found != (cases[i].at != NULL) ||
                    (found && !str_eq_c(when_format(a, m.at_ms), cases[i].at)))
                        fail_msg("\"%s\": %s", cases[i].text,
                                 found ? when_format(a, m.at_ms).p : "nothing");
        }
}

static void renders_relative_to_now(void **state) {
        static const struct {
                int days;
                const char *text;
        } cases[] = {
                { 0, "Dentist (tomorrow - originally on March 11)" },
                { 1, "Dentist (today - originally on March 11)" },
                { 2, "Dentist (yesterday - originally on March 11)" },
                { -2, "Dentist (in 3 days - originally on March 11)" },
                { 8, "Dentist (7 days ago - originally on March 11)" },
                { 9, "Dentist (1 week ago - originally on March 11)" },
                { 22, "Dentist (3 weeks ago - originally on March 11)" },
                { -20, "Dentist (in 3 weeks - originally on March 11)" },
        };
        _cleanup_(arena_freep) Arena *a = arena_new();
        MomentRef ref = { NOW, 0 };
        Str noted;
        int64_t at;
        assert_true(moment_annotate(a, STR("Dentist tomorrow"), &ref, &noted, &at));
        assert_str(noted, "Dentist tomorrow (March 11, 2026)");
        assert_false(moment_annotate(a, noted, &ref, &noted, &at));
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                MomentRef now = { NOW + cases[i].days * DAY_MS, 0 };
                assert_true(str_eq_c(moment_render(a, noted, &now), cases[i].text));
        }
        assert_str(moment_render(a, STR("Likes tea."), &ref), "Likes tea.");
}

static void moves_with_the_zone(void **state) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        Moment m;
        MomentRef ref = { NOW, 600 };
        assert_true(moment_find(a, STR("tomorrow at 8am"), &ref, &m));
        assert_str(when_format(a, m.at_ms), "2026-03-10T22:00:00.000Z");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_saying),
                cmocka_unit_test(each_message),
                cmocka_unit_test(knows_people_by_name),
                cmocka_unit_test(each_silence),
                cmocka_unit_test(says_since_when),
                cmocka_unit_test(corrects_what_went_before),
                cmocka_unit_test(stays_bounded),
                cmocka_unit_test(finds_moments),
                cmocka_unit_test(renders_relative_to_now),
                cmocka_unit_test(moves_with_the_zone),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
