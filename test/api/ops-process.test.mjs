// SPDX-License-Identifier: MIT
// The process as an operator meets it: reload, the management listener, metrics in three forms,
// CORS, HEAD, the order of refusals, and `config check`.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { api, newUser, signIn } from '../lib/api.mjs';
import { runBinary, startServer } from '../lib/server.mjs';

const ORIGIN = 'https://app.example.com';
const TOKEN = 'metrics-token-of-this-test';
const FAMILIES = `http_requests_total http_request_duration_seconds http_requests_in_flight
        connections sse_streams overload_state auth_events_total ratelimit_decisions_total
        password_hash_queue_depth password_hash_duration_seconds sessions_active
        memory_operations_total memory_retrieval_duration_seconds memories memory_events_total
        cache_requests_total embedding_duration_seconds llm_requests_total
        llm_request_duration_seconds llm_time_to_first_chunk_seconds llm_tokens_total
        llm_cost_usd_total llm_circuit_state conversation_turn_duration_seconds
        budget_events_total storage_fsync_duration_seconds storage_wal_bytes queue_depth
        queue_capacity audit_chain_head_timestamp_seconds audit_append_failures_total
        log_lines_total build_info health_check_status health_check_duration_seconds
        health_check_last_success_timestamp_seconds health_check_failures_total
        health_transitions_total`.split(/\s+/);
let server, call, user, management;

async function freePort() {
        const probe = createServer().listen(0, '127.0.0.1');
        await new Promise((r) => {
                probe.on('listening', r);
        });
        const { port } = probe.address();
        await new Promise((r) => {
                probe.close(r);
        });
        return port;
}

before(async () => {
        const port = await freePort();
        management = `http://127.0.0.1:${port}`;
        server = await startServer({
                env: {
                        METRICS_PORT: String(port),
                        METRICS_TOKEN: TOKEN,
                        CORS_ORIGINS: `${ORIGIN}, http://localhost:3000`,
                },
        });
        call = api(server);
        user = await newUser(call);
});
after(() => server.stop());

test('SIGHUP reads the log level again, and keeps the old one when the file is wrong', async () => {
        const file = join(server.dataDir, 'settings.yaml');
        await writeFile(file, 'LOG_LEVEL: INFO\n');
        const one = await startServer({ args: ['--config', file] });
        const debug = () => one.logs.filter((l) => l.level === 'DEBUG').length;
        const ask = api(one);
        await ask('GET', '/health', { expect: 200 });
        assert.equal(debug(), 0);
        await writeFile(file, 'LOG_LEVEL: DEBUG\n');
        one.child.kill('SIGHUP');
        const line = await one.waitLog((l) => l.event === 'config_reloaded');
        assert.equal(line.attrs.log_level, 'DEBUG');
        const seen = one.waitLog((l) => l.level === 'DEBUG' && l.route === 'health.alive');
        await ask('GET', '/health', { expect: 200 });
        await seen;
        await writeFile(file, 'LOG_LEVEL: LOUD\n');
        one.child.kill('SIGHUP');
        await one.waitLog((l) => l.event === 'config_error');
        const still = one.waitLog((l) => l.level === 'DEBUG' && l.route === 'health.alive');
        await ask('GET', '/health', { expect: 200 });
        await still;
        await one.stop();
});

test('LOG_FILE has the lines, is turned over when full, and made again on SIGHUP', async () => {
        const dir = await mkdtemp(join(tmpdir(), 'mainstay-log-'));
        const file = join(dir, 'server.log');
        const old = '{"event":"old"}\n'.repeat(65_536);
        await Promise.all([
                writeFile(file, old),
                writeFile(`${file}.1`, 'older\n'),
                writeFile(`${file}.2`, 'oldest\n'),
        ]);
        const port = await freePort();
        const one = await startServer({
                env: {
                        LISTEN: `127.0.0.1:${port}`,
                        LOG_FILE: file,
                        LOG_FILE_MAX: '1',
                        LOG_FILES_KEEP: '2',
                },
                ready: false,
        });
        const said = async (event) => {
                for (let text = ''; ; text = await readFile(file, 'utf8').catch(() => '')) {
                        const lines = text.split('\n').filter(Boolean).map((l) => JSON.parse(l));
                        if (lines.some((l) => l.event === event)) return lines;
                        assert.equal(one.exited, null);
                        await new Promise((r) => {
                                setTimeout(r, 10);
                        });
                }
        };
        assert.equal((await said('server_ready'))[0].event, 'server_start');
        assert.equal(await readFile(`${file}.1`, 'utf8'), old);
        assert.equal(await readFile(`${file}.2`, 'utf8'), 'older\n');
        assert.deepEqual((await readdir(dir)).sort(), [0, 1, 2].map((n) => `server.log${n ? `.${n}` : ''}`));
        await rename(file, `${file}.away`);
        one.child.kill('SIGHUP');
        assert.equal((await said('config_reloaded'))[0].event, 'config_reloaded');
        assert.equal((await stat(file)).mode & 0o777, 0o640);
        await one.stop();
        assert.deepEqual([...one.logs, ...one.stray], [], 'nothing on stderr');
        await rm(dir, { recursive: true });
        const refused = await runBinary(['serve'], { env: { LOG_FILE: '/nonexistent/server.log' } });
        assert.equal(refused.code, 3);
        assert.match(refused.stderr, /LOG_FILE.*\/nonexistent/);
});

describe('the management listener', () => {
        const get = (path, headers = {}) => fetch(management + path, { headers });
        test('has metrics and health without a credential', async () => {
                const metrics = await get('/metrics');
                assert.equal(metrics.status, 200);
                assert.match(await metrics.text(), /^mainstay_build_info\{version="/m);
                assert.equal((await get('/health')).status, 200);
                assert.equal((await get('/health/ready')).status, 200);
        });
        test('has nothing else', async () => {
                for (const path of ['/api/v1/memories', '/docs', '/openapi.json', '/v1/models'])
                        assert.equal((await get(path)).status, 404, path);
                assert.equal((await get('/health/detailed')).status, 401);
        });
});

describe('metrics', () => {
        const bearer = { headers: { Authorization: `Bearer ${TOKEN}` } };
        const as = (accept) => ({ headers: { ...bearer.headers, Accept: accept } });
        test('need their token, or a credential with the scope', async () => {
                await call('GET', '/metrics', { expect: 401, code: 'not_authenticated' });
                await call('GET', '/metrics', { token: 'nonsense', expect: 401 });
                await user.call('GET', '/metrics', { expect: 403, code: 'insufficient_scope' });
                await call('GET', '/metrics', { ...bearer, expect: 200 });
        });
        test('every family has HELP and TYPE once, and no series twice', async () => {
                const { text, headers } = await call('GET', '/metrics', bearer);
                assert.match(headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
                const seen = new Set();
                const typed = new Set();
                for (const line of text.trim().split('\n')) {
                        const [, kind, name] = line.match(/^# (HELP|TYPE) (\S+)/) ?? [];
                        const series = kind ? `${kind} ${name}` : line.replace(/ \S+$/, '');
                        assert.ok(!seen.has(series), series);
                        seen.add(series);
                        if (kind === 'TYPE') typed.add(name);
                        if (kind) continue;
                        const family = series.replace(/\{.*/, '');
                        const base = family.replace(/_(bucket|sum|count)$/, '');
                        assert.ok(typed.has(family) || typed.has(base), line);
                        assert.match(line, / -?[\d.]+(e[+-]?\d+)?$/i);
                }
                assert.ok(text.includes(`route="me.get"`) || text.includes('route="auth.login"'));
                assert.ok(!text.includes(user.user_id));
                assert.ok(!text.includes(user.email));
        });
        test('every family is there before its first event', async () => {
                const text = await (await fetch(`${management}/metrics`)).text();
                for (const name of FAMILIES)
                        assert.match(text, new RegExp(`^# TYPE mainstay_${name} `, 'm'));
                for (const name of ['cpu_seconds_total', 'open_fds', 'max_fds', 'threads',
                        'virtual_memory_bytes', 'resident_memory_bytes', 'start_time_seconds'])
                        assert.match(text, new RegExp(`^process_${name} \\d`, 'm'));
        });
        test('count what memories are used for', async () => {
                const read = async (series) => {
                        const { text } = await call('GET', '/metrics', bearer);
                        return Number(text.split('\n').find((l) => l.startsWith(`${series} `))
                                ?.split(' ')[1] ?? NaN);
                };
                const search = 'mainstay_memory_operations_total{operation="search",status="ok"}';
                const added = 'mainstay_memory_events_total{event="ADD"}';
                const refused = 'mainstay_memory_operations_total{operation="get",status="refused"}';
                const before = await Promise.all([search, added, refused].map(read));
                const body = { type: 'fact', content: 'Keeps nine bees.' };
                await user.call('POST', '/api/v1/memories', { body, expect: 201 });
                await user.call('POST', '/api/v1/memories/search', {
                        body: { query: 'bees' },
                        expect: 200,
                });
                await user.call('GET', `/api/v1/memories/${randomUUID()}`, { expect: 404 });
                assert.deepEqual(
                        await Promise.all([search, added, refused].map(read)),
                        before.map((n) => n + 1),
                );
        });
        test('come packed to who takes gzip', async () => {
                for (const [accepted, packed] of [
                        ['gzip', 'gzip'],
                        ['br, gzip;q=0.2', 'gzip'],
                        ['gzip;q=0', null],
                        ['identity', null],
                ]) {
                        const { headers, text } = await call('GET', '/metrics', {
                                headers: { ...bearer.headers, 'Accept-Encoding': accepted },
                        });
                        assert.equal(headers.get('content-encoding'), packed, accepted);
                        assert.match(headers.get('vary'), /Accept-Encoding/);
                        assert.match(text, /^mainstay_build_info\{version="/m);
                        const sent = Number(headers.get('content-length'));
                        assert.ok(packed ? sent < text.length / 4 : sent === text.length);
                }
        });
        test('as OpenMetrics', async () => {
                const { text, type } = await call(
                        'GET',
                        '/metrics',
                        { ...as('application/openmetrics-text; version=1.0.0'), judge: false },
                );
                assert.equal(type, 'application/openmetrics-text');
                assert.ok(text.endsWith('# EOF\n'));
        });
        test('as JSON', async () => {
                const { body } = await call('GET', '/metrics', as('application/json'));
                assert.ok(body.requests_total > 0);
                assert.ok(body.avg_response_time_ms > 0);
                assert.ok(body.error_rate_1min >= 0 && body.error_rate_1min <= 1);
                assert.ok(body.memory_usage.rss_bytes > 1e6);
                assert.ok(body.memory_usage.percent > 0 && body.memory_usage.percent < 100);
                assert.ok(body.active_counters.connections >= 1);
        });
});

describe('CORS', () => {
        const from = (origin) => ({ headers: { Origin: origin } });
        test('a listed origin may call, with credentials', async () => {
                for (const [path, status] of [
                        ['/health', 200],
                        ['/api/v1/memories', 401],
                        ['/nowhere', 404],
                ]) {
                        const { headers } = await call('GET', path, {
                                ...from(ORIGIN),
                                expect: status,
                        });
                        assert.equal(headers.get('access-control-allow-origin'), ORIGIN);
                        assert.equal(headers.get('access-control-allow-credentials'), 'true');
                        assert.equal(headers.get('vary'), 'Origin');
                }
        });
        test('another gets no such header', async () => {
                for (const origin of ['https://app.example.com.evil.test', 'null', `${ORIGIN}:444`])
                        for (const method of ['GET', 'OPTIONS']) {
                                const { headers } = await call(method, '/health', {
                                        ...from(origin),
                                        judge: false,
                                });
                                assert.equal(headers.get('access-control-allow-origin'), null);
                                assert.equal(headers.get('access-control-allow-methods'), null);
                        }
        });
        test('a preflight is 204, needs no credential and names the methods', async () => {
                const { headers } = await call('OPTIONS', '/api/v1/memories', {
                        ...from(ORIGIN),
                        expect: 204,
                        judge: false,
                });
                assert.match(headers.get('access-control-allow-methods'), /\bPOST\b/);
                assert.match(headers.get('access-control-allow-headers'), /Authorization/);
                assert.match(headers.get('access-control-allow-headers'), /Idempotency-Key/);
                assert.equal(headers.get('access-control-max-age'), '600');
        });
});

describe('an answer', () => {
        test('to HEAD is that of GET without the body', async () => {
                for (const path of ['/health', '/openapi.json', '/nowhere', '/api/v1/memories']) {
                        const get = await user.call('GET', path);
                        const head = await user.call('HEAD', path, { judge: false });
                        assert.equal(head.status, get.status);
                        assert.equal(head.text, '');
                        const length = Number(head.headers.get('content-length'));
                        assert.ok(length > 0, path);
                        for (const name of ['content-type', 'x-content-type-options'])
                                assert.equal(head.headers.get(name), get.headers.get(name));
                }
        });
        test('to HEAD where there is no GET is 405', async () => {
                const { headers } = await user.call('HEAD', '/api/v1/conversation', {
                        expect: 405,
                        judge: false,
                });
                assert.equal(headers.get('allow'), 'POST');
        });
        test('comes in the order path, method, credential, media type, JSON, values', async () => {
                const raw = (text, type) => ({ raw: text, headers: { 'Content-Type': type } });
                const json = 'application/json';
                const path = '/api/v1/memories';
                await call('POST', '/api/v1/nowhere', { ...raw('{', 'text/plain'), expect: 404 });
                await call('PUT', path, { ...raw('{', 'text/plain'), expect: 405 });
                await call('POST', path, { ...raw('{', 'text/plain'), expect: 401 });
                await user.call('POST', path, { ...raw('{', 'text/plain'), expect: 415 });
                await user.call('POST', path, { ...raw('{', json), expect: 400, code: 'bad_json' });
                await user.call('POST', path, { ...raw('{}', json), expect: 422 });
        });
        test('has its ids and no cache', async () => {
                const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
                const { headers, body } = await call('GET', '/nowhere', {
                        headers: { traceparent: `00-${trace}-00f067aa0ba902b7-01` },
                        expect: 404,
                });
                assert.equal(headers.get('x-request-id'), trace);
                assert.equal(body.request_id, trace);
                assert.equal(body.instance, `urn:trace:${trace}`);
                assert.equal(body.type, `${server.base}/problems/not_found`, 'the port really taken');
                assert.equal(headers.get('cache-control'), 'no-store');
                assert.equal(headers.get('server'), null);
        });

        test("logs the client's own id beside ours, if it is one", async () => {
                const logged = async (id) => {
                        const { headers } = await call('GET', '/nowhere', { headers: { 'X-Request-ID': id }, expect: 404 });
                        const ours = headers.get('x-request-id');
                        assert.notEqual(ours, id);
                        const line = await server.waitLog((l) => l.request_id === ours && l.status === 404, { from: 0 });
                        return line.attrs.client_request_id;
                };
                const id = `my.id-${'x'.repeat(58)}`;
                assert.equal(await logged(id), id);
                assert.equal(await logged(`${id}x`), undefined);
                assert.equal(await logged('a b'), undefined);
        });
});

test('the log says which migrations ran, and who was over a limit', async () => {
        const strict = await startServer({ env: { LIMITS: 'on' } });
        const applied = strict.logs.filter((l) => l.event === 'migration_applied');
        assert.ok(applied.length > 5 && applied.every((l) => l.attrs.number > 0));
        for (let i = 0; i < 11; i++)
                await api(strict)('POST', '/api/v1/auth/login', { body: { email: `${i}@example.org`, password: 'x' } });
        const line = await strict.waitLog((l) => l.event === 'rate_limited', { from: 0 });
        assert.ok(line.attrs.retry_after_s > 0);
        await strict.stop();
});

test('checks can be run now by an administrator, and a failing one is logged', async () => {
        let asked = 0; // out of patience from the second time on
        const model = createHttpServer((req, res) => {
                res.writeHead(asked++ ? 429 : 200, { 'content-type': 'application/json' });
                res.end('{}');
        }).listen(0, '127.0.0.1');
        await new Promise((r) => {
                model.on('listening', r);
        });
        const base = `http://127.0.0.1:${model.address().port}`;
        const period_ms = 60_000;
        const checks = [
                { name: 'model', kind: 'openai', target: base, key: 'k', period_ms },
                { name: 'gone "for good"', kind: 'http', url: 'http://127.0.0.1:1/', period_ms },
        ];
        const providers = [{ name: 'main', base_url: base, models: ['m'] }];
        const admin = 'operator@example.org';
        const probing = await startServer({
                admin,
                env: {
                        HEALTH_CHECKS: JSON.stringify(checks),
                        LLM_PROVIDERS: JSON.stringify(providers),
                },
        });
        const anyone = api(probing);
        const operator = await signIn(anyone, admin);
        const failed = await probing.waitLog((l) => l.event === 'probe_failed', { from: 0 });
        assert.equal(failed.attrs.check, checks[1].name);
        assert.equal(failed.attrs.error, 'Connection refused');
        assert.equal(asked, 1);
        const somebody = await newUser(anyone);
        for (const path of ['/health/ready', '/ready', '/readyz']) {
                await anyone('GET', `${path}?fresh=1`, { expect: 401 });
                await somebody.call('GET', `${path}?fresh=1`, { expect: 403 });
        }
        assert.equal(asked, 1);
        const { body } = await operator.call('GET', '/health/ready?fresh=1', { expect: 200 });
        assert.equal(asked, 2);
        assert.equal(body.checks.model.status, 'healthy', 'it answers');
        assert.equal(body.checks.model.rate_limit.remaining, 0);
        const detailed = (await operator.call('GET', '/health/detailed', { expect: 200 })).body;
        assert.equal(detailed.checks['main:circuit'][0].observedValue, 'closed');
        assert.equal(detailed.checks['model:responseTime'][0].componentType, 'component');
        assert.equal(detailed.checks[`${checks[1].name}:responseTime`][0].status, 'warn');
        await probing.stop();
        await new Promise((r) => {
                model.close(r);
        });
});

test('/status names each router once', async () => {
        const { body } = await call('GET', '/status', { expect: 200 });
        assert.equal(new Set(body.routers_loaded).size, body.routers_loaded.length);
        assert.equal(body.total_routers, body.routers_loaded.length);
        assert.deepEqual(body.routes_missing, []);
        assert.equal(body.port, server.port);
});

test('config check names every fault at once, as text or as JSON', async () => {
        const env = {
                LISTEN: 'nonsense',
                WORKERS: '0',
                TRUSTED_PROXIES: 'nonsense',
                HEALTH_CHECKS: '[{"name":"x","kind":"psychic"}]',
                LLM_PROVIDERS: '{',
                JWT_SECRET_KEY: 'your-secret-key-your-secret-key-1',
                DATA_DIR: '/dev/null/data',
        };
        const text = await runBinary(['config', 'check'], { env });
        assert.equal(text.code, 3);
        const json = await runBinary(['config', 'check', '--json'], { env });
        assert.equal(json.code, 3);
        const { error, faults } = JSON.parse(json.stderr);
        assert.equal(error, 'settings_refused');
        assert.deepEqual(faults.map((f) => f.setting).sort(), Object.keys(env).sort());
        for (const name of Object.keys(env)) assert.ok(text.stderr.includes(`mainstay: ${name}: `));
});
