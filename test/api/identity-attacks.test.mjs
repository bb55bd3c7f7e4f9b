// SPDX-License-Identifier: MIT
// What must be refused, whatever a client tries, against the real binary.
import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';

import { api, newKey, newUser, PASSWORD, signIn, unique } from '../lib/api.mjs';
import { runBinary, startServer } from '../lib/server.mjs';

const SECRET = 'the-shared-signing-secret-of-this-attack-test-48b';
let own, shared; // ES256 keys of its own; HS256 with JWT_SECRET_KEY
before(async () => {
        own = await startServer();
        shared = await startServer({ env: { JWT_SECRET_KEY: SECRET } });
});
after(() => Promise.all([own.stop(), shared.stop()]));

const b64 = (x) => Buffer.from(typeof x === 'string' ? x : JSON.stringify(x)).toString('base64url');
const parts = (h, p) => `${b64(h)}.${b64(p)}`;
const hs256 = (h, p, secret = SECRET) =>
        `${parts(h, p)}.${createHmac('sha256', secret).update(parts(h, p)).digest('base64url')}`;
const soon = () => Math.floor(Date.now() / 1000) + 300;
const claims = (more = {}) => ({ sub: 'svc-attack', exp: soon(), ...more });
const header = (more = {}) => ({ alg: 'HS256', typ: 'JWT', ...more });

async function refused(server, token, what) {
        const r = await api(server)('GET', '/api/v1/me', { token, judge: false });
        assert.equal(r.status, 401, `${what}: ${r.status} ${r.text.slice(0, 200)}`);
        assert.equal(r.body.code, 'invalid_token', what);
        assert.equal(
                r.headers.get('www-authenticate'),
                'Bearer realm="mainstay", error="invalid_token"',
        );
        const { instance, request_id, ...rest } = r.body;
        return JSON.stringify(rest);
}

test('forged tokens: one answer for all of them', async () => {
        const good = hs256(header(), claims());
        await api(shared)('GET', '/api/v1/me', { token: good, expect: 200 });
        const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
        const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
        const signed = (h, p, key) =>
                `${parts(h, p)}.${sign('sha256', Buffer.from(parts(h, p)), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
        const c = claims();
        const attacks = {
                'alg none': `${parts({ alg: 'none' }, c)}.`,
                'alg None': `${parts({ alg: 'None' }, c)}.`,
                'alg NONE': `${parts({ alg: 'NONE' }, c)}.`,
                'alg nOnE': `${parts({ alg: 'nOnE' }, c)}.`,
                'empty signature': `${parts(header(), c)}.`,
                'blank key': hs256(header(), c, ''),
                'RS to HS': hs256(header(), c, publicKey.export({ type: 'spki', format: 'pem' })),
                RS256: signed({ alg: 'RS256' }, c, privateKey),
                'ES256 by a stranger': signed({ alg: 'ES256', kid: 'x' }, c, ec.privateKey),
                'inline jwk': signed(
                        { alg: 'ES256', jwk: ec.publicKey.export({ format: 'jwk' }) },
                        c,
                        ec.privateKey,
                ),
                jku: hs256(header({ jku: 'http://127.0.0.1:9/jwks' }), c),
                x5u: hs256(header({ x5u: 'http://127.0.0.1:9/x' }), c),
                'kid path': hs256(header({ alg: 'ES256', kid: '../../../../dev/null' }), c, ''),
                'kid SQL': hs256(header({ alg: 'ES256', kid: "x' UNION SELECT 'k' --" }), c, 'k'),
                crit: hs256(header({ crit: ['exp'] }), c),
                'b64 false': hs256(header({ b64: false, crit: ['b64'] }), c),
                zip: hs256(header({ zip: 'DEF' }), c),
                'PBES2 2^31': `${b64({ alg: 'PBES2-HS512+A256KW', enc: 'A256GCM', p2c: 2 ** 31, p2s: 'AAAA' })}.AA.AA.AA.AA`,
                'JWE bomb': `${b64({ alg: 'dir', enc: 'A256GCM', zip: 'DEF' })}..AAAAAAAAAAAAAAAA.${'A'.repeat(4000)}.AAAAAAAAAAAAAAAAAAAAAA`,
                'duplicate header': hs256('{"alg":"HS256","alg":"HS256"}', c),
                'duplicate claim': hs256(header(), `{"sub":"a","sub":"b","exp":${soon()}}`),
                'depth 10^5': hs256(header(), '['.repeat(5000) + ']'.repeat(5000)),
                'wrong aud': hs256(header(), claims({ aud: 'other' })),
                'wrong iss': hs256(header(), claims({ iss: 'other' })),
                'typ swap': hs256(header(), claims({ iss: 'mainstay' })),
                'id token': hs256(header(), claims({ token_use: 'id' })),
                'refresh token': hs256(header(), claims({ type: 'refresh' })),
                'exp string': hs256(header(), claims({ exp: String(soon()) })),
                'exp float': hs256(header(), claims({ exp: soon() + 0.5 })),
                'exp 1e400': hs256(header(), '{"sub":"a","exp":1e400}'),
                'negative iat': hs256(header(), claims({ iat: -1 })),
                'iat ahead': hs256(header(), claims({ iat: soon() })),
                'no exp': hs256(header(), { sub: 'a' }),
                'no sub': hs256(header(), { exp: soon() }),
                'sub object': hs256(header(), claims({ sub: {} })),
                'sid of nobody': hs256(header(), claims({ sid: 'ses_00000000000000000000000000' })),
                'not a token': 'x.y',
                percent: '%zz%',
        };
        const answers = new Set();
        for (const [what, token] of Object.entries(attacks))
                answers.add(await refused(shared, token, what));
        for (const [what, value] of [
                ['sub', true],
                ['jti', 1],
                ['sid', []],
                ['email', 5],
                ['scope', {}],
                ['aud', 1],
                ['iss', 2],
                ['nbf', 'x'],
                ['iat', null],
        ])
                answers.add(
                        await refused(
                                shared,
                                hs256(header(), claims({ [what]: value })),
                                `${what} of a wrong type`,
                        ),
                );
        assert.equal(answers.size, 1, [...answers].join('\n'));
        for (const [what, token] of Object.entries(attacks))
                await refused(own, token, `${what}, own keys`);
});

test("ES256: r or s of zero, malleated, another user's session", async () => {
        const call = api(own);
        const ann = await newUser(call);
        const [h, p, s] = ann.token.split('.');
        const sig = Buffer.from(s, 'base64url');
        await refused(own, `${h}.${p}.${Buffer.alloc(64).toString('base64url')}`, 'r = s = 0');
        await refused(
                own,
                `${h}.${p}.${Buffer.concat([Buffer.alloc(32), sig.subarray(32)]).toString('base64url')}`,
                'r = 0',
        );
        await refused(
                own,
                `${h}.${p}.${Buffer.concat([sig.subarray(0, 32), Buffer.alloc(32)]).toString('base64url')}`,
                's = 0',
        );
        await refused(own, `${h}.${p}.${sig.subarray(0, 63).toString('base64url')}`, 'short');
        const jwks = (await call('GET', '/.well-known/jwks.json')).text;
        await refused(
                own,
                hs256({ alg: 'HS256', typ: 'at+jwt' }, claims(), jwks),
                'public key as secret',
        );
        const bob = await newUser(call);
        const claim = JSON.parse(Buffer.from(p, 'base64url'));
        const other = JSON.parse(Buffer.from(bob.token.split('.')[1], 'base64url'));
        await refused(own, `${h}.${b64({ ...claim, sid: other.sid })}.${s}`, 'altered sid');
        const s1 = await newUser(api(shared));
        const s2 = await newUser(api(shared));
        const of = (t) => JSON.parse(Buffer.from(t.split('.')[1], 'base64url'));
        await refused(
                shared,
                hs256({ alg: 'HS256', typ: 'at+jwt' }, { ...of(s1.token), sid: of(s2.token).sid }),
                'sid of another user, signed',
        );
});

test('tokens do not stand in for each other', async () => {
        const ann = await newUser(api(own));
        await refused(own, ann.refresh, 'refresh as access');
        await api(own)('POST', '/api/v1/auth/refresh', {
                body: { refresh_token: ann.token },
                code: 'invalid_refresh_token',
        });
        await api(own)('POST', '/api/v1/auth/email/verify', {
                body: { token: ann.refresh.slice(0, 60) },
                code: 'invalid_link',
        });
});

test('a 1 MB header and a flood of garbage leave the server as it was', async () => {
        const { port } = new URL(own.base);
        const before = await own.usage();
        await new Promise((done) => {
                const s = connect(Number(port), '127.0.0.1', () => {
                        s.write('GET /api/v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ');
                        s.write('A'.repeat(1 << 20));
                });
                s.on('data', () => {})
                        .on('close', done)
                        .on('error', done);
        });
        for (let i = 0; i < 300; i++)
                await api(own)('GET', '/api/v1/me', {
                        token: `${b64({ alg: 'ES256', kid: `k${i}` })}.${b64(claims())}.${'A'.repeat(86)}`,
                        expect: 401,
                        judge: false,
                });
        const after = await own.usage();
        assert.ok(after.rss - before.rss < 32 << 20, `${(after.rss - before.rss) >> 20} MiB more`);
});

test('a client-supplied user id makes nothing for somebody else', async () => {
        const call = api(own);
        const ann = await newUser(call);
        const bob = await newUser(call);
        for (const [path, body] of [
                ['/api/v1/auth/api-keys', { name: 'x', scopes: ['chat'] }],
                ['/api/v1/memories', { type: 'fact', content: 'x' }],
                ['/api/v1/auth/register', { email: `${unique()}@example.org`, password: PASSWORD }],
        ]) {
                const r = await bob.call('POST', path, { body: { ...body, user_id: ann.user_id } });
                assert.ok([403, 422].includes(r.status), `${path}: ${r.status}`);
        }
        assert.equal((await ann.call('GET', '/api/v1/auth/api-keys')).body.api_keys.length, 0);
});

test('Unicode twins of an address are one account or none', async () => {
        const call = api(own);
        const local = unique();
        await call('POST', '/api/v1/auth/register', {
                body: { email: `${local}@example.org`, password: PASSWORD },
                expect: 201,
        });
        for (const twin of [
                `${local}\uff20example.org`,
                `${local}\ufe6bexample.org`,
                `${local}@ex\uff41mple.org`,
                ` ${local}@EXAMPLE.org`,
        ])
                await call('POST', '/api/v1/auth/register', {
                        body: { email: twin, password: PASSWORD },
                        code: 'email_taken',
                });
        for (const odd of [
                `${local}\u200b@example.org`,
                `${local}@exa\u00admple.org`,
                `\u202e${local}@example.org`,
                `${local}@a\uff20b.org`,
                `${local}@a@b.org`,
        ])
                await call('POST', '/api/v1/auth/register', {
                        body: { email: odd, password: PASSWORD },
                        expect: 422,
                });
});

test('a hundred at once with one refresh token: one successor', async () => {
        const ann = await newUser(api(own));
        const all = await Promise.all(
                Array.from({ length: 100 }, () =>
                        api(own)('POST', '/api/v1/auth/refresh', {
                                body: { refresh_token: ann.refresh },
                                expect: 200,
                                judge: false,
                        }),
                ),
        );
        assert.equal(new Set(all.map((r) => r.body.refresh_token)).size, 1);
        assert.equal(
                new Set(all.map((r) => r.text)).size,
                1,
                'all answers are equal, byte for byte',
        );
        const next = await api(own)('POST', '/api/v1/auth/refresh', {
                body: { refresh_token: all[0].body.refresh_token },
                expect: 200,
        });
        const again = await api(own)('POST', '/api/v1/auth/refresh', {
                body: { refresh_token: next.body.refresh_token },
                expect: 200,
        });
        assert.notEqual(again.body.refresh_token, next.body.refresh_token); // two rotations in one second
});

test('logout against refresh: whoever wins, the session is over', async () => {
        for (let i = 0; i < 10; i++) {
                const ann = await newUser(api(shared));
                const [r] = await Promise.all([
                        api(shared)('POST', '/api/v1/auth/refresh', {
                                body: { refresh_token: ann.refresh },
                        }),
                        ann.call('POST', '/api/v1/auth/logout', { expect: 204 }),
                ]);
                assert.ok([200, 401].includes(r.status));
                if (r.status === 200) {
                        await refused(shared, r.body.access_token, 'issued while logging out');
                        await api(shared)('POST', '/api/v1/auth/refresh', {
                                body: { refresh_token: r.body.refresh_token },
                                code: 'invalid_refresh_token',
                        });
                }
                await refused(shared, ann.token, 'after logout');
        }
});

test('the key quota holds under a hundred at once', async () => {
        const ann = await newUser(api(own));
        const all = await Promise.all(
                Array.from({ length: 130 }, (_, i) =>
                        ann.call('POST', '/api/v1/auth/api-keys', {
                                body: { name: `k${i}`, scopes: ['chat'] },
                                judge: false,
                        }),
                ),
        );
        assert.equal(all.filter((r) => r.status === 201).length, 100);
        assert.ok(all.every((r) => [201, 409].includes(r.status)));
});

test('sessions and keys after deletion are nothing', async () => {
        const call = api(own);
        const ann = await newUser(call);
        const k = await newKey(ann);
        await ann.call('DELETE', '/api/v1/me', { body: { password: PASSWORD }, expect: 202 });
        await ann.call('GET', '/api/v1/me', { expect: 401 });
        await k.call('GET', '/api/v1/me', { expect: 401 });
        await call('POST', '/api/v1/auth/refresh', {
                body: { refresh_token: ann.refresh },
                code: 'invalid_refresh_token',
        });
});

test('kill -9 during rotation: no token both lost and dead', async () => {
        let server = await startServer();
        try {
                for (let round = 0; round < 6; round++) {
                        const ann = await newUser(api(server));
                        let token = ann.refresh;
                        const turning = (async () => {
                                for (;;) {
                                        const r = await api(server)(
                                                'POST',
                                                '/api/v1/auth/refresh',
                                                { body: { refresh_token: token }, judge: false },
                                        );
                                        assert.equal(r.status, 200, r.text);
                                        token = r.body.refresh_token;
                                }
                        })().catch((e) => {
                                if (e.code === 'ERR_ASSERTION') throw e;
                        });
                        await new Promise((done) => {
                                setTimeout(done, 40 + 60 * round);
                        });
                        await server.kill9();
                        await turning;
                        await server.restart();
                        const r = await api(server)('POST', '/api/v1/auth/refresh', {
                                body: { refresh_token: token },
                        });
                        assert.equal(
                                r.status,
                                200,
                                `the last token that was received works: ${r.text}`,
                        );
                }
        } finally {
                await server.stop();
        }
});

test('a configuration error closes', async () => {
        for (const [env, says] of [
                [{ JWT_SECRET_KEY: 'short' }, /JWT_SECRET_KEY/],
                [
                        {
                                JWT_SECRET_KEY:
                                        'your-super-secret-jwt-token-with-at-least-32-characters-long',
                        },
                        /JWT_SECRET_KEY/,
                ],
                [{ SKIP_AUTH: 'true', ENVIRONMENT: 'production', LIMITS: 'on' }, /SKIP_AUTH/],
                [
                        { NEXTAUTH_SECRET: 'short', ENVIRONMENT: 'production', LIMITS: 'on' },
                        /NEXTAUTH_SECRET/,
                ],
                [{ ROOT_KEY: 'nonsense' }, /root key/i],
                [{ PASSWORD_LIST: '/nonexistent' }, /password list/],
        ]) {
                const s = await startServer({ env, ready: false });
                await s.exit;
                assert.notEqual(s.exited.code, 0, JSON.stringify(env));
                assert.match(s.stray.join('\n') + JSON.stringify(s.logs), says);
                await s.stop({ code: s.exited.code });
        }
});

test('the wrong root key starts nothing and damages nothing', async () => {
        const server = await startServer();
        const ann = await newUser(api(server));
        await server.stop({ keep: true });
        const wrong = await runBinary(['user', 'list'], {
                dataDir: server.dataDir,
                env: { ROOT_KEY: '00'.repeat(32) },
        });
        assert.notEqual(wrong.code, 0);
        assert.match(wrong.stderr, /root key/i);
        await server.start();
        await ann.call('GET', '/api/v1/me', { expect: 200 });
        await server.stop();
});

test('a hash flood: 503 with Retry-After, memory flat, refresh fast', async () => {
        const call = api(own);
        const ann = await newUser(call);
        const before = await own.usage();
        const flood = Promise.all(
                Array.from({ length: 100 }, (_, i) =>
                        call('POST', '/api/v1/auth/login', {
                                body: { email: `flood${i}@example.org`, password: 'wrong wrong' },
                                judge: false,
                        }),
                ),
        );
        const times = [];
        for (let i = 0, token = ann.refresh; i < 10; i++) {
                const t = performance.now();
                token = (
                        await call('POST', '/api/v1/auth/refresh', {
                                body: { refresh_token: token },
                                expect: 200,
                                judge: false,
                        })
                ).body.refresh_token;
                times.push(performance.now() - t);
        }
        const answers = await flood;
        const full = answers.filter((r) => r.status === 503);
        assert.ok(full.length > 0);
        assert.ok(
                full.every(
                        (r) =>
                                r.body.code === 'hash_queue_full' &&
                                Number(r.headers.get('retry-after')) >= 1,
                ),
        );
        assert.ok(answers.every((r) => [401, 503].includes(r.status)));
        assert.ok((await own.usage()).rss - before.rss < 128 << 20);
        times.sort((a, b) => a - b);
        assert.ok(times[5] < 1000, `median refresh ${times[5]} ms`);
});

test('lockout: the same wait for known and unknown, Retry-After, never for ever', async () => {
        const call = api(own);
        const ann = await newUser(call);
        for (const email of [ann.email, `no${ann.email}`]) {
                for (let i = 0; i < 4; i++)
                        await call('POST', '/api/v1/auth/login', {
                                body: { email, password: 'wrong wrong' },
                                code: 'invalid_credentials',
                        });
                const r = await call('POST', '/api/v1/auth/login', {
                        body: { email, password: PASSWORD },
                        code: 'login_delayed',
                });
                assert.equal(r.headers.get('retry-after'), '1');
        }
        await ann.call('GET', '/api/v1/me', { expect: 200 });
        await new Promise((done) => {
                setTimeout(done, 1100);
        });
        await signIn(call, ann.email);
});

test('limits of the auth routes by address', async () => {
        const strict = await startServer({ env: { LIMITS: 'on' } });
        const call = api(strict);
        const codes = [];
        for (let i = 0; i < 12; i++)
                codes.push(
                        (
                                await call('POST', '/api/v1/auth/login', {
                                        body: {
                                                email: 'nobody@example.org',
                                                password: 'wrong wrong',
                                        },
                                })
                        ).body.code,
                );
        assert.ok(codes.includes('rate_limit_exceeded'), codes.join());
        const made = [];
        for (let i = 0; i < 7; i++)
                made.push(
                        (
                                await call('POST', '/api/v1/auth/register', {
                                        body: {
                                                email: `${unique()}@example.org`,
                                                password: PASSWORD,
                                        },
                                })
                        ).status,
                );
        assert.deepEqual(made, [201, 201, 201, 201, 201, 429, 429]);
        const r = await call('POST', '/api/v1/auth/register', {
                body: { email: 'x@example.org', password: PASSWORD },
                code: 'rate_limit_exceeded',
        });
        assert.ok(Number(r.headers.get('retry-after')) > 0);
        await strict.stop();
});

test('SKIP_AUTH is loud', async () => {
        const dev = await startServer({ env: { SKIP_AUTH: 'true' } });
        const call = api(dev);
        const r = await call('GET', '/api/v1/me', { expect: 200 });
        assert.equal(r.body.user_id, 'dev-user-default');
        assert.equal(r.headers.get('x-mainstay-skip-auth'), 'true');
        assert.equal(
                (await call('GET', '/api/v1/me', { token: 'dev-ann' })).body.user_id,
                'dev-ann',
        );
        assert.ok(dev.logs.some((l) => l.event === 'skip_auth' && l.level === 'WARN'));
        await dev.stop();
});

test('the first request of somebody new is answered like any other', async () => {
        const dev = await startServer({ env: { SKIP_AUTH: 'true' } });
        const call = api(dev);
        const fact = { type: 'fact', content: 'Lives in Lisbon.' };
        let n = 0;
        const first = (method, path, expect, body) => call(method, `/api/v1${path}`,
                { token: `dev-new-${n++}`, ...(body && { body }), expect });
        await first('POST', '/memories', 201, fact);
        await first('GET', '/memories', 200);
        await first('GET', '/memories/stats', 200);
        await first('POST', '/memories/decay', 200);
        await first('POST', '/memories/cleanup', 200);
        await first('PATCH', '/profile', 200, { name: 'Zoe' });
        await first('GET', '/profile', 200);
        await first('GET', '/profile/summary', 200);
        await first('POST', '/conversation', 200, { message: 'I live in Lisbon.' });
        const many = await Promise.all(Array.from({ length: 20 }, () => call('POST', '/api/v1/memories',
                { token: 'dev-many', body: fact })));
        assert.deepEqual(many.map((r) => r.status).sort(), [...Array(19).fill(200), 201]);
        await dev.stop();
});
