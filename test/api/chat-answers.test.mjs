// SPDX-License-Identifier: MIT
// Conversations without a model, as a stranger has them: what is told in one is asked in another.
// Each question has what its answer must say, after the line that says where answers come from.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { conversation, newUser, say } from '../fake/chat.mjs';
import { api } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';

const NOTHING = /^I have nothing stored that answers this\. I have kept your message\.$/;
const NOT_SO = /^I have nothing stored that says so; this comes closest\. /;
const NOT_EXACTLY = /^I have nothing stored that says exactly that; this comes closest\. /;
const all = (...parts) => ({ parts });

const conversations = {
        'people and animals': {
                told: [
                        'My name is Clara and I am 34 years old.',
                        'I have two dogs, Bella and Max, and a cat called Whiskers.',
                        "I work as a nurse at St. Mary's Hospital.",
                        'My husband Tom is a carpenter.',
                        'We have a daughter, Emma, who is 6.',
                        'I was born in Dublin but I live in Manchester now.',
                        'My mother lives in Leeds and my father died in 2010.',
                        'I have three brothers: Sam, Joe and Pete.',
                ],
                asked: {
                        'Who am I?': /^Your name is Clara \[1\]\. /,
                        'How old am I?': /^You are 34 years old \[1\]\./,
                        'What pets do I have?': /Bella and Max/,
                        'How many dogs do I have?': /^You have 2 dogs: Bella and Max \[1\]\./,
                        "What is my cat's name?": /^You have a cat named Whiskers \[1\]/,
                        'Where do I work?': /^You work at St\. Mary's Hospital \[1\]/,
                        'What do I do for a living?': /^You work as a nurse/,
                        'Who is my husband?': /^Your husband Tom is a carpenter \[1\]/,
                        'What does Tom do?': /^Your husband Tom is a carpenter/,
                        'Am I married?': /^Your husband Tom/,
                        'Do I have children?': /^You have a daughter named Emma \[1\]/,
                        'How old is my daughter?': /Emma, who is 6/,
                        "What is my daughter's name?": /Emma/,
                        'Do I have a son?': NOT_SO,
                        'Where was I born?': /born in Dublin/,
                        'Where do I live?': /^You live in Manchester \[1\]/,
                        'Do I live in London?': all(NOT_SO, /You live in Manchester/),
                        'Where does my mother live?': /^Your mother lives in Leeds \[1\]/,
                        'Is my father alive?': /^Your father died in 2010 \[1\]/,
                        'Who are my brothers?': /Sam, Joe and Pete/,
                        'Tell me about my family': all(/brothers/, /mother lives in Leeds/),
                        "What's my favourite colour?": NOTHING,
                },
        },
        'people by another name': {
                told: [
                        'My wife Julia and I have two kids.',
                        'Julia works as a nurse.',
                        'My sister is called Anna.',
                        'Anna lives in Porto.',
                        "Anna's birthday is on 3 May.",
                        'My dog is called Rex.',
                        'Rex is afraid of thunder.',
                        'My brother lives in Rome.',
                        'My brother is called Max.',
                        'My boss is Tom.',
                        'Tom is from Ireland.',
                ],
                asked: {
                        'What does my wife do?': all(/^Julia works as a nurse \[1\]\./, /\[2\] "Wife is Julia\."/),
                        'Is my wife a nurse?': /^Yes\. Julia works as a nurse \[1\]/,
                        'What does Julia do?': /^Julia works as a nurse \[1\]\./,
                        'Who is my wife?': /^Your wife is Julia \[1\]\./,
                        'Where does my sister live?': all(/^Anna lives in Porto \[1\]\./, /\[2\] "Sister is called Anna\."/),
                        "When is my sister's birthday?": /^Anna's birthday is 3 May \[1\]\./,
                        "What is my sister's name?": /^Your sister is called Anna \[1\]\./,
                        'What do you know about my sister?': all(/Anna lives in Porto/, /birthday is 3 May/),
                        'What is my dog afraid of?': /Rex is afraid of thunder/,
                        'Where does Max live?': /^Your brother lives in Rome \[1\]\./,
                        'Where is my boss from?': /Tom is from Ireland/,
                        'Where do I live?': NOTHING,
                },
        },
        'what later words may have ended': {
                told: [
                        'I have a dog named Duke.',
                        "i'm vegan since 2021",
                        'I take warfarin for atrial fibrillation',
                        "I'm going to Lisbon in March",
                        'My sister Mia has a cat named Tom.',
                        'Tom eats only tuna.',
                        'callum is allergic to shellfish',
                        'Duke died last week',
                        'My doctor has switched me from warfarin to apixaban.',
                        'Lisbon got cancelled',
                        'not vegan anymore, doc said i need protein',
                        'i have two boys',
                ],
                asked: {
                        'Do I have a dog?': all(/^What I had noted may no longer hold\. .*"Duke died last week" \[1\]/, /\[2\] "Has a dog named Duke\."/),
                        'Do I still take warfarin?': /^What I had noted may no longer hold\. .*apixaban/,
                        'Am I going to Lisbon?': /^What I had noted may no longer hold\. .*"Lisbon got cancelled"/,
                        'am i vegan': /^No\. You are no longer vegan/,
                        'what am i allergic to': NOTHING,
                        'is callum allergic to anything': /"callum is allergic to shellfish"/,
                        'how many sons i got': /You have 2 sons/,
                        'What does my cat eat?': { not: /tuna/ },
                },
        },
        'likes and habits': {
                told: [
                        'I love hiking and I hate olives.',
                        'My favourite colour is green.',
                        "I don't like coffee, I prefer tea.",
                        'I am allergic to cats.',
                        'I play the violin every Thursday evening.',
                        "I'm learning Japanese.",
                        'I quit smoking two years ago.',
                        'I speak German, English and a bit of Polish.',
                ],
                asked: {
                        'What do I like?': all(/You love hiking/, /You prefer tea/),
                        'What do I hate?': all(/You dislike olives/, /You do not like coffee/),
                        'Do I like coffee?': /^No\. You do not like coffee \[1\]/,
                        'Do I like tea?': /^Yes\. You prefer tea \[1\]/,
                        "What's my favourite color?": /^Your favourite colour is green \[1\]/,
                        'Am I allergic to anything?': /^Yes\. You are allergic to cats \[1\]/,
                        'Can I have a cat?': /^You are allergic to cats/,
                        'Which instrument do I play?': /^You play the violin/,
                        'When do I play the violin?': /^You play the violin every Thursday evening \[1\]\.\n/,
                        'What do I do on Thursdays?': /violin/,
                        'Do I smoke?': /quit smoking|stopped smoking/i,
                        'What languages do I speak?': /^You speak German, English and a bit of Polish/,
                        'Do I speak Polish?': /^Yes\. /,
                        'Do I speak French?': NOT_SO,
                        'Which sport do I do?': NOTHING,
                        "What's the weather like?": NOTHING,
                        'What is the capital of France?': NOTHING,
                },
        },
        'whose it is': {
                told: [
                        'My sister is vegan.',
                        'My brother is single.',
                        'My mother lives in Hull.',
                        'My mother is 70 years old.',
                        'My daughter plays the violin.',
                        'My dad has type 2 diabetes.',
                        "My son's birthday is on May 3.",
                        'My cat is called Rex.',
                        "My brother's wife is called Ana.",
                        'I work at Lidl.',
                        "I don't live in Rome any more.",
                ],
                asked: {
                        'Am I vegan?': NOTHING,
                        'Am I single?': NOTHING,
                        'How old am I?': NOTHING,
                        'What do I play?': NOTHING,
                        'Do I have diabetes?': NOTHING,
                        'whats my name': NOTHING,
                        'When is my birthday?': NOTHING,
                        "What was my wife's name?": NOTHING,
                        'Where does my husband work?': NOTHING,
                        'Where do I live?': /^I do not know that; I only have this\. You do not live in Rome/,
                        'Do I live in Rome?': /^No\. You do not live in Rome/,
                        'Is my sister vegan?': /^Yes\. Your sister is vegan/,
                        'Do I have a brother?': /^Yes\. Your brother is single/,
                        'Where does my mother live?': /^Your mother lives in Hull/,
                        'Where does my father live?': NOT_EXACTLY,
                        "When is my son's birthday?": /May 3/,
                        "What is my brother's wife called?": /Ana/,
                        'quick question: where do i work': /^You work at Lidl/,
                        'Do you love me?': /built-in responder/,
                        'how are you today?': /^I am ready/,
                        'When I drink coffee I get a headache.': { not: /nothing stored that answers/ },
                },
        },
        plans: {
                told: [
                        'I have a dentist appointment on 3 December 2031 at 10:30.',
                        'Remind me to buy milk tomorrow.',
                        'My exam is in two weeks.',
                        "My sister's wedding is on 14 June 2031.",
                ],
                asked: {
                        'When is my dentist appointment?': /3 December 2031 at 10:30 \[1\]\./,
                        'What are my plans?': all(/milk/, /exam/, /dentist/),
                        'What do I have to do tomorrow?':
                                /^You asked to be reminded to buy milk tomorrow, on [A-Z][a-z]+ \d+, \d{4} \[1\]\.\n/,
                        'Do I have anything on 3 December 2031?': /^You have a dentist appointment/,
                        'What are my plans for May 2029?': /^I have no plans stored for that time/,
                        "When is my sister's wedding?": /14 June 2031/,
                        'When is my exam?': /^Your exam is in 2 weeks, on /,
                        'Who is getting married?': /sister's wedding/,
                },
        },
        'what has changed': {
                told: [
                        'I live in Berlin.',
                        'I moved to Hamburg last month.',
                        "Actually, I don't live in Hamburg any more, I moved to Munich.",
                        'I work at Siemens.',
                        "I don't work at Siemens any more. I now work at BMW.",
                        'My phone number is 555-1234.',
                        'No, my phone number is 555-9876.',
                        'I used to live in Paris.',
                ],
                asked: {
                        'Where do I live?': /^You moved to Munich \[1\]/,
                        'Do I still live in Berlin?': all(NOT_SO, /You moved to Munich/),
                        'Where do I work?': /^You work at BMW \[1\]/,
                        'What is my phone number?': all(/555-9876/, { not: /555-1234/ }),
                        'Did I ever live in Paris?': /^You used to live in Paris/,
                        'Do I live in Paris?': { not: /Yes/ },
                        'Where did I live before Munich?': all(/^Until [^"]* I had noted: "/, { not: /Munich/ }),
                        'Did I live in Berlin?': /^Until [^"]* I had noted: "Lives in Berlin\." \[1\]/,
                },
        },
        'what everybody asks': {
                told: [
                        'I take metformin 500mg twice a day.',
                        "I'm allergic to bees, nuts and latex.",
                        'I am from Naples.',
                        'I want to move to Rome.',
                        "I don't like coffee.",
                        'I hate olives.',
                        'I used to work at Siemens.',
                        'I work as a nurse at Aldi.',
                        'My name is Ann.',
                        'I went to Crete last summer.',
                        'I have a trip to Oslo on 12 February 2031.',
                ],
                asked: {
                        'What am I allergic to?': all(/to bees \[/, /to nuts \[/, /to latex \[/),
                        'Which medications do I take?': /^You take metformin 500mg twice a day \[1\]/,
                        'List my allergies': all(/to bees \[/, /to nuts \[/, /to latex \[/),
                        'Where am I from?': /^You are from Naples \[1\]/,
                        'What are my goals?': /^You want to move to Rome \[1\]/,
                        "what don't I like?": all(/not like coffee \[/, /dislike olives \[/),
                        'What food do I hate?': /dislike olives \[/,
                        'What do I do?': /^You work as a nurse \[1\]/,
                        'who is my employer?': /^You work at Aldi \[1\]/,
                        'Summarize what you know about me': /^Your name is Ann \[1\]/,
                        'What do you remember?': /^Your name is Ann \[1\]/,
                        'What did I tell you last?': /^On [^"]*you said: "I have a trip to Oslo on 12 February 2031\." \[1\]/,
                        'Where did I go last summer?': /^You went to Crete last summer \([A-Z][a-z]+ \d+, \d{4}\) \[1\]/,
                        "What's coming up?": /Oslo/,
                        'What do I have planned in February 2031?': /Oslo/,
                        'Am I free on 12 February 2031?': /Oslo/,
                        'Am I free on 13 February 2031?': /^I have no plans stored for that time/,
                        'Where did I work before Aldi?': /^You used to work at Siemens \[1\]/,
                },
        },
        'things, and others': {
                told: [
                        'I drive a red Toyota Corolla from 2015.',
                        'I parked the car on level 3.',
                        'The wifi password is hunter2.',
                        'I owe Peter 50 euros.',
                        'My son Leo starts school in September.',
                        'Leo is afraid of the dark.',
                        'I bought a new bike for 900 euros.',
                        'My landlord is Mr. Schmidt.',
                ],
                asked: {
                        'What car do I drive?': /^You drive a red Toyota Corolla from 2015 \[1\]/,
                        'What colour is my car?': /red Toyota/,
                        'Where did I park?': /level 3/,
                        'What is the wifi password?': /hunter2/,
                        'How much do I owe Peter?': /50 euros/,
                        'Whom do I owe money?': /Peter/,
                        'What is Leo afraid of?': /the dark/,
                        'How old is Leo?': NOT_EXACTLY,
                        'When does my son start school?': /September/,
                        'Tell me everything you know about Leo': all(/school/, /dark/, { not: /Toyota/ }),
                        'How much was my bike?': /900 euros/,
                        'Who is my landlord?': /^Your landlord is Mr\. Schmidt/,
                        'Where does she live?': { not: /^You live/ },
                        thanks: /^You are welcome\.$/,
                        Hello: /^Hello\. /,
                        'Who are you?': /built-in responder/,
                        'What can you do?': /built-in responder/,
                },
        },
};

let server;
before(async () => {
        server = await startServer();
});
after(() => server.stop());

function check(text, expected) {
        for (const e of expected.parts ?? [expected]) {
                if (e.not) assert.doesNotMatch(text, e.not);
                else assert.match(text, e);
        }
}

for (const [name, { told, asked }] of Object.entries(conversations))
        describe(name, () => {
                let who, conversation_id;
                before(async () => {
                        who = await newUser(api(server));
                        for (const line of told) await say(who, line);
                        conversation_id = await conversation(who);
                });
                for (const [question, expected] of Object.entries(asked))
                        test(question, async () => {
                                const r = await say(who, question, { conversation_id });
                                const [opening, ...rest] = r.response.split('\n\n');
                                assert.match(opening, /^No language model is available/);
                                check(rest.join('\n\n'), expected);
                                for (const c of r.metadata.citations)
                                        assert.ok(r.response.includes(`[${c.mark}] "${c.quote}"`));
                        });
        });

test('a question asked again and again is answered as well as the first time', async () => {
        const who = await newUser(api(server));
        await say(who, "I'm allergic to bees, nuts and latex.");
        const conversation_id = await conversation(who);
        for (let i = 0; i < 20; i++)
                check((await say(who, 'What am I allergic to?', { conversation_id })).response,
                        all(/to bees \[/, /to nuts \[/, /to latex \[/));
        check((await say(who, 'Am I allergic to latex?', { conversation_id })).response, /\n\nYes\. You are allergic to latex \[1\]/);
});
