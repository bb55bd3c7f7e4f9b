// SPDX-License-Identifier: MIT
// With an embeddings server: vectors follow as a job, a search uses them, another model makes them anew; without it a search is
// lexical and says so.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { startLlm } from '../fake/llm.mjs';
import { api, newKey, newUser } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';

const path = '/api/v1/memories';

async function vectorOf(call, id) {
        for (let i = 0; i < 100; i++) {
                const { body } = await call('GET', `${path}/${id}?include=embedding`, { expect: 200 });
                if (body.embedding)
                        return body.embedding;
                await new Promise((r) => setTimeout(r, 100));
        }
        return null;
}

test('vectors are made, used, missed and remade', async () => {
        const llm = await startLlm();
        const env = { EMBEDDINGS_BASE_URL: llm.base, EMBEDDINGS_MODEL: 'first-model' };
        let server = await startServer({ env });
        const key = await newKey(await newUser(api(server)));
        const add = async (content) => (await key.call('POST', path, { body: { type: 'fact', content } })).body.memory_id;
        const find = (query) => key.call('POST', `${path}/search`, { body: { query }, expect: 200 });

        const id = await add('The greenhouse thermometer reads nineteen degrees.');
        await add('The bicycle has a new chain.');
        const vector = await vectorOf(key.call, id);
        assert.ok(vector?.length > 0, 'no vector');
        assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-3);
        const hit = await find('greenhouse thermometer');
        assert.equal(hit.headers.get('x-retrieval-degraded'), null);
        assert.equal(hit.body[0].memory.memory_id, id);
        assert.ok(hit.body[0].breakdown.semantic > 0);
        assert.equal((await find('bicycle chain')).body[0].memory.content, 'The bicycle has a new chain.');

        await key.call('PATCH', `${path}/${id}`, { body: { content: 'The cellar barometer reads low.' }, expect: 200 });
        const anew = await vectorOf(key.call, id);
        assert.notDeepEqual(anew, vector);

        await llm.stop();
        const without = await find('cellar barometer');
        assert.equal(without.headers.get('x-retrieval-degraded'), 'embeddings');
        assert.equal(without.body[0].memory.memory_id, id);
        const later = await add('The attic ladder squeaks.');
        assert.equal((await find('attic ladder')).body[0].memory.memory_id, later);
        await server.stop();
});

test('an embeddings server that answers nonsense changes nothing but the header', async () => {
        const { createServer } = await import('node:http');
        const answers = ['not json', '{}', '{"data":[]}', '{"data":[{"index":0,"embedding":[]}]}', '{"data":[{"index":0,"embedding":[0,0,0]}]}',
                '{"data":[{"index":7,"embedding":[1,2]}]}'];
        let n = 0;
        const fake = createServer((req, res) => { req.resume(); res.end(answers[n++ % answers.length]); });
        await new Promise((r) => fake.listen(0, '127.0.0.1', r));
        const server = await startServer({ env: { EMBEDDINGS_BASE_URL: `http://127.0.0.1:${fake.address().port}/v1` } });
        const key = await newKey(await newUser(api(server)));
        await key.call('POST', path, { body: { type: 'fact', content: 'The lighthouse lamp turns twice a minute.' }, expect: 201 });
        const r = await key.call('POST', `${path}/search`, { body: { query: 'lighthouse lamp' }, expect: 200 });
        assert.equal(r.headers.get('x-retrieval-degraded'), 'embeddings');
        assert.equal(r.body.length, 1);
        await server.stop();
        fake.close();
});

test('what was said has vectors, too, and who does not want texts to leave has none', async () => {
        const llm = await startLlm();
        const env = { EMBEDDINGS_BASE_URL: llm.base, EMBEDDINGS_MODEL: 'm' };
        const server = await startServer({ env });
        const ann = await newUser(api(server));
        const shy = await newUser(api(server));
        const consents = { llm_processing: false };
        await shy.call('PATCH', '/api/v1/auth/me', { body: { consents }, expect: 200 });
        const texts = ['The greenhouse thermometer reads nineteen degrees.', 'The bicycle has a new chain.'];
        for (const user of [ann, shy])
                await user.call('POST', '/api/v1/conversations/import', {
                        body: {
                                conversations: [
                                        {
                                                external_id: 'c',
                                                turns: texts.map((text, i) => ({
                                                        external_id: `t${i}`,
                                                        speaker: 'user',
                                                        text,
                                                        at: '2026-01-10T10:00:00Z',
                                                })),
                                        },
                                ],
                        },
                        expect: 200,
                });
        const find = (user) =>
                user.call('POST', `${path}/search`, {
                        body: { query: 'thermometer bicycle', units: ['turn'] },
                        expect: 200,
                });
        let hits = [];
        for (let i = 0; i < 100 && !hits.some((h) => h.breakdown.semantic > 0); i++) {
                hits = (await find(ann)).body;
                await new Promise((r) => setTimeout(r, 100));
        }
        assert.ok(hits.every((h) => h.breakdown.semantic > 0), 'a turn without a vector');
        const asked = () => llm.requests.filter((r) => r.path === '/v1/embeddings').length;
        const before = asked();
        const quiet = await find(shy);
        assert.equal(quiet.headers.get('x-retrieval-degraded'), null);
        assert.equal(quiet.body.length, 2);
        assert.ok(quiet.body.every((h) => h.breakdown.semantic === 0));
        assert.equal(asked(), before);
        // a conversation that goes takes its vectors along
        const [{ conversation_id }] = (await ann.call('GET', '/api/v1/conversations')).body;
        await ann.call('DELETE', `/api/v1/conversations/${conversation_id}`, { expect: 200 });
        assert.deepEqual((await find(ann)).body, []);
        await server.stop();
        await llm.stop();
});

test('a server that does not answer does not hold up the end', async () => {
        const { createServer } = await import('node:http');
        let asked = false;
        const silent = createServer(() => {
                asked = true;
        });
        await new Promise((r) => {
                silent.listen(0, '127.0.0.1', r);
        });
        const server = await startServer({
                env: { EMBEDDINGS_BASE_URL: `http://127.0.0.1:${silent.address().port}/v1` },
        });
        const key = await newKey(await newUser(api(server)));
        await key.call('POST', path, {
                body: { type: 'fact', content: 'The lighthouse lamp turns.' },
                expect: 201,
        });
        for (let i = 0; i < 100 && !asked; i++) await new Promise((r) => setTimeout(r, 50));
        assert.ok(asked);
        const started = Date.now();
        await server.stop();
        assert.ok(Date.now() - started < 10_000, 'it waited for the vectors');
        silent.closeAllConnections();
        silent.close();
});
