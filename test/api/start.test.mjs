// SPDX-License-Identifier: MIT
// What the process does with surroundings that are wrong, before and after it serves: one clear
// sentence and an exit status, or 503 with nothing half-done. And how it stops.
import assert from 'node:assert/strict';
import {
        chmod,
        copyFile,
        mkdir,
        mkdtemp,
        open,
        readdir,
        readFile,
        rm,
        stat,
        writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { api, newUser, signIn } from '../lib/api.mjs';
import { binaryPath, runBinary, startServer } from '../lib/server.mjs';

let dir;
before(async () => {
        dir = await mkdtemp(join(tmpdir(), 'mainstay-start-'));
});
after(() => rm(dir, { recursive: true, force: true }));
let count = 0;
const freshDir = () => join(dir, `data${count++}`);

// Starts, waits for the end, and returns what was said. It must refuse, in words, with a status of
// its own choice.
async function refused(env, words, dataDir = freshDir()) {
        const server = await startServer({ env, dataDir, ready: false });
        const timer = setTimeout(() => server.child.kill('SIGKILL'), 20_000);
        const { code, signal } = await server.exit;
        clearTimeout(timer);
        const said = server.tail(50);
        assert.equal(signal, null, said);
        assert.notEqual(code, 0, said);
        assert.match(said, words);
        assert.ok(!server.logs.some((l) => l.event === 'server_ready'), said);
        return said;
}

describe('refuses to start', () => {
        test('on a port in use', async () => {
                const other = createServer().listen(0, '127.0.0.1');
                await new Promise((r) => {
                        other.on('listening', r);
                });
                await refused({ LISTEN: `127.0.0.1:${other.address().port}` }, /in use/i);
                other.close();
        });
        test('where a directory cannot be made', () => refused({}, /dev\/null/, '/dev/null/data'));
        test('on an address that is none', () =>
                refused({ LISTEN: 'nonsense' }, /LISTEN|nonsense/));
        test('with a weak signing secret', () =>
                refused({ JWT_SECRET_KEY: 'short' }, /JWT_SECRET_KEY/));
        test('with a setting and its file', async () => {
                const file = join(dir, 'secret');
                await writeFile(file, 'x'.repeat(40));
                await refused(
                        { JWT_SECRET_KEY: 'y'.repeat(40), JWT_SECRET_KEY_FILE: file },
                        /JWT_SECRET_KEY_FILE/,
                );
        });
        test('with development conveniences in production, all named at once', async () => {
                const said = await refused(
                        {
                                ENVIRONMENT: 'production',
                                SKIP_AUTH: 'true',
                                LIMITS: 'off',
                                CORS_ORIGINS: '*',
                        },
                        /SKIP_AUTH/,
                );
                assert.match(said, /LIMITS/);
                assert.match(said, /CORS_ORIGINS/);
        });
        test('with a number out of range', () => refused({ WORKERS: '100000' }, /WORKERS/));
        test('on a database that is not one', async () => {
                const dataDir = freshDir();
                await mkdir(dataDir);
                const first = await startServer({ dataDir });
                await first.stop();
                for (const name of await readdir(dataDir)) {
                        if (/\.db(-wal)?$/.test(name)) {
                                const file = await open(join(dataDir, name), 'r+');
                                await file.write(Buffer.alloc(8192, 0x5a), 0, 8192, 0);
                                await file.close();
                        }
                }
                await refused({}, /database|corrupt|malformed/i, dataDir);
        });
        test('with a root key that is not the one of the data', async () => {
                const dataDir = freshDir();
                const first = await startServer({ dataDir });
                await newUser(api(first));
                await first.stop();
                await refused({ ROOT_KEY: '11'.repeat(32) }, /root key/i, dataDir);
                const again = await startServer({ dataDir });
                await again.stop();
        });
});

test('an unknown setting in the file is refused with the nearest known name', async () => {
        const cwd = freshDir();
        await mkdir(cwd);
        const file = join(cwd, 'mainstay.yaml');
        await writeFile(file, 'LISTNE: 127.0.0.1:0\n');
        const { code, stdout, stderr } = await runBinary(['config', 'check', '--config', file], {
                dataDir: cwd,
        });
        assert.notEqual(code, 0);
        assert.match(stdout + stderr, /LISTNE/);
        assert.match(stdout + stderr, /\bLISTEN\b/);
});

describe('the command line', () => {
        for (const command of [
                [],
                ['serve'],
                ['migrate'],
                ['backup'],
                ['restore'],
                ['config'],
                ['user'],
                ['keys'],
                ['openapi'],
                ['version'],
        ])
                test(`${command.join(' ') || 'mainstay'} --help`, async () => {
                        const { code, stdout } = await runBinary([...command, '--help']);
                        assert.equal(code, 0);
                        assert.match(stdout, /usage: mainstay/i);
                });
        test('an unknown command and an unknown option: status 2 and the usage', async () => {
                for (const args of [['nonsense'], ['serve', '--nonsense']]) {
                        const { code, stderr } = await runBinary(args);
                        assert.equal(code, 2);
                        assert.match(stderr, /nonsense/);
                }
                const { code } = await runBinary(['user', 'create', 'ann@example.org', '--tier=gold'], {
                        dataDir: freshDir(),
                });
                assert.equal(code, 2, 'no setting is at fault');
        });
        test('config check refuses an address that is none, or that holds a password', async () => {
                const provider = [{ name: 'a', base_url: 'ftp://models.example', default_model: 'm' }];
                for (const env of [
                        { LLM_BASE_URL: 'models.example' },
                        { LLM_BASE_URL: 'https://ann:secret@models.example/v1' },
                        { EMBEDDINGS_BASE_URL: 'models.example' },
                        { LLM_PROVIDERS: JSON.stringify(provider) },
                ]) {
                        const { code, stderr } = await runBinary(['config', 'check'], { env });
                        assert.equal(code, 3);
                        assert.match(stderr, new RegExp(Object.keys(env)[0]));
                        assert.doesNotMatch(stderr, /secret/);
                }
        });
        test('config print masks secrets', async () => {
                const { code, stdout } = await runBinary(['config', 'print'], {
                        env: { JWT_SECRET_KEY: 'a8Kq2Lw0Zr5Tn9Xc4Vb7Mj1Hd6Gf3SpQ' },
                });
                assert.equal(code, 0);
                assert.match(stdout, /JWT_SECRET_KEY/);
                assert.doesNotMatch(stdout, /a8Kq2Lw0/);
        });
});

describe('a disk that takes no more', () => {
        let server, call, user;
        before(async () => {
                const wrapper = join(dir, 'small-disk');
                await writeFile(
                        wrapper,
                        `#!/bin/bash\ntrap '' XFSZ\nulimit -f 3000\nexec '${binaryPath()}' "$@"\n`,
                );
                await chmod(wrapper, 0o755);
                server = await startServer({ binary: wrapper, dataDir: freshDir() });
                call = api(server);
                user = await newUser(call);
        });
        after(() => server.stop());

        test('answers 503 and keeps what it has', async () => {
                const kept = [];
                let full;
                const content = (n) => `Note ${n}: ${'long words about gardens '.repeat(70)}`;
                for (let n = 0; n < 3000 && !full; n++) {
                        const answer = await user.call('POST', '/api/v1/memories', {
                                body: { type: 'fact', content: content(n) },
                        });
                        if (answer.status === 503) full = answer;
                        else kept.push([answer.body.memory_id, content(n)]);
                }
                assert.ok(full, 'the disk never became full');
                assert.equal(full.body.code, 'storage_unavailable');
                assert.ok(full.headers.get('retry-after'));
                const [id, text] = kept.at(-1);
                const got = await user.call('GET', `/api/v1/memories/${id}`, { expect: 200 });
                assert.equal(got.body.content, text);
                await call('GET', '/health', { expect: 200 });
        });
});

describe('backup and restore', () => {
        test('a copy made while serving starts elsewhere with everything in it', async () => {
                const server = await startServer({ dataDir: freshDir() });
                const user = await newUser(api(server));
                const made = await user.call('POST', '/api/v1/memories', {
                        body: { type: 'fact', content: 'Lives in Lisbon.' },
                        expect: 201,
                });
                const copy = join(dir, 'copy.db');
                const saved = await runBinary(['backup', copy], { dataDir: server.dataDir });
                assert.equal(saved.code, 0, saved.stderr);
                await server.stop();

                const other = freshDir();
                await mkdir(other);
                await copyFile(join(server.dataDir, 'root.key'), join(other, 'root.key'));
                const restored = await runBinary(['restore', copy], { dataDir: other });
                assert.equal(restored.code, 0, restored.stderr);
                const again = await startServer({ dataDir: other });
                const back = await signIn(api(again), user.email);
                const got = await back.call('GET', `/api/v1/memories/${made.body.memory_id}`, {
                        expect: 200,
                });
                assert.equal(got.body.content, 'Lives in Lisbon.');
                await again.stop();
                const onto = await runBinary(['restore', copy], { dataDir: other });
                assert.notEqual(onto.code, 0, 'restore must not overwrite data by itself');
        });
});

describe('stopping', () => {
        test('SIGTERM: readiness turns 503, what runs is finished, status 0', async () => {
                const server = await startServer({
                        dataDir: freshDir(),
                        env: { DRAIN_DELAY: '1' },
                });
                const call = api(server);
                await call('GET', '/health/ready', { expect: 200 });
                server.child.kill('SIGTERM');
                await server.waitLog((l) => l.event === 'server_drain', { from: 0 });
                const ready = await call('GET', '/health/ready', { expect: 503 });
                assert.equal(ready.body.reason, 'draining');
                await call('GET', '/health', { expect: 200 });
                await server.exit;
                assert.deepEqual(server.exited, { code: 0, signal: null });
        });
        test('a second SIGTERM stops at once, status 1', async () => {
                const server = await startServer({
                        dataDir: freshDir(),
                        env: { DRAIN_DELAY: '30' },
                });
                server.child.kill('SIGTERM');
                await server.waitLog((l) => l.event === 'server_drain', { from: 0 });
                await server.stop({ code: 1 });
        });
        test("the data directory and its files are the owner's alone", async () => {
                const server = await startServer({ dataDir: freshDir() });
                await server.stop();
                assert.equal((await stat(server.dataDir)).mode & 0o077, 0);
                for (const name of await readdir(server.dataDir))
                        assert.equal(
                                (await stat(join(server.dataDir, name))).mode & 0o077,
                                0,
                                name,
                        );
                const key = await readFile(join(server.dataDir, 'root.key'));
                assert.ok(key.length >= 32);
        });
});
