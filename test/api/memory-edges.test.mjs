// SPDX-License-Identifier: MIT
// The edges of the memory rows: ids that are none, what is not there, the limit of the tier.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { api, newUser, signIn } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';

const ADMIN = 'root@example.org';
const UNKNOWN = '00000000-0000-4000-8000-000000000000';

let server, call, user;
before(async () => {
        server = await startServer({ env: { LIMITS: 'on' }, admin: ADMIN });
        call = api(server);
        user = await newUser(call);
});
after(() => server.stop());

// Operations on one memory of the mem0 routes, with an id in the path or in the body.
const one = [
        ['GET', (id) => `/v1/memories/${id}/`],
        ['PUT', (id) => `/v1/memories/${id}/`, () => ({ text: 'Likes tea.' })],
        ['DELETE', (id) => `/v1/memories/${id}/`],
        ['GET', (id) => `/v1/memories/${id}/history/`],
        [
                'PUT',
                () => '/v1/batch/',
                (id) => ({ memories: [{ memory_id: id, text: 'Likes tea.' }] }),
        ],
        ['DELETE', () => '/v1/batch/', (id) => ({ memories: [{ memory_id: id }] })],
        ['POST', () => '/v1/feedback/', (id) => ({ memory_id: id, feedback: 'POSITIVE' })],
        ['GET', (id) => `/memories/${id}`],
        ['PUT', (id) => `/memories/${id}`, () => ({ text: 'Likes tea.' })],
        ['DELETE', (id) => `/memories/${id}`],
        ['GET', (id) => `/memories/${id}/history`],
];

describe('mem0: a memory that is not there, and an id that is none', () => {
        for (const [method, path, body] of one)
                test(`${method} ${path('{id}')}`, async () => {
                        for (const [id, status, code] of [
                                [UNKNOWN, 404, 'memory_not_found'],
                                ['nonsense', 400, 'bad_request'],
                        ]) {
                                const { body: problem } = await user.call(method, path(id), {
                                        body: body?.(id),
                                        expect: status,
                                        code,
                                });
                                assert.equal(typeof problem.error, 'string');
                        }
                });
        test('an export that nobody asked for', () =>
                user.call('POST', '/v1/exports/get/', {
                        body: { memory_export_id: UNKNOWN },
                        expect: 404,
                        code: 'not_found',
                }));
        test('reset and configure', async () => {
                await user.call('POST', '/reset', { expect: 200 });
                const { body } = await user.call('GET', '/api/v1/memories/list', { expect: 200 });
                assert.deepEqual(body, []);
        });
});

test('another version than the one that was read is not overwritten', async () => {
        const writer = await newUser(call);
        const made = await writer.call('POST', '/api/v1/memories', {
                body: { type: 'fact', content: 'Lives in Lisbon.' },
                expect: 201,
        });
        const path = `/api/v1/memories/${made.body.memory_id}`;
        const headers = { 'if-match': made.headers.get('etag') };
        for (const method of ['PUT', 'PATCH']) {
                const fresh = { 'if-match': (await writer.call('GET', path)).headers.get('etag') };
                const tags = [method.toLowerCase()];
                await writer.call(method, path, { body: { tags }, headers: fresh, expect: 200 });
                await writer.call(method, path, {
                        body: { tags },
                        headers,
                        expect: 412,
                        code: 'precondition_failed',
                });
        }
});

test('of several tags one is enough, also to forget', async () => {
        const writer = await newUser(call);
        const made = await writer.call('POST', '/api/v1/memories', {
                body: { type: 'fact', content: 'Lives in Porto.' },
                expect: 201,
        });
        const path = `/api/v1/memories/${made.body.memory_id}`;
        const stale = made.headers.get('etag');
        const change = (headers, answer) =>
                writer.call('PATCH', path, { body: { tags: ['a'] }, headers, ...answer });
        const second = await change({ 'if-match': `"other", ${stale}` }, { expect: 200 });
        const third = await change({ 'if-match': '*' }, { expect: 200 });
        const tag = third.headers.get('etag');
        const refused = { expect: 412, code: 'precondition_failed' };
        for (const list of [`"other", ${second.headers.get('etag')}`, `W/${tag}`, 'other', stale]) {
                await change({ 'if-match': list }, refused);
                await writer.call('DELETE', path, { headers: { 'if-match': list }, ...refused });
        }
        await writer.call('DELETE', path, {
                headers: { 'if-match': `${stale}, ${tag}` },
                expect: 200,
        });
        const gone = { expect: 404, code: 'memory_not_found' };
        await writer.call('DELETE', path, { headers: { 'if-match': '*' }, ...gone });
});

test('everything at once, only when it is confirmed', async () => {
        const leaver = await newUser(call);
        const add = (content) =>
                leaver.call('POST', '/api/v1/memories', {
                        body: { type: 'fact', content },
                        expect: 201,
                });
        await add('Plays the violin.');
        await add('Works as a gardener.');
        await leaver.call('DELETE', '/api/v1/memories', { expect: 422, code: 'invalid_request' });
        const { body } = await leaver.call('DELETE', '/api/v1/memories?confirm=true', {
                expect: 200,
        });
        assert.equal(body.deleted_count, 2);
        await leaver.call('DELETE', '/api/v1/memories?confirm=true', {
                expect: 404,
                code: 'memory_not_found',
        });
        await leaver.call('DELETE', '/memories', { expect: 400, code: 'bad_request' });
});

test('an import of nothing', () =>
        user.call('POST', '/api/v1/conversations/import', {
                body: { conversations: [] },
                expect: 422,
                code: 'invalid_request',
        }));

test('a search in the name of somebody else', async () => {
        const path = '/api/v1/memories/search?query=tea&user_id=usr_00000000000000000000000000';
        const { status } = await user.call('GET', path);
        assert.ok([403, 422].includes(status), `${status}`);
});

describe('the limit of the tier', () => {
        let full;
        before(async () => {
                full = await newUser(call);
                const root = (await signIn(call, ADMIN)).call;
                await root('PATCH', `/api/v1/admin/users/${full.user_id}`, {
                        body: { max_memories: 1 },
                        expect: 200,
                });
                await full.call('POST', '/api/v1/memories', {
                        body: { type: 'fact', content: 'Plays the violin.' },
                        expect: 201,
                });
        });
        const messages = [{ role: 'user', content: 'I am allergic to peanuts.' }];
        for (const [path, body] of [
                ['/api/v1/memories', { type: 'fact', content: 'Keeps eleven goats.' }],
                ['/v3/memories/add/', { messages, user_id: undefined, infer: false }],
                ['/v1/memories/', { messages, infer: false }],
        ])
                test(`POST ${path}`, async () => {
                        const { body: problem } = await full.call('POST', path, {
                                body,
                                expect: 403,
                                code: 'memory_quota_exceeded',
                        });
                        assert.deepEqual([problem.limit, problem.used], [1, 1]);
                });
        test('POST /api/v1/memories/batch', async () => {
                const operations = [{ op: 'add', type: 'fact', content: 'Keeps eleven goats.' }];
                await full.call('POST', '/api/v1/memories/batch', {
                        body: { operations },
                        expect: 403,
                        code: 'memory_quota_exceeded',
                });
        });
        test('POST /memories', () =>
                full.call('POST', '/memories', {
                        body: { messages, user_id: full.user_id, infer: false },
                        expect: 403,
                        code: 'memory_quota_exceeded',
                }));
        test('what is there can still be changed', async () => {
                const { body } = await full.call('GET', '/api/v1/memories/list', { expect: 200 });
                await full.call('PATCH', `/api/v1/memories/${body[0].memory_id}`, {
                        body: { content: 'Plays the cello.' },
                        expect: 200,
                });
        });
});
