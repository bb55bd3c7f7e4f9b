// SPDX-License-Identifier: MIT
// What the mem0 routes take and refuse: filters operator by operator, dates, updates, and adds in which there is nothing.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';

import { api, newKey, newUser } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';

let server, call, key, user;
before(async () => {
        server = await startServer();
        call = api(server);
        user = await newUser(call);
        key = await newKey(user, ['memories:read', 'memories:write', 'end_users']);
});
after(() => server.stop());

const add = async (user_id, content, more = {}) =>
        (await key.call('POST', '/v1/memories/', {
                body: { messages: [{ role: 'user', content }], infer: false, user_id, ...more }, expect: 200,
        })).body.results[0].id;
const list = async (body) => {
        const answer = (await key.call('POST', '/v3/memories/', { body, expect: 200 })).body;
        return answer.results.map((m) => m.memory).sort();
};
const get = async (id) => (await key.call('GET', `/v1/memories/${id}/`, { expect: 200 })).body;
const versions = async (id) => (await key.call('GET', `/v1/memories/${id}/history/`, { expect: 200 })).body.length;
const pointers = (answer) => answer.body.errors.map((e) => e.pointer);

test('operators, one by one', async () => {
        const first = await add('flo', 'one', { agent_id: 'a1', metadata: { n: 5, tag: 'x', deep: { a: [1, { b: 2 }], c: 'd' } },
                expiration_date: '2199-05-01' });
        await add('flo', 'two', { agent_id: 'a2', metadata: { n: 70, tag: 'y', flag: true } });
        await add('flo', 'three');
        const all = ['one', 'three', 'two'];
        for (const [filters, expected] of [
                [{ categories: { ne: 'x' } }, all],
                [{ categories: { in: ['x'] } }, []],
                [{ categories: null }, all],
                [{ memory_ids: { in: [first] } }, ['one']],
                [{ memory_ids: [first, randomUUID()] }, ['one']],
                [{ memory_ids: { ne: first } }, ['three', 'two']],
                [{ metadata: { deep: { c: 'd', a: [1, { b: 2 }] } } }, ['one']],
                [{ metadata: { deep: { c: 'd' } } }, []],
                [{ metadata: { n: 5.0 } }, ['one']],
                [{ metadata: { n: '5' } }, []],
                [{ metadata: { n: { gt: 10 } } }, ['two']],
                [{ metadata: { n: { gte: 5, lt: 70 } } }, ['one']],
                [{ metadata: { n: null } }, ['three']],
                [{ metadata: { tag: { in: ['x', 'y'] } } }, ['one', 'two']],
                [{ metadata: { tag: { ne: 'x' } } }, ['three', 'two']],
                [{ metadata: { flag: true } }, ['two']],
                [{ metadata: { tag: '*' } }, ['one', 'two']],
                [{ agent_id: { icontains: 'A' } }, ['one', 'two']],
                [{ agent_id: null }, ['three']],
                [{ agent_id: { gt: 'a1' } }, ['two']],
                [{ expiration_date: { gte: '2199-05-01' } }, ['one']],
                [{ expiration_date: '2199-05-01' }, ['one']],
                [{ expiration_date: null }, ['three', 'two']],
                [{ created_at: { lt: '2020-01-01' } }, []],
                [{ keywords: 'WO' }, ['two']],
                [{ memory: { eq: 'two' } }, ['two']],
                [{ AND: { agent_id: 'a1' } }, ['one']],
                [{ AND: [] }, all],
        ])
                assert.deepEqual(await list({ filters: { user_id: 'flo', ...filters } }), expected, JSON.stringify(filters));
});

test('what is no filter is refused, with the place', async () => {
        for (const [filters, pointer] of [
                ['x', '#/filters'],
                [[], '#/filters'],
                [{ metadata: 'x' }, '#/filters/metadata'],
                [{ AND: 'x' }, '#/filters/AND'],
                [{ OR: 5 }, '#/filters/OR'],
                [{ OR: [{ user_id: 'a' }, 5] }, '#/filters/OR/1'],
                [{ NOT: [{ AND: [{ colour: 'red' }] }] }, '#/filters/NOT/0/AND/0/colour'],
                [{ agent_id: { contains: 5 } }, '#/filters/agent_id/contains'],
                [{ agent_id: { like: 'x' } }, '#/filters/agent_id/like'],
                [{ agent_id: {} }, '#/filters/agent_id'],
                [{ agent_id: 5 }, '#/filters/agent_id'],
                [{ agent_id: ['a'] }, '#/filters/agent_id'],
                [{ agent_id: { in: 'a' } }, '#/filters/agent_id/in'],
                [{ created_at: { gte: 5 } }, '#/filters/created_at/gte'],
                [{ created_at: { gte: 'yesterday' } }, '#/filters/created_at/gte'],
                [{ created_at: { contains: '2020' } }, '#/filters/created_at/contains'],
                [{ updated_at: '2020-13-01' }, '#/filters/updated_at'],
                [{ metadata: { n: { gt: true } } }, '#/filters/metadata/n/gt'],
        ]) {
                const whole = typeof filters === 'string' || Array.isArray(filters) ? filters : { user_id: 'flo', ...filters };
                for (const [path, body] of [['/v3/memories/', {}], ['/v3/memories/search/', { query: 'x' }], ['/v1/exports/', {}]]) {
                        const answer = await key.call('POST', path, { body: { ...body, filters: whole }, expect: 422 });
                        assert.deepEqual(pointers(answer), [pointer], JSON.stringify(filters));
                }
        }
});

test('dates, categories and keywords of a list', async () => {
        const told = 1_700_000_000; // 2023-11-14
        const id = await add('gil', 'told long ago', { timestamp: told });
        await add('gil', 'told now');
        assert.equal((await get(id)).created_at, '2023-11-14T22:13:20.000Z');
        for (const [more, expected] of [
                [{ end_date: '2023-11-14' }, ['told long ago']],
                [{ start_date: '2023-11-14', end_date: '2023-11-15' }, ['told long ago']],
                [{ end_date: '2023-11-13' }, []],
                [{ start_date: '2023-11-15' }, ['told now']],
                [{ keywords: 'LONG' }, ['told long ago']],
                [{ categories: ['none'] }, []],
                [{ filters: { timestamp: { lte: '2023-12-31' } } }, ['told long ago']],
        ]) {
                assert.deepEqual(await list({ user_id: 'gil', ...more }), expected, JSON.stringify(more));
                if (more.filters) continue;
                const { body } = await key.call('GET', `/v1/memories/?${new URLSearchParams({ user_id: 'gil', ...more })}`, { expect: 200 });
                assert.deepEqual(body.results.map((m) => m.memory), expected, JSON.stringify(more));
        }
        for (const name of ['start_date', 'end_date'])
                assert.deepEqual(pointers(await key.call('POST', '/v2/memories/', { body: { [name]: 'soon' }, expect: 422 })), [`#/${name}`]);
        const search = { query: 'told', filters: { user_id: 'gil' } };
        for (const [more, expect] of [
                [{ reference_date: 'soon' }, 422],
                [{ fields: ['memory', 'colour'] }, 422],
                [{ fields: ['memory', 'score'], reference_date: '2024-01-01' }, 200],
        ])
                await key.call('POST', '/v3/memories/search/', { body: { ...search, ...more }, expect });
        for (const timestamp of [1_700_000_000_000, 2 ** 62, -1, 0])
                assert.deepEqual(pointers(await key.call('POST', '/v1/memories/', {
                        body: { messages: 'I like tea.', timestamp }, expect: 422 })), ['#/timestamp']);
});

test('of each memory the members that were asked for', async () => {
        await add('lea', 'Owns a red kayak.', { expiration_date: '2199-05-01' });
        const filters = { user_id: 'lea' };
        const names = (path, body) => key.call('POST', path, { body: { filters, ...body }, expect: 200 })
                .then(({ body: b }) => (b.results ?? b).map((m) => Object.keys(m).sort()));
        for (const path of ['/v3/memories/search/', '/v2/memories/search/', '/v1/memories/search/', '/search'])
                assert.deepEqual(await names(path, { query: 'kayak', fields: ['score', 'id', 'memory'] }), [['id', 'memory', 'score']], path);
        for (const path of ['/v3/memories/', '/v2/memories/'])
                assert.deepEqual(await names(path, { fields: ['memory', 'agent_id'] }), [['agent_id', 'memory']], path);
        const whole = ['agent_id', 'app_id', 'categories', 'created_at', 'expiration_date', 'hash', 'id', 'memory', 'metadata', 'run_id',
                'updated_at', 'user_id'];
        for (const fields of [[], null, undefined]) assert.deepEqual(await names('/v3/memories/', { fields }), [whole]);
        const { body } = await key.call('GET', '/v1/memories/?user_id=lea&fields=id&fields=hash', { expect: 200 });
        assert.deepEqual(Object.keys(body.results[0]), ['id', 'hash']);
        assert.deepEqual(pointers(await key.call('POST', '/v3/memories/', { body: { filters, fields: ['colour'] }, expect: 422 })), ['#/fields']);
});

test('a search from another moment', async () => {
        const day = (text) => Date.parse(text) / 1000;
        const say = (text, at, more) => key.call('POST', '/v1/memories/', { expect: 200,
                body: { user_id: 'max', messages: [{ role: 'user', content: text }], timestamp: day(at), ...more } });
        await say('I live in Lisbon.', '2024-01-10T12:00:00Z');
        await say('I live in Porto.', '2025-02-10T12:00:00Z');
        await say('The gym voucher code is 4417.', '2024-01-10T12:00:00Z', { infer: false, expiration_date: '2199-01-31' });
        const find = async (query, reference_date, more) => (await key.call('POST', '/v3/memories/search/', {
                body: { query, filters: { user_id: 'max' }, reference_date, ...more }, expect: 200 })).body.results.map((m) => m.memory);
        for (const [reference, expected] of [
                [undefined, ['Lives in Porto.']],
                [null, ['Lives in Porto.']],
                ['2024-06-01', ['Lives in Lisbon.']],
                ['2024-01-10', ['Lives in Lisbon.']],
                ['2024-01-10T11:00:00Z', []],
                [day('2024-06-01'), ['Lives in Lisbon.']],
                ['2025-03-21T00:00:00Z', ['Lives in Porto.']],
        ])
                assert.deepEqual((await find('where do I live?', reference)).filter((m) => /Lives/.test(m)), expected, String(reference));
        assert.equal((await find('gym voucher code', '2199-01-31')).length, 1);
        assert.equal((await find('gym voucher code', '2199-02-01')).length, 0);
        assert.equal((await find('gym voucher code', '2199-02-01', { show_expired: true })).length, 1);
        for (const reference_date of ['soon', -5, 1e12, true, {}])
                assert.deepEqual(pointers(await key.call('POST', '/v3/memories/search/', {
                        body: { query: 'x', filters: { user_id: 'max' }, reference_date }, expect: 422 })), ['#/reference_date']);
});

test('an update changes what it names, and nothing else', async () => {
        const id = await add('ida', 'first', { metadata: { a: 1 }, expiration_date: '2199-05-01', agent_id: 'a1' });
        const put = (body, expect = 200) => key.call('PUT', `/v1/memories/${id}/`, { body, expect });
        for (const body of [{}, { text: null }]) await put(body);
        assert.equal(await versions(id), 1);
        for (const [body, pointer] of [
                [{ metadata: 'x' }, '#/metadata'],
                [{ metadata: [1] }, '#/metadata'],
                [{ metadata: 5 }, '#/metadata'],
                [{ expiration_date: 'soon' }, '#/expiration_date'],
                [{ expiration_date: 5 }, '#/expiration_date'],
                [{ text: 5 }, '#/text'],
        ])
                assert.deepEqual(pointers(await put(body, 422)), [pointer]);
        assert.equal(await versions(id), 1);
        await put({ metadata: null });
        let now = await get(id);
        assert.deepEqual([now.metadata, now.expiration_date, now.agent_id, now.memory], [null, '2199-05-01', 'a1', 'first']);
        await put({ expiration_date: null, metadata: { b: 2 } });
        now = await get(id);
        assert.deepEqual([now.metadata, now.expiration_date, now.agent_id], [{ b: 2 }, null, 'a1']);
        assert.equal(await versions(id), 3);
});

test('immutable is what was asked for, on every way to change it', async () => {
        const fixed = await add('jan', 'fixed', { immutable: true, metadata: { note: 'x' } });
        const free = await add('jan', 'free', { metadata: { immutable: true } });
        const ways = (id) => [
                ['PUT', `/v1/memories/${id}/`, { text: 'changed' }],
                ['PUT', `/memories/${id}`, { text: 'changed' }],
                ['PUT', '/v1/batch/', { memories: [{ memory_id: id, text: 'changed' }] }],
        ];
        for (const [method, path, body] of ways(fixed)) await key.call(method, path, { body, expect: 422 });
        assert.equal((await get(fixed)).memory, 'fixed');
        for (const [method, path, body] of ways(free)) await key.call(method, path, { body, expect: 200 });
        assert.equal((await get(free)).memory, 'changed');
});

test('an add in which there is nothing says so', async () => {
        const said = (role, content) => ({ role, content });
        for (const [messages, expected] of [
                ['What time is it?', ['no_fact_found']],
                [[said('user', 'What time is it?'), said('user', 'And now?')], ['no_fact_found', 'no_fact_found']],
                [[said('assistant', 'I like tea.')], ['not_from_the_user']],
                [[{ content: 'I like tea.' }], ['not_from_the_user']],
                [[{}], ['not_from_the_user']],
                [[said('user', ''), said('system', 'Be kind.')], ['no_fact_found']],
                [[said('user', null)], ['no_fact_found']],
                [[said('user', [{ type: 'image_url', image_url: 'x' }])], ['no_fact_found']],
        ]) {
                const { body } = await key.call('POST', '/v1/memories/', { body: { messages, user_id: 'kai' }, expect: 200 });
                assert.deepEqual(body.results.map((r) => [r.event, r.reason]), expected.map((r) => ['NOOP', r]), JSON.stringify(messages));
                const event = (await key.call('GET', `/v1/event/${body.event_id}/`, { expect: 200 })).body;
                assert.deepEqual(event.results.map((r) => [r.id, r.event, r.reason]), expected.map((r) => [null, 'NOOP', r]));
        }
        const mixed = await key.call('POST', '/memories', { expect: 200,
                body: { user_id: 'kai', messages: [said('USER', 'I live in Lisbon.'), said('user', 'Is it late?'), said('assistant', 'No.')] } });
        assert.deepEqual(mixed.body.results.map((r) => [r.event, r.reason]), [['ADD', 'new_memory'], ['NOOP', 'no_fact_found']]);
        for (const [messages, pointer] of [
                [5, '#/messages'], [null, '#/messages'], [{}, '#/messages'], [[], '#/messages'], [true, '#/messages'],
                [[5], '#/messages/0'], [[said('user', 'x'), null], '#/messages/1'],
                [[said(5, 'x')], '#/messages/0/role'], [[said('user', 5)], '#/messages/0/content'],
                [[said('user', ['x'])], '#/messages/0/content/0'],
        ])
                assert.deepEqual(pointers(await key.call('POST', '/v1/memories/', { body: { messages, user_id: 'kai' }, expect: 422 })),
                        [pointer], JSON.stringify(messages));
        await key.call('POST', '/v1/memories/', { body: { messages: 'I like tea.', metadata: 'x' }, expect: 422 });
});

test('many parts with facts in each are all kept', async () => {
        const content = Array.from({ length: 100 }, () => ({ type: 'text', text: 'I live in Lisbon. I work at Acme. I like tea. I am a nurse. I play chess.' }));
        const { body } = await key.call('POST', '/v1/memories/', { body: { messages: [{ role: 'user', content }], user_id: 'lou' }, expect: 200 });
        assert.ok(body.results.length >= 300, String(body.results.length));
});

test('a text that says more than is kept of one says so', async () => {
        const reasons = async (n) => (await key.call('POST', '/v1/memories/', { expect: 200, body: { user_id: 'ned',
                messages: Array.from({ length: n }, (_, i) => `I like game${n + i * 7919}.`).join(' ') } })).body.results.map((r) => r.reason);
        assert.equal((await reasons(60)).filter((r) => r === 'new_memory').length, 60);
        const many = await reasons(130);
        assert.deepEqual([many.length, many.at(-1)], [65, 'more_facts_than_kept']);
});

test('words that are fixed', async () => {
        const id = await add('max', 'rated');
        const rate = (feedback, expect) => key.call('POST', '/v1/feedback/', { body: { memory_id: id, feedback }, expect });
        for (const word of ['POSITIVE', 'NEGATIVE', 'VERY_NEGATIVE', null]) await rate(word, 200);
        for (const word of ['GREAT', 'positive', '']) await rate(word, 422);
        const narrow = await newKey(user, ['memories:read']);
        for (const who of [key, narrow]) {
                const { body } = await who.call('GET', `/v1/memories/${randomUUID()}/`, { expect: 404 });
                assert.equal(body.error, 'Memory not found!');
        }
});
