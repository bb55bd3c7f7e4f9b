// SPDX-License-Identifier: MIT
// Memory through the real binary, on loopback: import, search warm and cold, adds of many at once.
// Searches come one after the other on one connection (wrk), adds from 64 clients. Everything that
// was written is on the disk before it is answered. What else the machine does can only make an
// answer later, so the best of the rounds counts; of starts, the middle one.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { api, newUser } from '../../test/lib/api.mjs';
import { root } from '../../test/lib/server.mjs';
import {
        load,
        printTable,
        quantile,
        scratch,
        sleep,
        startMainstay,
        usage,
        verdict,
} from '../lib/bench.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const SECONDS = Number(process.env.BENCH_SECONDS ?? 4);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 4);
const USERS = Number(process.env.BENCH_USERS ?? 1000);
const CLIENTS = 64;
const data = mkdtempSync(join(scratch, 'memory-'));
const env = { DATA_DIR: data, LOG_LEVEL: 'ERROR' };
let server = await startMainstay(env);

// ---- what is sent -----------------------------------------------------------------------------

// Conversations of about so many turns as lines, and questions about them.
function talk(turns, seed) {
        const program = join(root, 'build/release/bench_talk');
        const out = execFileSync(program, [here, turns, seed], { maxBuffer: 1 << 30 });
        const lines = out.toString().trim().split('\n');
        return { questions: JSON.parse(lines.pop()).questions, lines };
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const once = (path, token, body, type) =>
        new Promise((done, fail) => {
                const headers = { authorization: `Bearer ${token}`, 'content-type': type };
                const started = performance.now();
                const req = request(server.url + path, { agent, method: 'POST', headers });
                req.on('error', fail);
                req.on('response', async (res) => {
                        const parts = await res.toArray();
                        const ms = performance.now() - started;
                        done({ status: res.statusCode, ms, text: Buffer.concat(parts).toString() });
                });
                req.end(body);
        });

// → { ms, body }. A server whose machine is busy with something else may ask to come again.
async function post(path, token, body, type = 'application/json') {
        const sent = typeof body === 'string' ? body : JSON.stringify(body);
        let r = await once(path, token, sent, type);
        for (let i = 0; r.status === 503 && i < 10; i++) {
                await sleep(1000);
                r = await once(path, token, sent, type);
        }
        if (r.status >= 300) throw new Error(`${path}: ${r.text}`);
        return { ms: r.ms, body: JSON.parse(r.text) };
}

const search = '/api/v1/memories/search';
const question = (query, unit) => ({ query: query.slice(0, 1000), units: [unit] });

async function importTalk(user, { lines }) {
        const path = '/api/v1/conversations/import';
        return post(path, user.token, lines.join('\n'), 'application/x-ndjson');
}

// Statements as memories, a hundred at a time, each with a number of its own.
async function remember(user, { lines }, count) {
        const texts = lines.flatMap((l) => JSON.parse(l).turns.map((t) => t.text)).slice(0, count);
        for (let i = 0; i < texts.length; i += 100)
                await post('/api/v1/memories/batch', user.token, {
                        operations: texts.slice(i, i + 100).map((text, k) => ({
                                op: 'add',
                                type: 'fact',
                                content: `Note ${i + k}: ${text}`.slice(0, 2000),
                        })),
                });
}

// ---- what is measured -------------------------------------------------------------------------

const best = (rounds) => rounds.reduce((a, b) => (b.p99 < a.p99 ? b : a));

let files = 0;
async function searches(user, queries, unit) {
        const bodies = join(scratch, `bodies-${files++}`);
        const lines = queries.map((q) => `${JSON.stringify(question(q, unit))}\n`);
        writeFileSync(bodies, lines.join(''));
        const rounds = [];
        for (let i = 0; i < ROUNDS; i++)
                rounds.push(
                        await load(server, search, {
                                script: join(here, 'search.lua'),
                                args: [bodies, user.token],
                                seconds: SECONDS,
                                connections: 1,
                                threads: 1,
                        }),
                );
        return best(rounds);
}

async function restart(more = {}) {
        await server.stop();
        server = await startMainstay({ ...env, ...more });
}

// The first search after a start; the connection is open and the user known.
async function cold(user, query, unit) {
        const times = [];
        for (let i = 0; i < 5; i++) {
                await restart();
                await api(server)('GET', '/api/v1/auth/me', { token: user.token, judge: false });
                times.push((await post(search, user.token, question(query, unit))).ms);
        }
        return quantile(times, 0.5);
}

// A message of about a thousand characters is a question, too.
const messages = ({ lines }) =>
        lines
                .slice(0, 200)
                .map((l) =>
                        JSON.parse(l)
                                .turns.map((t) => t.text)
                                .join(' ')
                                .slice(0, 1000)
                                .trim(),
                )
                .filter((text) => text.length > 900);

async function sized(turns) {
        const user = await newUser(api(server));
        const t = talk(turns, turns);
        const took = (await importTalk(user, t)).ms / 1000;
        const warm = await searches(user, t.questions, 'turn');
        const long = await searches(user, messages(t), 'turn');
        const first = await cold(user, t.questions[5], 'turn');
        return { turns, rate: turns / took, warm, long, first, rss: usage(server.pid).rss };
}

async function adds() {
        const users = [];
        for (let i = 0; i < CLIENTS; i++) users.push(await newUser(api(server)));
        const tokens = join(scratch, 'tokens');
        writeFileSync(tokens, users.map((u) => `${u.token}\n`).join(''));
        const rounds = [];
        for (let i = 0; i < ROUNDS; i++)
                rounds.push(
                        await load(server, '/api/v1/memories', {
                                script: join(root, 'bench/http/create.lua'),
                                args: [tokens],
                                seconds: SECONDS,
                                connections: CLIENTS,
                        }),
                );
        return best(rounds);
}

// Every user's first search, in little memory: each one's index is built from the store, and
// another one's goes.
async function manyUsers() {
        const t = talk(1000, 5);
        const body = t.lines.join('\n');
        const users = [];
        while (users.length < USERS) {
                const more = Math.min(8, USERS - users.length);
                const made = Array.from({ length: more }, () => newUser(api(server)));
                users.push(...(await Promise.all(made)));
        }
        for (const u of users)
                await post('/api/v1/conversations/import', u.token, body, 'application/x-ndjson');
        await restart({ INDEX_MEMORY_MIB: '16' });
        const times = [];
        for (const [i, u] of users.entries()) {
                const q = t.questions[i % t.questions.length];
                times.push((await post(search, u.token, question(q, 'turn'))).ms);
        }
        return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
}

// ---- the run ----------------------------------------------------------------------------------

const small = await sized(10_000);
const large = await sized(100_000);
const person = await newUser(api(server));
const notes = talk(10_000, 3);
await remember(person, notes, 10_000);
const memories = await searches(person, notes.questions, 'memory');
const firstMemory = await cold(person, notes.questions[5], 'memory');
const add = await adds();
const many = await manyUsers();
await server.stop();

const ms = (n) => n.toFixed(2);
printTable([
        ['one user, over HTTP', 'p50 ms', 'p99 ms', '1000 characters p99', 'cold ms'],
        ...[small, large].map((s) => [
                `${s.turns} turns`,
                ms(s.warm.p50),
                ms(s.warm.p99),
                ms(s.long.p99),
                ms(s.first),
        ]),
        ['10000 memories', ms(memories.p50), ms(memories.p99), '', ms(firstMemory)],
]);
console.log(
        `import ${Math.round(large.rate)} turns/s, server ${large.rss.toFixed(0)} MiB after it; ` +
                `adds ${Math.round(add.rate)}/s from ${CLIENTS} clients, p50 ${ms(add.p50)} ms; ` +
                `${USERS} users of 1000 turns, all cold, 16 MiB: p50 ${ms(many.p50)} ms`,
);
verdict(
        'memory-http',
        [
                ['search at 10 000 turns, p99', small.warm.p99, 5, '<=', ' ms'],
                ['search at 10 000 memories, p99', memories.p99, 5, '<=', ' ms'],
                ['search at 100 000 turns, p99', large.warm.p99, 20, '<=', ' ms'],
                ['1000 characters at 100 000 turns, p99', large.long.p99, 20, '<=', ' ms'],
                ['cold at 10 000 turns', small.first, 150, '<=', ' ms'],
                ['cold at 10 000 memories', firstMemory, 150, '<=', ' ms'],
                [`${USERS} users of 1000 turns, each cold, p99`, many.p99, 20, '<=', ' ms'],
                ['add, durable, 64 clients, p99', add.p99, 10, '<=', ' ms'],
                ['import, turns per second', large.rate, 5000, '>='],
        ],
        { small, large, memories, firstMemory, add, many },
);
