// SPDX-License-Identifier: MIT
// Accounts from the first letter to the last row, over HTTP, with the development mailbox in place
// of a mail server.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { api, newKey, newUser, PASSWORD, signIn, unique } from '../lib/api.mjs';
import { runBinary, startServer } from '../lib/server.mjs';

const ADMIN = 'root@example.org';
let server, call, root;
before(async () => {
        server = await startServer({ admin: ADMIN });
        call = api(server);
        root = await signIn(call, ADMIN);
});
after(() => server.stop());

// The newest letter to an address whose subject matches, or undefined.
async function letter(to, subject) {
        const dir = join(server.dataDir, 'mail');
        const names = existsSync(dir)
                ? (await readdir(dir))
                          .filter((n) => n.endsWith('.eml'))
                          .sort()
                          .reverse()
                : [];
        for (const name of names) {
                const text = await readFile(join(dir, name), 'utf8').catch(() => '');
                if (text.startsWith(`To: ${to}\n`) && subject.test(text.split('\n')[1]))
                        return text;
        }
        return undefined;
}

async function mailed(to, subject) {
        for (let i = 0; i < 100; i++, await sleep(100)) {
                const text = await letter(to, subject);
                if (text) return /^Token: (\S+)$/m.exec(text)?.[1] ?? text;
        }
        throw new Error(`no letter to ${to}`);
}

async function until(what, probe) {
        for (let i = 0; i < 150; i++, await sleep(100)) {
                const value = await probe();
                if (value) return value;
        }
        throw new Error(`never: ${what}`);
}

function totp(secret, at = Date.now()) {
        const bits = [...secret]
                .map((c) =>
                        'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0'),
                )
                .join('');
        const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
        const counter = Buffer.alloc(8);
        counter.writeBigUInt64BE(BigInt(Math.floor(at / 30000)));
        const mac = createHmac('sha1', key).update(counter).digest();
        return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1e6).padStart(6, '0');
}

test('sign up, sign in, and what is refused', async () => {
        const email = `${unique()}@example.org`;
        const made = await call('POST', '/api/v1/auth/register', {
                body: { email: ` ${email.toUpperCase()} `, password: PASSWORD },
                expect: 201,
        });
        assert.equal(made.body.email, email);
        assert.match(made.body.user_id, /^usr_[0-9a-hjkmnp-tv-z]{26}$/);
        assert.equal(made.body.tier, 'free');
        await call('POST', '/api/v1/auth/register', {
                body: { email: email.replace('@', '\uff20'), password: PASSWORD },
                code: 'email_taken',
        });
        for (const [body, pointer] of [
                [{ email, password: 'short' }, '#/password'],
                [{ email: 'nobody', password: PASSWORD }, '#/email'],
                [{ email: 'a@b@c.de', password: PASSWORD }, '#/email'],
                [{ password: PASSWORD }, '#/email'],
                [{ email, password: PASSWORD, tier: 'pro' }, '#/tier'],
                [{ email, password: PASSWORD, is_admin: true }, '#/is_admin'],
                [
                        { email, password: PASSWORD, confirm_password: 'another one' },
                        '#/confirm_password',
                ],
        ]) {
                const r = await call('POST', '/api/v1/auth/register', { body, expect: 422 });
                assert.equal(r.body.errors[0].pointer, pointer);
        }
        await call('POST', '/api/v1/auth/register', {
                body: { email: `x${email}`, password: 'password123' },
                code: 'password_too_common',
        });
        await call('POST', '/api/v1/auth/register', {
                body: { email: `x${email}`, password: 'ab'.repeat(65) },
                code: 'password_too_long',
        });
        const unknown = await call('POST', '/api/v1/auth/login', {
                body: { email: `no${email}`, password: 'wrong wrong' },
                code: 'invalid_credentials',
        });
        const known = await call('POST', '/api/v1/auth/login', {
                body: { email, password: 'wrong wrong' },
                code: 'invalid_credentials',
        });
        const bare = ({ instance, request_id, ...rest }) => rest;
        assert.deepEqual(bare(unknown.body), bare(known.body));
        for (const { headers } of [unknown, known])
                assert.equal(headers.get('www-authenticate'), 'Bearer realm="mainstay"');
});

test('every alias answers as the path it stands for', async () => {
        const email = `${unique()}@example.org`;
        await call('POST', '/api/auth/register', {
                body: { email, password: PASSWORD },
                expect: 201,
        });
        const { body } = await call('POST', '/api/auth/login', {
                body: { email, password: PASSWORD },
                expect: 200,
        });
        const me = call.as({ token: body.access_token });
        assert.equal((await me('GET', '/api/auth/me', { expect: 200 })).body.email, email);
        assert.equal(
                (await me('POST', '/api/auth/validate-token', { expect: 200 })).body.valid,
                true,
        );
        assert.equal(
                (await me('POST', '/api/v1/auth/validate-token', { expect: 200 })).body.user_id,
                body.user_id,
        );
        assert.equal(
                (await call('GET', '/api/auth/status', { expect: 200 })).body.email_delivery,
                false,
        );
        assert.equal(
                (await call('GET', '/api/v1/auth/status', { expect: 200 })).body.registration_open,
                true,
        );
        await call('POST', '/api/auth/refresh', {
                body: { refresh_token: body.refresh_token },
                expect: 200,
        });
        const a = await call('GET', '/.well-known/jwks.json', { expect: 200 });
        const b = await call('GET', '/api/v1/auth/jwks', { expect: 200 });
        assert.equal(a.text, b.text);
        assert.equal(a.headers.get('cache-control'), 'max-age=300');
        await me('POST', '/api/auth/logout', { expect: 204 });
        await me('GET', '/api/v1/me', { code: 'invalid_token' });
});

test('refresh: successor, identical retry, theft', async () => {
        const ann = await newUser(call);
        const turn = (refresh_token, more) =>
                call('POST', '/api/v1/auth/refresh', { body: { refresh_token }, ...more });
        const next = (await turn(ann.refresh, { expect: 200 })).body;
        const again = (await turn(ann.refresh, { expect: 200 })).body;
        assert.equal(again.refresh_token, next.refresh_token);
        assert.notEqual(next.refresh_token, ann.refresh);
        const claims = (t) => JSON.parse(Buffer.from(t.split('.')[1], 'base64url'));
        assert.deepEqual(claims(again.access_token), claims(next.access_token));
        const third = (await turn(next.refresh_token, { expect: 200 })).body;
        await turn(ann.refresh, { code: 'refresh_reused' });
        await turn(third.refresh_token, { code: 'invalid_refresh_token' });
        await call('GET', '/api/v1/me', { token: third.access_token, code: 'invalid_token' });
        await turn('mr_nonsense', { code: 'invalid_refresh_token' });
        await turn(third.access_token, { code: 'invalid_refresh_token' });
        await call('POST', `/api/v1/auth/refresh?refresh_token=${third.refresh_token}`, {
                body: {},
                expect: 422,
        });
});

test('sessions: list, end one, end all', async () => {
        const ann = await newUser(call);
        const two = await signIn(call, ann.email, PASSWORD, { remember_me: true });
        const bob = await newUser(call);
        const list = (await ann.call('GET', '/api/v1/auth/sessions', { expect: 200 })).body
                .sessions;
        assert.equal(list.length, 2);
        assert.equal(list.filter((s) => s.current).length, 1);
        assert.equal(list.filter((s) => s.remember_me).length, 1);
        const other = list.find((s) => !s.current);
        await bob.call('DELETE', `/api/v1/auth/sessions/${other.session_id}`, { expect: 404 });
        await ann.call('DELETE', `/api/v1/auth/sessions/${other.session_id}`, { expect: 204 });
        await two.call('GET', '/api/v1/me', { code: 'invalid_token' });
        const three = await signIn(call, ann.email);
        assert.equal(
                (
                        await ann.call('POST', '/api/v1/auth/logout-all', {
                                body: { keep_current: true },
                                expect: 200,
                        })
                ).body.revoked_sessions,
                1,
        );
        await three.call('GET', '/api/v1/me', { expect: 401 });
        await ann.call('GET', '/api/v1/me', { expect: 200 });
        await ann.call('POST', '/api/v1/auth/logout-all', { expect: 200 });
        await ann.call('GET', '/api/v1/me', { expect: 401 });
});

test('API keys: made, used, rotated, deleted, never more than their maker', async () => {
        const ann = await newUser(call);
        const bob = await newUser(call);
        const k = await newKey(ann, ['keys:manage', 'chat']);
        assert.match(k.key, /^ms_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$/);
        await k.call('GET', '/api/v1/me', { expect: 200 });
        await call('GET', '/api/v1/me', {
                headers: { authorization: `Token ${k.key}` },
                expect: 200,
        });
        await k.call('GET', '/api/v1/memories', { code: 'insufficient_scope' });
        await k.call('POST', '/api/v1/auth/api-keys', {
                body: { name: 'more', scopes: ['memories:read'] },
                code: 'insufficient_scope',
        });
        await k.call('POST', '/api/v1/auth/logout', { code: 'forbidden' });
        await ann.call('POST', '/api/v1/auth/api-keys', {
                body: { name: 'a', scopes: ['admin'] },
                code: 'insufficient_scope',
        });
        await ann.call('POST', '/api/v1/auth/api-keys', {
                body: { name: 'a', scopes: ['nothing'] },
                expect: 422,
        });
        await ann.call('POST', '/api/v1/auth/api-keys', {
                body: { name: 'a', scopes: ['chat'], ip_ranges: ['10.0.0.0/40'] },
                expect: 422,
        });
        const elsewhere = await newKey(ann, ['chat'], { ip_ranges: ['203.0.113.0/24'] });
        await elsewhere.call('GET', '/api/v1/me', { code: 'invalid_token' });
        const here = await newKey(ann, ['chat'], { ip_ranges: ['127.0.0.0/8', '::1'] });
        await here.call('GET', '/api/v1/me', { expect: 200 });
        const mistyped = k.key.slice(0, -1) + (k.key.endsWith('0') ? '1' : '0');
        await call('GET', '/api/v1/me', { key: mistyped, code: 'invalid_token' });
        await bob.call('POST', `/api/v1/auth/api-keys/${k.key_id}/rotate`, {
                body: {},
                expect: 404,
        });
        await bob.call('DELETE', `/api/v1/auth/api-keys/${k.key_id}`, { expect: 404 });
        const turned = (
                await ann.call('POST', `/api/v1/auth/api-keys/${k.key_id}/rotate`, {
                        body: {},
                        expect: 201,
                })
        ).body;
        assert.equal(turned.key_id, k.key_id);
        await k.call('GET', '/api/v1/me', { code: 'invalid_token' });
        await call('GET', '/api/v1/me', { key: turned.api_key, expect: 200 });
        const shown = await until('the use is written down', async () =>
                (
                        await ann.call('GET', '/api/v1/auth/api-keys', { expect: 200 })
                ).body.api_keys.find((x) => x.key_id === k.key_id && x.last_used),
        );
        assert.equal(shown.last_used_ip, '127.0.0.1');
        assert.ok(!JSON.stringify(shown).includes(turned.api_key.slice(16)));
        await ann.call('DELETE', `/api/v1/auth/api-keys/${k.key_id}`, { expect: 204 });
        await call('GET', '/api/v1/me', { key: turned.api_key, code: 'invalid_token' });
});

test('a bad Bearer decides, even beside a good key', async () => {
        const k = await newKey(await newUser(call));
        await k.call('GET', '/api/v1/me', { token: 'nonsense', code: 'invalid_token' });
        const r = await call('GET', '/api/v1/me', { code: 'not_authenticated' });
        assert.equal(r.headers.get('www-authenticate'), 'Bearer realm="mainstay"');
});

test('password: change, forgotten, reset', async () => {
        const ann = await newUser(call);
        const two = await signIn(call, ann.email);
        await ann.call('POST', '/api/v1/auth/password/change', {
                body: { current_password: 'wrong wrong', new_password: 'a second password' },
                code: 'invalid_credentials',
        });
        await ann.call('POST', '/api/v1/auth/password/change', {
                body: { current_password: PASSWORD, new_password: 'short' },
                expect: 422,
        });
        await ann.call('POST', '/api/v1/auth/password/change', {
                body: { current_password: PASSWORD, new_password: 'a second password' },
                expect: 200,
        });
        await ann.call('GET', '/api/v1/me', { expect: 200 });
        await two.call('GET', '/api/v1/me', { expect: 401 });
        await call('POST', '/api/v1/auth/login', {
                body: { email: ann.email, password: PASSWORD },
                expect: 401,
        });

        const a = await call('POST', '/api/v1/auth/password/forgot', {
                body: { email: ann.email },
                expect: 202,
        });
        const b = await call('POST', '/api/v1/auth/password/forgot', {
                body: { email: `no${ann.email}` },
                expect: 202,
        });
        assert.equal(a.text, b.text);
        const token = await mailed(ann.email, /new password/);
        await call('POST', '/api/v1/auth/password/reset', {
                body: { token: 'wrong', new_password: 'a third password' },
                code: 'invalid_link',
        });
        await call('POST', '/api/v1/auth/password/reset', {
                body: { token, new_password: ann.email },
                code: 'password_too_common',
        });
        await call('POST', '/api/v1/auth/password/reset', {
                body: { token, new_password: 'a third password' },
                expect: 200,
        });
        await call('POST', '/api/v1/auth/password/reset', {
                body: { token, new_password: 'a fourth password' },
                code: 'invalid_link',
        });
        await ann.call('GET', '/api/v1/me', { expect: 401 });
        await signIn(call, ann.email, 'a third password');
        assert.equal(await letter(`no${ann.email}`, /./), undefined);
});

test('one reset token, 20 at once: one password', async () => {
        const ann = await newUser(call);
        await call('POST', '/api/v1/auth/password/forgot', {
                body: { email: ann.email },
                expect: 202,
        });
        const token = await mailed(ann.email, /new password/);
        const answers = await Promise.all(
                Array.from({ length: 20 }, (_, i) =>
                        call('POST', '/api/v1/auth/password/reset', {
                                body: { token, new_password: `the password no ${i}` },
                        }),
                ),
        );
        assert.equal(
                answers.filter((r) => r.status === 200).length,
                1,
                JSON.stringify(answers.map((r) => r.status)),
        );
        assert.ok(answers.every((r) => [200, 422, 503].includes(r.status)));
});

test('address: both mailboxes confirm', async () => {
        const ann = await newUser(call);
        const next = `${unique()}@example.org`;
        await ann.call('POST', '/api/v1/auth/email/change', {
                body: { new_email: next, current_password: 'wrong wrong' },
                code: 'invalid_credentials',
        });
        const r = await ann.call('POST', '/api/v1/auth/email/change', {
                body: { new_email: next, current_password: PASSWORD },
                expect: 202,
        });
        assert.equal(r.body.status, 'pending');
        const fresh = await mailed(next, /Confirm your new/);
        const old = await mailed(ann.email, /Confirm the change/);
        const confirm = (token, more) =>
                call('POST', '/api/v1/auth/email/change/confirm', { body: { token }, ...more });
        assert.equal((await confirm(fresh, { expect: 200 })).body.status, 'pending');
        await confirm(fresh, { code: 'invalid_link' });
        assert.equal((await ann.call('GET', '/api/v1/me')).body.email, ann.email);
        assert.equal((await confirm(old, { expect: 200 })).body.status, 'changed');
        assert.equal((await ann.call('GET', '/api/v1/me')).body.email, next);
        await mailed(ann.email, /was changed/);
        await signIn(call, next);
        await call('POST', '/api/v1/auth/login', {
                body: { email: ann.email, password: PASSWORD },
                expect: 401,
        });
});

test('second factor: enrol, sign in, recover, remove', async () => {
        const ann = await newUser(call);
        const { secret, otpauth_uri } = (
                await ann.call('POST', '/api/v1/auth/mfa/totp', { expect: 200 })
        ).body;
        assert.ok(otpauth_uri.startsWith('otpauth://totp/') && otpauth_uri.includes(secret));
        await ann.call('POST', '/api/v1/auth/mfa/totp/confirm', {
                body: { code: '000000' },
                code: 'invalid_code',
        });
        const now = Date.now();
        const { recovery_codes } = (
                await ann.call('POST', '/api/v1/auth/mfa/totp/confirm', {
                        body: { code: totp(secret, now - 30000) },
                        expect: 200,
                })
        ).body;
        assert.equal(new Set(recovery_codes).size, 10);
        await ann.call('POST', '/api/v1/auth/mfa/totp', {
                body: { password: PASSWORD },
                code: 'conflict',
        });
        const first = async () =>
                (
                        await call('POST', '/api/v1/auth/login', {
                                body: { email: ann.email, password: PASSWORD },
                                expect: 200,
                        })
                ).body;
        const one = await first();
        assert.equal(one.mfa_required, true);
        assert.equal(one.access_token, undefined);
        await call('GET', '/api/v1/me', { token: one.mfa_token, code: 'invalid_token' });
        const verify = (mfa_token, code, more) =>
                call('POST', '/api/v1/auth/mfa/verify', { body: { mfa_token, code }, ...more });
        await verify(one.mfa_token, '123456', { code: 'invalid_code' });
        const pair = (await verify(one.mfa_token, totp(secret, now), { expect: 200 })).body;
        assert.equal(pair.user_id, ann.user_id);
        await verify(one.mfa_token, recovery_codes[0], { code: 'invalid_link' });
        const two = await first();
        await verify(two.mfa_token, totp(secret, now), { code: 'invalid_code' }); // a step counts once
        await verify(two.mfa_token, recovery_codes[0].toLowerCase(), { expect: 200 });
        const three = await first();
        await verify(three.mfa_token, recovery_codes[0], { code: 'invalid_code' });
        await ann.call('DELETE', '/api/v1/auth/mfa/totp', {
                body: { password: PASSWORD, code: '123456' },
                code: 'invalid_code',
        });
        for (let i = 0; i < 4; i++)
                await verify(three.mfa_token, '123456', { code: 'invalid_code' });
        const sixth = await verify(three.mfa_token, recovery_codes[2], { code: 'login_delayed' });
        assert.ok(Number(sixth.headers.get('retry-after')) >= 1);
        await call('POST', '/api/v1/auth/login', {
                body: { email: ann.email, password: PASSWORD },
                code: 'login_delayed',
        });
        await ann.call('DELETE', '/api/v1/auth/mfa/totp', {
                body: { password: PASSWORD, code: recovery_codes[1] },
                code: 'login_delayed',
        });
});

test('second factor: the wait also binds a sign-in that had passed the password', async () => {
        const ann = await newUser(call);
        const { secret } = (await ann.call('POST', '/api/v1/auth/mfa/totp', { expect: 200 })).body;
        const { recovery_codes } = (
                await ann.call('POST', '/api/v1/auth/mfa/totp/confirm', {
                        body: { code: totp(secret) },
                        expect: 200,
                })
        ).body;
        const first = async () =>
                (
                        await call('POST', '/api/v1/auth/login', {
                                body: { email: ann.email, password: PASSWORD },
                                expect: 200,
                        })
                ).body.mfa_token;
        const verify = (mfa_token, code, more) =>
                call('POST', '/api/v1/auth/mfa/verify', { body: { mfa_token, code }, ...more });
        const token = await first();
        for (let i = 0; i < 4; i++)
                await call('POST', '/api/v1/auth/login', {
                        body: { email: ann.email, password: 'wrong wrong' },
                        code: 'invalid_credentials',
                });
        const r = await verify(token, recovery_codes[0], { code: 'login_delayed' });
        assert.ok(Number(r.headers.get('retry-after')) >= 1);
        await sleep(1100);
        await verify(token, recovery_codes[0], { expect: 200 });
        await ann.call('DELETE', '/api/v1/auth/mfa/totp', {
                body: { password: PASSWORD, code: recovery_codes[1] },
                expect: 204,
        });
        await signIn(call, ann.email);
});

test('profile and consents', async () => {
        const ann = await newUser(call);
        const r = await ann.call('PATCH', '/api/v1/me', {
                body: { full_name: 'Änn', consents: { llm_processing: false } },
                expect: 200,
        });
        assert.equal(r.body.full_name, 'Änn');
        assert.deepEqual(r.body.consents, { memory_extraction: true, llm_processing: false });
        assert.deepEqual((await ann.call('GET', '/api/v1/auth/me')).body.consents, r.body.consents);
        await ann.call('PATCH', '/api/v1/auth/me', { body: { full_name: 'Ann' }, expect: 200 });
        await ann.call('PATCH', '/api/v1/auth/me', { body: { tier: 'pro' }, expect: 422 });
        await ann.call('PATCH', '/api/v1/me', { body: { email: 'new@example.org' }, expect: 422 });
});

test('administration: only by administrators, in force at once', async () => {
        const ann = await newUser(call);
        for (const [method, path] of [
                ['GET', '/api/v1/admin/users'],
                ['GET', `/api/v1/admin/users/${ann.user_id}`],
                ['GET', '/api/v1/admin/keys'],
                ['POST', `/api/v1/admin/users/${ann.user_id}/revoke-sessions`],
                ['POST', `/api/v1/admin/users/${ann.user_id}/start-reset`],
                ['POST', '/api/v1/admin/keys/rotate'],
                ['POST', '/api/v1/admin/keys/x/retire'],
        ])
                await ann.call(method, path, { expect: 403 });
        await ann.call('PATCH', `/api/v1/admin/users/${ann.user_id}`, {
                body: { is_admin: true },
                expect: 403,
        });

        const found = (
                await root.call(
                        'GET',
                        `/api/v1/admin/users?email=${encodeURIComponent(ann.email)}`,
                        { expect: 200 },
                )
        ).body.users;
        assert.deepEqual(
                found.map((u) => u.user_id),
                [ann.user_id],
        );
        const seen = [];
        for (let cursor = ''; cursor !== null;) {
                const page = (
                        await root.call(
                                'GET',
                                `/api/v1/admin/users?limit=3${cursor && `&cursor=${cursor}`}`,
                                { expect: 200 },
                        )
                ).body;
                seen.push(...page.users.map((u) => u.user_id));
                cursor = page.next_cursor;
        }
        assert.equal(new Set(seen).size, seen.length);
        assert.ok(seen.includes(ann.user_id));
        await root.call('GET', '/api/v1/admin/users?cursor=%21', { expect: 422 });

        const patch = (body, more) =>
                root.call('PATCH', `/api/v1/admin/users/${ann.user_id}`, { body, ...more });
        assert.equal((await patch({ tier: 'pro' }, { expect: 200 })).body.max_memories, 100000);
        assert.equal((await ann.call('POST', '/api/v1/auth/validate-token')).body.tier, 'pro');
        assert.equal((await patch({ max_memories: 7 }, { expect: 200 })).body.max_memories, 7);
        for (const max_memories of [null, -1]) {
                const { body } = await patch({ max_memories }, { expect: 200 });
                assert.equal(body.max_memories, null);
        }
        await root.call('POST', `/api/v1/admin/users/${ann.user_id}/start-reset`, { expect: 202 });
        await mailed(ann.email, /new password/);
        assert.equal(
                (
                        await root.call(
                                'POST',
                                `/api/v1/admin/users/${ann.user_id}/revoke-sessions`,
                                { expect: 200 },
                        )
                ).body.revoked_sessions,
                1,
        );
        await ann.call('GET', '/api/v1/me', { expect: 401 });
        const back = await signIn(call, ann.email);
        const k = await newKey(back);
        await patch({ is_active: false }, { expect: 200 });
        await back.call('GET', '/api/v1/me', { expect: 401 });
        await k.call('GET', '/api/v1/me', { expect: 403 });
        await call('POST', '/api/v1/auth/login', {
                body: { email: ann.email, password: PASSWORD },
                code: 'invalid_credentials',
        });
        await root.call('POST', `/api/v1/admin/users/${ann.user_id}/start-reset`, {
                code: 'conflict',
        });
        await root.call('PATCH', `/api/v1/admin/users/${root.user_id}`, {
                body: { is_admin: false },
                code: 'conflict',
        });
        await root.call('GET', '/api/v1/admin/users/usr_nobody', { expect: 404 });
});

test('introspection says only what is good now', async () => {
        const ann = await newUser(call);
        const ask = (token, who = root.call) =>
                who('POST', '/api/v1/auth/introspect', {
                        raw: new URLSearchParams({ token }).toString(),
                        headers: { 'content-type': 'application/x-www-form-urlencoded' },
                });
        const good = (await ask(ann.token)).body;
        assert.equal(good.active, true);
        assert.equal(good.sub, ann.user_id);
        assert.equal((await ask(ann.token, ann.call)).status, 403);
        await ann.call('POST', '/api/v1/auth/logout', { expect: 204 });
        for (const token of [ann.token, 'nonsense', ann.refresh, 'ms_x'])
                assert.equal((await ask(token)).text, '{"active":false}');
});

test("audit: one's own events, and all of them for administrators", async () => {
        const ann = await newUser(call);
        const bob = await newUser(call);
        await call('POST', '/api/v1/auth/login', {
                body: { email: ann.email, password: 'wrong wrong' },
                expect: 401,
        });
        const own = (await ann.call('GET', '/api/v1/audit', { expect: 200 })).body;
        assert.deepEqual(
                own.map((r) => r.event),
                ['authn_login_fail', 'session_created', 'authn_login_success', 'user_created'],
        );
        assert.ok(own.every((r) => r.ip === '127.0.0.1'));
        assert.ok(!JSON.stringify(own).includes(bob.user_id));
        const all = (
                await root.call('GET', '/api/v1/audit?event=user_created&limit=200', {
                        expect: 200,
                })
        ).body;
        assert.ok(all.some((r) => r.target.id === bob.user_id));
        const [first] = (await ann.call('GET', '/api/v1/audit?limit=1', { expect: 200 })).body;
        const [second] = (
                await ann.call('GET', `/api/v1/audit?limit=1&cursor=${first.seq}`, { expect: 200 })
        ).body;
        assert.equal(second.event, 'session_created');
        await ann.call('GET', '/api/v1/audit?cursor=x', { expect: 422 });
        await ann.call('GET', '/api/v1/audit?outcome=maybe', { expect: 422 });
});

test('signing keys rotate under load without a refused request', async () => {
        const ann = await newUser(call);
        let on = true,
                count = 0;
        const load = Promise.all(
                Array.from({ length: 8 }, async () => {
                        for (; on; count++)
                                await ann.call('GET', '/api/v1/me', { expect: 200, judge: false });
                }),
        );
        await root.call('POST', '/api/v1/admin/keys/rotate', { expect: 202 });
        const keys = (await root.call('GET', '/api/v1/admin/keys', { expect: 200 })).body;
        assert.equal(keys.length, 2);
        const jwks = (await call('GET', '/.well-known/jwks.json', { expect: 200 })).body.keys;
        assert.deepEqual(jwks.map((k) => k.kid).sort(), keys.map((k) => k.kid).sort());
        assert.ok(jwks.every((k) => k.d === undefined));
        const current = keys.find((k) => k.is_current);
        await root.call('POST', `/api/v1/admin/keys/${current.kid}/retire`, { code: 'conflict' });
        await root.call('POST', '/api/v1/admin/keys/none/retire', { expect: 404 });
        await (await signIn(call, ann.email)).call('GET', '/api/v1/me', { expect: 200 });
        on = false;
        await load;
        assert.ok(count > 8);
});

const CANARY = () => unique('canary');

test('export holds every canary, erasure leaves none', async () => {
        const canaries = {
                name: CANARY(),
                key: CANARY(),
                memory: CANARY(),
                told: CANARY(),
                agent: CANARY(),
                mail: CANARY(),
        };
        const email = `${canaries.mail}@example.org`;
        const bob = await newUser(call, { full_name: 'Bob' });
        await call('POST', '/api/v1/auth/register', {
                body: { email, password: PASSWORD, full_name: canaries.name },
                expect: 201,
        });
        const ann = await signIn(call.as({ headers: { 'user-agent': canaries.agent } }), email);
        await newKey(ann, ['chat'], { name: canaries.key });
        await ann.call('POST', '/api/v1/memories', {
                body: { content: `I like ${canaries.memory}`, type: 'preference' },
                expect: 201,
        });
        await ann.call('POST', '/api/v1/conversation', {
                body: { message: `Remember that my word is ${canaries.told}` },
                expect: 200,
        });
        await call('POST', '/api/v1/auth/password/forgot', { body: { email }, expect: 202 });
        await mailed(email, /new password/);

        const job = (await ann.call('POST', '/api/v1/me/export', { expect: 202 })).body;
        await ann.call('POST', '/api/v1/me/export', { code: 'conflict' });
        await bob.call('GET', `/api/v1/me/export/${job.job_id}`, { expect: 404 });
        const ready = await until('the export is ready', async () => {
                const { body } = await ann.call('GET', `/api/v1/me/export/${job.job_id}`, {
                        expect: 200,
                });
                return body.status === 'ready' && body;
        });
        const url = new URL(ready.download_url);
        const zip = Buffer.from(
                await (await fetch(server.base + url.pathname + url.search)).arrayBuffer(),
        );
        assert.equal(createHash('sha256').update(zip).digest('hex'), ready.sha256);
        for (const [where, word] of Object.entries(canaries))
                assert.ok(zip.includes(word), `the export lacks the canary of ${where}`);
        const file = join(server.dataDir, '..', `${unique('export-')}.zip`);
        await writeFile(file, zip);
        assertArchive(file);
        await rm(file);
        const other = url.search.replace(/signature=./, (s) => (s.endsWith('A') ? 'signature=B' : 'signature=A'));
        await call('GET', url.pathname + other, { expect: 404 });
        await bob.call('GET', url.pathname + url.search, { expect: 404 });

        await ann.call('DELETE', '/api/v1/me', {
                body: { password: 'wrong wrong' },
                code: 'invalid_credentials',
        });
        const gone = (
                await ann.call('DELETE', '/api/v1/me', {
                        body: { password: PASSWORD },
                        expect: 202,
                })
        ).body;
        await ann.call('GET', '/api/v1/me', { expect: 401 });
        await call('POST', '/api/v1/auth/login', {
                body: { email, password: PASSWORD },
                expect: 401,
        });
        await until(
                'the erasure is done',
                async () =>
                        (await call('GET', `/api/v1/erasures/${gone.receipt}`, { expect: 200 }))
                                .body.status === 'completed',
        );
        await call('GET', '/api/v1/erasures/era_nothing', { expect: 404 });
        assert.equal((await bob.call('GET', '/api/v1/me', { expect: 200 })).body.full_name, 'Bob');
        await call('GET', url.pathname + url.search, { expect: 404 });

        const backup = join(server.dataDir, 'after.backup');
        const made = await runBinary(['backup', backup], { dataDir: server.dataDir });
        assert.equal(made.code, 0, made.stderr);
        for (const name of await readdir(server.dataDir, { recursive: true })) {
                const bytes = await readFile(join(server.dataDir, name)).catch(() =>
                        Buffer.alloc(0),
                );
                for (const [where, word] of Object.entries(canaries))
                        assert.ok(
                                !bytes.includes(word),
                                `${name} still holds the canary of ${where}`,
                        );
        }
        assert.ok(!JSON.stringify(server.logs).match(/canary[0-9a-f]{12}/));
        const verdict = (
                await root.call('GET', '/api/v1/audit?event=user_deleted', { expect: 200 })
        ).body;
        assert.ok(verdict.some((r) => r.target.id === ann.user_id));
});

// As another reader sees it: every checksum, and what the manifest says of each file.
function assertArchive(file) {
        const script = `
import hashlib, json, sys, time, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
print(json.dumps([dict(file=i.filename, bytes=i.file_size, mode=i.external_attr >> 16,
    sha256=hashlib.sha256(z.read(i)).hexdigest(), at=time.mktime(i.date_time + (0, 0, 0)))
    for i in z.infolist()]))
print(z.read("manifest.json").decode())`;
        const [held, told] = execFileSync('python3', ['-c', script, file], {
                encoding: 'utf8',
                env: { ...process.env, TZ: 'UTC' },
        })
                .split('\n')
                .map((line) => line && JSON.parse(line));
        const manifest = held.pop();
        assert.equal(manifest.file, 'manifest.json');
        assert.deepEqual(
                held.map(({ file, bytes, sha256 }) => ({ file, bytes, sha256 })),
                told.files,
        );
        for (const { file, mode, at } of [...held, manifest]) {
                assert.equal(mode, 0o100600, file);
                assert.ok(Math.abs(at - Date.parse(told.made_at) / 1000) <= 2, file);
        }
}

test('a deletion is taken back within its grace', async () => {
        const kind = await startServer({ env: { ERASURE_GRACE_SECONDS: '3600' } });
        const ask = api(kind);
        const ann = await newUser(ask);
        await ann.call('POST', '/api/v1/memories', {
                body: { content: 'I like tea', type: 'preference' },
                expect: 201,
        });
        const gone = (
                await ann.call('DELETE', '/api/v1/auth/me', {
                        body: { password: PASSWORD },
                        expect: 202,
                })
        ).body;
        assert.ok(Date.parse(gone.erase_at) > Date.now() + 3500e3);
        await ann.call('GET', '/api/v1/me', { expect: 401 });
        await ask('POST', '/api/v1/auth/login', {
                body: { email: ann.email, password: PASSWORD },
                code: 'invalid_credentials',
        });
        assert.equal(
                (await ask('GET', `/api/v1/erasures/${gone.receipt}`)).body.status,
                'scheduled',
        );
        const restore = (email, password, more) =>
                ask('POST', '/api/v1/me/restore', { body: { email, password }, ...more });
        await restore(ann.email, 'wrong wrong', { code: 'invalid_credentials' });
        await restore(`no${ann.email}`, PASSWORD, { code: 'invalid_credentials' });
        await restore(ann.email, PASSWORD, { expect: 200 });
        const back = await signIn(ask, ann.email);
        assert.match((await back.call('GET', '/api/v1/memories', { expect: 200 })).text, /tea/);
        await restore(ann.email, PASSWORD, { code: 'invalid_credentials' });
        for (let i = 0; i < 6; i++) await restore(ann.email, PASSWORD);
        await restore(ann.email, PASSWORD, { code: 'login_delayed' });
        const flood = await Promise.all(
                Array.from({ length: 40 }, (_, i) => restore(`a${i}@example.org`, PASSWORD)),
        );
        assert.ok(flood.some((r) => r.body.code === 'hash_queue_full'));
        await kind.stop();
});

test('audit verify over the whole run', async () => {
        await server.stop({ keep: true });
        const r = await runBinary(['audit', 'verify', '--json'], { dataDir: server.dataDir });
        assert.equal(r.code, 0, r.stderr);
        assert.equal(JSON.parse(r.stdout).fault, '');
        const lines = (await runBinary(['audit', 'export'], { dataDir: server.dataDir })).stdout
                .trim()
                .split('\n')
                .map((l) => JSON.parse(l));
        assert.ok(lines.some((l) => l.event === 'sys_startup'));
        assert.equal(lines.at(-1).event, 'sys_shutdown');
        const number = (n) => {
                const b = Buffer.alloc(8);
                b.writeBigUInt64BE(BigInt(n));
                return b;
        };
        let prev = Buffer.alloc(32);
        for (const rec of lines) {
                // the chain again, by somebody else's hand
                const fields = [
                        ...[
                                'event',
                                'outcome',
                                'actor_type',
                                'actor_id',
                                'target_type',
                                'target_id',
                        ].map((f) => Buffer.from(rec[f])),
                        Buffer.from(rec.client, 'hex'),
                        ...['trace_id', 'reason', 'owner'].map((f) => Buffer.from(rec[f])),
                ];
                const h = createHash('sha256')
                        .update(prev)
                        .update(number(rec.seq))
                        .update(number(rec.ts_ms));
                for (const f of fields) h.update(number(f.length)).update(f);
                assert.equal(rec.prev_hash, prev.toString('hex'));
                prev = h.digest();
                assert.equal(rec.hash, prev.toString('hex'), `record ${rec.seq}`);
        }
        assert.ok(lines.length > 50);
        await server.start();
});
