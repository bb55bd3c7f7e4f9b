// SPDX-License-Identifier: MIT
// Tokens made by the real @auth/core and next-auth packages open; what only looks like one does not.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { encode as encodeV5 } from '@auth/core/jwt';
import nextAuth from 'next-auth/jwt';

import { api, unique } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';

const V5 = 'auth-js-secret-of-this-test-0123456789abcdef';
const OLD = 'auth-js-secret-before-the-rotation-0123456789';
const V4 = 'next-auth-secret-of-this-test-0123456789abcdef';
const ORIGIN = 'https://app.example.org';
const NAMES = ['authjs.session-token', '__Secure-authjs.session-token'];
const NAMES_V4 = ['next-auth.session-token', '__Secure-next-auth.session-token'];
let server, call;
before(async () => {
        server = await startServer({
                env: {
                        AUTH_SECRET: V5,
                        AUTH_SECRET_1: OLD,
                        NEXTAUTH_SECRET: V4,
                        CORS_ORIGINS: ORIGIN,
                },
        });
        call = api(server);
});
after(() => server.stop());

const person = (more = {}) => ({
        sub: unique('front-'),
        name: 'Ann Example',
        email: 'ann@example.com',
        picture: null,
        ...more,
});
const v5 = (token, salt = NAMES[0], secret = V5, maxAge = 3600) =>
        encodeV5({ token, salt, secret, maxAge });
const v4 = (token, secret = V4, maxAge = 3600) => nextAuth.encode({ token, secret, maxAge });
const cookie = (name, value) => ({ headers: { cookie: `theme=dark; ${name}=${value}; other=1` } });
const me = (options, more = {}) => call('GET', '/api/v1/me', { ...options, ...more });

test('v5 sessions open as Bearer and as cookie, under the name that salted them', async () => {
        for (const name of NAMES) {
                const who = person();
                const token = await v5(who, name);
                assert.equal((await me({ token }, { expect: 200 })).body.user_id, who.sub);
                assert.equal(
                        (await me(cookie(name, token), { expect: 200 })).body.user_id,
                        who.sub,
                );
                await me(
                        cookie(
                                NAMES.find((n) => n !== name),
                                token,
                        ),
                        { code: 'invalid_token' },
                );
                await me(
                        { headers: { authorization: `Bearer ${encodeURIComponent(token)}` } },
                        { expect: 200 },
                );
        }
});

test('v4 sessions open as Bearer and as cookie', async () => {
        const who = person();
        const token = await v4(who);
        assert.equal((await me({ token }, { expect: 200 })).body.user_id, who.sub);
        for (const name of NAMES_V4) await me(cookie(name, token), { expect: 200 });
        await me(cookie(NAMES[0], token), { code: 'invalid_token' });
        await me(
                {
                        token: await nextAuth.encode({
                                token: who,
                                secret: V4,
                                salt: 'next-auth.state',
                        }),
                },
                { code: 'invalid_token' },
        );
});

test('secrets that rotate, and secrets that are not ours', async () => {
        await me({ token: await v5(person(), NAMES[0], OLD) }, { expect: 200 });
        await me({ token: await v5(person(), NAMES[0], V4) }, { expect: 200 });
        await me(
                {
                        token: await v5(
                                person(),
                                NAMES[0],
                                'another-secret-that-is-long-enough-0123456789',
                        ),
                },
                { code: 'invalid_token' },
        );
        await me(
                { token: await v4(person(), 'another-secret-that-is-long-enough-0123456789') },
                { code: 'invalid_token' },
        );
});

test('chunked cookies are joined, look-alikes are ignored', async () => {
        const who = person({ roles: Array.from({ length: 400 }, (_, i) => `role-number-${i}`) });
        const token = await v5(who);
        assert.ok(token.length > 2 * 3936);
        const chunks = token.match(/.{1,3936}/g).map((c, i) => `${NAMES[0]}.${i}=${c}`);
        const send = (list, more) =>
                call('GET', '/api/v1/me', { headers: { cookie: list.join('; ') }, ...more });
        assert.equal((await send(chunks, { expect: 200 })).body.user_id, who.sub);
        assert.equal((await send([...chunks].reverse(), { expect: 200 })).body.user_id, who.sub);
        await send([`${NAMES[0]}-x.9=zzz`, ...chunks, `${NAMES[0]}.01=zzz`], { expect: 200 });
        await send(chunks.slice(1), { expect: 401 });
        await send([chunks[0], chunks[2]].filter(Boolean), { expect: 401 });
        await send([`authjs.csrf-token=${token.slice(0, 2000)}`], { code: 'not_authenticated' });
});

test('lifetimes', async () => {
        await me({ token: await v5(person(), NAMES[0], V5, -20) }, { code: 'token_expired' });
        await me({ token: await v5(person(), NAMES[0], V5, -5) }, { expect: 200 });
        await me({ token: await v4(person(), V4, -20) }, { code: 'token_expired' });
});

test('a bit flipped anywhere closes it', async () => {
        const token = await v5(person());
        for (let i = 0; i < token.length; i += 11) {
                const flipped =
                        token.slice(0, i) + (token[i] === 'A' ? 'B' : 'A') + token.slice(i + 1);
                if (flipped !== token) await me({ token: flipped }, { code: 'invalid_token' });
        }
        await me({ token: `${token}.x` }, { expect: 401 });
        const [h, , iv, ct, tag] = token.split('.');
        await me({ token: [h, 'AAAA', iv, ct, tag].join('.') }, { code: 'invalid_token' });
        const zeros = Buffer.alloc(64);
        for (const key of [zeros, zeros.subarray(32)])
                // a forgery under a key of zeros
                await me(
                        { token: await v5(person(), NAMES[0], key.toString('latin1')) },
                        { code: 'invalid_token' },
                );
});

test('a cookie changes nothing without an allowed origin', async () => {
        const token = await v5(person());
        const patch = (headers, more) =>
                call('PATCH', '/api/v1/me', {
                        body: { full_name: 'X' },
                        headers: { ...cookie(NAMES[0], token).headers, ...headers },
                        ...more,
                });
        await patch({}, { code: 'csrf_origin' });
        await patch({ origin: 'https://evil.example.org' }, { code: 'csrf_origin' });
        await patch({ origin: ORIGIN }, { expect: 200 });
        await call('PATCH', '/api/v1/me', { body: { full_name: 'X' }, token, expect: 200 });
});

test('the first use makes the account; logging out ends every session issued so far', async () => {
        const who = person();
        const token = await v5(who);
        await call('POST', '/api/v1/memories', {
                body: { type: 'fact', content: 'I live in Rome' },
                token,
                expect: 201,
        });
        const made = (await me({ token }, { expect: 200 })).body;
        assert.equal(made.tier, 'free');
        assert.equal(made.email, who.email);
        const second = await v5(who);
        await me({ token: second }, { expect: 200 });
        await call('POST', '/api/v1/auth/logout', { token, expect: 204 });
        await me({ token }, { code: 'invalid_token' });
        await me({ token: second }, { code: 'invalid_token' });
        await new Promise((done) => {
                setTimeout(done, 1100);
        });
        await me({ token: await v5(who) }, { expect: 200 });
});

test('an address links nothing, a usr_ subject is refused', async () => {
        const email = `${unique()}@example.org`;
        const { body } = await call('POST', '/api/v1/auth/register', {
                body: { email, password: 'a fine long password' },
                expect: 201,
        });
        const other = (await me({ token: await v5(person({ email })) }, { expect: 200 })).body;
        assert.notEqual(other.user_id, body.user_id);
        await me({ token: await v5(person({ sub: body.user_id })) }, { code: 'invalid_token' });
        await me({ token: '8a6e0804-2bd0-4672-b79d-d97027f9071a' }, { code: 'invalid_token' });
});
