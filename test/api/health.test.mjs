// SPDX-License-Identifier: MIT
// Health as operators and platforms see it: each kind of check against a peer that works, refuses,
// talks rubbish or says nothing; the verdict; what never gets out.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { startLlm } from '../fake/llm.mjs';
import { startBlackHole, startMongo, startRedis, startS3 } from '../fake/peers.mjs';
import { startSmtp } from '../fake/smtp.mjs';
import { api, newUser, signIn } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';

const STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const HOUR = 3_600_000; // no second round while a test looks, but the one it asks for
const fast = { timeout_ms: 1000, period_ms: HOUR, fail_after: 1 };
const ADMIN = 'root@example.org';

// A server with these checks alone, and an administrator who can ask for a round now.
async function withChecks(checks, env = {}) {
        const server = await startServer({
                admin: ADMIN,
                env: { ...(checks && { HEALTH_CHECKS: JSON.stringify(checks) }), ...env },
        });
        const call = api(server);
        const admin = await signIn(call, ADMIN);
        const round = async () => {
                await admin.call('GET', '/health/detailed?fresh=1');
                return (await call('GET', '/health/ready')).body;
        };
        return { server, call, admin, round };
}

describe('liveness', () => {
        let one;
        const holes = [];
        before(async () => {
                for (let i = 0; i < 3; i++) holes.push(await startBlackHole());
                one = await withChecks(holes.map(({ url }, i) => (
                        { name: `hole${i}`, kind: 'http', target: url, critical: true }
                )));
        });
        after(async () => {
                await one.server.stop();
                await Promise.all(holes.map((h) => h.stop()));
        });
        test('has exactly four members', async () => {
                for (const path of ['/health', '/livez', '/healthz']) {
                        const { body, headers } = await one.call('GET', path, { expect: 200 });
                        assert.deepEqual(Object.keys(body), ['status', 'timestamp', 'environment', 'version']);
                        assert.equal(body.status, 'alive');
                        assert.match(body.timestamp, STAMP);
                        assert.equal(headers.get('cache-control'), 'no-store');
                }
        });
        test('does not wait for what hangs, nor does readiness', async () => {
                const took = [];
                for (let i = 0; i < 50; i++) {
                        const began = performance.now();
                        await one.call('GET', i % 2 ? '/health' : '/health/ready', { judge: false });
                        took.push(performance.now() - began);
                }
                took.sort((a, b) => a - b);
                assert.ok(took[45] < 100, `${took[45]} ms`);
        });
        test('a check without a result is not healthy', async () => {
                const { body } = await one.call('GET', '/health/ready', { expect: 503 });
                assert.equal(body.status, 'degraded');
        });
});

describe('checks of each kind', () => {
        let one, redis, locked, mongo, s3, mail, llm, hole;
        before(async () => {
                [redis, locked, mongo, s3, mail, llm, hole] = await Promise.all([
                        startRedis(), startRedis({ password: 'p@ss-of-redis' }), startMongo(), startS3(),
                        startSmtp(), startLlm(), startBlackHole(),
                ]);
                const s3Check = { kind: 's3', url: s3.url, bucket: 'uploads', region: 'eu-west-1', ...fast };
                one = await withChecks([
                        { name: 'redis', kind: 'redis', url: redis.url, group: 'caches', ...fast },
                        { name: 'locked', kind: 'redis', group: 'caches', ...fast,
                                url: locked.url.replace('//', '//:p%40ss-of-redis@') },
                        { name: 'stranger', kind: 'redis', ...fast,
                                url: locked.url.replace('//', '//:wrong-pass-word@') },
                        { name: 'mongodb', kind: 'mongodb', url: `${mongo.url}/mainstay`, ...fast },
                        { name: 's3', key: 'ACCESSKEY:very-secret-key', ...s3Check },
                        { name: 's3-forged', key: 'ACCESSKEY:other-secret-key', critical: false, ...s3Check },
                        { name: 's3-elsewhere', key: 'ACCESSKEY:very-secret-key', critical: false,
                                ...s3Check, bucket: 'backups' },
                        { name: 's3-empty', critical: false, ...s3Check },
                        { name: 'mail', kind: 'smtp', url: mail.url, ...fast },
                        { name: 'llm', kind: 'llm', url: llm.base, key: 'sk-of-the-model', ...fast },
                        { name: 'web', kind: 'http', url: `${llm.base}/models`, ...fast },
                        { name: 'refused', kind: 'http', url: 'http://127.0.0.1:1/', ...fast },
                        { name: 'nameless', kind: 'redis', url: 'redis://no-such-host.invalid', ...fast },
                        { name: 'hole', kind: 'redis', url: hole.url.replace('http', 'redis'), ...fast,
                                timeout_ms: 300 },
                        { name: 'plain', kind: 'http', url: hole.url.replace('http', 'https'), ...fast,
                                timeout_ms: 300 },
                ]);
        });
        after(async () => {
                await one?.server.stop();
                await Promise.all([redis, locked, mongo, s3, mail, llm, hole].map((p) => p.stop()));
        });
        test('working ones are healthy and say what the contract asks for', async () => {
                const body = await one.round();
                assert.match(body.timestamp, STAMP);
                for (const [name, more] of [
                        ['redis', { role: 'master' }],
                        ['locked', { role: 'master' }],
                        ['mongodb', { database: 'mainstay' }],
                        ['s3', { bucket: 'uploads', accessible: true }],
                        ['mail', { tls: false }],
                        ['llm', { api_version: 'v1' }],
                        ['web', { http_status: 200 }],
                ]) {
                        const { status, latency_ms: ms, checked_at: at, ...rest } = body.checks[name];
                        assert.equal(status, 'healthy', JSON.stringify(body.checks[name]));
                        assert.ok(ms >= 0 && ms < 1000 && Math.abs(ms * 100 - Math.round(ms * 100)) < 1e-6);
                        assert.ok(Date.parse(at) <= Date.now());
                        for (const [k, v] of Object.entries(more)) assert.equal(rest[k], v, `${name}.${k}`);
                }
                assert.equal(body.checks['s3-empty'].status, 'not_configured');
        });
        test('failing ones say why, and not more', async () => {
                const body = await one.round();
                for (const [name, error] of [
                        ['stranger', 'Authentication failed'],
                        ['s3-forged', 'Authentication failed'],
                        ['s3-elsewhere', 'HTTP 404'],
                        ['refused', 'Connection refused'],
                        ['nameless', 'Name not resolved'],
                        ['hole', 'Timeout after 300 ms'],
                        ['plain', 'Timeout after 300 ms'],
                ]) {
                        assert.equal(body.checks[name].status, 'unhealthy', name);
                        assert.equal(body.checks[name].error, error, name);
                }
                const text = JSON.stringify(body) + JSON.stringify(one.server.logs);
                for (const secret of ['p@ss-of-redis', 'wrong-pass-word', 'secret-key', 'sk-of-the-model'])
                        assert.ok(!text.includes(secret), secret);
        });
        test('each fails and recovers by itself', async () => {
                const bad = [
                        [redis, 'rubbish', 'redis', 'Bad response'],
                        [mongo, 'rubbish', 'mongodb', 'Bad response'],
                        [mongo, 'refusing', 'mongodb', 'Bad response'],
                        [mongo, 'silent', 'mongodb', 'Timeout after 1000 ms'],
                        [s3, 500, 's3', 'HTTP 500'],
                        [s3, 'rubbish', 's3', 'Bad response'],
                ];
                for (const [peer, mode, name, error] of bad) {
                        peer.mode = mode;
                        const { checks } = await one.round();
                        assert.equal(checks[name].error, error, `${name} ${mode}`);
                        assert.equal(checks.llm.status, 'healthy');
                        peer.mode = 'ok';
                }
                const { checks } = await one.round();
                for (const name of ['redis', 'mongodb', 's3']) assert.equal(checks[name].status, 'healthy');
        });
        test('critical ones decide, others are shown', async () => {
                const ready = async (expect) => (await one.call('GET', '/health/ready', { expect })).body;
                await one.round();
                assert.equal((await ready(200)).status, 'ready');
                mongo.mode = 'refusing';
                await one.round();
                assert.equal((await ready(503)).status, 'degraded');
                await one.call('GET', '/health/ready?exclude=mongodb', { expect: 200 });
                await one.call('GET', '/health/ready?exclude=nothing', { expect: 422 });
                await one.call('GET', '/health/ready/mongodb', { expect: 503 });
                await one.call('GET', '/health/ready/s3', { expect: 200 });
                await one.call('GET', '/health/ready/nothing', { expect: 404 });
                const { text } = await one.call('GET', '/health/ready?verbose', { expect: 503 });
                assert.match(text, /^\[-\]mongodb failed: Bad response$/m);
                assert.match(text, /^\[\+\]redis ok$/m);
                mongo.mode = 'ok';
                await one.round();
                await ready(200);
                const { body } = await one.admin.call('GET', '/health/history?check=mongodb&limit=2', { expect: 200 });
                assert.deepEqual(body.map((t) => t.to), ['healthy', 'unhealthy']);
        });
        test('in detail, all or by group', async () => {
                await one.round();
                const { body, type } = await one.admin.call('GET', '/health/detailed', { expect: 200 });
                assert.equal(type, 'application/health+json');
                assert.equal(body.status, 'warn', 'a check that is not critical fails');
                assert.ok(body.output && body.links.about && Array.isArray(body.notes));
                for (const key of ['system:uptime', 'memory:utilization', 'disk:utilization',
                        'eventloop:responseTime', 'redis:responseTime', 'mongodb:responseTime'])
                        assert.equal(body.checks[key]?.[0].status, 'pass', key);
                assert.ok(body.checks['refused:responseTime'][0].affectedEndpoints.length);
                const caches = await one.admin.call('GET', '/health/detailed?group=caches', { expect: 200 });
                assert.equal(caches.body.status, 'pass');
                assert.ok(!caches.body.checks['mongodb:responseTime']);
                assert.ok(caches.body.checks['locked:responseTime']);
                await one.admin.call('GET', '/health/detailed?group=none', { expect: 422 });
                const user = await newUser(one.call);
                await user.call('GET', '/health/detailed', { expect: 403 });
                await one.call('GET', '/health/detailed', { expect: 401 });
        });
});

test('a round of probes takes as long as its slowest', async () => {
        const holes = await Promise.all([1, 2, 3, 4, 5, 6].map(startBlackHole));
        const one = await withChecks(holes.map(({ url }, i) => (
                { name: `h${i}`, kind: 'http', url, ...fast, timeout_ms: 400 }
        )));
        const began = performance.now();
        await one.round();
        assert.ok(performance.now() - began < 1200, `${performance.now() - began} ms`);
        await one.server.stop();
        await Promise.all(holes.map((h) => h.stop()));
});

describe('the model in the default list', () => {
        const state = async (env) => {
                const one = await withChecks(null, env);
                const { checks } = await one.round();
                const { status } = await one.call('GET', '/health/ready');
                await one.server.stop();
                return { ...checks.openai, ready: status };
        };
        test('is not configured without one, or with the key of an example', async () => {
                for (const env of [{}, { OPENAI_API_KEY: 'your-openai-api-key' }]) {
                        const { status, ready, message } = await state(env);
                        assert.equal(status, 'not_configured');
                        assert.equal(message, 'OpenAI API key not configured');
                        assert.equal(ready, 200);
                }
        });
        test('is what LLM_PROVIDERS names, and one that answers is enough', async () => {
                const llm = await startLlm();
                const provider = (name, url) => (
                        { name, base_url: url, api_key_env: 'KEY_OF_IT', models: ['fake-small'], default_model: 'fake-small' }
                );
                const dead = provider('dead', 'http://127.0.0.1:1/v1');
                const env = (...list) => ({ LLM_PROVIDERS: JSON.stringify(list), KEY_OF_IT: 'sk-1' });
                assert.equal((await state(env(provider('good', llm.base)))).status, 'healthy');
                const spare = await state(env(dead, provider('good', llm.base)));
                assert.equal(spare.status, 'healthy');
                const none = await state(env(dead, provider('gone', 'http://127.0.0.1:1/v1')));
                assert.equal(none.status, 'unhealthy');
                assert.equal(none.error, 'Connection refused');
                assert.equal(none.ready, 503);
                await llm.stop();
        });
        test('and the mail server when there is one', async () => {
                const mail = await startSmtp();
                const one = await withChecks(null, { SMTP_URL: mail.url });
                const { checks } = await one.round();
                assert.equal(checks.smtp.status, 'healthy');
                await one.server.stop();
                await mail.stop();
        });
});

describe('/status', () => {
        let server, call, admin;
        before(async () => {
                server = await startServer({ admin: ADMIN });
                call = api(server);
                admin = await signIn(call, ADMIN);
        });
        after(() => server.stop());
        test('is short for the public and for users', async () => {
                const user = await newUser(call);
                for (const ask of [call, user.call]) {
                        const { body } = await ask('GET', '/status', { expect: 200 });
                        assert.equal(body.status, 'operational');
                        assert.match(body.timestamp, STAMP);
                        for (const name of ['build', 'config_digest', 'features'])
                                assert.equal(body[name], undefined);
                }
                await call('GET', '/status', { token: 'nonsense', expect: 401 });
        });
        test('tells administrators what runs', async () => {
                const { body } = await admin.call('GET', '/api/status', { expect: 200 });
                assert.match(body.build.revision, /^([0-9a-f]{12}|unknown)$/);
                assert.ok(Date.parse(body.build.built_at) > Date.parse('2024-01-01'));
                assert.match(body.build.compiler, /^(gcc|clang) \d/);
                assert.ok(Array.isArray(body.build.sanitizers));
                for (const name of ['libmicrohttpd', 'libcurl', 'sqlite', 'jansson', 'openssl', 'libsodium'])
                        assert.match(body.build.libraries[name], /^\d+\.\d+/, name);
                assert.match(body.config_digest, /^sha256:[0-9a-f]{64}$/);
                assert.equal(body.features.language_model, false);
                assert.equal(body.features.registration, true);
        });
});
