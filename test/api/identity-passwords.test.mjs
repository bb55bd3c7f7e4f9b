// SPDX-License-Identifier: MIT
// Every operation that asks for the password again guards it as the sign-in does: wrong ones are
// refused, then delayed; a storm of them is turned away; API keys cannot stand in for the person.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, test } from 'node:test';

import { api, newKey, newUser, PASSWORD, signIn, unique } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';
import { startSmtp } from '../fake/smtp.mjs';

const GOOD = 'quiet orange bicycle 19';
const WRONG = 'not the password 123';
const address = () => `${unique()}@example.org`;

// The operation, and its body with a given password.
const table = [
        [
                'POST',
                '/api/v1/auth/password/change',
                (p) => ({ current_password: p, new_password: GOOD }),
        ],
        [
                'POST',
                '/api/v1/auth/email/change',
                (p) => ({ current_password: p, new_email: address() }),
        ],
        ['POST', '/api/v1/auth/mfa/totp', (p) => ({ password: p })],
        ['DELETE', '/api/v1/auth/mfa/totp', (p) => ({ password: p, code: '000000' })],
        ['PATCH', '/api/v1/me', (p) => ({ current_password: p, email: address() })],
        ['DELETE', '/api/v1/me', (p) => ({ password: p })],
];
const name = ([method, path]) => `${method} ${path.replace('/api/v1', '')}`;

let server, call;
before(async () => {
        server = await startServer({ env: { HASH_SLOTS: '1' } });
        call = api(server);
});
after(() => server.stop());

describe('a wrong password is refused, and from the fourth time on delayed', () => {
        for (const row of table)
                test(name(row), async () => {
                        const [method, path, body] = row;
                        const user = await newUser(call);
                        for (let i = 0; i < 3; i++)
                                await user.call(method, path, {
                                        body: body(WRONG),
                                        expect: 401,
                                        code: 'invalid_credentials',
                                });
                        await user.call(method, path, { body: body(WRONG) });
                        const late = await user.call(method, path, {
                                body: body(PASSWORD),
                                expect: 429,
                                code: 'login_delayed',
                        });
                        assert.ok(Number(late.headers.get('retry-after')) >= 1);
                        await user.call('GET', '/api/v1/auth/me', { expect: 200 });
                });
});

describe('without the password', () => {
        for (const row of table.filter(([, path]) => /mfa\/totp|\/me$/.test(path)))
                test(`an API key is not a person who just signed in: ${name(row)}`, async () => {
                        const [method, path] = row;
                        const key = await newKey(await newUser(call), ['profile']);
                        const { status } = await key.call(method, path, { body: {} });
                        assert.ok([403, 422].includes(status) || method === 'PATCH', `${status}`);
                });
        test('the address of a foreign account is not ours to change', async () => {
                const secret = 'a secret of the front end, long enough';
                const foreign = await startServer({
                        env: { NEXTAUTH_SECRET: secret },
                        admin: 'root@example.org',
                });
                const now = Math.floor(Date.now() / 1000);
                const part = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');
                const email = address();
                const text = `${part({ alg: 'HS256' })}.${part({ sub: 'x-1', email, iat: now, exp: now + 600 })}`;
                const mac = createHmac('sha256', secret).update(text).digest('base64url');
                const who = api(foreign).as({ token: `${text}.${mac}` });
                const me = await who('GET', '/api/v1/auth/me', { expect: 200 });
                const refused = { expect: 403, code: 'forbidden' };
                for (const [method, path, body] of [table[1], table[4]])
                        await who(method, path, { body: body(PASSWORD), ...refused });
                const root = (await signIn(api(foreign), 'root@example.org')).call;
                await root('POST', `/api/v1/admin/users/${me.body.user_id}/start-reset`, {
                        expect: 409,
                        code: 'conflict',
                });
                await foreign.stop();
        });
});

describe('a storm is turned away with 503 and Retry-After', () => {
        const storm = async (row, calls) => {
                const [method, path, body] = row;
                const answers = await Promise.all(
                        calls.map((c) => c(method, path, { body: body(WRONG) })),
                );
                const full = answers.filter((a) => a.status === 503);
                assert.ok(full.length, answers.map((a) => a.status).join(' '));
                for (const answer of full) {
                        assert.equal(answer.body.code, 'hash_queue_full');
                        assert.ok(Number(answer.headers.get('retry-after')) >= 1);
                }
        };
        for (const row of table)
                test(name(row), async () => {
                        const user = await newUser(call);
                        await storm(row, Array(40).fill(user.call));
                });
        test('POST /auth/register', () =>
                storm(
                        [
                                'POST',
                                '/api/v1/auth/register',
                                (p) => ({ email: address(), password: p }),
                        ],
                        Array(40).fill(call),
                ));
});

describe('what a new password and address may be', () => {
        const change = (user, new_password) =>
                user.call('POST', '/api/v1/auth/password/change', {
                        body: { current_password: PASSWORD, new_password },
                });
        test('too long, too common, too close to the address', async () => {
                const user = await newUser(call, { email: `margherita.${unique()}@example.org` });
                for (const [password, code] of [
                        ['x1'.repeat(65), 'password_too_long'],
                        ['x1'.repeat(5000), 'password_too_long'],
                        ['password123', 'password_too_common'],
                        [user.email, 'password_too_common'],
                ]) {
                        const { status, body } = await change(user, password);
                        assert.deepEqual([status, body.code], [422, code], password);
                        assert.deepEqual(
                                body.errors.map((e) => e.pointer),
                                ['#/new_password'],
                        );
                }
                assert.equal((await change(user, GOOD)).status, 200);
                const wrong = await change(user, PASSWORD);
                assert.deepEqual([wrong.status, wrong.body.code], [401, 'invalid_credentials']);
                const again = await signIn(call, user.email, GOOD);
                const records = await again.call('GET', '/api/v1/audit', { expect: 200 });
                assert.ok(records.body.some((r) => r.event === 'authn_password_change_fail'));
        });
        test('an address that is taken, where no mail can ask its owner', async () => {
                for (const ENVIRONMENT of ['production', 'development']) {
                        const mailless = await startServer({ env: { ENVIRONMENT, LIMITS: 'on' } });
                        const there = api(mailless);
                        const [one, two] = [await newUser(there), await newUser(there)];
                        for (const [method, path, body] of [table[1], table[4]]) {
                                const wish = body(PASSWORD);
                                const key = 'email' in wish ? 'email' : 'new_email';
                                await one.call(method, path, {
                                        body: { ...wish, [key]: two.email },
                                        expect: 409,
                                        code: 'email_taken',
                                });
                        }
                        await mailless.stop();
                }
        });
});

describe('where mail is delivered', () => {
        let mail, posted, there;
        before(async () => {
                mail = await startSmtp();
                posted = await startServer({ env: { SMTP_URL: mail.url } });
                there = api(posted);
        });
        after(async () => {
                await posted.stop();
                mail.stop();
        });
        const register = (email) =>
                there('POST', '/api/v1/auth/register', {
                        body: { email, password: PASSWORD },
                        expect: 202,
                });
        const login = (email, more) =>
                there('POST', '/api/v1/auth/login', {
                        body: { email, password: PASSWORD },
                        ...more,
                });

        test('nobody signs in before the letter is answered', async () => {
                const email = address();
                const first = await register(email);
                await login(email, { expect: 403, code: 'email_not_verified' });
                await login(email, {
                        body: { email, password: `not ${PASSWORD}` },
                        expect: 401,
                        code: 'invalid_credentials',
                });
                const token = await mail.token(email);
                const verify = { body: { token } };
                await there('POST', '/api/v1/auth/email/verify', { ...verify, expect: 200 });
                await there('POST', '/api/v1/auth/email/verify', {
                        ...verify,
                        code: 'invalid_link',
                });
                await login(email, { expect: 200 });
                const again = await register(email);
                assert.deepEqual(again.body, first.body, 'a known address must not show');
        });

        test('a second registration leaves the open letter alone', async () => {
                const email = address();
                await register(email);
                await there('POST', '/api/v1/auth/register', {
                        body: { email, password: `other ${PASSWORD}` },
                        expect: 202,
                });
                const notices = () => mail.letters.filter((l) => l.to === email);
                for (let i = 0; i < 50 && notices().length < 2; i++)
                        await new Promise((done) => setTimeout(done, 100));
                assert.deepEqual(
                        notices().map((l) => /Token: /.test(l.text)),
                        [true, false],
                );
                await there('POST', '/api/v1/auth/email/verify', {
                        body: { token: await mail.token(email) },
                        expect: 200,
                });
                await login(email, { expect: 200 });
        });

        test('an account from before there was mail has to verify its address', async () => {
                const grown = await startServer();
                const user = await newUser(api(grown));
                await grown.restart({ env: { SMTP_URL: mail.url } });
                await api(grown)('POST', '/api/v1/auth/login', {
                        body: { email: user.email, password: PASSWORD },
                        expect: 403,
                        code: 'email_not_verified',
                });
                await grown.stop();
        });

        test('an address taken between the wish and its confirmation', async () => {
                const [mine, wanted] = [address(), address()];
                for (const email of [mine, wanted]) await register(email);
                await there('POST', '/api/v1/auth/email/verify', {
                        body: { token: await mail.token(mine) },
                        expect: 200,
                });
                const { body } = await login(mine, { expect: 200 });
                const me = there.as({ token: body.access_token });
                const claim = await mail.token(wanted);
                await me('POST', '/api/v1/auth/email/change', {
                        body: { new_email: wanted, current_password: PASSWORD },
                        expect: 202,
                });
                await there('POST', '/api/v1/auth/email/verify', {
                        body: { token: claim },
                        expect: 200,
                });
                const confirm = async (to) => {
                        const token = await mail.token(to);
                        return there('POST', '/api/v1/auth/email/change/confirm', {
                                body: { token },
                        });
                };
                assert.equal((await confirm(mine)).status, 200);
                const second = await confirm(wanted);
                assert.deepEqual([second.status, second.body.code], [409, 'email_taken']);
        });
});

test('registration can be closed', async () => {
        const closed = await startServer({ env: { REGISTRATION: 'off' } });
        await api(closed)('POST', '/api/v1/auth/register', {
                body: { email: address(), password: PASSWORD },
                expect: 403,
                code: 'forbidden',
        });
        await closed.stop();
});
