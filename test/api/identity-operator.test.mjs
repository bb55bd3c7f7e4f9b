// SPDX-License-Identifier: MIT
// What an operator does at the command line, and what others do with our tokens.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac, createPublicKey, verify } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { api, newKey, newUser, PASSWORD, signIn, unique } from '../lib/api.mjs';
import { root, runBinary, startServer } from '../lib/server.mjs';

const SECRET = 'auth-js-secret-of-this-test-0123456789abcdef';
let server, call;
before(async () => {
        server = await startServer({ env: { AUTH_SECRET: SECRET } });
        call = api(server);
});
after(() => server.stop());

// The server owns its data: commands that change it run while it is stopped.
async function operate(...args) {
        await server.stop({ keep: true });
        const r = await runBinary(args, { dataDir: server.dataDir, env: server.env });
        await server.start();
        return r;
}

test('accounts from another system, with their bcrypt hashes', async () => {
        const file = join(server.dataDir, 'users.jsonl');
        const email = `${unique()}@example.org`;
        // of PASSWORD, cost 4, as another system would have stored it
        const hash = '$2b$04$abcdefghijklmnopqrstuuxdHMWXqoHNsTNDwLuQb/2kOU4V8v6pW';
        await writeFile(
                file,
                [
                        JSON.stringify({
                                email,
                                password: 'correct horse battery',
                                full_name: 'Old User',
                                tier: 'pro',
                        }),
                        JSON.stringify({
                                email: `h${email}`,
                                password_hash: hash,
                                created_at: '2024-05-01T00:00:00Z',
                        }),
                        JSON.stringify({ email: 'not an address', password_hash: hash }),
                        JSON.stringify({ email: `m${email}`, password_hash: '$1$md5$xxxx' }),
                        JSON.stringify({
                                email: `d${email}`,
                                password_hash: hash.replace('$04$', '$31$'),
                        }),
                        '{ broken',
                        JSON.stringify({ email: `l${email}`, full_name: 'x'.repeat(20000) }),
                ].join('\n'),
        );
        const r = await operate('user', 'import', file);
        assert.equal(r.code, 1);
        assert.match(r.stdout, /^2 imported, 5 refused$/m);
        for (const line of [3, 4, 5, 6, 7]) assert.match(r.stderr, new RegExp(`^line ${line}: `, 'm'));
        assert.match(r.stderr, /^line 7: longer than \d+ bytes$/m);
        const old = await signIn(call, email, 'correct horse battery');
        assert.equal(old.user.tier, 'pro');
        assert.equal(old.user.full_name, 'Old User');
        await call('POST', '/api/v1/auth/login', {
                body: { email: `h${email}`, password: 'anything else' },
                code: 'invalid_credentials',
        });
        for (let i = 0; i < 2; i++) await signIn(call, `h${email}`); // before and after its upgrade
});

test('a link for somebody without mail', async () => {
        const ann = await newUser(call);
        const r = await operate('user', 'reset', ann.email);
        const token = /token=(\S+)/.exec(r.stdout)[1];
        await call('POST', '/api/v1/auth/password/reset', {
                body: { token, new_password: 'a second password' },
                expect: 200,
        });
        await signIn(call, ann.email, 'a second password');
        assert.notEqual((await operate('user', 'reset', 'nobody@example.org')).code, 0);
});

test('a subject of the front end becomes one of our users', async () => {
        const ann = await newUser(call);
        const b64 = (x) => Buffer.from(JSON.stringify(x)).toString('base64url');
        const sub = unique('front-');
        const text = `${b64({ alg: 'HS256' })}.${b64({ sub, exp: Math.floor(Date.now() / 1000) + 900 })}`;
        const token = `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`;
        assert.equal((await call('GET', '/api/v1/me', { token, expect: 200 })).body.user_id, sub);
        assert.equal((await operate('user', 'link', ann.email, 'authjs', sub)).code, 0);
        assert.equal(
                (await call('GET', '/api/v1/me', { token, expect: 200 })).body.user_id,
                ann.user_id,
        );
        assert.notEqual((await operate('user', 'link', ann.email, 'elsewhere', sub)).code, 0);
        const mine = (await signIn(call, ann.email)).call;
        const { job_id } = (await mine('POST', '/api/v1/me/export', { expect: 202 })).body;
        let job = {};
        for (let i = 0; i < 100 && job.status !== 'ready'; i++) {
                await new Promise((done) => setTimeout(done, 100));
                job = (await mine('GET', `/api/v1/me/export/${job_id}`, { expect: 200 })).body;
        }
        const { pathname, search } = new URL(job.download_url);
        const zip = await (await fetch(server.base + pathname + search)).text();
        assert.ok(zip.includes(`[{"source":"authjs","subject":"${sub}"}]`));
});

test('a new root key; the old one is not needed any more', async () => {
        const ann = await newUser(call, { full_name: 'Ann Sealed' });
        const key = await newKey(ann);
        const path = join(server.dataDir, 'root.key');
        const before = await readFile(path, 'utf8');
        assert.equal((await operate('keys', 'rotate-root')).code, 0);
        const [fresh, old] = (await readFile(path, 'utf8')).trim().split('\n');
        assert.equal(old, before.trim());
        await server.stop({ keep: true });
        await writeFile(path, `${fresh}\n`);
        await server.start();
        await ann.call('GET', '/api/v1/me', { expect: 200 });
        const back = await signIn(call, ann.email);
        assert.equal(back.user.full_name, 'Ann Sealed');
        await key.call('GET', '/api/v1/me', { expect: 200 });
        await call('POST', '/api/v1/auth/refresh', {
                body: { refresh_token: ann.refresh },
                expect: 200,
        });
        await server.stop({ keep: true });
        await writeFile(path, before);
        const wrong = await runBinary(['user', 'list'], { dataDir: server.dataDir });
        assert.notEqual(wrong.code, 0);
        assert.match(wrong.stderr, /root key/i);
        await writeFile(path, `${fresh}\n`);
        await server.start();
});

test('a list of refused passwords made by tools/password-list', async () => {
        const words = join(server.dataDir, 'words.txt');
        const list = join(server.dataDir, 'refused.list');
        await writeFile(words, 'Tr0ub4dor&3 and more\nshort\nsomething else entirely\n');
        execFileSync(join(root, 'tools/password-list'), [list, words]);
        const strict = await startServer({ env: { PASSWORD_LIST: list } });
        const made = (password, more) =>
                api(strict)('POST', '/api/v1/auth/register', {
                        body: { email: `${unique()}@example.org`, password },
                        ...more,
                });
        await made('tr0ub4dor&3 and less', { expect: 201 });
        await made('Tr0ub4dor&3 and more', { code: 'password_too_common' });
        await made('SOMETHING ELSE ENTIRELY', { code: 'password_too_common' });
        await made(PASSWORD, { expect: 201 });
        await strict.stop();
});

test('our tokens verify by the published keys alone', async () => {
        const ann = await newUser(call);
        const [h, p, s] = ann.token.split('.');
        const header = JSON.parse(Buffer.from(h, 'base64url'));
        assert.deepEqual([header.alg, header.typ], ['ES256', 'at+jwt']);
        const { keys } = (await call('GET', '/.well-known/jwks.json', { expect: 200 })).body;
        const jwk = keys.find((k) => k.kid === header.kid);
        const key = createPublicKey({ key: jwk, format: 'jwk' });
        const good = (text) =>
                verify(
                        'sha256',
                        Buffer.from(text),
                        { key, dsaEncoding: 'ieee-p1363' },
                        Buffer.from(s, 'base64url'),
                );
        assert.ok(good(`${h}.${p}`));
        assert.ok(!good(`${h}.${p}x`));
        const claims = JSON.parse(Buffer.from(p, 'base64url'));
        for (const name of [
                'sub',
                'user_id',
                'sid',
                'jti',
                'email',
                'tier',
                'scope',
                'iss',
                'aud',
                'iat',
                'exp',
        ])
                assert.ok(claims[name] !== undefined, name);
        assert.equal(claims.exp - claims.iat, 600);
});

test('what happened is counted', async () => {
        const ann = await newUser(call);
        await call('POST', '/api/v1/auth/login', {
                body: { email: ann.email, password: 'wrong wrong' },
                expect: 401,
        });
        await call('GET', '/api/v1/me', { token: 'nonsense', expect: 401 });
        const counted = await startServer({ env: { METRICS_PUBLIC: 'true' } });
        const there = api(counted);
        const bob = await newUser(there);
        await there('GET', '/api/v1/me', { token: 'nonsense', expect: 401 });
        for (let i = 0; i < 5; i++)
                await there('POST', '/api/v1/auth/login', {
                        body: { email: `x${bob.email}`, password: 'wrong wrong' },
                });
        const { text } = await there('GET', '/metrics', { expect: 200, judge: false });
        assert.match(text, /^mainstay_audit_append_failures_total 0$/m);
        assert.match(
                text,
                /^mainstay_auth_events_total\{event="login_delayed",outcome="refused"\} 1$/m,
        );
        assert.match(
                text,
                /^mainstay_auth_events_total\{event="authn_login_success",outcome="success"\} 1$/m,
        );
        assert.match(
                text,
                /^mainstay_auth_events_total\{event="token_rejected",outcome="invalid_token"\} 1$/m,
        );
        assert.match(
                text,
                /^mainstay_password_hash_duration_seconds_count\{algorithm="argon2id"\} 6$/m,
        );
        await counted.stop();
});
