// SPDX-License-Identifier: MIT
#include "memory/test_suite.h"

#include "base/macros.h"

const SuiteCase suite[] = {
        /* ---- updates: one value at a time ---- */
        { "update", "say I live in Lisbon. | +5d | say I moved to Porto. | event SUPERSEDE | "
                    "reason location_change | count 1" },
        { "update", "say I live in Lisbon. | +5d | say I live in Porto now. | "
                    "has Lives in Porto. | not Lisbon" },
        { "update", "say I live in Lisbon. | +5d | say I am based in Madrid. | count 1 | "
                    "find where do I live => Madrid" },
        { "update", "say I live in Lisbon. | +1d | say I relocated to Oslo. | event SUPERSEDE | "
                    "not Lisbon" },
        { "update", "say I live in Lisbon. | +1d | say I live in Porto. | +1d | "
                    "say I live in Faro. | count 1 | has Lives in Faro." },
        { "update", "say I live in Lisbon. | +1d | say I live in Porto. | +1d | "
                    "say I live in Lisbon. | event SUPERSEDE | has Lives in Lisbon." },
        { "update", "say I work at Acme. | +9d | say I work at Globex. | reason status_change | "
                    "not Acme" },
        { "update", "say I work at Acme. | +9d | say I joined Globex as an analyst. | "
                    "not works at Acme | find which company do I work for => Globex" },
        { "update", "say I work as a nurse. | +9d | say I work as a teacher. | event SUPERSEDE | "
                    "has Works as a teacher." },
        { "update", "say I am a nurse. | +9d | say I was promoted to head nurse. | count 1 | "
                    "find my job => head nurse" },
        { "update", "say I am single. | +9d | say I am married to Tom. | not single | "
                    "find am I married => married" },
        { "update", "say I am engaged. | +90d | say We got married. | event SUPERSEDE | "
                    "has Is married." },
        { "update",
          "say I am married. | +90d | say I got divorced. | has Is divorced. | not married" },
        { "update", "say My name is Ann. | +2d | say My name is Annie. | event SUPERSEDE | "
                    "has Name is Annie." },
        { "update", "say My name is Ann. | say Call me Annie. | event ADD | has Name is Ann. | "
                    "has Nickname is Annie. | profile name = Ann" },
        { "update", "say Call me Annie. | profile name = Annie | say Call me Nan. | "
                    "event SUPERSEDE | profile name = Nan" },
        { "update",
          "say My time zone is Europe/Lisbon. | +2d | "
          "say My time zone is Europe/Paris. | count 1 | has Time zone is Europe/Paris." },
        { "update", "say I am 33 years old. | +365d | say I am 34 years old. | event SUPERSEDE | "
                    "reason temporal_update | count 1" },
        { "update", "say I am 33 years old. | +730d | say I am 35 years old. | "
                    "reason temporal_update" },
        { "update", "say My phone number is 555 0100. | +2d | say My phone number is 555 0199. | "
                    "event SUPERSEDE | not 0100" },
        { "update", "say I drive a Fiat. | say My car is a Seat. | +2d | say My car is a Volvo. | "
                    "event SUPERSEDE | not Seat | has Drives a Fiat." },
        { "update", "say I wake up at 7am. | +2d | say I wake up at 6am. | count 1 | "
                    "find when do I get up => 6am" },
        { "update", "say My budget is 500 euros. | +2d | say My budget is 800 euros. | count 1 | "
                    "has Budget is 800 euros." },
        { "update", "say I am vegetarian. | +9d | say I am vegan. | event SUPERSEDE | "
                    "has Is vegan. | not vegetarian" },
        { "update", "say I have two kids. | +300d | say I have three kids. | event SUPERSEDE | "
                    "has Has 3 children." },
        { "update", "say My sister lives in Rome. | +3d | say My sister lives in Milan. | "
                    "event SUPERSEDE | not Rome" },
        { "update", "say My sister lives in Rome. | say My brother lives in Milan. | count 2" },
        { "update", "say My sister Eva lives in Bonn. | say My sister Ida lives in Rome. | "
                    "count 2" },
        { "update", "say My sister Eva lives in Bonn. | +3d | say My sister Eva lives in Rome. | "
                    "count 1 | event SUPERSEDE" },
        { "update", "say My older brother works at Shell. | say My younger brother works at BP. | "
                    "count 2" },
        { "update", "say My daughter Mia is 7 | say My daughter Zoe is 10 | count 2 | flagged 0" },
        { "update", "say Always answer in English. | +1d | "
                    "say Always answer in German from now on. | count 1 | event SUPERSEDE" },
        { "update", "say Keep answers short. | +1d | say Keep answers long. | count 1 | "
                    "has Keep answers long." },
        { "update", "say Always answer in English. | say Keep answers short. | "
                    "say Never use emojis. | count 3" },
        { "update", "say I live in Rome. | say My brother lives in Milan. | count 2 | "
                    "find where do I live => Rome" },
        { "update", "say I live in Lisbon. | say I work at Acme. | say I love tea. | +1d | "
                    "say I live in Porto. | count 3" },
        { "update", "say My son Tom is 5 years old. | +365d | say My son Tom is 6 years old. | "
                    "reason temporal_update | count 1" },
        { "update", "add fact: Lives in Lisbon. | +1d | add fact: Lives in Porto. | "
                    "event SUPERSEDE | count 1" },
        { "update", "add fact: I live in Lisbon | +1d | add fact: The user lives in Porto | "
                    "event SUPERSEDE" },
        { "update", "add fact: I work at Acme. | +1d | add entity: I work at Globex. | "
                    "event SUPERSEDE" },
        { "update", "add fact: Lives in Lisbon. | +1d | say I moved to Porto last week. | "
                    "event SUPERSEDE | has Moved to Porto." },

        /* ---- corrections and endings ---- */
        { "correction", "say I live in Lisbon. | say Actually, I live in Porto. | "
                        "event SUPERSEDE | reason correction | count 1" },
        { "correction", "say I am 30 years old. | say Sorry, I am 31 years old. | "
                        "event SUPERSEDE | count 1 | has Is 31 years old." },
        { "correction", "say My birthday is March 5. | say Actually my birthday is March 6. | "
                        "event SUPERSEDE | has Birthday is March 6." },
        { "correction", "say I live in Lisbon. | +5d | say I don't live in Lisbon any more. | "
                        "event SUPERSEDE | not Lives in Lisbon" },
        { "correction", "say I live in Lisbon. | +5d | say I no longer live in Lisbon. | "
                        "count 1 | profile location empty" },
        { "correction", "say I live in Lisbon. | +5d | say I don't live in Paris any more. | "
                        "event ADD | has Lives in Lisbon." },
        { "correction", "say I work at Acme. | +5d | say I no longer work at Acme. | "
                        "event SUPERSEDE | profile workplace empty" },
        { "correction",
          "say I work at Acme. | +5d | say I quit my job at Acme. | event SUPERSEDE" },
        { "correction", "say I like jazz. | +5d | say I don't like jazz any more. | "
                        "event SUPERSEDE | not Likes jazz" },
        { "correction", "say I love ramen. | +5d | say I hate ramen. | event SUPERSEDE | "
                        "has Dislikes ramen." },
        { "correction", "say I hate mushrooms. | +5d | say I love mushrooms now. | "
                        "event SUPERSEDE | has Loves mushrooms." },
        { "correction", "say I am allergic to nuts. | +5d | say I am not allergic to nuts. | "
                        "event SUPERSEDE | has Is not allergic to nuts." },
        { "correction", "say I'm not married. | count 1 | profile relationship_status empty" },
        { "correction", "say I used to live in Madrid. | count 1 | profile location empty" },
        { "correction", "say I live in Rome. | say I used to live in Madrid. | count 2 | "
                        "profile location = Rome" },
        { "correction", "say I worked at Initech. | profile workplace empty | count 1" },
        { "correction", "say I moved from Lisbon to Porto. | profile location = Porto" },

        { "correction", "say My name is Ann. | +2d | say I am Groot. | count 1 | "
                        "profile name = Ann" },
        { "correction", "say I'm Ann. | +2d | say My name is Anna. | count 1 | "
                        "profile name = Anna" },
        { "correction", "say I work as a nurse. | +2d | say I'm a student. | "
                        "profile profession = nurse | count 2" },
        { "correction", "say I work at Lidl. | +2d | say I also work at a bar on weekends. | "
                        "profile workplace = Lidl | count 2" },
        { "correction", "say I am vegan. | +9d | say I'm not vegan any more. | "
                        "event SUPERSEDE | not Is vegan" },
        { "correction", "say I am vegan. | +9d | say I'm not vegetarian. | has Is vegan." },
        { "correction", "say I'm allergic to sesame. | +9d | "
                        "say Turns out I'm not allergic to sesame after all! | event SUPERSEDE" },
        { "correction", "say I live in London. | +2d | say I'm staying in Paris this weekend. | "
                        "profile location = London" },

        { "correction", "say I work at Lidl. | +5d | say I quit my job. | event SUPERSEDE | "
                        "profile workplace empty | +5d | say I work at Aldi. | +5d | "
                        "say I quit my job. | event SUPERSEDE | profile workplace empty" },
        { "correction", "say I work at Lidl. | +5d | say I've left Lidl. | "
                        "profile workplace empty" },
        { "correction", "say I work at Lidl. | +5d | say I don't work there anymore. | "
                        "profile workplace empty" },
        { "correction", "say I work at Lidl. | +5d | say I'm no longer at Google. | "
                        "profile workplace = Lidl" },
        { "correction", "say I live in Oslo. | +5d | say I don't live there any more. | "
                        "profile location empty" },
        { "correction", "say I have a cat. | +5d | say I don't have a cat anymore. | "
                        "event SUPERSEDE | count 1" },
        { "correction", "say I'm married to Bob. | +5d | say Bob and I got divorced. | "
                        "profile partner_name empty | profile relationship_status = divorced" },
        { "correction", "say I'm dating Mia. | +5d | say Mia and I broke up. | event SUPERSEDE | "
                        "profile relationship_status = single" },
        { "correction", "say I'm single. | +5d | say I have a girlfriend now, Mia. | "
                        "profile relationship_status = in_relationship | "
                        "profile partner_name = Mia" },
        { "correction", "say I take metformin. | +5d | say I stopped taking metformin. | "
                        "event SUPERSEDE | count 1" },

        { "correction",
          "say My driving test is on January 5. | +2d | "
          "say My driving test was moved to January 12. | event SUPERSEDE | count 1" },
        { "correction", "say My driving test is on January 5. | +2d | "
                        "say My driving test has been cancelled. | event SUPERSEDE | count 1" },
        { "correction", "say My driving test is on January 5. | +2d | "
                        "say The meeting with Karen was moved to Thursday. | count 2" },

        /* ---- other words for a memory ---- */
        { "change", "say I live in Lisbon. | +5d | say I love ramen. | +5d | "
                    "edit ramen => Lives in Rome. | count 1 | has Lives in Rome. | "
                    "profile location = Rome | at 2d Lisbon | at 11d Rome" },
        { "change", "say I love ramen. | +5d | say I live in Lisbon. | +5d | "
                    "edit ramen => Lives in Rome. | count 1 | profile location = Rome | "
                    "at 7d Lisbon | at 7d not Rome | at 11d Rome | profile likes.foods empty" },
        { "change", "say I live in Lisbon. | +5d | edit Lisbon => Lives in Porto. | count 1 | "
                    "profile location = Porto | at 2d Porto | known 2d Lisbon" },
        { "change", "say I work at Acme. | say I live in Lisbon. | +5d | "
                    "edit Acme => No longer lives in Lisbon. | count 1 | "
                    "profile location empty | profile workplace empty | at 2d Lives in Lisbon" },
        { "change", "say I live in Lisbon. | +5d | edit Lisbon => Used to live in Lisbon. | "
                    "count 1 | profile location empty | flagged 0" },
        { "change", "say My name is Ann. | say I love ramen. | edit ramen => I am Groot. | "
                    "profile name = Ann | count 2" },
        { "change", "say My birthday is March 5. | say I love ramen. | "
                    "edit ramen => My birthday is April 5. | flagged 2" },
        { "change", "since -100: fact: Lives in Lisbon. | since 5: fact: Lives in Porto. | "
                    "edit Lisbon => Lives in Faro. | at -50d Faro | at 6d Porto | at 6d not Faro" },
        { "change", "add commitment: Call Ana | edit Call => Call Ana tomorrow at 3pm | "
                    "has Call Ana tomorrow at 3pm (March 11, 2026 at 03:00 PM)" },

        /* ---- one partner at a time, friends and relatives beside each other ---- */
        { "partner", "say My wife is Ann. | +9d | say My wife is Eve. | event SUPERSEDE | "
                     "reason status_change | count 1 | profile partner_name = Eve | "
                     "profile relationship_status = married | at 2d Ann" },
        { "partner", "say My wife is Ann. | +9d | say My husband is Tom. | event SUPERSEDE | "
                     "count 1 | has Husband is Tom. | profile partner_name = Tom" },
        { "partner", "say My girlfriend is Ada. | +9d | say My wife's name is Ada. | "
                     "event SUPERSEDE | count 1 | profile relationship_status = married" },
        { "partner", "say My wife is Ada. | +9d | say My partner is called Ada. | event NOOP" },
        { "partner", "add fact: I am married to Ann. | +9d | add fact: I am married to Eve. | "
                     "event SUPERSEDE | count 1 | has I am married to Eve." },
        { "partner", "add fact: My wife is Ann. | +9d | add fact: I am married to Eve. | "
                     "event SUPERSEDE | count 1" },
        { "partner", "say I'm married to Ann. | +9d | say My wife is Eve. | not Ann | count 1 | "
                     "profile partner_name = Eve | profile relationship_status = married" },
        { "partner", "say I am dating Bob. | +9d | say I am dating Carl now. | not Bob | "
                     "profile partner_name = Carl" },
        { "partner", "say I'm engaged to Kim. | +9d | say We got married to Kim Lee. | "
                     "profile partner_name = Kim Lee" },
        { "partner", "say I'm married to Ann. | +9d | say I am married. | has Is married to Ann. | "
                     "profile partner_name = Ann" },
        { "partner", "say I'm married to Ann. | +9d | say I am married to Ann Lee. | "
                     "profile relationship_status = married | profile partner_name = Ann Lee" },
        { "partner", "say My wife is Ann. | +9d | say I am divorced. | "
                     "profile partner_name empty | not Wife" },
        { "partner", "since -10: fact: My wife is Ann. | since -900: fact: I was with Eve; I am "
                     "married to Eve. | has My wife is Ann." },
        { "partner", "say My sister is Eva. | say My sister is Ida. | say My friend is Carl. | "
                     "say My friend is Ben. | say My boss is Max. | count 5" },
        { "partner", "say My wife is Ann. | +9d | say My wife is Hindu. | "
                     "profile partner_name = Ann" },
        { "partner", "say My sister is married to Tom. | +9d | say My sister is married to Bob. | "
                     "count 1 | not Tom" },

        /* ---- animals ---- */
        { "pet", "say I have a cat named Luna. | +9d | say I no longer have a cat. | "
                 "event SUPERSEDE | reason status_ended | count 1 | not Luna | at 2d Luna" },
        { "pet", "say I have a cat named Luna. | +9d | say My cat died. | event SUPERSEDE | "
                 "not Luna | has My cat died. | flagged 0" },
        { "pet", "say I adopted a kitten called Luna. | say I have a cat. | +9d | "
                 "say My cat died last week. | not Luna | not Has a cat | count 1" },
        { "pet", "say I have a cat named Luna. | say I have a cat named Tom. | count 2 | +9d | "
                 "say My cat died. | flagged 3 | reason factual_contradiction | has Has a cat named Tom." },
        { "pet", "say I have a cat named Luna. | say I have a cat named Tom. | +9d | "
                 "say My cat Luna died. | flagged 0 | not named Luna | has Has a cat named Tom." },
        { "pet", "say I have two cats, Tom and Jerry. | +9d | say My cat Tom passed away. | flagged 2" },
        { "pet", "say I have a dog named Rex. | +9d | say My cat died. | event ADD | "
                 "has Has a dog named Rex. | flagged 0" },
        { "pet", "say I have a cat named Luna. | +9d | say My cat Tom died. | event ADD | "
                 "has Has a cat named Luna." },
        { "pet", "say I have a cat named Luna. | +9d | say I don't have a cat anymore. | +9d | "
                 "say I have a cat named Max. | count 1 | has Has a cat named Max." },
        { "pet", "say My dog is called Rex. | +9d | say I sold my dog. | not Rex" },
        { "pet", "say My dog is called Rex. | +9d | say My sister's dog died. | has Dog is called Rex." },
        { "pet", "say My dog is called Rex. | say If my dog died I would cry. | count 1" },
        { "pet", "add entity: Has a cat named Luna. | +9d | add fact: My cat died. | not Luna" },

        /* ---- what is no statement ---- */
        { "silence", "say Do I live in Lisbon? | nothing" },
        { "silence", "say Where do I live? | nothing" },
        { "silence", "say If I lived in Rome I would be happy. | nothing" },
        { "silence", "say She said I live in Rome. | nothing" },
        { "silence", "say I love it. | nothing" },
        { "silence", "say I like your answer. | nothing" },
        { "silence", "say Can you write me a poem about the sea? | nothing" },
        { "silence", "say What is the capital of Portugal? | nothing" },
        { "silence", "say I want to know what time it is. | nothing" },
        { "silence", "say I would like you to translate this. | nothing" },
        { "silence", "say I have a question about Rust. | nothing" },
        { "silence", "say Thanks, that was great! | nothing" },
        { "silence", "say The book says \"I live in Paris\" on every page. | nothing" },
        { "silence", "say ```\nI live in Paris\n``` | nothing" },
        { "silence", "say Should I live in Lisbon? | nothing" },
        { "silence", "say I wish I lived in Lisbon. | nothing" },

        /* ---- as-of and known-at ---- */
        { "as-of", "say I live in Lisbon. | +10d | say I live in Porto. | at 5d Lisbon | "
                   "at 5d not Porto | at 15d Porto | at 15d not Lisbon" },
        { "as-of", "say I work at Acme. | +10d | say I work at Globex. | +10d | "
                   "say I work at Hooli. | at 1d Acme | at 11d Globex | at 21d Hooli" },
        { "as-of", "say I am single. | +10d | say I am engaged. | +10d | say I am married. | "
                   "at 3d single | at 12d engaged | at 22d married" },
        { "as-of", "say I love tea. | at 0d tea | +30d | at 30d tea" },
        { "as-of", "since -100: fact: Lives in Rome. | since -10: fact: Lives in Oslo. | "
                   "at -50d Rome | at -50d not Oslo | at 0d Oslo" },
        { "as-of", "since -10: fact: Lives in Oslo. | since -100: fact: Lives in Rome. | "
                   "reason inserted_into_past | at -50d Rome | at 0d Oslo | at 0d not Rome" },
        { "as-of", "since -10: fact: Lives in Oslo. | since -100: fact: Lives in Rome. | "
                   "since -50: fact: Lives in Bern. | at -70d Rome | at -30d Bern | at -5d Oslo" },
        { "as-of", "since -10: fact: Works at Acme. | since -90: fact: Works at Globex. | "
                   "event ADD | find where do I work => Acme" },
        { "as-of", "since -10: fact: Lives in Oslo. | since -100: fact: Lives in Rome. | "
                   "profile location = Oslo" },
        { "as-of", "say I live in Lisbon. | +10d | say I live in Porto. | known 5d Lisbon | "
                   "known 5d not Porto | known 15d Porto" },
        { "as-of", "say I live in Lisbon. | +10d | since -30: fact: Lives in Rome. | "
                   "known 5d not Rome | known 11d Lisbon | at -20d Rome" },
        { "as-of", "say I live in Lisbon. | +10d | say I live in Porto. | "
                   "find where do I live => Porto | find Lisbon => nothing" },
        { "as-of", "say I like jazz. | +10d | say I no longer like jazz. | at 5d Likes jazz | "
                   "at 15d No longer likes jazz | at 15d not Likes jazz" },
        { "as-of", "since 5: fact: Lives in Oslo. | at 0d not Oslo | at 6d Oslo" },
        { "as-of", "since -10: fact: Lives in Lisbon. | since 5: fact: Lives in Porto. | "
                   "event SUPERSEDE | at 0d Lisbon | at 0d not Porto | at 6d Porto | "
                   "at 6d not Lisbon | profile location = Lisbon | "
                   "find where do I live => Lisbon | +6d | find where do I live => Porto | "
                   "profile location = Porto" },
        { "as-of", "since 5: fact: Has a parking permit. | add fact: Has a parking permit. | "
                   "event ADD | find parking => permit" },
        { "late", "since -10: fact: Lives in Oslo. | since -100: fact: Lives in Rome. | "
                  "since -100: fact: Lives in Bern. | flagged 2" },
        { "as-of", "say I have lived in Lisbon for five years. | at -300d Lisbon | "
                   "at -2000d not Lisbon" },
        { "as-of", "say I moved to Berlin in March 2021. | at -30d Berlin | at -3000d not Berlin" },

        /* ---- late, unclear ---- */
        { "late", "say I am 30 years old. | +10d | say I am 45 years old. | "
                  "reason factual_contradiction | flagged 2" },
        { "late", "say I am 30 years old. | +10d | say I am 25 years old. | flagged 2 | count 2" },
        { "late", "say My birthday is March 5. | say My birthday is June 7. | flagged 2" },
        { "late", "say I am 30 years old. | +365d | say I am 31 years old. | flagged 0" },
        { "late", "since -10: fact: Is 40 years old. | flagged 0" },

        /* ---- preferences evolve ---- */
        { "preference", "say My favourite colour is blue. | +5d | "
                        "say My favourite colour is green. | reason preference_change | count 2" },
        { "preference",
          "say My favorite food is pizza. | say My favorite band is Muse. | count 2" },
        { "preference", "say I love ramen. | say I love sushi. | count 2" },
        { "preference", "say I like pizza, pasta and sushi. | count 3 | has Likes pasta." },
        { "preference", "say I like ramen. | say I love ramen. | event NOOP | count 1" },
        { "preference", "say I prefer tea over coffee. | find what do I prefer => tea" },
        { "preference", "say I can't stand loud music. | find loud music => loud music | "
                        "profile dislikes.music = loud music" },
        { "preference", "say My sister loves tea. | say I hate tea. | count 2" },
        { "preference", "say I'm a big fan of Radiohead. | has Is a fan of Radiohead." },
        { "preference", "say I don't eat meat. | has Does not eat meat." },

        /* ---- relative dates; the start is Tuesday 2026-03-10 ---- */
        { "date", "say I have a dentist appointment tomorrow at 3pm. | "
                  "has Has a dentist appointment tomorrow at 3pm (March 11, 2026 at 03:00 PM)." },
        { "date",
          "add commitment: Call the bank today | has Call the bank today (March 10, 2026)" },
        { "date", "add commitment: Meeting tomorrow at 15:00 | "
                  "has Meeting tomorrow at 15:00 (March 11, 2026 at 03:00 PM)" },
        {
                "date",
                "add episodic: Met Ana yesterday | has Met Ana yesterday (March 9, 2026)",
        },
        { "date", "add commitment: Trip next week | has Trip next week (March 17, 2026)" },
        { "date", "add commitment: Rent due next month | has Rent due next month (April 9, 2026)" },
        { "date", "add commitment: Exam in 3 days | has Exam in 3 days (March 13, 2026)" },
        { "date", "add commitment: Exam in two weeks | has Exam in two weeks (March 24, 2026)" },
        { "date", "add commitment: Holiday in 2 months | has Holiday in 2 months (May 9, 2026)" },
        { "date", "add commitment: Dinner next friday | has Dinner next friday (March 13, 2026)" },
        { "date", "add commitment: Dinner tonight at 8pm | "
                  "has Dinner tonight at 8pm (March 10, 2026 at 08:00 PM)" },
        { "date", "add commitment: Flight the day after tomorrow | "
                  "has Flight the day after tomorrow (March 12, 2026)" },
        { "date", "say My flight is on Friday. | has My flight is on Friday (March 13, 2026)." },
        { "date", "say I met Ana on Friday. | has Met Ana on Friday (March 6, 2026)." },
        { "date", "say Yesterday I ran my first marathon. | "
                  "has Ran my first marathon yesterday (March 9, 2026)." },
        { "date", "+21d | add commitment: Pay tomorrow | has Pay tomorrow (April 1, 2026)" },
        { "date", "+296d | add commitment: Party tomorrow | has Party tomorrow (January 1, 2027)" },
        { "date", "+720d | add commitment: Leap tomorrow | has Leap tomorrow (February 29, 2028)" },
        { "date", "add fact: The shop opens at noon | has The shop opens at noon" },
        { "date", "add commitment: Call mum tomorrow at noon | "
                  "has Call mum tomorrow at noon (March 11, 2026 at 12:00 PM)" },
        { "date", "say My time zone is UTC+10. | +12h | add commitment: Standup tomorrow | "
                  "has Standup tomorrow (March 12, 2026)" },
        { "date", "say Remind me to water the plants tomorrow. | "
                  "has Reminder to water the plants tomorrow (March 11, 2026)." },

        /* ---- duplicates ---- */
        { "duplicate", "add fact: Keeps bees. | add fact: Keeps bees. | event NOOP | "
                       "reason exact_duplicate | count 1" },
        { "duplicate", "add fact: Keeps bees. | add fact: KEEPS  bees. | event NOOP" },
        { "duplicate", "add fact: Caf\u00e9 owner. | add fact: Cafe\u0301 owner. | event NOOP" },
        { "duplicate",
          "add fact: Keeps bees. | add preference: Keeps bees. | event ADD | count 2" },
        { "duplicate", "say I live in Lisbon. | say I live in Lisbon. | event NOOP | count 1" },
        { "duplicate", "say I live in Lisbon. | +20d | say I live in Lisbon, Portugal. | "
                       "event NOOP | count 1" },
        { "duplicate", "say I live in Lisbon. | say I'm based in Lisbon. | event NOOP | "
                       "reason already_known" },
        { "duplicate", "say My name is Ann. | say I am called Ann. | event NOOP" },
        { "duplicate", "say I work as a nurse. | say I'm a nurse. | event NOOP" },
        { "duplicate", "say I am allergic to nuts. | say I have an allergy to nuts. | event NOOP" },
        { "duplicate", "say I like jazz. | say I'm into jazz. | event NOOP | count 1" },
        { "duplicate", "add fact: I live in Lisbon in a blue house with my dog Rex. | "
                       "add fact: I live in Lisbon with Ann since 2019. | event ADD | count 2" },
        { "duplicate", "say I am dating Bob. | say I am dating Carl now. | has Is dating Carl." },
        { "duplicate", "add fact: I am married to Ann. | add fact: I am married to Eve. | "
                       "has I am married to Eve." },
        { "duplicate", "say I live in Lisbon. | as bob | say I live in Lisbon. | event ADD" },
        { "duplicate", "add fact: Stra\u00dfe 5 | add fact: STRASSE 5 | event NOOP" },

        /* ---- near duplicates ---- */
        { "near", "add fact: The spare key is under the blue flower pot. | "
                  "add fact: The spare key is under the blue flower pot outside. | event UPDATE | "
                  "count 1" },
        { "near", "add fact: The spare key is under the blue flower pot outside. | "
                  "add fact: The spare key is under the blue flower pot. | event UPDATE | "
                  "has The spare key is under the blue flower pot outside." },
        { "near", "add fact: The spare key is under the blue flower pot. | "
                  "add fact: The spare key is under the red flower pot. | event ADD | count 2" },
        { "near", "add fact: The meeting room holds 12 people. | "
                  "add fact: The meeting room holds 14 people. | event ADD" },
        { "near", "add fact: The clinic is open on Monday mornings. | "
                  "add fact: The clinic is open on Tuesday mornings. | event ADD" },
        { "near", "add fact: The contract was signed by Maria Lopes. | "
                  "add fact: The contract was signed by Mario Lopes. | event ADD" },
        { "near", "add fact: The dog is allowed on the new sofa. | "
                  "add fact: The dog is not allowed on the new sofa. | event ADD" },
        { "near", "add fact: The wardrobe holds winter clothes and blankets. | "
                  "add fact: The wardrobe holds winter clothes and blanket. | event UPDATE" },
        { "near", "add fact: The wardrobe holds winter clothes and blankets. | "
                  "add fact: The wardobe holds winter clothes and blankets. | event UPDATE" },
        { "near", "add fact: Ana visits the market each week. | "
                  "add fact: Ana and Rui visit the market each week. | event ADD" },
        { "near", "add fact: The password hint is a small river in France. | "
                  "add preference: The password hint is a small river in France! | event ADD" },
        { "near", "add fact: The boat was built in 1987 by hand. | "
                  "add fact: The boat was built in 1978 by hand. | event ADD" },
        { "near", "add fact: He was born in the first week of the year. | "
                  "add fact: He was born in the second week of the year. | event ADD" },
        { "near", "add fact: Takes 5 mg in the morning and 10 mg at night. | "
                  "add fact: Takes 10 mg in the morning and 5 mg at night. | event ADD | count 2" },
        { "near", "add fact: Allergic to nuts but not to milk. | "
                  "add fact: Allergic to milk but not to nuts. | event ADD" },
        { "near", "add fact: He is allergic to penicillin and aspirin. | "
                  "add fact: She is allergic to penicillin and aspirin. | event ADD" },
        { "near", "add fact: Loves horses in the green meadow near home. | "
                  "add fact: Loves houses in the green meadow near home. | event ADD" },
        { "near", "add fact: The review moved from the kitchen to the office. | "
                  "add fact: The review moved from the office to the kitchen. | event ADD" },
        { "near", "add fact: \u042f \u043d\u0435 \u043b\u044e\u0431\u043b\u044e "
                  "\u043a\u043e\u0444\u0435 \u0441 \u043c\u043e\u043b\u043e\u043a\u043e\u043c | "
                  "add fact: \u042f \u043b\u044e\u0431\u043b\u044e \u043a\u043e\u0444\u0435 "
                  "\u0441 \u043c\u043e\u043b\u043e\u043a\u043e\u043c | event ADD" },
        { "near", "add fact: Prefers quiet rooms with a large window. | "
                  "add fact: Prefers quiet rooms with a large window please. | event UPDATE" },

        /* ---- isolation ---- */
        { "isolation", "say I live in Lisbon. | as bob | count 0 | find Lisbon => nothing" },
        { "isolation", "say I live in Lisbon. | as bob | say I live in Porto. | event ADD | "
                       "as self | has Lives in Lisbon. | not Porto" },
        { "isolation", "say My name is Ann. | as bob | profile name empty" },
        { "isolation", "add fact: The code is 4417. | as bob | find the code => nothing | "
                       "at 0d not 4417" },
        { "isolation",
          "add fact: The code is 4417. | as self/ann | find code => nothing | count 0" },
        { "isolation", "as self/ann | say I like tea. | as self | find tea => nothing | "
                       "as self/bob | find tea => nothing | as self/ann | find tea => tea" },
        { "isolation", "add fact: The code is 4417. | as bob | add fact: The code is 4417. | "
                       "event ADD | as self | count 1" },
        { "isolation", "say I love tea. | as bob | say I hate tea. | as self | has Loves tea. | "
                       "count 1" },

        /* ---- deletion ---- */
        { "deletion", "add fact: The code is 4417. | forget 4417 | count 0 | "
                      "find the code => nothing | at 0d not 4417" },
        { "deletion", "say I live in Lisbon. | forget Lisbon | profile location empty | count 0" },
        { "deletion", "say I live in Lisbon. | +2d | say I live in Porto. | +2d | forget Porto | "
                      "count 1 | has Lives in Lisbon. | find where do I live => Lisbon | "
                      "profile location = Lisbon | at 3d Lisbon | known 1d Lisbon | "
                      "known 3d not Lisbon | +2d | known 5d Lisbon" },
        { "deletion", "say I live in Lisbon. | +2d | say I live in Porto. | +2d | "
                      "say I live in Faro. | forget Faro | has Lives in Porto. | count 1 | "
                      "forget Porto | has Lives in Lisbon. | count 1 | forget Lisbon | count 0 | "
                      "profile location empty" },
        { "deletion", "say I live in Lisbon. | +2d | say Actually, I live in Porto. | "
                      "forget Porto | count 0 | profile location empty" },
        { "deletion", "say I work at Acme. | +2d | say I no longer work at Acme. | +2d | "
                      "forget No longer | has Works at Acme. | profile workplace = Acme" },
        { "deletion", "say I work at Acme. | +2d | say I no longer work at Acme. | +2d | "
                      "say I work at Globex. | forget No longer | count 1 | "
                      "profile workplace = Globex" },
        { "deletion", "since -10: fact: Lives in Lisbon. | since 5: fact: Lives in Porto. | "
                      "forget Porto | at 6d Lisbon | count 1" },
        { "deletion", "since -90: fact: Lives in Lisbon. | since -50: fact: Lives in Porto. | "
                      "since 9: fact: Lives in Faro. | forget Porto | at 0d Lisbon | "
                      "at 10d Faro | at 10d not Lisbon" },
        { "deletion", "since -90: fact: Lives in Lisbon. | since -10: fact: Lives in Porto. | "
                      "since -50: fact: Lives in Faro. | forget Porto | not Lisbon | "
                      "at -70d Lisbon | at -20d Faro | at 0d not Faro" },
        { "deletion", "say I love ramen. | +2d | say I hate ramen. | +2d | forget Dislikes | "
                      "has Loves ramen." },
        { "deletion", "add fact: Keeps bees. | forget bees | add fact: Keeps bees. | event ADD | "
                      "count 1" },
        { "deletion", "say I like tea and coffee. | forget coffee | has Likes tea. | count 1 | "
                      "profile likes.foods = tea" },
        { "deletion", "say My name is Ann. | say I work at Acme. | forget Acme | "
                      "profile name = Ann | profile workplace empty" },
        { "deletion", "add fact: One. | add fact: Two. | add fact: Three. | forget Two. | "
                      "count 2 | has One. | has Three." },

        /* ---- profile ---- */
        { "profile", "say My name is Ann. | profile name = Ann" },
        { "profile", "say I'm 34 years old. | profile age = 34" },
        { "profile", "say I live in New York. | profile location = New York" },
        { "profile", "say I work as a data scientist at Globex. | "
                     "profile profession = data scientist | profile workplace = Globex" },
        { "profile", "say I am a software engineer. | profile profession = software engineer" },
        { "profile", "say My wife's name is Maria. | profile partner_name = Maria | "
                     "profile relationship_status = married" },
        { "profile", "say My fiancé is called Rui. | profile partner_name = Rui | "
                     "profile relationship_status = engaged" },
        { "profile", "say My girlfriend is called Eva. | profile partner_name = Eva | "
                     "profile relationship_status = in_relationship" },
        { "profile", "say I'm married to Tom. | profile partner_name = Tom | "
                     "profile relationship_status = married" },
        { "profile", "say I have 10 years of experience in Python. | "
                     "profile experience_years = 10 | profile skills = Python" },
        { "profile", "add fact: Knows Rust and PostgreSQL. | profile skills = Rust" },
        { "profile", "add fact: Go to the spring. | profile skills empty" },
        { "profile", "say I love ramen. | profile likes.foods = ramen" },
        { "profile", "say I love jazz. | profile likes.music = jazz" },
        { "profile", "say I hate mushrooms. | profile dislikes.foods = mushrooms" },
        { "profile", "say I love ramen. | +1d | say I hate ramen. | profile likes.foods empty | "
                     "profile dislikes.foods = ramen" },
        { "profile", "say I want to learn Japanese. | profile goals = Wants to learn Japanese" },
        { "profile", "add commitment: Finish the thesis | profile goals = Finish the thesis" },
        { "profile", "say I play the guitar. | profile hobbies = guitar" },
        { "profile", "say My time zone is Europe/Lisbon. | profile timezone = Europe/Lisbon" },
        { "profile", "say My native language is Portuguese. | profile language = Portuguese" },
        { "profile", "profile language = English" },
        { "profile", "add fact: I'm from Brazil. | profile location = Brazil" },
        { "profile",
          "say I live in Lisbon. | add fact: I'm from Brazil. | profile location = Lisbon" },
        { "profile", "say Keep your answers short. | profile prefers_short_responses = true" },
        { "profile", "say I studied law. | profile education empty" },
        { "profile", "say I have a degree in law. | profile education = law" },
        { "profile", "say I live in Lisbon. | +5d | say I live in Porto. | "
                     "profile location = Porto | forget Porto | profile location = Lisbon" },
        { "profile", "say My sister's name is Ana. | profile family = Sister's name is Ana" },
        { "profile", "say I am 300 years old. | profile age empty" },

        /* ---- what is understood at all ---- */
        { "extract", "say I have a dog named Rex. | has Has a dog named Rex." },
        { "extract", "say My dog is called Rex. | find what is my dog called => Rex" },
        { "extract", "say I have two cats named Tom and Jerry. | find names of my cats => Jerry" },
        { "extract", "say I'm severely allergic to shellfish and penicillin. | count 2" },
        { "extract", "say Remember that my locker code is 4417. | has My locker code is 4417." },
        { "extract", "say Please remember: the wifi password is hunter2. | "
                     "find wifi password => hunter2" },
        { "extract", "say Don't forget to buy milk tomorrow. | find milk => milk" },
        { "extract",
          "say Can you remember that I prefer window seats? | has Prefers window seats." },
        { "extract", "say Always answer in French. | has Always answer in French." },
        { "extract", "say From now on, call me Liz. | count 1" },
        { "extract", "say I plan to move to Berlin next year. | find plans for Berlin => Berlin | "
                     "profile location empty" },
        { "extract", "say I live in Leeds with my parents. | has Lives in Leeds." },
        { "extract", "say i live in lisbon and work at ibm | count 2 | profile workplace = ibm" },
        { "extract", "say I\u2019m 34 years old and I\u2019ve lived in Lisbon for two years. | "
                     "count 2" },
        { "extract", "say My mother is a doctor. My father works at Acme. | count 2 | "
                     "profile profession empty" },
        { "extract", "say I promised to call my mother on Sunday. | find promise => mother" },
        { "extract", "say I adopted a kitten called Luna. | has Has a kitten named Luna." },
        { "extract", "say I speak Portuguese and English. | has Speaks Portuguese and English." },
        { "extract", "say I graduated from MIT in 2015. | find where did I study => MIT" },
        { "extract", "say I'm lactose intolerant. | has Is lactose intolerant." },
        { "extract",
          "say My best friend is called Carlos. | find who is my best friend => Carlos" },
        { "extract", "say I have asthma. | has Has asthma." },
};
const size_t suite_n = ELEMENTSOF(suite);
