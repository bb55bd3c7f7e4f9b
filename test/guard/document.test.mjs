// SPDX-License-Identifier: MIT
// What the binary prints about itself, judged by others: Redocly on the OpenAPI document, promtool
// on the metrics.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { api, newUser } from '../lib/api.mjs';
import { root, runBinary, startServer } from '../lib/server.mjs';

let server, call;
const dir = mkdtempSync(join(tmpdir(), 'mainstay-guard-'));
before(async () => {
        server = await startServer({ env: { METRICS_PUBLIC: 'true' } });
        call = api(server);
});
after(async () => {
        rmSync(dir, { recursive: true });
        await server.stop();
});

const lint = (document) => {
        const file = join(dir, 'openapi.json');
        writeFileSync(file, document);
        const env = {
                ...process.env,
                REDOCLY_TELEMETRY: 'off',
                REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
        };
        // GET / only leads to the page, so it has no 2XX.
        return spawnSync(
                join(root, 'test/node_modules/.bin/redocly'),
                [
                        'lint',
                        '--extends=recommended',
                        '--skip-rule=operation-2xx-response',
                        '--format=stylish',
                        file,
                ],
                { cwd: join(root, 'test'), encoding: 'utf8', env, timeout: 120_000 },
        );
};

test('the OpenAPI document is clean, and a broken one would not be', async () => {
        const { text, body } = await call('GET', '/openapi.json', { expect: 200, judge: false });
        const good = lint(text);
        assert.equal(good.status, 0, good.stdout + good.stderr);
        assert.doesNotMatch(good.stdout + good.stderr, /warning/i);
        const [path] = Object.keys(body.paths);
        body.paths[path] = { get: {} };
        assert.notEqual(lint(JSON.stringify(body)).status, 0);
});

test('tags are written as headings are', async () => {
        const { body } = await call('GET', '/openapi.json', { judge: false });
        const used = Object.values(body.paths).flatMap((p) => Object.values(p)).flatMap((o) => o.tags ?? []);
        assert.ok(used.length > 100);
        for (const tag of new Set(used)) assert.match(tag, /^[A-Z][A-Za-z0-9]*( [a-z]+)*$/);
        assert.deepEqual(body.tags.map((t) => t.name).sort(), [...new Set(used)].sort());
});

test('the command line prints the same document as the server', async () => {
        const served = await call('GET', '/openapi.json', { judge: false });
        const printed = await runBinary(['openapi']);
        assert.equal(printed.code, 0, printed.stderr);
        const document = JSON.parse(printed.stdout);
        delete document.servers; // the port is known only to the server
        delete served.body.servers;
        assert.deepEqual(document, served.body);
});

test('every operation has an id, a summary, and says who may call it', async () => {
        const { body } = await call('GET', '/openapi.json', { judge: false });
        const ids = new Set();
        for (const [path, item] of Object.entries(body.paths)) {
                for (const [method, operation] of Object.entries(item)) {
                        assert.ok(
                                operation.operationId && operation.summary && operation.security,
                                `${method} ${path}`,
                        );
                        assert.ok(!ids.has(operation.operationId), operation.operationId);
                        ids.add(operation.operationId);
                }
        }
        assert.ok(ids.size > 20);
});

test('the settings reference and the sample environment are the printed ones', async () => {
        for (const [file, form] of [
                ['docs/settings.md', '--markdown'],
                ['.env.example', '--env-example'],
        ]) {
                const { code, stdout } = await runBinary(['config', 'print', form]);
                assert.equal(code, 0);
                assert.equal(
                        readFileSync(join(root, file), 'utf8'),
                        stdout,
                        `${file} is old: ./dev settings`,
                );
        }
});

test('promtool accepts the metrics of a server that has worked', async () => {
        const user = await newUser(call);
        await user.call('POST', '/api/v1/conversation', {
                body: { message: 'I live in Lisbon.' },
                expect: 200,
        });
        const { text, type } = await call('GET', '/metrics', { expect: 200 });
        assert.equal(type, 'text/plain');
        const check = (input) =>
                spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
        const good = check(text);
        assert.equal(good.status, 0, `${good.error ?? ''}${good.stdout}${good.stderr}`);
        assert.match(text, /^mainstay_http_requests_total\{/m);
        assert.notEqual(check('mainstay_x{ 1\n').status, 0);
});
