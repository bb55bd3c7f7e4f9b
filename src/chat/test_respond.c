// SPDX-License-Identifier: MIT
#include "base/testing.h"
#include "chat/provider.h"
#include "chat/respond.h"
#include "codec/when.h"

#define DAY1 INT64_C(1768032000000) /* 10 January 2026 */

static MemoryRow memory(const char *id, const char *content, const char *turn) {
        return (MemoryRow){ .memory_id = str_c(id),
                            .type = STR("fact"),
                            .content = str_c(content),
                            .valid_from = DAY1,
                            .source_turn_id = str_c(turn) };
}

static void test_what_is_a_question(void **state) {
        static const struct {
                const char *text;
                bool asks;
        } cases[] = {
                { "Where do I live?", true },
                { "where do I live", true },
                { "What's my name", true },
                { "Tell me about my job", true },
                { "Remind me what I like", true },
                { "Remind me to call Ann", false },
                { "Hi, do you know my dog", true },
                { "I live in Lisbon.", false },
                { "My name is Who", false },
                { "Can you recall my wife's name", true },
                { "Tell Ann hello", false },
                { "", false },
                { "ok so which car do I drive", true },
                { "Really?", true },
                { "Is it raining", true },
                { "whats my name", true },
                { "whos my best friend", true },
                { "wheres my home", true },
                { "quick question: where do i work", true },
                { "I moved to Rome. Where do I live?", true },
                { "how old is my daughter", true },
                { "what happened last week", true },
                { "any plans for the weekend", true },
                { "did my sister call", true },
                { "is Leo vegan", true },
                { "When I drink coffee I get a headache.", false },
                { "What a day! I got promoted", false },
                { "What I like is tea", false },
                { "Had a great day", false },
                { "Did my homework", false },
                { "May is my favourite month.", false },
                { "Will be in Paris on Friday.", false },
                { "Is allergic to nuts.", false },
                { "Any day now.", false },
                { "Everything you know about Leo", true },
                { "all my memories", true },
                { "My profile", true },
                { "Everything is fine.", false },
                { "I told my boss everything about me.", false },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(message_asks(str_c(cases[i].text)), cases[i].asks);
}

static Response answer(Arena *a, const char *message, MemoryHit *hits, size_t n,
                       const Learned *learned) {
        MemoryHits list = { hits, n, false };
        RespondIn in = {
                .message = str_c(message), .hits = &list, .learned = learned, .now_ms = DAY1
        };
        Response r;
        respond(a, &in, &r);
        assert_true(str_starts(r.text, STR("No language model is available")));
        return r;
}

/* A fact takes the place of the words it came from; every quote is byte-equal and marked. */
static void test_question(void **state) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        MemoryRow lives = memory("m1", "Lives in Lisbon.", "t1"),
                  odd = memory("m2", "Keeps \"bees\" & <b>.", "t9");
        Turn said = { .turn_id = STR("t1"),
                      .role = STR("user"),
                      .text = STR("I live in Lisbon, near the river."),
                      .at = DAY1 };
        Turn asked = { .turn_id = STR("t2"),
                       .role = STR("user"),
                       .text = STR("Where do I live?"),
                       .at = DAY1 };
        Turn told = { .turn_id = STR("t3"),
                      .role = STR("assistant"),
                      .text = STR("You live in Lisbon."),
                      .at = DAY1 };
        MemoryHit hits[] = {
                { .turn = &asked, .relevance = 1.0, .similarity = 1 },
                { .turn = &said, .relevance = 0.9, .similarity = 1 },
                { .turn = &told, .relevance = 0.8, .similarity = 1 },
                { .memory = &lives, .relevance = 0.5, .similarity = 0.5 },
                { .memory = &odd, .relevance = 0.3, .similarity = 0.1 },
        };
        Response r = answer(a, "Where do I live?", hits, ELEMENTSOF(hits), NULL);
        assert_true(str_contains(
                r.text,
                STR("\n\nYou live in Lisbon [1].\n\n[1] \"Lives in Lisbon.\" (10 January 2026)")));
        assert_int_equal(r.citations.n, 1);
        const Citation *c = r.citations.v;
        assert_str(c[0].quote, "Lives in Lisbon.");
        assert_str(c[0].memory_id, "m1");
        assert_str(c[0].turn_id, "t1");
        assert_int_equal(r.used.n, 1);
        assert_true(str_contains(r.text, c[0].quote));
        hits[4].relevance = hits[4].similarity = 1;
        r = answer(a, "What do I keep?", hits, ELEMENTSOF(hits), NULL);
        c = r.citations.v;
        assert_str(c[0].quote, "Keeps \"bees\" & <b>.");
        assert_true(str_contains(r.text, c[0].quote));
}

/* What stands beside the words asked for, and a place before a trade where the question is where.
 */
static void test_order_and_noise(void **state) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        MemoryRow trade = memory("m1", "Works as an engineer.", "t1"),
                  place = memory("m2", "Works at Siemens.", "t1"),
                  noise = memory("m3", "Has two cats.", "t2");
        MemoryHit hits[] = {
                { .memory = &trade, .relevance = 0.9, .similarity = 1 },
                { .memory = &place, .relevance = 0.8, .similarity = 1 },
                { .memory = &noise, .relevance = 0.4 },
        };
        Response r = answer(a, "Where do I work?", hits, 3, NULL);
        assert_true(str_contains(r.text, STR("You work at Siemens [1].")));
        assert_int_equal(r.citations.n, 2);
        r = answer(a, "What do I work as?", hits, 3, NULL);
        assert_true(str_contains(r.text, STR("You work as an engineer [1].")));
}

static void test_others_are_named(void **state) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        MemoryRow diet = memory("m1", "Mark is vegetarian.", "t1");
        diet.subject = STR("Mark: diet");
        MemoryHit hit = { .memory = &diet, .relevance = 0.9, .similarity = 1 };
        Response r = answer(a, "Is Mark vegetarian?", &hit, 1, NULL);
        assert_true(str_contains(r.text, STR("Yes. Mark is vegetarian [1].")));
        MemoryRow home = memory("m2", "Used to live in Cologne.", "t2");
        hit = (MemoryHit){ .memory = &home, .relevance = 0.9, .similarity = 1 };
        r = answer(a, "Where do I live?", &hit, 1, NULL);
        assert_true(str_contains(r.text, STR("I do not know that; I only have this. You used")));
}

static void test_nothing_is_deleted_by_asking(void **state) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        MemoryRow code = memory("m1", "Wifi password is hunter2.", "t1");
        MemoryHit hit = { .memory = &code, .relevance = 0.9, .similarity = 1 };
        Response r = answer(a, "Please forget my wifi password.", &hit, 1, NULL);
        assert_true(str_contains(r.text, STR("I delete nothing on being told so")));
        assert_int_equal(r.citations.n, 1); /* what may be meant */
        r = answer(a, "Don't forget the wifi.", &hit, 1, NULL);
        assert_false(str_contains(r.text, STR("I delete nothing")));
}

static void test_turns_alone_are_quoted(void **state) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        Turn said = { .turn_id = STR("t1"),
                      .role = STR("user"),
                      .text = STR("The door code is 4471"),
                      .at = DAY1 };
        MemoryHit hit = { .turn = &said, .relevance = 1.0 };
        Response r = answer(a, "What is the door code?", &hit, 1, NULL);
        assert_true(str_contains(
                r.text, STR("On 10 January 2026 you said: \"The door code is 4471\" [1].")));
        assert_int_equal(r.used.n, 0);
        assert_int_equal(r.citations.n, 1);
}

/* Of a long text the sentences that answer, as they are stored; what asks says nothing. */
static void test_the_best_sentences_of_a_turn(void **state) {
        static const struct {
                const char *question, *quote;
        } cases[] = {
                { "What is the door code?", "The door code is 4471, as it was last year." },
                { "Where does my sister live?",
                  "My sister is called Mia. She lives in Porto now." },
                { "Where is my passport?", NULL },
        };
        _cleanup_(arena_freep) Arena *a = arena_new();
        Turn said = { .turn_id = STR("t1"),
                      .role = STR("user"),
                      .text = STR(
                              "What a week it was, with all the rain and the noise of the works "
                              "in the street. The door code is 4471, as it was last year. My "
                              "sister is called Mia. She lives in Porto now. The cat slept all "
                              "day long on the sofa. Where do I live?"),
                      .at = DAY1 };
        MemoryHit hit = { .turn = &said, .relevance = 1.0 };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Response r = answer(a, cases[i].question, &hit, 1, NULL);
                assert_int_equal(r.citations.n, cases[i].quote ? 1 : 0);
                const Citation *c = r.citations.v;
                if (cases[i].quote)
                        assert_string_equal(arena_cstr(a, c[0].quote), cases[i].quote);
        }
}

/* What is so of somebody else is no answer about the user, least of all a yes. */
static void test_whose_fact(void **state) {
        static const struct {
                const char *question, *fact, *starts;
        } cases[] = {
                { "Am I vegan?", "Is vegan.", "Yes. You are vegan [1]." },
                { "Am I vegan?", "My sister is vegan.",
                  "I have nothing stored that answers this." },
                { "Is my sister vegan?", "My sister is vegan.", "Yes. Your sister is vegan [1]." },
                { "Is my sister vegan?", "Is vegan.", "I have nothing stored that answers this." },
                { "Where do I live?", "My mother lives in Hull.", "I have nothing stored that" },
                { "Where does my husband work?", "Works at Lidl.", "I have nothing stored that" },
                { "Where does my husband work?", "My husband is tall.",
                  "I have nothing stored that says exactly that; this comes closest." },
                { "What is my name?", "Name is Ann.", "Your name is Ann [1]." },
                { "What is my name?", "Cat is called Rex.", "I have nothing stored that answers" },
                { "What is my name?", "The boat is called Ida.", "I have nothing stored that" },
                { "When is my birthday?", "My son's birthday is on May 3.",
                  "I have nothing stored" },
                { "Where do I live?", "Does not live in Rome.",
                  "I do not know that; I only have this. You do not live in Rome [1]." },
                { "Do I live in Rome?", "Does not live in Rome.", "No. You do not live in Rome" },
                { "Where am I from?", "Is from Naples.", "You are from Naples [1]." },
                { "Where am I from?", "Works from home.", "I have nothing stored that" },
                { "Where did I use to live?", "Used to live in Rome.", "You used to live in Rome" },
                { "Where did I live before?", "Lives in Rome.",
                  "I have nothing stored of what was before; this is what I know. You live in "
                  "Rome" },
                { "What food do I hate?", "Dislikes olives.", "You dislike olives [1]." },
                { "What are my goals?", "Wants to see Rome.", "You want to see Rome [1]." },
                { "who is my employer?", "Works at Lidl.", "You work at Lidl [1]." },
                { "whats my name", "Name is Ann.", "Your name is Ann [1]." },
                { "Do you love me?", "Loves hiking.", "I am Mainstay's built-in responder." },
                { "Do you know what I love?", "Loves hiking.", "You love hiking [1]." },
                { "how are you today?", "Plans to hike today.", "I am ready:" },
        };
        _cleanup_(arena_freep) Arena *a = arena_new();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                MemoryRow m = memory("m1", cases[i].fact, "t1");
                MemoryHit hit = { .memory = &m, .relevance = 1.0, .similarity = 1 };
                Response r = answer(a, cases[i].question, &hit, 1, NULL);
                Str rest = r.text;
                while (rest.n && !str_starts(rest, STR("\n\n")))
                        rest = str_from(rest, 1);
                rest = str_to(str_from(rest, 2), strlen(cases[i].starts));
                assert_string_equal(arena_cstr(a, rest), cases[i].starts);
        }
}

/* 10 January 2026 is a Saturday. */
static void test_plans_of_a_time(void **state) {
        static const char *const plans[] = {
                "Has an exam on January 11, 2026.",
                "Has a flight on January 13, 2026.",
                "Has a haircut on January 14, 2026.",
                "Reminder to pay the rent on January 20, 2026.",
                "Has a concert on February 3, 2026.",
                "Has a race on February 4, 2026.",
                "Has a meeting on February 17, 2026.",
        };
        static const struct {
                const char *question;
                size_t n;
                const char *says; /* NULL: none */
        } cases[] = {
                { "What are my plans?", 5, "And 2 more." },
                { "What's coming up?", 5, "And 2 more." },
                { "What are my plans this week?", 1, "exam" },
                { "any plans for the weekend?", 1, "exam" },
                { "What's happening next week?", 2, "flight" },
                { "What do I have planned in February?", 3, "race" },
                { "What am I doing this month?", 4, "rent" },
                { "Am I free on January 13?", 1, "flight" },
                { "Am I free on January 16?", 0, NULL },
                { "any plans for next weekend?", 0, NULL },
                { "What appointments do I have?", 2, "haircut" },
                { "Do I have any meetings?", 1, "meeting" },
                { "Which reminders do I have?", 1, "rent" },
                { "Do I have any deadlines?", 0, NULL },
        };
        _cleanup_(arena_freep) Arena *a = arena_new();
        MemoryRow rows[ELEMENTSOF(plans)];
        MemoryHit hits[ELEMENTSOF(plans)];
        for (size_t i = 0; i < ELEMENTSOF(plans); i++) {
                rows[i] = memory(arena_cstr(a, arena_strf(a, "m%zu", i)), plans[i], "");
                hits[i] = (MemoryHit){ .memory = &rows[i] };
        }
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Response r = answer(a, cases[i].question, hits, ELEMENTSOF(hits), NULL);
                assert_int_equal(r.citations.n, cases[i].n);
                assert_true(str_contains(r.text, cases[i].says ? str_c(cases[i].says)
                                                               : STR("no plans stored")));
        }
}

/* What no longer holds answers only what was before, and neither do the words it came from. */
static void test_what_holds_no_longer(void **state) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        MemoryRow berlin = memory("m1", "Lives in Berlin.", "t1"),
                  hamburg = memory("m2", "Lives in Hamburg.", "t2"),
                  munich = memory("m3", "Lives in Munich.", "t3");
        berlin.status = hamburg.status = STR("superseded");
        berlin.valid_to = DAY1 - 2 * DAY_MS;
        hamburg.valid_to = DAY1 - DAY_MS;
        Turn said = { .turn_id = STR("t1"),
                      .role = STR("user"),
                      .text = STR("I live in Berlin."),
                      .at = DAY1 };
        MemoryHit hits[] = {
                { .memory = &berlin, .relevance = 1, .similarity = 1 },
                { .memory = &hamburg, .relevance = 0.8, .similarity = 1 },
                { .memory = &munich, .relevance = 0.8, .similarity = 1 },
                { .turn = &said, .relevance = 1, .similarity = 1 },
        };
        Response r = answer(a, "Where do I live?", hits, 4, NULL);
        assert_true(str_contains(r.text, STR("\n\nYou live in Munich [1].")));
        assert_int_equal(r.citations.n, 1);
        r = answer(a, "Where did I live before?", hits, 4, NULL);
        assert_true(str_contains(
                r.text, STR("\n\nUntil 9 January 2026 I had noted: \"Lives in Hamburg.\" [1].")));
        r = answer(a, "Where did I live before Hamburg?", hits, 4, NULL);
        assert_true(str_contains(r.text, STR("\"Lives in Berlin.\" [1].")));
        assert_false(str_contains(r.text, STR("Hamburg.")));
        r = answer(a, "Do I live in Berlin?", hits, 4, NULL);
        assert_false(str_contains(r.text, STR("Yes.")));
        assert_false(str_contains(r.text, STR("I live in Berlin")));
}

static void test_all_of_several(void **state) {
        static const char *const questions[] = { "What am I allergic to?", "List my allergies",
                                                 "What are my allergies?",
                                                 "Do I have any allergies?" };
        _cleanup_(arena_freep) Arena *a = arena_new();
        MemoryRow bees = memory("m1", "Is allergic to bees.", "t1"),
                  nuts = memory("m2", "Is allergic to nuts.", "t1"),
                  latex = memory("m3", "Has a latex allergy.", "t1");
        MemoryHit hits[] = { { .memory = &bees, .relevance = 1, .similarity = 1 },
                             { .memory = &nuts, .relevance = 0.9, .similarity = 1 },
                             { .memory = &latex, .relevance = 0.8, .similarity = 1 } };
        for (size_t i = 0; i < ELEMENTSOF(questions); i++) {
                Response r = answer(a, questions[i], hits, 3, NULL);
                assert_true(str_contains(r.text, STR("to bees [1]. You are allergic to nuts [2]. "
                                                     "You have a latex allergy [3].")));
        }
        Response r = answer(a, "Am I allergic to nuts?", hits, 3, NULL);
        assert_true(str_contains(r.text, STR("\n\nYes. You are allergic to nuts [1].\n")));
}

/* What was told with a question is acknowledged before it is answered. */
static void test_told_and_asked(void **state) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        Str id = STR("m1");
        MemoryWritten w = { .event = MEMORY_ADD, .row = memory("m1", "Lives in Porto.", "t1") };
        Learned l = { .v = &w, .n = 1, .created = { &id, 1 } };
        Response r = answer(a, "I moved to Porto. What is my shoe size?", NULL, 0, &l);
        assert_true(str_contains(r.text, STR("\n\nI have noted: \"Lives in Porto.\"\n\nI have "
                                             "nothing stored that answers this.")));
        r = answer(a, "I moved to Porto. Where do I live?", NULL, 0, &l);
        assert_true(str_ends(r.text, STR("\n\nI have noted: \"Lives in Porto.\"")));
}

static void test_nothing_relevant(void **state) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        MemoryRow m = memory("m1", "Lives in Lisbon.", "t1");
        MemoryHit weak = { .memory = &m, .relevance = 0.19 };
        Response r = answer(a, "What is my shoe size?", &weak, 1, NULL);
        assert_true(str_contains(
                r.text, STR("I have nothing stored that answers this. I have kept your message.")));
        assert_int_equal(r.citations.n, 0);
        assert_int_equal(r.used.n, 0);
}

static void test_statement(void **state) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        Str old = STR("m0");
        MemoryWritten w[] = {
                { .event = MEMORY_SUPERSEDE,
                  .row = memory("m1", "Lives in Porto.", "t1"),
                  .superseded = { &old, 1 } },
                { .event = MEMORY_NOOP, .row = memory("m2", "Name is Ann.", "t0") },
        };
        Learned l = { .v = w, .n = 2 };
        MemoryRow lisbon = memory("m0", "Lives in Lisbon.", "t0");
        MemoryHit gone = { .memory = &lisbon, .relevance = 1.0 };
        Response r = answer(a, "I am Ann and I moved to Porto.", &gone, 1, &l);
        assert_true(str_contains(r.text, STR("I have noted: \"Lives in Porto.\" (it takes the "
                                             "place of what I had before)")));
        assert_true(str_contains(r.text, STR("I knew that already: \"Name is Ann.\"")));
        assert_false(str_contains(r.text, STR("Lisbon")));
}

static void test_suggestions_are_four_and_differ(void **state) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        Str tag = STR("bees");
        MemoryRow m = memory("m1", "Keeps bees.", "t1"), same = memory("m2", "Sells bees.", "t2");
        m.tags = same.tags = (Strs){ &tag, 1 };
        MemoryHit hits[] = { { .memory = &m }, { .memory = &same } };
        MemoryHits none = { 0 }, some = { hits, 2, false };
        Strs s[] = {
                suggest(a, STR("hello"), &some),
                suggest(a, STR("hello"), &none),
                suggest(a, STR("what do i like?"), &none),
        };
        assert_true(str_contains(s[0].v[0], STR("bees")));
        for (size_t i = 0; i < ELEMENTSOF(s); i++) {
                assert_int_equal(s[i].n, 4);
                for (size_t j = 0; j < 4; j++)
                        for (size_t k = 0; k < j; k++)
                                assert_false(str_eq(s[i].v[j], s[i].v[k]));
        }
        for (size_t j = 0; j < 4; j++)
                assert_false(str_eq_c(s[2].v[j], "What do I like?"));
}

/* ---- prices, and providers from settings ---- */

static void test_prices(void **state) {
        Price p = { true, 150000, 600000, 75000 }; /* $0.15, $0.60 and $0.075 a million */
        int64_t micro;
        assert_true(price_cost(&p, 1000000, 1000000, 0, &micro));
        assert_int_equal(micro, 750000);
        assert_true(price_cost(&p, 1000000, 0, 400000, &micro));
        assert_int_equal(micro, 90000 + 30000);
        assert_true(price_cost(&p, 1, 0, 0, &micro));
        assert_int_equal(micro, 1); /* never rounded to nothing */
        assert_true(price_cost(&p, 0, 0, 0, &micro));
        assert_int_equal(micro, 0);
        assert_false(price_cost(&(Price){ 0 }, 10, 10, 0, &micro));
}

static void test_providers_from_settings(void **state) {
        static const struct {
                const char *json, *base, *key, *openai;
                Err expect;
                size_t n;
        } cases[] = {
                { NULL, NULL, NULL, NULL, OK, 0 },
                { NULL, NULL, NULL, "your-openai-api-key", OK, 0 },
                { NULL, NULL, NULL, "sk-1", OK, 1 },
                { NULL, "http://127.0.0.1:9/v1", NULL, NULL, OK, 1 },
                { NULL, "http://127.0.0.1:9/v1", "your-key", NULL, OK, 0 },
                { "[{\"name\":\"a\",\"base_url\":\"http://x/v1\",\"models\":[\"m\"]},"
                  "{\"name\":\"b\",\"base_url\":\"http://y/v1\",\"default_model\":\"n\"}]",
                  NULL, NULL, NULL, OK, 2 },
                { "[{\"name\":\"a\",\"base_url\":\"http://x/v1\","
                  "\"models\":[\"m\"],\"api_key_env\":\"MAINSTAY_TEST_UNSET\"}]",
                  NULL, NULL, NULL, OK, 0 },
                { "[{\"name\":\"a\",\"base_url\":\"http://x/v1\"}]", NULL, NULL, NULL, ERR_INVALID,
                  0 },
                { "[{\"name\":\"a\",\"base_url\":\"http://x/v1\",\"models\":[\"m\"],\"colour\":1}]",
                  NULL, NULL, NULL, ERR_INVALID, 0 },
                { "[{\"name\":\"a\",\"base_url\":\"http://x/v1\",\"models\":[\"m\"]},"
                  "{\"name\":\"a\",\"base_url\":\"http://x/v1\",\"models\":[\"m\"]}]",
                  NULL, NULL, NULL, ERR_INVALID, 0 },
                { "nonsense", NULL, NULL, NULL, ERR_INVALID, 0 },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(arena_freep) Arena *a = arena_new();
                TestWorld w = TEST_WORLD(0);
                Ctx cx = TEST_CTX(a, &w.world);
                ChatSettings set = { .providers = str_c(cases[i].json),
                                     .base_url = str_c(cases[i].base),
                                     .api_key = str_c(cases[i].key),
                                     .openai_api_key = str_c(cases[i].openai) };
                Providers p = { 0 };
                assert_err(providers_load(&cx, &set, &p), cases[i].expect);
                assert_int_equal(p.n, cases[i].n);
                providers_free(&p);
        }
}

static int granted_n;
static void granted(SlotWait *w) { granted_n++; }

/* Two slots, a bounded queue, first come first served; an open circuit lets nobody in. */
static void test_bulkhead(void **state) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        TestWorld w = TEST_WORLD(0);
        Ctx cx = TEST_CTX(a, &w.world);
        ChatSettings set = { .providers = STR("[{\"name\":\"a\",\"base_url\":\"http://x/"
                                              "v1\",\"models\":[\"m\"],\"max_concurrency\":2}]") };
        Providers list = { 0 };
        assert_ok(providers_load(&cx, &set, &list));
        Provider *p = list.v[0];
        SlotWait waits[SLOT_QUEUE_MAX + 3] = { 0 };
        for (size_t i = 0; i < ELEMENTSOF(waits); i++)
                waits[i].granted = granted;
        assert_int_equal(provider_enter(p, 0, &waits[0]), SLOT_TAKEN);
        assert_int_equal(provider_enter(p, 0, &waits[1]), SLOT_TAKEN);
        for (size_t i = 2; i < 2 + SLOT_QUEUE_MAX; i++)
                assert_int_equal(provider_enter(p, 0, &waits[i]), SLOT_QUEUED);
        assert_int_equal(provider_enter(p, 0, &waits[2 + SLOT_QUEUE_MAX]), SLOT_BUSY);
        assert_true(provider_leave(p, &waits[2]));
        assert_false(provider_leave(p, &waits[2]));
        granted_n = 0;
        provider_result(&cx, p, 0, CALL_GOOD);
        assert_int_equal(granted_n, 1);
        assert_false(waits[3].waiting); /* the first that still waited */
        for (int i = 0; i < 5; i++)
                provider_result(&cx, p, 0, CALL_BAD);
        assert_int_equal(granted_n, 5); /* four more until it opened */
        assert_int_equal(provider_enter(p, 0, &waits[0]), SLOT_OPEN);
        assert_int_equal(provider_wait_ms(p, 10000), 20000);
        provider_pause(p, 60000);
        assert_int_equal(provider_wait_ms(p, 10000), 50000);
        providers_free(&list);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_is_a_question),
                cmocka_unit_test(test_question),
                cmocka_unit_test(test_order_and_noise),
                cmocka_unit_test(test_others_are_named),
                cmocka_unit_test(test_nothing_is_deleted_by_asking),
                cmocka_unit_test(test_turns_alone_are_quoted),
                cmocka_unit_test(test_the_best_sentences_of_a_turn),
                cmocka_unit_test(test_whose_fact),
                cmocka_unit_test(test_told_and_asked),
                cmocka_unit_test(test_plans_of_a_time),
                cmocka_unit_test(test_what_holds_no_longer),
                cmocka_unit_test(test_all_of_several),
                cmocka_unit_test(test_nothing_relevant),
                cmocka_unit_test(test_statement),
                cmocka_unit_test(test_suggestions_are_four_and_differ),
                cmocka_unit_test(test_prices),
                cmocka_unit_test(test_providers_from_settings),
                cmocka_unit_test(test_bulkhead),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
