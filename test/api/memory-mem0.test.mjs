// SPDX-License-Identifier: MIT
// The official mem0ai client against the real binary, unchanged but for host and key; and the routes of mem0's own server.
process.env.MEM0_TELEMETRY = 'false';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';

import { api, newKey, newUser } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';

const { MemoryClient } = await import('mem0ai');

let server, call, ann, key, client;
const scopes = ['memories:read', 'memories:write', 'profile', 'end_users'];
before(async () => {
        server = await startServer();
        call = api(server);
        ann = await newUser(call);
        key = await newKey(ann, scopes);
        client = new MemoryClient({ apiKey: key.key, host: server.base });
});
after(() => server.stop());

const said = (content) => [{ role: 'user', content }, { role: 'assistant', content: 'Noted, thank you.' }];

test('the client signs in and learns who it is', async () => {
        const pong = await (await fetch(`${server.base}/v1/ping/`, { headers: { authorization: `Token ${key.key}` } })).json();
        assert.equal(pong.status, 'ok');
        await client.ping();
        assert.equal(client.organizationId, ann.user_id);
});

test('add, search, get, getAll, update, history, delete', async () => {
        const added = await client.add(said('My name is Ann. I live in Lisbon and I am allergic to peanuts.'), { userId: 'ann',
                metadata: { source: 'test' } });
        assert.equal(added.status, 'SUCCEEDED');
        assert.deepEqual(added.results.map((r) => r.event), ['ADD', 'ADD', 'ADD']);
        assert.ok(added.results.some((r) => /peanuts/.test(r.data.memory)));

        const { results } = await client.search('what am I allergic to?', { filters: { user_id: 'ann' } });
        assert.match(results[0].memory, /peanuts/);
        assert.equal(results[0].userId, 'ann');
        assert.deepEqual(results[0].metadata, { source: 'test' });
        assert.ok(results[0].score > 0 && results[0].score <= 1);

        const id = results[0].id;
        assert.equal((await client.get(id)).memory, results[0].memory);
        const all = await client.getAll({ filters: { user_id: 'ann' }, page: 1, pageSize: 2 });
        assert.equal(all.count, 3);
        assert.equal(all.results.length, 2);
        assert.match(all.next, /page=2/);

        await client.update(id, { text: 'Is allergic to all nuts.', metadata: { source: 'edited' } });
        const changed = await client.get(id);
        assert.equal(changed.memory, 'Is allergic to all nuts.');
        assert.deepEqual(changed.metadata, { source: 'edited' });
        const history = await client.history(id);
        assert.deepEqual(history.map((h) => h.event), ['ADD', 'UPDATE']);
        assert.match(history[1].oldMemory, /peanuts/);

        assert.match((await client.delete(id)).message, /deleted/);
        await assert.rejects(client.get(id), /not found/i);
        await assert.rejects(client.get('no-uuid'), /valid UUID/);
});

test('what changes supersedes, what repeats is a NOOP with its reason', async () => {
        await client.add(said('I work at Acme.'), { userId: 'bea' });
        const again = await client.add(said('I work at Acme.'), { userId: 'bea' });
        assert.deepEqual(again.results.map((r) => [r.event, r.reason]), [['NOOP', 'exact_duplicate']]);
        const moved = await client.add(said('I work at Globex.'), { userId: 'bea' });
        assert.deepEqual(moved.results.map((r) => r.event), ['ADD', 'UPDATE']);
        const event = await key.call('GET', `/v1/event/${moved.eventId}/`, { expect: 200 });
        assert.equal(event.body.status, 'SUCCEEDED');
        assert.equal(event.body.results.length, 2);
        assert.doesNotMatch(event.text, /Globex/);
        const verbatim = await client.add(said('The password hint is a river.'), { userId: 'bea', infer: false });
        assert.equal(verbatim.results.length, 2);
});

test('what was replaced holds again when its successor is deleted, and not in a sweep', async () => {
        const add = async (text, run_id) => (await key.call('POST', '/v1/memories/', {
                body: { messages: said(text), user_id: 'uma', run_id }, expect: 200 })).body.results[0].id;
        const home = async () => (await client.getAll({ filters: { user_id: 'uma' } })).results.map((m) => m.memory);
        const first = await add('I live in Lisbon.', 'r1');
        await client.delete(await add('I moved to Porto.', 'r2'));
        assert.deepEqual(await home(), ['Lives in Lisbon.']);
        const history = await client.history(first);
        assert.equal(history.length, 3);
        await add('I moved to Porto.', 'r2');
        await key.call('DELETE', '/v1/memories/?user_id=uma&run_id=r2', { expect: 200 });
        assert.deepEqual(await home(), ['Lives in Lisbon.']);
        await add('I moved to Porto.', 'r1');
        await client.deleteAll({ userId: 'uma' });
        assert.deepEqual(await home(), []);
        await key.call('GET', `/v1/memories/${first}/`, { expect: 404 });
});

test('labels, filters with AND, OR, NOT, and dates', async () => {
        for (const [text, agent, run] of [['I like tea.', 'a1', 'r1'], ['I like coffee.', 'a1', 'r2'], ['I like juice.', 'a2', 'r1']])
                await client.add(said(text), { userId: 'cid', agentId: agent, runId: run });
        const list = async (filters) => (await client.getAll({ filters })).results.map((m) => m.memory).sort();
        assert.deepEqual(await list({ AND: [{ user_id: 'cid' }, { agent_id: 'a1' }] }), ['Likes coffee.', 'Likes tea.']);
        assert.deepEqual(await list({ AND: [{ user_id: 'cid' }, { OR: [{ run_id: 'r2' }, { agent_id: 'a2' }] }] }),
                ['Likes coffee.', 'Likes juice.']);
        assert.deepEqual(await list({ AND: [{ user_id: 'cid' }, { NOT: [{ agent_id: 'a1' }] }] }), ['Likes juice.']);
        assert.deepEqual(await list({ user_id: 'cid', run_id: { in: ['r1', 'r9'] } }), ['Likes juice.', 'Likes tea.']);
        assert.deepEqual(await list({ user_id: 'cid', keywords: { icontains: 'TEA' } }), ['Likes tea.']);
        assert.equal((await list({ user_id: 'cid', created_at: { gte: '2020-01-01' } })).length, 3);
        assert.equal((await list({ user_id: 'cid', created_at: { gte: '2199-01-01' } })).length, 0);
        await assert.rejects(client.getAll({ filters: { user_id: 'cid', colour: 'red' } }), /422|filters|Some values/);
        await assert.rejects(client.search('tea', { filters: {} }), /422|scope|Some values/);
        const found = await client.search('what do I like', { filters: { AND: [{ user_id: 'cid' }, { run_id: 'r1' }] }, topK: 5 });
        assert.ok(found.results.every((r) => r.runId === 'r1') && found.results.length > 0);
});

test('users, batches, and deleting a whole user', async () => {
        const one = (await client.add(said('I play the cello.'), { userId: 'dot' })).results[0].id;
        const two = (await client.add(said('I collect stamps.'), { userId: 'dot' })).results[0].id;
        assert.ok((await client.users()).results.some((u) => u.name === 'dot' && u.type === 'user'));
        await client.batchUpdate([{ memoryId: one, text: 'Plays the viola.' }]);
        assert.equal((await client.get(one)).memory, 'Plays the viola.');
        await client.batchDelete([two]);
        await assert.rejects(client.get(two));
        await client.deleteUsers({ userId: 'dot' });
        assert.equal((await client.getAll({ filters: { user_id: 'dot' } })).count, 0);
        await client.add(said('I sing in a choir.'), { userId: 'eve' });
        await client.deleteAll({ userId: 'eve' });
        assert.equal((await client.getAll({ filters: { user_id: 'eve' } })).count, 0);
        await client.feedback({ memory_id: one, feedback: 'POSITIVE' }).catch(() => {});
});

test('sub-users are apart from each other, from the owner, and closed without the scope', async () => {
        await client.add(said('I am afraid of heights.'), { userId: 'fay' });
        const asked = await client.search('afraid of heights', { filters: { user_id: 'gus' } });
        assert.equal(asked.results.length, 0);
        const own = await key.call('POST', '/api/v1/memories/search', { body: { query: 'afraid of heights' }, expect: 200 });
        assert.equal(own.body.length, 0);
        const narrow = await newKey(ann, ['memories:read', 'memories:write']);
        await narrow.call('POST', '/v3/memories/', { body: { filters: { user_id: 'fay' } }, expect: 403, code: 'insufficient_scope' });
        const eve = await newKey(await newUser(call), scopes);
        const stolen = await eve.call('POST', '/v3/memories/', { body: { filters: { user_id: 'fay' } }, expect: 200 });
        assert.equal(stolen.body.count, 0);
});

test('expiration dates, exports, summary, counts', async () => {
        const made = await client.add(said('I am learning Welsh.'), { userId: 'hal', expirationDate: '2199-05-01' });
        assert.equal((await client.get(made.results[0].id)).expirationDate, '2199-05-01');
        await client.add(said('I am learning Basque.'), { userId: 'hal', expirationDate: '2020-05-01' });
        const listed = async (showExpired) => (await client.getAll({ filters: { user_id: 'hal' }, showExpired })).results.filter(
                (m) => /Basque/.test(m.memory)).length;
        assert.deepEqual([await listed(false), await listed(true)], [0, 1]);
        const basque = async (show_expired) => (await key.call('POST', '/v3/memories/search/', { body: { query: 'Basque',
                filters: { user_id: 'hal' }, show_expired }, expect: 200 })).body.results.length;
        assert.deepEqual([await basque(false), await basque(true)], [0, 1]);
        const asked = await key.call('POST', '/v1/exports/', { body: { filters: { user_id: 'hal' } }, expect: 201 });
        const got = await key.call('POST', '/v1/exports/get/', { body: { memory_export_id: asked.body.id }, expect: 200 });
        assert.equal(got.body.count, 1);
        await key.call('POST', '/v1/summary/', { body: { filters: { user_id: 'hal' } }, expect: 200 });
        assert.ok((await key.call('GET', '/v1/stats/', { expect: 200 })).body.total_memories >= 1);
        for (const path of ['/v1/memories/search/', '/v2/memories/search/'])
                assert.equal((await key.call('POST', path, { body: { query: 'Welsh', filters: { user_id: 'hal' } }, expect: 200 })).body.length, 1);
        await key.call('POST', '/v2/memories/', { body: { filters: { user_id: 'hal' } }, expect: 200 });
        await key.call('GET', '/v1/memories/?user_id=hal', { expect: 200 });
        await key.call('DELETE', '/v1/memories/', { expect: 400 });
        await key.call('POST', '/v1/memories/', { body: { messages: 'I love figs.', user_id: 'hal' }, expect: 200 });
        const shown = await key.call('POST', '/v1/feedback/', { body: { memory_id: made.results[0].id, feedback: 'NEGATIVE' }, expect: 200 });
        assert.equal(shown.body.id, made.results[0].id);
        await key.call('GET', `/v1/memories/${randomUUID()}/`, { expect: 404 });
        await key.call('GET', `/v1/event/${randomUUID()}/`, { expect: 404 });
        await key.call('DELETE', '/v2/entities/planet/mars/', { expect: 404 });
});

test('the server form', async () => {
        await key.call('POST', '/memories', { body: { messages: said('I ride a bicycle.') }, expect: 400 });
        const made = await key.call('POST', '/memories', { body: { messages: said('I own a red bicycle.'), user_id: 'ida' }, expect: 200 });
        const id = made.body.results[0].id;
        assert.equal((await key.call('GET', '/memories?user_id=ida', { expect: 200 })).body.results.length, 1);
        await key.call('GET', '/memories', { expect: 400 });
        await key.call('GET', `/memories/${id}`, { expect: 200 });
        await key.call('PUT', `/memories/${id}`, { body: { text: 'Owns a green bicycle.' }, expect: 200 });
        assert.equal((await key.call('GET', `/memories/${id}/history`, { expect: 200 })).body.length, 2);
        const found = await key.call('POST', '/search', { body: { query: 'bicycle', filters: { user_id: 'ida' } }, expect: 200 });
        assert.equal(found.body.results[0].memory, 'Owns a green bicycle.');
        assert.deepEqual((await key.call('DELETE', `/memories/${id}`, { expect: 200 })).body, { message: 'Memory deleted successfully' });
        assert.deepEqual((await key.call('DELETE', '/memories?user_id=ida', { expect: 200 })).body, { message: 'All relevant memories deleted' });
        await key.call('POST', '/configure', { body: {}, expect: 403 });
        await key.call('GET', '/configure', { expect: 403 });
        await key.call('POST', '/reset', { expect: 200 });
});

test('many go at once, and with them what they replaced', async () => {
        const own = await newUser(call);
        const mine = await newKey(own, scopes);
        const list = async (query) =>
                (await mine.call('GET', `/api/v1/memories/list?limit=200${query}`)).body;
        const fill = async () => {
                for (const text of ['I live in Lisbon.', 'I moved to Porto.'])
                        await mine.call('POST', '/v1/memories/', {
                                body: { messages: said(text) },
                                expect: 200,
                        });
                for (let i = 0; i < 5; i++)
                        await mine.call('POST', '/v1/memories/', {
                                body: {
                                        infer: false,
                                        agent_id: 'a1',
                                        messages: Array.from({ length: 90 }, (_, n) => ({
                                                role: 'user',
                                                content: `Shelf ${i}, box ${n * 7919}.`,
                                        })),
                                },
                                expect: 200,
                        });
                assert.equal((await list('&status=superseded')).length, 1);
        };
        const left = async () => (await mine.call('GET', '/api/v1/memories/stats')).body;
        await fill();
        // more than one step; the other label's stay
        await mine.call('DELETE', '/v1/memories/?agent_id=a1', { expect: 200 });
        assert.deepEqual((await left()).by_status, { active: 1, superseded: 1, archived: 0, flagged: 0 });
        await mine.call('DELETE', `/v1/memories/?user_id=${own.user_id}`, { expect: 200 });
        assert.deepEqual((await left()).by_status, { active: 0, superseded: 0, archived: 0, flagged: 0 });
        await fill();
        const ids = (await list('')).map(({ memory_id }) => ({ memory_id }));
        const unknown = { memory_id: randomUUID() };
        await mine.call('DELETE', '/v1/batch/', {
                body: { memories: [...ids, unknown] },
                expect: 404,
        });
        assert.equal((await left()).total_memories, 451);
        await mine.call('DELETE', '/v1/batch/', { body: { memories: ids }, expect: 200 });
        assert.equal((await left()).total_memories, 251);
        await mine.call('POST', '/reset', { expect: 200 });
        assert.deepEqual((await left()).by_status, { active: 0, superseded: 0, archived: 0, flagged: 0 });
});
