// SPDX-License-Identifier: MIT
// Turns of a person who is known well (turns.mjs); then a thousand chat streams at once through a
// fake model that speaks a word every quarter second, while somebody else reads GET /auth/me two
// hundred times a second: those reads must stay quick.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { api, newUser } from '../../test/lib/api.mjs';
import { root } from '../../test/lib/server.mjs';
import {
        exec,
        freePort,
        quantile,
        scratch,
        sleep,
        startMainstay,
        usage,
        verdict,
} from '../lib/bench.mjs';
import { turns } from './turns.mjs';

const STREAMS = Number(process.env.BENCH_STREAMS ?? 1000);
const USERS = STREAMS / 4; // four running turns each is what a user may have
const here = dirname(fileURLToPath(import.meta.url));

async function startModel() {
        const port = await freePort();
        const child = spawn('node', [join(root, 'test/fake/llm.mjs'), port], {
                stdio: ['ignore', 'pipe', 'inherit'],
        });
        await new Promise((r) => {
                child.stdout.once('data', r);
        });
        const control = (body) =>
                fetch(`http://127.0.0.1:${port}/control`, {
                        method: body ? 'POST' : 'GET',
                        body: body && JSON.stringify(body),
                }).then((r) => r.json());
        return { base: `http://127.0.0.1:${port}/v1`, control, stop: () => child.kill('SIGTERM') };
}

// Milliseconds of one GET on a connection that stays open.
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const probe = (url, token) =>
        new Promise((done, fail) => {
                const started = performance.now();
                get(url, { agent, headers: { authorization: `Bearer ${token}` } }, (res) => {
                        res.resume().on('end', () =>
                                res.statusCode === 200
                                        ? done(performance.now() - started)
                                        : fail(new Error(`${res.statusCode}`)),
                        );
                }).on('error', fail);
        });

const model = await startModel();
const providers = [
        {
                name: 'fake',
                base_url: model.base,
                models: ['fake-small'],
                default_model: 'fake-small',
                max_concurrency: STREAMS + 100,
                price: { input_per_1m: 0, output_per_1m: 0 },
        },
];
const known = await turns(JSON.stringify(providers));
const server = await startMainstay({ LLM_PROVIDERS: JSON.stringify(providers), LLM_API_KEY: 'k' });
const users = [];
for (let i = 0; i < USERS; i++) users.push(await newUser(api(server)));
const tokens = join(scratch, 'tokens');
writeFileSync(tokens, users.map((u) => `${u.token}\n`).join(''));
// Each conversation has had a turn, so that what is kept of people and words is not counted below.
await Promise.all(
        [0, 1, 2, 3].map(async (k) => {
                for (let i = k; i < STREAMS; i += 4)
                        await users[i % USERS].call('POST', '/api/ai/chat', {
                                body: { message: 'count 40', session_id: `s${i}` },
                                judge: false,
                                expect: 200,
                        });
        }),
);
await model.control({ fault: { fault: 'slow', between: 250 } });
const before = usage(server.pid).rss;

let over = false;
const clients = exec('node', [join(here, 'clients.mjs'), server.url, tokens, String(STREAMS)], {
        maxBuffer: 1 << 24,
}).finally(() => {
        over = true;
});
for (let i = 0; i < 100 && !over && (await model.control()).open < STREAMS * 0.95; i++)
        await sleep(100);
const open = (await model.control()).open;
const rss = usage(server.pid).rss;
const times = [];
while (!over && (await model.control()).open > STREAMS * 0.9)
        for (let i = 0; i < 100 && !over; i++) {
                times.push(await probe(`${server.url}/api/v1/auth/me`, users[0].token));
                await sleep(5);
        }
const result = JSON.parse((await clients).stdout);
await server.stop();
model.stop();

const ms = ({ p50, p99 }) => `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
const kib = ((rss - before) * 1024) / STREAMS;
console.log(
        `${known.memories} memories: a turn without a model ${ms(known.offline)}; ` +
                `own part of one with a model ${ms(known.overhead)}\n` +
                `${open} streams open at once, ${result.done} complete, ${result.failed} failed ` +
                `${JSON.stringify(result.reasons)}; first delta ${ms(result.first)}; ` +
                `${kib.toFixed(1)} KiB per running turn; ${times.length} reads`,
);
verdict(
        'chat',
        [
                ['turn without a model, p99', known.offline.p99, 30, '<=', ' ms'],
                ['own part of a turn, p99', known.overhead.p99, 20, '<=', ' ms'],
                ['streams open at once', open, STREAMS * 0.95, '>='],
                ['memory of a running turn', kib, 48, '<=', ' KiB'],
                ['streams that ended with done', result.done, STREAMS, '>='],
                [
                        'GET /auth/me during the streams, p50',
                        quantile(times, 0.5) ?? Infinity,
                        20,
                        '<=',
                        ' ms',
                ],
                [
                        'GET /auth/me during the streams, p99',
                        quantile(times, 0.99) ?? Infinity,
                        20,
                        '<=',
                        ' ms',
                ],
        ],
        { result, reads: times.length, known, kib },
);
