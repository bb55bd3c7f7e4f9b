// SPDX-License-Identifier: MIT
// The main job: a person registers, tells things, and after a crash, in another conversation, is
// answered from what they told, and sees which memories were used. Somebody else sees nothing of
// it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { api, newUser, signIn } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';

let server, call;
before(async () => {
        server = await startServer();
        call = api(server);
});
after(() => server.stop());

const say = (who, message, conversation_id) =>
        who
                .call('POST', '/api/v1/conversation', {
                        body: { message, ...(conversation_id && { conversation_id }) },
                        expect: 200,
                })
                .then((r) => r.body);
const conversation = async (who, title) =>
        (await who.call('POST', '/api/v1/conversations', { body: { title }, expect: 201 })).body
                .conversation_id;

test('told in one conversation, answered in another after kill -9, with the memories used', async () => {
        const ann = await newUser(call, { full_name: 'Ann Field' });
        const told = await say(
                ann,
                'My name is Ann and I live in Lisbon.',
                await conversation(ann, 'Monday'),
        );
        assert.ok(told.memories_extracted >= 1, JSON.stringify(told));
        await say(ann, 'I am allergic to peanuts.', told.conversation_id);

        await server.kill9();
        await server.restart();

        const back = await signIn(call, ann.email);
        const answer = await say(
                back,
                'What am I allergic to?',
                await conversation(back, 'Thursday'),
        );
        assert.notEqual(answer.conversation_id, told.conversation_id);
        assert.match(answer.response, /peanuts/i);
        assert.ok(answer.memories_used.length >= 1);
        const used = await Promise.all(
                answer.memories_used.map((id) =>
                        back.call('GET', `/api/v1/memories/${id}`, { expect: 200 }),
                ),
        );
        assert.ok(
                used.some((m) => /peanuts/i.test(m.body.content)),
                JSON.stringify(used.map((m) => m.body.content)),
        );
        const where = await say(back, 'Where do I live?', answer.conversation_id);
        assert.match(where.response, /Lisbon/);
});

test('the token issued before the crash is still good after it', async () => {
        const bob = await newUser(call);
        await server.kill9();
        await server.restart();
        const me = await bob.call('GET', '/api/v1/auth/me', { expect: 200 });
        assert.equal(me.body.user_id, bob.user_id);
});

test('another person is told nothing of it', async () => {
        const ann = await newUser(call);
        const eve = await newUser(call);
        const told = await say(ann, 'I am allergic to walnuts.');
        const memory_id = told.metadata.memories_created[0];
        await ann.call('GET', `/api/v1/memories/${memory_id}`, { expect: 200 });
        await eve.call('GET', `/api/v1/memories/${memory_id}`, {
                expect: 404,
                code: 'memory_not_found',
        });
        await eve.call('GET', `/api/v1/conversations/${told.conversation_id}`, { expect: 404 });
        const asked = await say(eve, 'What am I allergic to?');
        assert.doesNotMatch(asked.response, /walnut/i);
        assert.deepEqual(asked.memories_used, []);
        const list = await eve.call('GET', '/api/v1/memories/list', { expect: 200 });
        assert.doesNotMatch(list.text, /walnut/i);
});
