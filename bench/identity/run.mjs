// SPDX-License-Identifier: MIT
// Token checks, durable refreshes, a login storm, and whether time tells who has an account.
// BENCH_LOGINS: logins of the enumeration test (5000); BENCH_REFRESH_S: seconds of refreshing (5).
import { randomBytes } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

import { root } from '../../test/lib/server.mjs';
import {
        binary,
        exec,
        quantile,
        scratch,
        sleep,
        startPeer,
        usage,
        verdict,
} from '../lib/bench.mjs';

const LOGINS = Number(process.env.BENCH_LOGINS ?? 5000);
const SECONDS = Number(process.env.BENCH_REFRESH_S ?? 5);
const CLIENTS = 64;
const PASSWORD = 'a fine long password';
const program = process.env.BENCH_IDENTITY ?? join(root, 'build/release/bench_identity');

// One keep-alive connection that speaks just enough HTTP: the client must cost less than the server.
class Line {
        constructor(port) {
                this.socket = connect(port, '127.0.0.1').setNoDelay(true);
                this.text = '';
                this.socket.on('data', (b) => {
                        this.text += b.toString('latin1');
                        const head = this.text.indexOf('\r\n\r\n');
                        const length =
                                head < 0
                                        ? NaN
                                        : Number(
                                                  /content-length: (\d+)/i.exec(this.text)?.[1] ??
                                                          0,
                                          );
                        if (!(this.text.length >= head + 4 + length)) return;
                        const [text, done] = [this.text, this.done];
                        this.text = '';
                        done({
                                status: Number(text.slice(9, 12)),
                                head: text.slice(0, head),
                                body: text.slice(head + 4),
                        });
                });
        }

        send(method, path, body, token) {
                const text = body === undefined ? '' : JSON.stringify(body);
                return new Promise((done) => {
                        this.done = done;
                        this.socket.write(
                                `${method} ${path} HTTP/1.1\r\nHost: x\r\n${token ? `Authorization: Bearer ${token}\r\n` : ''}` +
                                        `${text ? 'Content-Type: application/json\r\n' : ''}Content-Length: ${text.length}\r\n\r\n${text}`,
                        );
                });
        }

        close() {
                this.socket.destroy();
        }
}

const post = (line, path, body, token) => line.send('POST', `/api/v1/auth/${path}`, body, token);

// Accounts whose stored hash costs what any other does, and fits no password.
async function accounts(data, n) {
        const b64 = (bytes) => randomBytes(bytes).toString('base64').replaceAll('=', '');
        const lines = Array.from({ length: n }, (_, i) =>
                JSON.stringify({
                        email: `known${i}@example.org`,
                        password_hash: `$argon2id$v=19$m=19456,t=2,p=1$${b64(16)}$${b64(32)}`,
                }),
        );
        const file = join(scratch, 'accounts.jsonl');
        writeFileSync(file, lines.join('\n'));
        await exec(binary, ['user', 'import', file], {
                env: { ...process.env, DATA_DIR: data },
                maxBuffer: 1 << 24,
        });
}

async function start() {
        const data = mkdtempSync(join(scratch, 'identity-'));
        await accounts(data, Math.ceil(LOGINS / 2));
        return startPeer('mainstay', (port) => [
                binary,
                ['serve'],
                {
                        cwd: scratch,
                        env: {
                                PATH: process.env.PATH,
                                LISTEN: `127.0.0.1:${port}`,
                                DATA_DIR: data,
                                LIMITS: 'off',
                                LOG_LEVEL: 'FATAL',
                                DRAIN_DELAY: '0',
                        },
                },
        ]);
}

async function signIn(line, email) {
        await post(line, 'register', { email, password: PASSWORD });
        const r = await post(line, 'login', { email, password: PASSWORD });
        if (r.status !== 200) throw new Error(`${r.status} ${r.body}`);
        return JSON.parse(r.body);
}

// ---- durable refreshes ----

async function refreshes(server) {
        const lines = Array.from({ length: CLIENTS }, () => new Line(server.port));
        const tokens = [];
        for (const [i, line] of lines.entries())
                tokens.push((await signIn(line, `client${i}@example.org`)).refresh_token);
        const rss = usage(server.pid).rss;
        const before = usage(server.pid).cpu;
        const end = Date.now() + SECONDS * 1000;
        const started = performance.now();
        let n = 0;
        await Promise.all(
                lines.map(async (line, i) => {
                        for (; Date.now() < end; n++) {
                                const r = await post(line, 'refresh', { refresh_token: tokens[i] });
                                if (r.status !== 200) throw new Error(r.body);
                                [, tokens[i]] = /"refresh_token":"([^"]+)"/.exec(r.body);
                        }
                }),
        );
        const took = (performance.now() - started) / 1000;
        lines.forEach((l) => l.close());
        return {
                rate: n / took,
                cpu: ((usage(server.pid).cpu - before) / n) * 1e5,
                growth: usage(server.pid).rss - rss,
                n,
        };
}

// ---- a login storm ----

// In a thread of its own, so that the reader's clock measures the server and not this program.
async function stormers(port, ms) {
        const counts = { 200: 0, 401: 0, 503: 0, retry: 0 };
        const end = Date.now() + ms;
        await Promise.all(
                Array.from({ length: 200 }, async (_, i) => {
                        const line = new Line(port);
                        for (let k = 0; Date.now() < end; k++) {
                                const r = await post(line, 'login', {
                                        email: `storm${i}x${k}@example.org`,
                                        password: PASSWORD,
                                });
                                counts[r.status]++;
                                if (r.status === 503) {
                                        counts.retry += /retry-after: \d/i.test(r.head);
                                        await sleep(20);
                                }
                        }
                        line.close();
                }),
        );
        return counts;
}

async function storm(server) {
        const reader = new Line(server.port);
        const me = await signIn(reader, 'reader@example.org');
        const idle = usage(server.pid).rss;
        const worker = new Worker(new URL(import.meta.url), {
                workerData: { port: server.port, ms: 5000 },
        });
        const over = new Promise((done, fail) => {
                worker.once('message', done).once('error', fail);
        });
        let counts,
                peak = 0;
        over.then((c) => {
                counts = c;
        });
        const times = [];
        while (!counts) {
                const t = performance.now();
                const r = await reader.send('GET', '/api/v1/me', undefined, me.access_token);
                times.push(performance.now() - t);
                if (r.status !== 200) throw new Error(r.body);
                if (times.length % 20 === 0) peak = Math.max(peak, usage(server.pid).rss);
                await sleep(5);
        }
        reader.close();
        return { p99: quantile(times, 0.99), growth: peak - idle, ...counts };
}

// ---- does time tell? ----

function welch(a, b) {
        const mean = (x) => x.reduce((s, v) => s + v, 0) / x.length;
        const variance = (x, m) => x.reduce((s, v) => s + (v - m) ** 2, 0) / (x.length - 1);
        const [ma, mb] = [mean(a), mean(b)];
        return (ma - mb) / Math.sqrt(variance(a, ma) / a.length + variance(b, mb) / b.length);
}

// Interleaved in random order; the slowest two percent are the machine's, not the server's.
async function compare(server, n, ask) {
        const line = new Line(server.port);
        const times = { known: [], unknown: [] };
        const bodies = { known: new Set(), unknown: new Set() };
        const order = Array.from({ length: n }, (_, i) => [i % 2 ? 'known' : 'unknown', i >> 1]);
        for (let i = order.length - 1; i > 0; i--) {
                const j = randomBytes(4).readUInt32BE() % (i + 1);
                [order[i], order[j]] = [order[j], order[i]];
        }
        for (const [kind, i] of order) {
                const t = performance.now();
                const r = await ask(line, `${kind}${i}@example.org`);
                times[kind].push(performance.now() - t);
                const bare = (s) =>
                        s
                                .replace(/[0-9a-f]{32}/g, '')
                                .replace(
                                        /(traceparent|x-process-time|server-timing|date):[^\r]*/gi,
                                        '',
                                );
                bodies[kind].add(`${r.status}${bare(r.head)}${bare(r.body)}`);
        }
        line.close();
        const cut = (x) => x.sort((p, q) => p - q).slice(0, Math.floor(x.length * 0.98));
        const [a, b] = [cut(times.known), cut(times.unknown)];
        const equal =
                bodies.known.size === 1 &&
                bodies.unknown.size === 1 &&
                [...bodies.known][0] === [...bodies.unknown][0];
        return {
                t: Math.abs(welch(a, b)),
                gap: Math.abs(quantile(a, 0.5) - quantile(b, 0.5)),
                equal,
        };
}

async function main() {
        const checks = JSON.parse((await exec(program)).stdout);
        console.log('token checks in the process, one thread:', checks);
        const server = await start();
        const turned = await refreshes(server);
        console.log('refreshes:', turned);
        const stormed = await storm(server);
        console.log('login storm:', stormed);
        const login = await compare(server, LOGINS, (line, email) =>
                post(line, 'login', { email, password: PASSWORD }),
        );
        console.log('login, known against unknown:', login);
        const forgot = await compare(server, Math.min(LOGINS, 2000), (line, email) =>
                post(line, 'password/forgot', { email }),
        );
        console.log('forgot, known against unknown:', forgot);
        await server.stop();

        verdict(
                'identity',
                [
                        ['token checks a second, warm', checks.warm_per_s, 50_000, '>='],
                        [
                                'resident growth over 2 million checks',
                                checks.rss_growth_kib / 1024,
                                1,
                                '<=',
                                ' MiB',
                        ],
                        ['durable refreshes a second, 64 clients', turned.rate, 3000, '>='],
                        ['resident growth over all refreshes', turned.growth, 8, '<=', ' MiB'],
                        ['GET /me beside 200 logins, p99', stormed.p99, 20, '<=', ' ms'],
                        [
                                'memory of the storm',
                                stormed.growth,
                                availableParallelism() * 19 + 32,
                                '<=',
                                ' MiB',
                        ],
                        [
                                'refused logins without Retry-After',
                                stormed[503] - stormed.retry,
                                0,
                                '<=',
                        ],
                        ['login, Welch |t|', login.t, 4.5, '<='],
                        ['login, gap of the medians', login.gap, 1, '<=', ' ms'],
                        ['login, answers equal', Number(login.equal), 1, '>='],
                        ['forgot, Welch |t|', forgot.t, 4.5, '<='],
                        ['forgot, gap of the medians', forgot.gap, 1, '<=', ' ms'],
                        ['forgot, answers equal', Number(forgot.equal), 1, '>='],
                ],
                { checks, turned, stormed, login, forgot },
        );
}

if (isMainThread) await main();
else parentPort.postMessage(await stormers(workerData.port, workerData.ms));
