// SPDX-License-Identifier: MIT
// A restart under load on a socket that outlives the process: no request fails, none is half-answered.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

import { binaryPath, root } from '../lib/server.mjs';

const CLIENTS = 16;
const RESTARTS = 3;

// A connection of its own for each request: what a balancer does that does not retry.
const ask = (port) =>
        new Promise((done) => {
                const r = request({ port, host: '127.0.0.1', path: '/health', agent: false });
                r.setTimeout(20_000, () => r.destroy(new Error('no answer in 20 s')));
                r.on('error', (e) => done(String(e)));
                r.on('response', (a) => {
                        a.on('error', (e) => done(String(e)));
                        a.resume().on('end', () => done(a.statusCode));
                });
                r.end();
        });

async function holder(dataDir) {
        const { PATH, HOME, ASAN_OPTIONS, TSAN_OPTIONS } = process.env;
        const env = { PATH, HOME, DATA_DIR: dataDir, ENVIRONMENT: 'development', LIMITS: 'off', DRAIN_DELAY: '0' };
        if (ASAN_OPTIONS) env.ASAN_OPTIONS = ASAN_OPTIONS;
        if (TSAN_OPTIONS) env.TSAN_OPTIONS = TSAN_OPTIONS;
        const child = spawn('python3', [join(root, 'test/lib/holder.py'), binaryPath()], {
                env,
                stdio: ['pipe', 'pipe', 'inherit'],
        });
        const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
        const hear = async (word) => {
                const { value = 'nothing' } = await lines.next();
                assert.ok(value.startsWith(word), value);
                return value.slice(word.length + 1);
        };
        const say = async (command, word) => {
                child.stdin.write(`${command}\n`);
                return hear(word);
        };
        return { port: Number(await hear('port')), say, end: () => child.stdin.end() };
}

test('a restart under load loses no request', { timeout: 120_000 }, async () => {
        const dataDir = await mkdtemp(join(tmpdir(), 'mainstay-restart-'));
        const held = await holder(dataDir);
        await held.say('start', 'ready');
        const answers = new Map();
        let running = true;
        const client = async () => {
                while (running) {
                        const a = await ask(held.port);
                        answers.set(a, (answers.get(a) ?? 0) + 1);
                }
        };
        const clients = Array.from({ length: CLIENTS }, client);
        for (let i = 0; i < RESTARTS; i++) {
                await new Promise((r) => setTimeout(r, 500));
                assert.equal(await held.say('stop', 'ended'), '0');
                await held.say('start', 'ready');
        }
        await new Promise((r) => setTimeout(r, 300));
        running = false;
        await Promise.all(clients);
        assert.equal(await held.say('stop', 'ended'), '0');
        held.end();
        await rm(dataDir, { recursive: true, force: true });
        assert.deepEqual([...answers.keys()], [200], JSON.stringify([...answers]));
        assert.ok(answers.get(200) > 100, `only ${answers.get(200)} requests`);
});
