// SPDX-License-Identifier: MIT
// Fifty people, every memory route, ids and filters swapped at random: no byte of anybody else's data in any answer, with room
// for all indexes and with so little that the cache keeps evicting. The seed is printed; MEMORY_SEED repeats a run.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { api, newKey, newUser } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';

const PEOPLE = 50;
const STEPS = 600;

// mulberry32: small and good enough to choose with
function chooser(seed) {
        const next = () => {
                seed = (seed + 0x6d2b79f5) | 0;
                let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
                t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
                return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
        };
        return { next, of: (list) => list[Math.floor(next() * list.length)] };
}

const marker = (i) => `zeta${String(i).padStart(2, '0')}quartz`;

async function settle(call, i) {
        const user = await newUser(call);
        const key = await newKey(user, ['memories:read', 'memories:write', 'profile', 'end_users', 'chat']);
        const mine = marker(i);
        const ids = [];
        for (const content of [`My locker word is ${mine}.`, `Loves the colour ${mine}.`, `Lives in ${mine} town.`])
                ids.push((await key.call('POST', '/api/v1/memories', { body: { type: 'fact', content, tags: [`tag-${mine}`] } })).body.memory_id);
        const talk = { external_id: `talk-${mine}`, turns: [{ external_id: `t-${mine}`, speaker: 'user',
                text: `We spoke of ${mine} for an hour.`, at: '2026-01-02T03:04:05Z' }] };
        const imported = (await key.call('POST', '/api/v1/conversations/import', { body: { conversations: [talk] }, expect: 200 })).body;
        await key.call('POST', '/v3/memories/add/', { body: { messages: `I like the name ${mine}.`, user_id: 'kim' }, expect: 200 });
        await key.call('PATCH', '/api/v1/profile', { body: { name: mine }, expect: 200 });
        return { i, call: key.call, mine, ids, user_id: user.user_id, conversation: imported.conversations[0].conversation_id };
}

// What somebody may ask, with things of `other` wherever an id, a name or a filter goes.
function questions(me, other, pick) {
        const id = pick.of(other.ids);
        const query = pick.of([`locker word ${other.mine}`, other.mine, 'where does she live', 'favourite colour', 'name']);
        const search = { query, include_turns: true, include_superseded: true, min_confidence: 0, top_k: 100 };
        return [
                ['GET', `/api/v1/memories/${id}`], ['GET', `/api/v1/memories/${id}/history`],
                ['PATCH', `/api/v1/memories/${id}`, { content: 'taken over' }], ['PUT', `/api/v1/memories/${id}`, { confidence: 0.1 }],
                ['DELETE', `/api/v1/memories/${id}`],
                ['GET', '/api/v1/memories/list?limit=200'], ['GET', `/api/v1/memories?tag=tag-${other.mine}`],
                ['GET', '/api/v1/memories?as_of=2199-01-01T00:00:00Z&known_at=2199-01-01T00:00:00Z'],
                ['GET', '/api/v1/memories/stats'], ['GET', '/api/v1/memories/jobs'],
                ['POST', '/api/v1/memories/search', search],
                ['POST', '/api/v1/memories/search', { ...search, conversation_id: other.conversation }],
                ['POST', '/api/v1/memories/search', { ...search, conversations: [`talk-${other.mine}`], units: ['turn'] }],
                ['POST', '/api/v1/memories/search', { ...search, tags: [`tag-${other.mine}`] }],
                ['POST', '/api/v1/memories/search', { ...search, user_id: other.user_id }],
                ['GET', `/api/v1/memories/search?query=${encodeURIComponent(query)}&include_turns=true`],
                ['POST', '/api/v1/memories/batch', { atomic: false, operations: [{ op: 'delete', memory_id: id }] }],
                ['POST', '/api/v1/memories/consolidate', {}], ['POST', '/api/v1/memories/decay'],
                ['POST', '/api/v1/memories/cleanup?days=1'],
                ['GET', '/api/v1/profile'], ['GET', '/api/v1/profile/summary'],
                ['GET', `/api/v1/conversations/${other.conversation}`], ['GET', '/api/v1/conversations/history'],
                ['GET', `/v1/memories/${id}/`], ['GET', `/v1/memories/${id}/history/`], ['DELETE', `/v1/memories/${id}/`],
                ['POST', '/v3/memories/', { filters: { OR: [{ user_id: other.user_id }, { user_id: 'kim' }] } }],
                ['POST', '/v3/memories/search/', { query, filters: { user_id: 'kim' }, threshold: 0 }],
                ['POST', '/v3/memories/search/', { query, filters: { user_id: `../${other.user_id}` }, threshold: 0 }],
                ['GET', '/v1/entities/'], ['GET', `/memories?user_id=${other.user_id}`], ['POST', '/v1/summary/', {}],
                ['DELETE', `/v2/entities/user/${other.user_id}/`],
        ];
}

for (const [name, env] of [['with room for every index', {}], ['with the cache evicting', { INDEX_MEMORY_MIB: '1' }]])
        test(`fifty people, ${name}`, async () => {
                const server = await startServer({ env });
                const call = api(server);
                const seed = Number(process.env.MEMORY_SEED ?? Math.floor(Math.random() * 2 ** 31));
                const pick = chooser(seed);
                const people = [];
                for (let i = 0; i < PEOPLE; i += 5)   // few at once: the hashing queue takes 8 of one address
                        people.push(...await Promise.all(Array.from({ length: 5 }, (_, k) => settle(call, i + k))));
                const leaks = [];
                for (let step = 0; step < STEPS; step += 8)
                        await Promise.all(Array.from({ length: 8 }, async () => {
                                const me = pick.of(people);
                                const other = pick.of(people.filter((p) => p !== me));
                                const [method, path, body] = pick.of(questions(me, other, pick));
                                const r = await me.call(method, path, { body });
                                assert.ok(r.status < 500, `${method} ${path}: ${r.text}`);
                                const shown = people.filter((p) => p !== me && (r.text.includes(p.mine) || r.text.includes(p.user_id)));
                                // An answer may quote the question (a problem's detail), never more.
                                for (const p of shown)
                                        if (p !== other || r.status < 400)
                                                leaks.push(`${method} ${path} ${JSON.stringify(body)} → ${r.status} ${r.text.slice(0, 300)}`);
                        }));
                assert.deepEqual(leaks, [], `seed ${seed}`);
                for (const p of people) {
                        const all = (await p.call('GET', '/api/v1/memories/list', { expect: 200 })).body;
                        assert.deepEqual(all.map((m) => m.memory_id).sort(), [...p.ids].sort(), `seed ${seed}: ${p.i} lost something`);
                        const hits = (await p.call('POST', '/api/v1/memories/search', { body: { query: p.mine, include_turns: true }, expect: 200 })).body;
                        assert.ok(hits.length >= 3, `seed ${seed}: ${p.i} finds ${hits.length}`);
                }
                await server.stop();
        });
