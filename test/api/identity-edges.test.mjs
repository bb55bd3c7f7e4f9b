// SPDX-License-Identifier: MIT
// The edges of the identity rows: nothing there, done twice, too often, taken back.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { api, newKey, newUser, PASSWORD, signIn, unique } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';
import { eventually } from '../fake/chat.mjs';
import { startSmtp } from '../fake/smtp.mjs';
import { totp } from '../lib/totp.mjs';

const ADMIN = 'root@example.org';
const NOBODY = 'usr_00000000000000000000000000';

// Wrong passwords between the two steps of a sign-in delay the second step too.
async function guess({ email }) {
        const login = (password) =>
                call('POST', '/api/v1/auth/login', { body: { email, password } });
        const { mfa_token } = (await login(PASSWORD)).body;
        for (let i = 0; i < 5; i++) await login('not the password 123');
        await call('POST', '/api/v1/auth/mfa/verify', {
                body: { mfa_token, code: '000000' },
                expect: 429,
                code: 'login_delayed',
        });
}

let server, call, root;
before(async () => {
        server = await startServer({ admin: ADMIN });
        call = api(server);
        root = (await signIn(call, ADMIN)).call;
});
after(() => server.stop());

describe('administration', () => {
        test('of somebody who is not there', async () => {
                const at = `/api/v1/admin/users/${NOBODY}`;
                for (const [method, path, body] of [
                        ['GET', at],
                        ['PATCH', at, { tier: 'pro' }],
                        ['POST', `${at}/revoke-sessions`],
                        ['POST', `${at}/start-reset`],
                ])
                        await root(method, path, { body, expect: 404, code: 'not_found' });
        });
        test('one account, and a person without a password of ours', async () => {
                const user = await newUser(call);
                const { body } = await root('GET', `/api/v1/admin/users/${user.user_id}`, {
                        expect: 200,
                });
                assert.equal(body.email, user.email);
                assert.equal(body.password_hash, undefined);
        });
        test('a key that waits can be retired, the one in use cannot', async () => {
                await root('POST', '/api/v1/admin/keys/rotate', { expect: 202 });
                const keys = (await root('GET', '/api/v1/admin/keys', { expect: 200 })).body;
                const current = keys.find((k) => k.is_current);
                const waiting = keys.find((k) => !k.is_current && k.is_published);
                const retire = (key, more) =>
                        root('POST', `/api/v1/admin/keys/${key.kid}/retire`, more);
                await retire(waiting, { expect: 204 });
                await retire(current, { expect: 409, code: 'conflict' });
                await retire({ kid: 'nonsense' }, { expect: 404, code: 'not_found' });
                const left = (await call('GET', '/.well-known/jwks.json')).body.keys;
                assert.ok(!left.some((k) => k.kid === waiting.kid));
        });
        test('with a shared secret there are no keys to rotate', async () => {
                const shared = await startServer({
                        env: { JWT_SECRET_KEY: 'k'.repeat(12) + unique() + unique() },
                        admin: ADMIN,
                });
                const there = (await signIn(api(shared), ADMIN)).call;
                await there('POST', '/api/v1/admin/keys/rotate', { expect: 409, code: 'conflict' });
                await shared.stop();
        });
});

test('introspection of nothing', async () => {
        await root('POST', '/api/v1/auth/introspect', {
                raw: 'nothing=1',
                headers: { 'content-type': 'application/x-www-form-urlencoded' },
                expect: 422,
                code: 'invalid_request',
        });
});

describe('second factor', () => {
        test('nothing to confirm, nothing to remove, a code that is none', async () => {
                const user = await newUser(call);
                const factor = '/api/v1/auth/mfa/totp';
                const code = '123456';
                await user.call('POST', `${factor}/confirm`, {
                        body: { code },
                        expect: 409,
                        code: 'conflict',
                });
                await user.call('DELETE', factor, {
                        body: { password: PASSWORD, code },
                        expect: 409,
                        code: 'conflict',
                });
                const { body } = await user.call('POST', factor, {
                        body: { password: PASSWORD },
                        expect: 200,
                });
                await user.call('POST', `${factor}/confirm`, {
                        body: { code: 'abcdef' },
                        code: 'invalid_code',
                });
                await user.call('POST', `${factor}/confirm`, {
                        body: { code: totp(body.secret) },
                        expect: 200,
                });
                await user.call('DELETE', factor, {
                        body: { password: PASSWORD, code: 'abcdef' },
                        code: 'invalid_code',
                });
                await guess(user);
        });
});

describe('leaving', () => {
        test('an account can be taken back within its grace, and is gone after it', async () => {
                const patient = await startServer({ env: { ERASURE_GRACE_SECONDS: '3600' } });
                const there = api(patient);
                const user = await newUser(there);
                const { body } = await user.call('DELETE', '/api/v1/auth/me', {
                        body: { password: PASSWORD },
                        expect: 202,
                });
                await user.call('GET', '/api/v1/auth/me', { expect: 401 });
                const receipt = `/api/v1/erasures/${body.receipt}`;
                assert.equal(
                        (await there('GET', receipt, { expect: 200 })).body.status,
                        'scheduled',
                );
                const back = { email: user.email, password: PASSWORD };
                await there('POST', '/api/v1/me/restore', { body: back, expect: 200 });
                await signIn(there, user.email);

                const wrong = { email: `${unique()}@example.org`, password: 'not it 1234' };
                const restore = (body) => there('POST', '/api/v1/me/restore', { body });
                const codes = new Set();
                for (let i = 0; i < 5; i++) codes.add((await restore(wrong)).body.code);
                const storm = Array.from({ length: 60 }, () =>
                        restore({ ...wrong, email: `${unique()}@example.org` }),
                );
                for (const answer of await Promise.all(storm)) codes.add(answer.body.code);
                assert.deepEqual([...codes].sort(), [
                        'hash_queue_full',
                        'invalid_credentials',
                        'login_delayed',
                ]);
                await patient.stop();
        });
        test('three exports a day', async () => {
                const user = await newUser(call);
                const ready = async (id) => {
                        const { body } = await user.call('GET', `/api/v1/me/export/${id}`, {
                                expect: 200,
                        });
                        return body.status === 'ready';
                };
                for (let i = 0; i < 3; i++) {
                        const { body } = await user.call('POST', '/api/v1/me/export', {
                                expect: 202,
                        });
                        for (let n = 0; n < 200 && !(await ready(body.job_id)); n++)
                                await new Promise((r) => setTimeout(r, 50));
                }
                await user.call('POST', '/api/v1/me/export', {
                        expect: 429,
                        code: 'rate_limit_exceeded',
                });
        });
});

test('a forgotten password: the new one has limits too', async () => {
        const mail = await startSmtp();
        const posted = await startServer({ env: { SMTP_URL: mail.url } });
        const there = api(posted);
        const email = `${unique()}@example.org`;
        await there('POST', '/api/v1/auth/register', {
                body: { email, password: PASSWORD },
                expect: 202,
        });
        const verify = { token: await mail.token(email) };
        await there('POST', '/api/v1/auth/email/verify', { body: verify, expect: 200 });
        await there('POST', '/api/v1/auth/password/forgot', { body: { email }, expect: 202 });
        const token = await mail.token(email);
        const reset = (new_password, more) =>
                there('POST', '/api/v1/auth/password/reset', {
                        body: { token, new_password },
                        ...more,
                });
        await reset('x1'.repeat(65), { expect: 422, code: 'password_too_long' });
        await reset('quiet orange bicycle 19', { expect: 200 });
        await posted.stop();
        mail.stop();
});

test('what was not allowed is in the audit, a flood of it as one record', async () => {
        const user = await newUser(call);
        const key = await newKey(user, ['chat']);
        const tries = Array.from({ length: 40 }, () =>
                key.call('GET', '/api/v1/memories', { expect: 403 }),
        );
        await Promise.all(tries);
        const denied = async () =>
                (await user.call('GET', '/api/v1/audit?event=authz_fail', { expect: 200 })).body;
        const count = (list) => list.reduce((n, r) => n + Number(r.reason.split(', ')[1]), 0);
        await eventually(async () => count(await denied()) === 40, 'all forty in the audit');
        const records = await denied();
        assert.ok(records.length <= 3, `${records.length} records`);
        for (const r of records)
                assert.deepEqual(
                        [r.outcome, r.actor, r.target, r.reason.split(', ')[0]],
                        [
                                'denied',
                                { type: 'api_key', id: key.key_id },
                                { type: 'route', id: 'memory.list_all' },
                                'insufficient_scope',
                        ],
                );
});

test('answers that count nothing say what is left all the same', async () => {
        const strict = await startServer({ env: { LIMITS: 'on' } });
        const user = await newUser(api(strict));
        const left = async (path) => {
                const { headers } = await user.call('GET', path, { expect: 200 });
                assert.equal(
                        headers.get('ratelimit-policy'),
                        '"burst";q=100;w=60,"daily";q=1000;w=86400',
                        path,
                );
                return /^"burst";r=(\d+);t=(\d+),"daily";r=(\d+);t=(\d+)$/
                        .exec(headers.get('ratelimit'))
                        .slice(1)
                        .map(Number);
        };
        const free = [
                '/api/v1/auth/me',
                '/api/v1/me',
                '/api/v1/auth/sessions',
                '/api/v1/auth/api-keys',
                '/api/v1/audit',
        ];
        for (const path of [...free, ...free]) {
                const [burst, window, daily, midnight] = await left(path);
                assert.deepEqual([burst, window, daily], [100, 60, 1000], path);
                assert.ok(midnight >= 1 && midnight <= 86400, path);
        }
        for (let n = 1; n <= 3; n++) {
                const counted = await left('/api/v1/memories');
                assert.deepEqual([counted[0], counted[2]], [100 - n, 1000 - n]);
                const seen = await left('/api/v1/auth/me');
                assert.deepEqual([seen[0], seen[2]], [100 - n, 1000 - n]);
        }
        const writer = await newUser(api(strict));
        const write = (n) =>
                writer.call('POST', '/api/v1/memories', {
                        body: { type: 'fact', content: `Jar ${n} holds ${n * 7} beans.` },
                });
        for (let n = 1; n <= 60; n++) assert.equal((await write(n)).status, 201);
        const tooMany = await write(61);
        assert.deepEqual([tooMany.status, tooMany.body['violated-policies']], [429, ['writes']]);
        assert.match(tooMany.headers.get('ratelimit'), /^"burst";r=40;.*"writes";r=0;/);
        await writer.call('GET', '/api/v1/memories', { expect: 200 });
        while ((await user.call('GET', '/api/v1/memories')).status === 200);
        assert.equal((await left('/api/v1/auth/me'))[0], 0, 'free, and nothing left of the rest');
        const key = await newKey(await newUser(api(strict)), ['chat']);
        const refused = await key.call('GET', '/api/v1/memories', { expect: 403 });
        assert.match(refused.headers.get('ratelimit'), /^"burst";r=100;/, 'refused, not counted');
        const audit = (who, event) => async () =>
                (await who.call('GET', `/api/v1/audit?event=${event}`, { expect: 200 })).body;
        const over = await eventually(
                async () => (await audit(user, 'excess_rate_limit_exceeded')())[0],
                'the limit in the audit',
        );
        assert.deepEqual(
                [over.outcome, over.target, over.reason],
                ['denied', { type: 'route', id: 'memory.list_all' }, 'rate_limit_exceeded, 1'],
        );
        const unknown = await api(strict)('GET', '/api/v1/auth/me', { expect: 401 });
        assert.equal(unknown.headers.get('ratelimit'), null, 'nobody has no quota');
        await strict.stop();
});
