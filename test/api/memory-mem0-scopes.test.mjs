// SPDX-License-Identifier: MIT
// Whose memories a mem0 request means: searches, lists and deletes over several sub-users, and what a key without the scope sees.
process.env.MEM0_TELEMETRY = 'false';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

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

/* An account with `notes`: [user, text, labels]; asks as its key does. */
async function house(notes = []) {
        const user = await newUser(call);
        const key = await newKey(user, scopes);
        const add = (user_id, content, more = {}) =>
                key.call('POST', '/v1/memories/', {
                        body: { messages: [{ role: 'user', content }], infer: false, user_id, ...more },
                        expect: 200,
                });
        for (const note of notes) await add(...note);
        const texts = (list) => list.map((m) => m.memory).sort();
        const list = async (body) =>
                texts((await key.call('POST', '/v3/memories/', { body, expect: 200 })).body.results);
        const search = async (body, path = '/v3/memories/search/') => {
                const answer = (await key.call('POST', path, { body: { query: 'memo', threshold: 0, ...body }, expect: 200 })).body;
                return answer.results ?? answer;
        };
        return { user, key, add, list, search, texts };
}

const people = [
        [undefined, 'memo of the owner', { agent_id: 'ag1' }],
        ['ann', 'memo of ann', { agent_id: 'ag1' }],
        ['bob', 'memo of bob', { agent_id: 'ag1' }],
        ['cid', 'memo of cid', { agent_id: 'ag2', run_id: 'r1' }],
];

test('a filter is asked in every scope that it may find something in', async () => {
        const { user, list, search, texts } = await house(people);
        const of = (...names) => names.map((n) => `memo of ${n}`).sort();
        const everyone = of('the owner', 'ann', 'bob', 'cid');
        for (const [filters, expected] of [
                [{ OR: [{ user_id: 'ann' }, { user_id: 'bob' }] }, of('ann', 'bob')],
                [{ user_id: { in: ['ann', 'bob', user.user_id] } }, of('ann', 'bob', 'the owner')],
                [{ agent_id: 'ag1' }, of('ann', 'bob', 'the owner')],
                [{ user_id: { ne: 'ann' } }, of('bob', 'cid', 'the owner')],
                [{ NOT: [{ user_id: 'ann' }] }, of('bob', 'cid', 'the owner')],
                [{ AND: [{ agent_id: 'ag1' }, { NOT: { user_id: { in: ['ann', 'bob'] } } }] }, of('the owner')],
                [{ user_id: '*' }, everyone],
                [{ user_id: { contains: 'n' } }, of('ann', ...(user.user_id.includes('n') ? ['the owner'] : []))],
                [{ AND: [{ user_id: 'ann' }, { user_id: 'bob' }] }, []],
                [{ OR: [{ user_id: 'ann' }, { run_id: 'r1' }] }, of('ann', 'cid')],
                [{ user_id: user.user_id }, of('the owner')],
                [{ user_id: 'nobody' }, []],
        ]) {
                const asked = JSON.stringify(filters);
                assert.deepEqual(await list({ filters }), expected, asked);
                const found = await search({ filters });
                assert.deepEqual(texts(found), expected, asked);
                const scores = found.map((m) => m.score);
                assert.deepEqual(scores, [...scores].sort((a, b) => b - a), asked);
        }
        assert.deepEqual(await list({}), of('the owner'), 'nobody named is the caller');
        assert.equal((await search({ filters: { user_id: '*' }, top_k: 2 })).length, 2);
});

test('labels beside the filters count with them', async () => {
        const { key, list, search, texts } = await house(people);
        const asked = { user_id: 'ann', filters: { agent_id: 'ag1' } };
        for (const path of ['/v1/memories/search/', '/v2/memories/search/', '/v3/memories/search/', '/search'])
                assert.deepEqual(texts(await search(asked, path)), ['memo of ann'], path);
        for (const path of ['/v2/memories/', '/v3/memories/']) {
                const { body } = await key.call('POST', path, { body: asked, expect: 200 });
                assert.deepEqual(texts(body.results), ['memo of ann'], path);
        }
        assert.deepEqual(await list({ user_id: 'ann', filters: { user_id: 'bob' } }), []);
        assert.deepEqual(await list({ user_id: 'ann', filters: { agent_id: 'ag2' } }), []);
        const { body } = await key.call('POST', '/v3/memories/?user_id=bob', { body: {}, expect: 200 });
        assert.deepEqual(texts(body.results), ['memo of bob']);
});

test('the filter comes before the cut', async () => {
        const { add, key, search } = await house();
        for (let i = 0; i < 4; i++)
                await key.call('POST', '/v1/memories/', {
                        body: { user_id: 'big', infer: false, messages: Array.from({ length: 100 }, (_, n) => ({
                                role: 'user', content: `Note ${i * 100 + n * 7919}: dinner, dinner with ${n * 31 + i}.` })) },
                        expect: 200,
                });
        await add('big', 'Once upon a time in a faraway place there was also a dinner.', { agent_id: 'rare', metadata: { kind: 'tale' } });
        for (const more of [{ agent_id: 'rare' }, { metadata: { kind: 'tale' } }]) {
                const found = await search({ query: 'dinner', threshold: 0.1, top_k: 5, filters: { user_id: 'big', ...more } });
                assert.equal(found.length, 1, JSON.stringify(more));
                assert.match(found[0].memory, /faraway/);
        }
        const none = await search({ query: 'dinner', filters: { user_id: 'big', agent_id: 'none' } });
        assert.equal(none.length, 0);
});

test('a delete reaches every scope that its labels speak of', async () => {
        const fill = () => house([...people, ['zoe', 'memo of zoe', { agent_id: 'agx' }]]);
        const everything = { filters: { user_id: '*' } };
        for (const [path, left] of [
                ['/v1/memories/?agent_id=agx', 4],
                ['/v1/memories/?agent_id=ag1', 2],
                ['/memories?agent_id=ag1', 2],
                ['/v1/memories/?user_id=*', 0],
                ['/v1/memories/?user_id=zoe&agent_id=ag1', 5],
                ['/v2/entities/agent/agx/', 4],
                ['/v2/entities/run/r1/', 4],
        ]) {
                const { key, list } = await fill();
                await key.call('DELETE', path, { expect: 200 });
                assert.equal((await list(everything)).length, left, path);
        }
        const { key, list, user } = await fill();
        await key.call('DELETE', '/v2/entities/agent/none/', { expect: 404 });
        // a condition that is not known must not delete what it would have spared
        for (const more of ['metadata=x', 'created_at=2020-01-01', 'page=2'])
                await key.call('DELETE', `/v1/memories/?user_id=bob&${more}`, { expect: 422 });
        await key.call('DELETE', '/memories?user_id=bob&metadata=x', { expect: 422 });
        assert.equal((await list(everything)).length, 5);
        const client = new MemoryClient({ apiKey: key.key, host: server.base });
        await client.deleteUsers({ agentId: 'agx' });
        assert.equal((await list(everything)).length, 4);
        // without the scope: the caller's own, and no more
        const narrow = await newKey(user, ['memories:read', 'memories:write']);
        await narrow.call('DELETE', '/v1/memories/?agent_id=ag1', { expect: 200 });
        assert.deepEqual(await list(everything), ['memo of ann', 'memo of bob', 'memo of cid']);
        await client.deleteAll({ userId: 'ann' });
        assert.deepEqual(await list(everything), ['memo of bob', 'memo of cid']);
});

test('all entities go, one after the other, and what went along is no mistake', async () => {
        const { key, list } = await house([...people, ['zoe', 'memo of zoe', { agent_id: 'agx', app_id: 'p1', run_id: 'r9' }]]);
        const client = new MemoryClient({ apiKey: key.key, host: server.base });
        await client.deleteUsers();
        assert.deepEqual(await list({ filters: { user_id: '*' } }), []);
        // once: there is no such agent any more
        await key.call('DELETE', '/v2/entities/agent/agx/', { expect: 404 });
        const other = await house();
        await other.key.call('DELETE', '/v2/entities/agent/ag2/', { expect: 404 });
});

test('a labelled delete takes along what is still to be read under the label', async () => {
        const { key } = await house();
        llm.plan({ ms: 1500 });
        const add = async (agent_id) =>
                (await key.call('POST', '/v1/memories/', {
                        body: { messages: 'Remember: the well is deep.', user_id: 'zoe', agent_id }, expect: 200,
                })).body.event_id;
        const [gone, stays] = [await add('agx'), await add('other')];
        await key.call('DELETE', '/v2/entities/agent/agx/', { expect: 200 });
        await key.call('GET', `/v1/event/${gone}`, { expect: 404 });
        await key.call('GET', `/v1/event/${stays}`, { expect: 200 });
});

test('a page leads to the next of the same', async () => {
        const { key } = await house([...people, ...[1, 2, 3].map((n) => ['ann', `memo ${n} of ann`, { agent_id: 'ag1' }])]);
        const follow = async (url, options) => {
                const pages = [];
                for (let at = url; at; ) {
                        const { body } = await key.call(...(options ? ['POST', at, options] : ['GET', at]), { expect: 200 });
                        pages.push(body);
                        at = body.next && new URL(body.next).pathname + new URL(body.next).search;
                }
                return pages;
        };
        const pages = await follow('/v1/memories/?user_id=ann&agent_id=ag1&page_size=3');
        assert.deepEqual(pages.map((p) => p.results.length), [3, 1]);
        assert.ok(pages.flatMap((p) => p.results).every((m) => m.user_id === 'ann'));
        const back = new URL(pages[1].previous);
        assert.deepEqual([back.searchParams.get('user_id'), back.searchParams.get('page')], ['ann', '1']);
        const entities = await follow('/v1/entities/?page_size=2');
        const names = entities.flatMap((p) => p.results.map((e) => `${e.type} ${e.name}`));
        assert.equal(names.length, entities[0].count);
        assert.equal(new Set(names).size, names.length);
        assert.equal(entities[0].previous, null);
});

test('without the scope the counts are of the caller alone', async () => {
        const { user } = await house(people);
        const narrow = await newKey(user, ['memories:read', 'memories:write']);
        const entities = (await narrow.call('GET', '/v1/entities/', { expect: 200 })).body;
        assert.deepEqual(entities.results.map((e) => [e.type, e.name]), [['user', user.user_id], ['agent', 'ag1']]);
        const stats = (await narrow.call('GET', '/v1/stats/', { expect: 200 })).body;
        assert.deepEqual(stats, { total_memories: 1, total_entities: 1 });
        for (const filters of [{ user_id: 'ann' }, { user_id: { in: ['ann'] } }, { NOT: [{ user_id: 'ann' }] }])
                await narrow.call('POST', '/v3/memories/', { body: { filters }, expect: 403, code: 'insufficient_scope' });
        const { body } = await narrow.call('POST', '/v3/memories/', { body: { filters: { user_id: '*' } }, expect: 200 });
        assert.deepEqual(body.results.map((m) => m.memory), ['memo of the owner']);
});

test('names that could not be said again are refused', async () => {
        const { key } = await house();
        for (const user_id of ['*', 'a/b', '/'])
                for (const path of ['/v1/memories/', '/v3/memories/add/', '/memories']) {
                        const { body } = await key.call('POST', path, { body: { messages: 'I like tea.', user_id }, expect: 422 });
                        assert.equal(body.errors[0].pointer, '#/user_id');
                }
});
