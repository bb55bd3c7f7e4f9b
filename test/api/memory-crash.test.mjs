// SPDX-License-Identifier: MIT
// kill -9 in the middle of adds, supersessions, imports and consolidation. After the restart nothing that was acknowledged is
// missing, no fact is half superseded, no conversation half imported, and the index knows exactly what the store holds.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { api, newKey, newUser } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';

const ROUNDS = 6;
const path = '/api/v1/memories';

// Runs work in parallel until the server dies under it; what was answered before is kept in `seen`.
async function until(server, ms, workers) {
        let dead = false;
        const all = workers.map(async (work) => {
                while (!dead) {
                        try {
                                await work();
                        } catch (e) {
                                if (e.code === 'ERR_ASSERTION')
                                        throw e;
                                return;       // the connection died with the server
                        }
                }
        });
        await new Promise((r) => setTimeout(r, ms));
        dead = true;
        await server.kill9();
        await Promise.all(all);
        await server.restart();
}

const everything = async (call, query = '') => {
        const out = [];
        for (let next = `${path}?limit=200${query}`; next;) {
                const r = await call('GET', next, { expect: 200 });
                out.push(...r.body);
                next = /<([^>]+)>; rel="next"/.exec(r.headers.get('link') ?? '')?.[1];
        }
        return out;
};

test('adds, supersessions, imports and consolidation survive kill -9', async () => {
        const server = await startServer();
        const call = api(server);
        const key = await newKey(await newUser(call));
        const kept = new Set();
        const towns = [];
        const imported = new Map();
        let n = 0;
        const post = (p, body) => key.call('POST', p, { body, judge: false });
        const workers = [
                async () => {
                        const content = `Box ${n++} in the attic holds item${n * 7919}.`;
                        const r = await post(path, { type: 'fact', content });
                        if (r.status === 201)
                                kept.add(r.body.memory_id);
                },
                async () => {
                        const r = await post(path, { type: 'fact', content: `Lives in Town${n++}.` });
                        if (r.status === 201)
                                towns.push(r.body.memory_id);
                },
                async () => {
                        const id = `talk-${n++}`;
                        const turns = Array.from({ length: 40 }, (_, i) => ({ external_id: `${id}:${i}`, speaker: 'user',
                                text: `Line ${i} of ${id} mentions lighthouse${i}.`, at: '2026-01-02T03:04:05Z' }));
                        const r = await post('/api/v1/conversations/import', { conversations: [{ external_id: id, turns }] });
                        if (r.status === 200)
                                imported.set(id, turns);
                },
                async () => { await post(`${path}/consolidate`, {}); },
        ];
        for (let round = 0; round < ROUNDS; round++) {
                await until(server, 150 + round * 90, workers);

                const all = new Map();
                for (const status of ['active', 'superseded', 'flagged'])
                        for (const m of await everything(key.call, `&status=${status}`))
                                all.set(m.memory_id, m);
                const lost = [...kept, ...towns].filter((id) => !all.has(id));
                assert.deepEqual(lost, [], `round ${round}: acknowledged and gone`);

                const homes = [...all.values()].filter((m) => m.content.startsWith('Lives in '));
                assert.equal(homes.filter((m) => m.status === 'active').length, homes.length ? 1 : 0);
                for (const m of homes.filter((h) => h.status === 'superseded')) {
                        const next = all.get(m.superseded_by);
                        assert.ok(next, `round ${round}: superseded by nothing`);
                        assert.ok(next.supersedes.includes(m.memory_id));
                        assert.equal(m.valid_to, next.valid_from);
                        const history = (await key.call('GET', `${path}/${m.memory_id}/history`, { expect: 200 })).body;
                        assert.equal(history.at(-1).event, 'SUPERSEDE');
                }

                const live = [...all.values()].filter((m) => m.status !== 'superseded');
                for (const m of live.filter((_, i) => i % Math.ceil(live.length / 20) === 0)) {
                        const hits = (await key.call('POST', `${path}/search`, { body: { query: m.content, top_k: 5 }, expect: 200 })).body;
                        assert.ok(hits.some((h) => h.memory.memory_id === m.memory_id), `round ${round}: not found: ${m.content}`);
                }
                for (const m of homes.filter((h) => h.status === 'superseded').slice(0, 5)) {
                        const hits = (await key.call('POST', `${path}/search`, { body: { query: m.content }, expect: 200 })).body;
                        assert.ok(hits.every((h) => h.memory.memory_id !== m.memory_id), `round ${round}: superseded but found`);
                }
                for (const [id, turns] of [...imported].slice(-3)) {
                        const again = (await post('/api/v1/conversations/import', { conversations: [{ external_id: id, turns }] })).body;
                        assert.deepEqual([again.conversations[0].turns_added, again.conversations[0].turns_unchanged], [0, 40]);
                }
        }
        assert.ok(kept.size > 20 && towns.length > 20 && imported.size > 5, `${kept.size} ${towns.length} ${imported.size}`);
        await server.stop();
});
