// SPDX-License-Identifier: MIT
// Every route of memories, profile and import over HTTP: what it answers, what it refuses, whose data it shows.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';

import { api, newKey, newUser } from '../lib/api.mjs';
import { eventually } from '../fake/chat.mjs';
import { startServer } from '../lib/server.mjs';

let server, call, ann, bob;
before(async () => {
        server = await startServer();
        call = api(server);
        [ann, bob] = await Promise.all([newUser(call), newUser(call)]);
});
after(() => server.stop());

const path = '/api/v1/memories';
const add = async (who, content, more = {}) => (await who.call('POST', path,
        { body: { type: 'fact', content, ...more } })).body;
const find = async (who, query, more = {}) => (await who.call('POST', `${path}/search`,
        { body: { query, ...more }, expect: 200 })).body;

test('a memory is made, read, changed, explained and forgotten', async () => {
        const made = await ann.call('POST', path, { body: { type: 'FACT', content: 'Keeps bees behind the house.',
                tags: ['home'], entities: ['bees'], context: { from: 'a test' } }, expect: 201 });
        const m = made.body;
        assert.equal(m.event, 'ADD');
        assert.equal(m.type, 'fact');
        assert.equal(m.metadata.importance_score, 0.56);
        assert.deepEqual(m.metadata.context, { from: 'a test' });
        const got = await ann.call('GET', `${path}/${m.memory_id}?include=embedding`, { expect: 200 });
        assert.equal(got.headers.get('etag'), made.headers.get('etag'));

        const changed = await ann.call('PATCH', `${path}/${m.memory_id}`, { body: { content: 'Keeps bees on the roof.' },
                headers: { 'if-match': made.headers.get('etag') }, expect: 200 });
        assert.equal(changed.body.event, 'UPDATE');
        await ann.call('PUT', `${path}/${m.memory_id}`, { body: { confidence: 0.8 },
                headers: { 'if-match': made.headers.get('etag') }, expect: 412, code: 'precondition_failed' });
        const history = (await ann.call('GET', `${path}/${m.memory_id}/history`, { expect: 200 })).body;
        assert.deepEqual(history.map((v) => v.event), ['ADD', 'UPDATE']);
        assert.equal(history[0].new_content, 'Keeps bees behind the house.');
        assert.equal(history[1].old_content, 'Keeps bees behind the house.');

        const gone = await ann.call('DELETE', `${path}/${m.memory_id}`, { expect: 200 });
        assert.deepEqual(gone.body, { status: 'deleted', deleted_count: 1 });
        await ann.call('GET', `${path}/${m.memory_id}`, { expect: 404, code: 'memory_not_found' });
        await ann.call('DELETE', `${path}/${m.memory_id}`, { expect: 404, code: 'memory_not_found' });
        await ann.call('GET', `${path}/${m.memory_id}/history`, { expect: 404, code: 'memory_not_found' });
        assert.equal((await find(ann, 'bees')).length, 0);
        const logged = () => server.logs.filter((l) => l.event === 'memory_event' && l.attrs.memory_id === m.memory_id);
        await eventually(() => logged().length === 3, 'a line for each change');
        assert.deepEqual(logged().map((l) => l.msg), ['ADD', 'UPDATE', 'DELETE']);
        assert.ok(logged().every((l) => l.user_id === ann.user_id));
});

test('times before 1970 are times, and an end can be taken back', async () => {
        const user = await newUser(call);
        const old = await add(user, 'The mill was built by my grandfather.', { valid_from: '1950-01-01T00:00:00Z' });
        assert.equal(old.valid_from, '1950-01-01T00:00:00.000Z');
        await user.call('DELETE', `${path}?confirm=true&before=1970-01-01T00:00:00Z`, { expect: 404 });
        const change = async (body) => (await user.call('PATCH', `${path}/${old.memory_id}`, { body, expect: 200 })).body;
        assert.equal((await change({ valid_to: '1960-01-01T00:00:00Z' })).valid_to, '1960-01-01T00:00:00.000Z');
        assert.equal((await change({ valid_to: '1970-01-01T00:00:00Z' })).valid_to, '1970-01-01T00:00:00.001Z');
        assert.equal((await change({ valid_to: null })).valid_to, null);
        await change({ expires_at: '2020-01-01T00:00:00Z' });
        assert.equal((await find(user, 'mill')).length, 0);
        await change({ expires_at: null });
        assert.equal((await find(user, 'mill')).length, 1);
});

test('fixed words stand before ids, and an id that is no UUID is 404', async () => {
        for (const word of ['list', 'stats', 'search?query=tea'])
                await ann.call('GET', `${path}/${word}`, { expect: 200 });
        await ann.call('GET', `${path}/not-a-uuid`, { expect: 404, code: 'memory_not_found' });
        await ann.call('PATCH', `${path}/${randomUUID()}`, { body: { confidence: 1 }, expect: 404 });
});

test('bad values are named', async () => {
        const bad = async (body, pointer) => {
                const r = await ann.call('POST', path, { body, expect: 422, code: 'invalid_request' });
                assert.ok(r.body.errors.some((e) => e.pointer === pointer), r.text);
        };
        await bad({ type: 'opinion', content: 'x' }, '#/type');
        await bad({ type: 'fact', content: '' }, '#/content');
        await bad({ type: 'fact', content: '   ' }, '#/content');
        await bad({ type: 'fact', content: 'x'.repeat(2001) }, '#/content');
        await bad({ type: 'fact', content: 'x', confidence: 1.5 }, '#/confidence');
        await bad({ type: 'fact', content: 'x', colour: 'red' }, '#/colour');
        await bad({ type: 'fact', content: 'x', valid_from: '2026-01-02T00:00:00Z', valid_to: '2026-01-01T00:00:00Z' },
                '#/valid_to');
        await ann.call('POST', path, { body: { type: 'fact', content: 'x', user_id: bob.user_id }, expect: 403,
                code: 'user_mismatch' });
        const long = await add(ann, '\u{1F41D}'.repeat(2000));
        assert.equal([...long.content].length, 2000);
        const apart = await add(ann, 'a\u0308'.repeat(2000));
        assert.equal(apart.content, '\u00e4'.repeat(2000));
        await bad({ type: 'fact', content: 'a\u0308'.repeat(2001) }, '#/content');
        const at = `${path}/${apart.memory_id}`;
        await ann.call('PATCH', at, { body: { content: 'o\u0308'.repeat(2000) }, expect: 200 });
        await ann.call('PATCH', at, { body: { content: '\u0958'.repeat(1001) }, expect: 422 });
        const many = (n, item) => Array.from({ length: n }, (_, i) => `${item}${i}`);
        const full = JSON.stringify({ type: 'fact', content: '\u{1F42C}'.repeat(2000), tags: many(32, '\u00e9'.repeat(62)),
                entities: many(64, '\u00e9'.repeat(60)), context: { a: 'x'.repeat(8000) } });
        await ann.call('POST', path, { raw: full.replace(/[^\0-~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
                headers: { 'content-type': 'application/json' }, expect: 201 });
});

test('somebody else is not named, wherever it is tried', async () => {
        const user_id = bob.user_id;
        const { memory_id: id } = await add(ann, 'The cellar key hangs behind the door.');
        for (const [method, to, body] of [['POST', path, { type: 'fact', content: 'x' }], ['PATCH', `${path}/${id}`, { confidence: 1 }],
                ['POST', `${path}/search`, { query: 'key' }], ['POST', `${path}/batch`, { operations: [] }],
                ['POST', `${path}/consolidate`, {}], ['POST', `${path}/cleanup`, {}], ['POST', `${path}/decay`, {}],
                ['PATCH', '/api/v1/profile', { age: 1 }]])
                await ann.call(method, to, { body: { ...body, user_id }, expect: 403, code: 'user_mismatch' });
        for (const [method, to] of [['GET', path], ['GET', `${path}/list`], ['GET', `${path}/stats`], ['GET', `${path}/${id}`],
                ['GET', `${path}/${id}/history`], ['DELETE', `${path}/${id}`], ['GET', '/api/v1/profile'],
                ['GET', '/api/v1/profile/summary'], ['GET', '/api/v1/conversations/history']])
                await ann.call(method, `${to}?user_id=${user_id}`, { expect: 403, code: 'user_mismatch' });
        await ann.call('GET', `${path}/${id}`, { expect: 200 });
        await ann.call('GET', `${path}/stats?user_id=${ann.user_id}`, { expect: 200 });
});

test('the same thing a hundred times at once is one row', async () => {
        const user = await newUser(call);
        const all = await Promise.all(Array.from({ length: 100 }, () => user.call('POST', path,
                { body: { type: 'fact', content: 'The spare key is under the blue pot.' } })));
        assert.equal(new Set(all.map((r) => r.body.memory_id)).size, 1);
        assert.equal(all.filter((r) => r.status === 201).length, 1);
        assert.equal((await user.call('GET', `${path}/list`)).body.length, 1);
});

test('what is true changes in one step, and every moment can be asked for', async () => {
        const user = await newUser(call);
        const old = await add(user, 'Lives in Lisbon.', { valid_from: '2026-01-10T00:00:00Z' });
        const now = await user.call('POST', path, { body: { type: 'fact', content: 'I moved to Porto.',
                valid_from: '2026-03-01T00:00:00Z' }, expect: 201 });
        assert.equal(now.body.event, 'SUPERSEDE');
        assert.equal(now.body.reason, 'location_change');
        assert.deepEqual(now.body.superseded, [old.memory_id]);
        const before = (await user.call('GET', `${path}/${old.memory_id}`)).body;
        assert.equal(before.status, 'superseded');
        assert.equal(before.valid_to, now.body.valid_from);
        assert.equal(before.metadata.context.resolution, 'outdated_information');
        const at = async (t) => (await user.call('GET', `${path}/list?as_of=${t}`, { expect: 200 })).body.map((m) => m.content);
        assert.deepEqual(await at('2026-02-01T00:00:00Z'), ['Lives in Lisbon.']);
        assert.deepEqual(await at('2026-04-01T00:00:00Z'), ['I moved to Porto.']);
        assert.deepEqual(await at('2025-01-01T00:00:00Z'), []);
        const late = (await user.call('POST', path, { body: { type: 'fact', content: 'Lives in Madrid.',
                valid_from: '2025-06-01T00:00:00Z' }, expect: 201 })).body;
        assert.equal(late.event, 'ADD');
        assert.equal(late.reason, 'inserted_into_past');
        assert.equal(late.valid_to, before.valid_from);
        assert.deepEqual(await at('2025-07-01T00:00:00Z'), ['Lives in Madrid.']);
        const found = await find(user, 'where do I live', { as_of: '2026-02-01T00:00:00Z' });
        assert.equal(found[0].memory.content, 'Lives in Lisbon.');
        assert.equal((await find(user, 'Lisbon')).length, 0);
        assert.equal((await find(user, 'Lisbon', { include_superseded: true })).length, 1);
});

test('a search explains itself, filters, and keeps its bounds', async () => {
        const user = await newUser(call);
        await add(user, 'The dentist is Doctor Silva.', { tags: ['health'] });
        await user.call('POST', path, { body: { type: 'preference', content: 'Loves dark chocolate.' }, expect: 201 });
        await add(user, 'Perhaps the bank is on Rua Augusta.', { confidence: 0.4 });
        const [hit] = await find(user, 'who is my dentist?');
        assert.equal(hit.unit, 'memory');
        assert.match(hit.memory.content, /Silva/);
        assert.ok(hit.relevance_score > 0 && hit.relevance_score <= 1);
        assert.deepEqual(hit.breakdown.matched_terms, ['dentist']);
        for (const boost of ['importance_boost', 'confidence_boost', 'recency_boost'])
                assert.ok(hit.breakdown[boost] >= 0.9 && hit.breakdown[boost] <= 1.1);
        for (const q of ['who is my dentist?', 'the doctor and the chocolate'])
                for (const { relevance_score, breakdown: b } of await find(user, q)) {
                        const sum = b.lexical + b.proximity + b.conversation + b.date + b.named;
                        const factors = b.speaker * b.when * b.answer * b.first_person * b.question * b.brief * b.circle;
                        const boosts = b.importance_boost * b.confidence_boost * b.recency_boost;
                        const product = (sum * factors + b.semantic) * boosts * b.scale;
                        assert.ok(Math.abs(product - relevance_score) < 1e-6, `${product} is not ${relevance_score}`);
                }
        assert.equal((await find(user, 'dentist', { explain: false }))[0].breakdown, undefined);
        assert.equal((await find(user, 'bank')).length, 0);
        assert.equal((await find(user, 'bank', { min_confidence: 0 })).length, 1);
        assert.equal((await find(user, 'chocolate', { type: 'fact' })).length, 0);
        assert.equal((await find(user, 'chocolate', { types: ['preference'] })).length, 1);
        assert.equal((await find(user, 'dentist', { tags: ['home'] })).length, 0);
        assert.equal((await find(user, 'dentist', { tags: ['home', 'health'] })).length, 1);
        await user.call('POST', `${path}/search`, { body: { query: '' }, expect: 422 });
        await user.call('POST', `${path}/search`, { body: { query: 'x', top_k: 101 }, expect: 422 });
        await user.call('POST', `${path}/search`, { body: { query: 'x', units: ['page'] }, expect: 422 });
        const order = async () => (await find(user, 'dentist bank chocolate', { min_confidence: 0 })).map((h) => h.memory.memory_id);
        assert.deepEqual(await order(), await order());
});

test('pages of a list meet without gap or repetition', async () => {
        const user = await newUser(call);
        for (let i = 0; i < 7; i++)
                await add(user, `Box number ${i} holds winter clothes.`);
        const seen = [];
        for (let next = `${path}/list?limit=3`; next;) {
                const r = await user.call('GET', next, { expect: 200 });
                seen.push(...r.body.map((m) => m.content));
                next = /<([^>]+)>; rel="next"/.exec(r.headers.get('link') ?? '')?.[1];
        }
        assert.deepEqual(seen, [6, 5, 4, 3, 2, 1, 0].map((i) => `Box number ${i} holds winter clothes.`));
        await user.call('GET', `${path}?cursor=junk`, { expect: 422 });
});

test('a batch is all or nothing, or each for itself', async () => {
        const user = await newUser(call);
        const op = (content) => ({ op: 'add', type: 'fact', content });
        await user.call('POST', `${path}/batch`, { body: { operations: [op('One apple tree.'),
                { op: 'delete', memory_id: randomUUID() }] }, expect: 404 });
        const nameless = { op: 'add', content: 'One fig tree.' };
        const wrong = await user.call('POST', `${path}/batch`, { body: { operations: [op('One apple tree.'), nameless] }, expect: 422 });
        assert.equal(wrong.body.errors[0].pointer, '#/operations/1/type');
        assert.equal(wrong.body.index, 1);
        const each = (await user.call('POST', `${path}/batch`, { body: { atomic: false, operations: [nameless] }, expect: 200 })).body.results;
        assert.equal(each[0].detail, '#/operations/0/type is missing');
        assert.equal((await user.call('GET', `${path}/list`)).body.length, 0);
        const r = (await user.call('POST', `${path}/batch`, { body: { atomic: false, operations: [op('One apple tree.'),
                { op: 'delete', memory_id: randomUUID() }, op('Two pear trees.')] }, expect: 200 })).body.results;
        assert.deepEqual(r.map((x) => x.status), [201, 404, 201]);
        const [keep] = r;
        const all = (await user.call('POST', `${path}/batch`, { body: { operations: [
                { op: 'update', memory_id: keep.memory_id, content: 'One cherry tree.' },
                { op: 'delete', memory_id: r[2].memory_id }] }, expect: 200 })).body.results;
        assert.deepEqual(all.map((x) => x.event), ['UPDATE', 'DELETE']);
        assert.deepEqual((await user.call('GET', `${path}/list`)).body.map((m) => m.content), ['One cherry tree.']);
});

test('upkeep: consolidation, decay, clean-up, jobs', async () => {
        const user = await newUser(call);
        await add(user, 'The garden has three old apple trees near the wall.');
        assert.deepEqual((await user.call('POST', `${path}/consolidate`, { body: {}, expect: 200 })).body, { consolidated_count: 0 });
        await user.call('POST', `${path}/decay`, { expect: 200 });
        assert.deepEqual((await user.call('POST', `${path}/cleanup?days=90&dry_run=true`, { expect: 200 })).body, { deleted_count: 0 });
        await user.call('POST', `${path}/cleanup?days=0`, { expect: 422 });
        await user.call('POST', `${path}/cleanup`, { body: { dry_run: true }, expect: 200 });
        await user.call('POST', `${path}/decay`, { body: {}, expect: 200 });
        await user.call('POST', `${path}/decay`, { body: { days: 1 }, expect: 422 });
        const job = (await user.call('POST', `/api/v1/jobs`, { body: { kind: 'decay' }, expect: 202 })).body;
        for (let i = 0; ; i++) {
                const now = (await user.call('GET', `/api/v1/jobs/${job.job_id}`, { expect: 200 })).body;
                if (now.state === 'done')
                        break;
                assert.ok(i < 100 && ['queued', 'running'].includes(now.state), JSON.stringify(now));
                await new Promise((r) => setTimeout(r, 100));
        }
        const jobs = (await user.call('GET', `/api/v1/jobs`, { expect: 200 })).body; // the night's are there too, or not
        assert.ok(jobs.some((j) => j.job_id === job.job_id));
        await bob.call('GET', `/api/v1/jobs/${job.job_id}`, { expect: 404 });
        await user.call('DELETE', path, { expect: 422 });
        assert.equal((await user.call('DELETE', `${path}?confirm=true`, { expect: 200 })).body.deleted_count, 1);
        await user.call('DELETE', `${path}?confirm=true`, { expect: 404 });
        const stats = (await user.call('GET', `${path}/stats`, { expect: 200 })).body;
        assert.equal(stats.total_memories, 0);
        assert.deepEqual(stats.quota, { limit: 10000, used: 0 });
});

test('the profile follows memories, and the person has the last word', async () => {
        const user = await newUser(call);
        const profile = async () => (await user.call('GET', '/api/v1/profile', { expect: 200 })).body;
        assert.equal((await profile()).profile_completeness, 0);
        const home = await add(user, 'I live in Lisbon.');
        await add(user, 'I work as a nurse at Santa Maria.');
        await add(user, 'I am 34 years old.');
        await user.call('POST', path, { body: { type: 'Entity', content: 'My name is Ann.' } });
        await user.call('POST', path, { body: { type: 'preference', content: 'I love ramen.' } });
        let p = await profile();
        assert.deepEqual([p.name, p.age, p.location, p.profession], ['Ann', 34, 'Lisbon', 'nurse']);
        assert.deepEqual(p.likes, { foods: ['ramen'] });
        assert.equal(p.provenance.location.source_memory_id, home.memory_id);
        await add(user, 'I moved to Porto.');
        p = await profile();
        assert.equal(p.location, 'Porto');
        assert.equal(p.provenance.location.previous[0].value, 'Lisbon');
        p = (await user.call('PATCH', '/api/v1/profile', { body: { location: 'Braga', skills: ['C', 'SQL'] }, expect: 200 })).body;
        assert.equal(p.provenance.location.source_kind, 'user');
        assert.deepEqual(p.skills, ['C', 'SQL']);
        await add(user, 'I moved to Faro.');
        p = await profile();
        assert.equal(p.location, 'Braga');
        assert.equal(p.provenance.location.flagged[0].value, 'Faro');
        await user.call('PATCH', '/api/v1/profile', { body: { shoe: 42 }, expect: 422 });
        for (const timezone of ['Europe/Lisbon', 'UTC+2', '-03:30'])
                await user.call('PATCH', '/api/v1/profile', { body: { timezone }, expect: 200 });
        for (const timezone of ['Europe/Atlantis', '../../etc/passwd', '+25'])
                assert.equal((await user.call('PATCH', '/api/v1/profile', { body: { timezone }, expect: 422 }))
                        .body.errors[0].pointer, '#/timezone');
        await user.call('DELETE', '/api/v1/profile/location', { expect: 200 });
        await user.call('DELETE', '/api/v1/profile/location', { expect: 404 });
        await user.call('DELETE', '/api/v1/profile/shoe', { expect: 404 });
        const summary = (await user.call('GET', '/api/v1/profile/summary', { expect: 200 })).body;
        assert.equal(summary.name, 'Ann');
        assert.ok(summary.key_facts.includes('Is 34 years old'));
        assert.equal((await user.call('GET', '/api/v1/profile?provenance=false', { expect: 200 })).body.provenance, undefined);
});

test('conversations of the past are imported once, found, and refused one by one', async () => {
        const user = await newUser(call);
        const at = (m) => new Date(Date.UTC(2025, 4, 1, 12, m)).toISOString();
        const talk = (id, texts) => ({ external_id: id, turns: texts.map((text, i) => ({ external_id: `${id}:${i}`,
                speaker: i % 2 ? 'Mel' : 'Caroline', text, at: at(i) })) });
        const one = talk('s1', ['I adopted a greyhound called Biscuit.', 'Lovely! How old is she?', 'She is four.']);
        const post = (body, more) => user.call('POST', '/api/v1/conversations/import', { body, ...more });
        const first = (await post({ conversations: [one] }, { expect: 200 })).body.conversations[0];
        assert.deepEqual([first.turns_added, first.turns_unchanged], [3, 0]);
        const again = (await post({ conversations: [one] }, { expect: 200 })).body.conversations[0];
        assert.deepEqual([again.turns_added, again.turns_unchanged], [0, 3]);
        assert.equal(again.conversation_id, first.conversation_id);
        const other = talk('s1', ['I adopted a greyhound called Scone.']);
        const refused = await post({ conversations: [other] }, { expect: 409, code: 'conflict' });
        assert.match(refused.body.detail, /s1:0/);
        const mixed = await post({ conversations: [other, talk('s2', ['The train leaves at nine.']),
                { external_id: 's3', turns: [{ speaker: 'Ann', text: '', at: at(0) }] }] }, { expect: 207 });
        assert.deepEqual(mixed.body.conversations.map((c) => c.status), [409, 200, 422]);
        assert.match(mixed.body.conversations[2].pointer, /text/);
        const hits = await find(user, 'which dog was adopted', { units: ['turn'] });
        assert.equal(hits[0].turn.external_id, 's1:0');
        assert.equal(hits[0].turn.conversation_external_id, 's1');
        const mel = await find(user, 'greyhound', { units: ['turn'], speaker: 'Mel' });
        assert.ok(mel.every((h) => h.turn.speaker === 'Mel'));
        assert.equal((await find(user, 'train', { include_turns: true, conversation_id: 's2' })).length, 1);
        assert.equal((await find(user, 'train', { include_turns: true, conversation_id: 's1' })).length, 0);

        const lines = [talk('n1', ['Line one.']), talk('n2', ['Line two.'])].map((c) => JSON.stringify(c)).join('\n');
        const nd = await user.call('POST', '/api/v1/conversations/import', { raw: lines,
                headers: { 'content-type': 'application/x-ndjson' }, expect: 200 });
        assert.equal(nd.body.conversations.length, 2);
        await user.call('POST', '/api/v1/conversations/import', { raw: 'x', headers: { 'content-type': 'text/plain' }, expect: 415 });
        await user.call('POST', '/api/v1/conversations/import', { raw: '{', headers: { 'content-type': 'application/json' },
                expect: 400, code: 'bad_json' });
        const own = { external_id: 'x1', turns: [{ speaker: 'user', text: 'I am allergic to walnuts.', at: at(0) }] };
        assert.equal((await post({ conversations: [own], extract: true }, { expect: 200 })).body.memories_created, 1);
});

test('nothing of one person is shown to another, by any route', async () => {
        const mine = await add(ann, 'The alarm code is 9921.');
        const id = mine.memory_id;
        for (const [method, p, body] of [['GET', `${path}/${id}`], ['PUT', `${path}/${id}`, { confidence: 1 }],
                ['PATCH', `${path}/${id}`, { content: 'x' }], ['DELETE', `${path}/${id}`], ['GET', `${path}/${id}/history`]]) {
                const foreign = await bob.call(method, p, { body, expect: 404, code: 'memory_not_found' });
                const unknown = await bob.call(method, p.replace(id, randomUUID()), { body, expect: 404 });
                const strip = (r) => JSON.stringify({ ...r.body, request_id: 0, instance: 0 });
                assert.equal(strip(foreign), strip(unknown));
        }
        for (const r of [await bob.call('GET', `${path}/list`), await bob.call('POST', `${path}/search`,
                { body: { query: 'alarm code', include_turns: true, include_superseded: true, min_confidence: 0 } })])
                assert.doesNotMatch(r.text, /9921/);
        await bob.call('POST', `${path}/search`, { body: { query: 'x', user_id: ann.user_id }, expect: 403 });
        await call('GET', `${path}/list`, { expect: 401 });
        const reader = await newKey(ann, ['memories:read']);
        await reader.call('GET', `${path}/${id}`, { expect: 200 });
        await reader.call('DELETE', `${path}/${id}`, { expect: 403, code: 'insufficient_scope' });
});

test('whom somebody lives with is read from what names them', async () => {
        for (const [content, name, status] of [['My wife is Rosa', 'Rosa', 'married'], ['my husband Tom', 'Tom', 'married'],
                ['My fianc\u00e9 is called Jo', 'Jo', 'engaged'], ['My girlfriend is Kim', 'Kim', 'in_relationship'],
                ['My partner is Sam', 'Sam', 'unknown'], ['My partner is kind', null, null]]) {
                const user = await newUser(call);
                await user.call('POST', path, { body: { type: 'entity', content }, expect: 201 });
                const { body } = await user.call('GET', '/api/v1/profile', { expect: 200 });
                assert.deepEqual([body.partner_name, body.relationship_status], [name, status], content);
        }
});

test('where a value is from is told with the value itself, not its text', async () => {
        const user = await newUser(call);
        await add(user, 'I am 34 years old.');
        const set = async (body) =>
                (await user.call('PATCH', '/api/v1/profile', { body, expect: 200 })).body.provenance;
        const told = await set({ age: 40, experience_years: 0, uses_emojis: false, skills: ['7'] });
        assert.equal(told.age.value, 40);
        assert.equal(told.age.previous[0].value, 34);
        assert.equal(told.experience_years.value, 0);
        assert.equal(told.uses_emojis.value, false);
        assert.equal(told['skills[7]'].value, '7');
        await add(user, 'I am 35 years old.');
        const { body } = await user.call('GET', '/api/v1/profile', { expect: 200 });
        assert.equal(body.provenance.age.flagged[0].value, 35);
        assert.equal((await set({ uses_emojis: true })).uses_emojis.previous[0].value, false);
});

test('values of the profile are measured in characters, hours are hours', async () => {
        const user = await newUser(call);
        const set = (body, expect = 200) =>
                user.call('PATCH', '/api/v1/profile', { body, expect });
        const long = '\u{1F41D}'.repeat(300);
        const { body: full } = await set({
                name: long,
                skills: [long],
                likes: { [`\u00e4${'o'.repeat(63)}`]: [long] },
                routines: { morning: long },
                active_hours: ['09:00-12:00', '22:30-02:00', '23:00-24:00'],
        });
        assert.deepEqual([full.name, full.skills, full.routines.morning], [long, [long], long]);
        for (const [body, pointer] of [
                [{ name: `${long}x` }, '#/name'],
                [{ skills: ['a', `${long}x`] }, '#/skills/1'],
                [{ skills: ['a', ' '] }, '#/skills/1'],
                [{ likes: { foods: ['figs', `${long}x`] } }, '#/likes'],
                [{ dislikes: { foods: 'figs' } }, '#/dislikes'],
                [{ routines: { morning: `${long}x` } }, '#/routines'],
                ...['9-12', '09:00', '09:00-09:00', '24:00-01:00', '09:00-24:01', '09:60-10:00',
                        '09:00-1\u00e90:0', '+9:00-10:00'].map((hours) => [
                        { active_hours: ['08:00-09:00', hours] },
                        '#/active_hours/1',
                ]),
        ])
                assert.equal((await set(body, 422)).body.errors[0].pointer, pointer);
        const { body: after } = await user.call('GET', '/api/v1/profile');
        assert.deepEqual(after.active_hours, full.active_hours);
});

test('maps of the profile are maps', async () => {
        const user = await newUser(call);
        for (const field of ['likes', 'dislikes', 'routines'])
                await user.call('PATCH', '/api/v1/profile', { body: { [field]: ['x'] }, expect: 422, code: 'invalid_request' });
        const { body } = await user.call('PATCH', '/api/v1/profile', { body: { likes: { foods: ['figs'] }, routines: null }, expect: 200 });
        assert.deepEqual([body.likes, body.routines], [{ foods: ['figs'] }, {}]);
});
