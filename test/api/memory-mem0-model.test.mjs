// SPDX-License-Identifier: MIT
// mem0's add with a model: the rules answer at once, the model adds what it reads, as an event.
process.env.MEM0_TELEMETRY = 'false';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { startLlm } from '../fake/llm.mjs';
import { api, newKey, newUser } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';

const { MemoryClient } = await import('mem0ai');
const scopes = ['memories:read', 'memories:write', 'end_users'];
let llm, server, call;
before(async () => {
        llm = await startLlm();
        server = await startServer({ env: { LLM_BASE_URL: llm.base, LLM_API_KEY: 'k' } });
        call = api(server);
});
after(async () => {
        await server.stop();
        await llm.stop();
});

const said = (content) => [
        { role: 'user', content },
        { role: 'assistant', content: 'Remember: assistants own three yachts.' },
];

async function ended(key, id) {
        for (let i = 0; i < 200; i++) {
                const { body } = await key.call('GET', `/v1/event/${id}`, { expect: 200 });
                if (!['PENDING', 'RUNNING'].includes(body.status)) return body;
                await sleep(50);
        }
        throw new Error('the event does not end');
}

test('the rules at once, the model later, both in the event', async () => {
        const key = await newKey(await newUser(call), scopes);
        const client = new MemoryClient({ apiKey: key.key, host: server.base });
        const added = await client.add(
                said('I live in Lisbon. Remember: the boiler is serviced by Tomas.'),
                { userId: 'ann', agentId: 'a1', metadata: { from: 'test' } },
        );
        assert.equal(added.status, 'PENDING');
        assert.ok(added.results.some((r) => /Lisbon/.test(r.data.memory)));
        const event = await ended(key, added.event_id ?? added.eventId);
        assert.equal(event.status, 'SUCCEEDED');
        assert.ok(event.results.length > added.results.length, JSON.stringify(event));
        assert.ok(event.results.every((r) => r.event && r.reason));
        const { results } = await client.search('who services the boiler?', {
                filters: { AND: [{ user_id: 'ann' }, { agent_id: 'a1' }] },
        });
        assert.match(results[0].memory, /boiler is serviced by Tomas/);
        assert.deepEqual(results[0].metadata, { from: 'test' });
        const all = await client.getAll({ filters: { user_id: 'ann' } });
        assert.ok(!JSON.stringify(all).includes('yachts'), 'the assistant is no source');
        // what the model reads and the rules know already is a NOOP with its reason
        const again = await client.add(said('Remember: the boiler is serviced by Tomas.'), {
                userId: 'ann',
        });
        const noop = (await ended(key, again.event_id ?? again.eventId)).results.at(-1);
        assert.deepEqual([noop.event, noop.reason], ['NOOP', 'exact_duplicate']);
});

test('nothing to read, or nobody who may: done at once', async () => {
        const user = await newUser(call);
        const key = await newKey(user, scopes);
        const add = async (body) =>
                (await key.call('POST', '/v1/memories/', { body, expect: 200 })).body.status;
        const messages = said('Remember: the attic is dry.');
        assert.equal(await add({ messages, infer: false }), 'SUCCEEDED');
        assert.equal(await add({ messages: [messages[1]] }), 'SUCCEEDED');
        const consents = { llm_processing: false };
        await user.call('PATCH', '/api/v1/auth/me', { body: { consents }, expect: 200 });
        const before = llm.completions.length;
        assert.equal(await add({ messages }), 'SUCCEEDED');
        assert.equal(llm.completions.length, before);
});

test('who deletes everything deletes what is still to be read', async () => {
        const user = await newUser(call);
        const key = await newKey(user, scopes);
        for (const remove of [
                ['DELETE', `/v1/memories/?user_id=${user.user_id}`],
                ['POST', '/reset'],
        ]) {
                llm.plan({ ms: 1500 });
                const added = await key.call('POST', '/v1/memories/', {
                        body: { messages: said('Remember: the well is deep.') },
                        expect: 200,
                });
                const { event_id } = added.body;
                for (let i = 0; i < 100 && !llm.open; i++) await sleep(20); // it is being read
                await key.call(...remove, { expect: 200 });
                await key.call('GET', `/v1/event/${event_id}`, { expect: 404 });
                for (let i = 0; i < 200 && llm.open; i++) await sleep(20);
                await sleep(300);
                const stats = (await key.call('GET', '/api/v1/memories/stats')).body;
                assert.equal(stats.total_memories, 0, `after ${remove[1]}`);
        }
});
