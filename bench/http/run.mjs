// SPDX-License-Identifier: MIT
// Mainstay against its peers, in one run on one machine: CPU, rate, latency, memory.
//
// The client (wrk, 64 connections) shares the cores with the server, so requests per second say
// what both can do together; CPU is the server's own (utime + stime of all its processes), and the
// targets speak of it. Rounds alternate between the servers and the middle one counts, so that a
// noisy neighbour does not decide.
import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { api, newUser } from '../../test/lib/api.mjs';
import { root } from '../../test/lib/server.mjs';
import {
        binary,
        exec,
        freePort,
        load,
        middle,
        printTable,
        scratch,
        startMainstay,
        usage,
        verdict,
} from '../lib/bench.mjs';
import { fastapi, fastify, nginx, tokenOf } from '../lib/peers.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const SECONDS = Number(process.env.BENCH_SECONDS ?? 4);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
const USERS = 64;

async function measure(cases) {
        const results = cases.map(() => []);
        for (const c of cases) await load(c.target, c.path, { ...c, seconds: 1 });
        for (let round = 0; round < ROUNDS; round++)
                for (const [i, c] of cases.entries())
                        results[i].push(await load(c.target, c.path, { ...c, seconds: SECONDS }));
        return cases.map((c, i) => ({ ...c, ...middle(results[i], 'cpu') }));
}

// Milliseconds from the start of the process to the first byte of the answer to GET /health; the
// middle of several starts on data that exists, and the first one, which makes the database and the
// keys. Asked each millisecond: without a pause the asking would take a core from the one that
// starts.
async function startToAnswer() {
        const data = mkdtempSync(join(scratch, 'start-'));
        const port = await freePort();
        const ask = (done) => {
                const socket = connect(port, '127.0.0.1', () =>
                        socket.write(
                                'GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
                        ),
                );
                socket.on('data', () => done(performance.now()) || socket.destroy());
                socket.on('error', () => setTimeout(ask, 1, done));
        };
        const times = [];
        for (let i = 0; i < 7; i++) {
                const started = performance.now();
                const child = spawn(binary, ['serve'], {
                        stdio: 'ignore',
                        cwd: scratch,
                        env: {
                                PATH: process.env.PATH,
                                LISTEN: `127.0.0.1:${port}`,
                                DATA_DIR: data,
                                DRAIN_DELAY: '0',
                                LOG_LEVEL: 'WARN',
                        },
                });
                const ended = new Promise((r) => {
                        child.on('close', r);
                });
                times.push((await new Promise(ask)) - started);
                child.kill('SIGTERM');
                await ended;
        }
        const [first, ...later] = times;
        return { first, later: later.sort((a, b) => a - b)[3] };
}

async function mainstayWithUsers() {
        const server = await startMainstay();
        const call = api(server);
        const users = [];
        for (let i = 0; i < USERS; i++) users.push(await newUser(call));
        const made = await users[0].call('POST', '/api/v1/memories', {
                body: {
                        type: 'fact',
                        content: 'Planted rosemary and thyme beside the kitchen window.',
                },
                expect: 201,
        });
        const tokens = join(scratch, 'tokens');
        writeFileSync(tokens, users.map((u) => `${u.token}\n`).join(''));
        return { server, token: users[0].token, tokens, memory: made.body.memory_id };
}

async function main() {
        const start = await startToAnswer();
        const ours = await mainstayWithUsers();
        const peers = [await nginx(), await fastify(), await fastapi()];
        const cases = [
                { target: peers[0], path: '/' },
                {
                        target: ours.server,
                        path: '/api/v1/auth/me',
                        token: ours.token,
                        label: '(a) GET /auth/me',
                },
                { target: peers[1], path: '/api/v1/auth/me', token: tokenOf(peers[1]) },
                { target: peers[2], path: '/api/v1/auth/me', token: tokenOf(peers[2]) },
                {
                        target: ours.server,
                        path: `/api/v1/memories/${ours.memory}`,
                        token: ours.token,
                        label: '(b) GET one memory',
                },
                {
                        target: ours.server,
                        path: '/api/v1/memories',
                        script: join(here, 'create.lua'),
                        args: [ours.tokens],
                        label: '(c) POST durable memory',
                },
        ];
        const [base, me, viaFastify, viaFastapi, read, create] = await measure(cases);
        const each = Number(
                (
                        await exec(join(root, 'build/release/sqlite_each'), [
                                join(scratch, 'each.db'),
                                String(SECONDS),
                        ])
                ).stdout,
        );

        printTable([
                [
                        '',
                        'CPU s/100k',
                        '× nginx',
                        'requests/s',
                        'p50 ms',
                        'p99 ms',
                        'RSS MiB',
                        'idle MiB',
                ],
                ...[base, me, viaFastify, viaFastapi, read, create].map((r) => [
                        r.label ? `mainstay ${r.label}` : r.target.name,
                        r.cpu.toFixed(2),
                        (r.cpu / base.cpu).toFixed(2),
                        r.rate.toFixed(0),
                        r.p50.toFixed(2),
                        r.p99.toFixed(2),
                        r.rss.toFixed(1),
                        r.target.idle.toFixed(1),
                ]),
                ['SQLite FULL, a commit each', '', '', each.toFixed(0), '', '', '', ''],
        ]);
        console.log(
                `first start ${start.first.toFixed(1)} ms, later starts ${start.later.toFixed(1)} ms to the first answer\n`,
        );
        verdict('http', [
                ['(a) CPU, token-checked read, × nginx', me.cpu / base.cpu, 2.0, '<='],
                ['(b) CPU, one memory by id, × nginx', read.cpu / base.cpu, 2.3, '<='],
                ['(c) CPU, durable create, × nginx', create.cpu / base.cpu, 3.0, '<='],
                ['(c) rate, × SQLite with a commit each', create.rate / each, 6, '>='],
                ['start to first answer', start.later, 50, '<=', ' ms'],
                ['idle RSS', ours.server.idle, 16, '<=', ' MiB'],
        ]);
        for (const p of [...peers, ours.server]) await p.stop();
}

await main();
