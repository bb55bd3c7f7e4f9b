// SPDX-License-Identifier: MIT
// Identity: token checks, introspection, durable refreshes and sign-ins beside others; memory and
// tables over a long time; a login storm; whether time tells who has an account.
//
// The client shares the cores with the server, so a rate says what both can do together; CPU is the
// server's own (utime + stime of its processes), and 100 000 / CPU what one core would do.
//
// BENCH_SECONDS, BENCH_ROUNDS: of the comparison (2, 3). BENCH_CHECKS (1000000), BENCH_REFRESHES
// (100000), BENCH_SIGN_INS (100000), BENCH_TOKENS (200000): of the long parts. BENCH_LOGINS (5000):
// of the timing.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

import { root } from '../../test/lib/server.mjs';
import {
        binary,
        exec,
        load,
        middle,
        printTable,
        quantile,
        scratch,
        sleep,
        startMainstay,
        usage,
        verdict,
} from '../lib/bench.mjs';
import { fastify, nginx, tokenOf } from '../lib/peers.mjs';
import { glewlwyd } from './glewlwyd.mjs';
import { Line } from './line.mjs';
import { compare } from './timing.mjs';

const number = (name, usual) => Number(process.env[name] ?? usual);
const SECONDS = number('BENCH_SECONDS', 2);
const ROUNDS = number('BENCH_ROUNDS', 3);
const CHECKS = number('BENCH_CHECKS', 1e6);
const REFRESHES = number('BENCH_REFRESHES', 1e5);
const LOGINS = number('BENCH_LOGINS', 5000);
const CLIENTS = 64;
const ADMIN = 'root@example.org';
const PASSWORD = 'a fine long password';
const script = join(dirname(fileURLToPath(import.meta.url)), 'calls.lua');
const program = process.env.BENCH_IDENTITY ?? join(root, 'build/release/bench_identity');

// ---- our server ----

const post = (line, path, body) => line.send('POST', `/api/v1/auth/${path}`, { body });

const command = (data, args, input) => {
        const run = exec(binary, args, {
                env: { ...process.env, DATA_DIR: data, LOG_LEVEL: 'ERROR' },
                maxBuffer: 1 << 24,
        });
        run.child.stdin.end(input);
        return run;
};

// Accounts with hashes that fit no password: as dear as any other, or as another system made them.
const b64 = (bytes) => randomBytes(bytes).toString('base64').replaceAll('=', '');
const argon2 = () => `$argon2id$v=19$m=19456,t=2,p=1$${b64(16)}$${b64(32)}`;
const bcrypt = () => `$2b$08$${b64(60).replaceAll('+', '.').slice(0, 53)}`;

async function start(n, hash) {
        const data = mkdtempSync(join(scratch, 'identity-'));
        const file = join(scratch, 'accounts.jsonl');
        const lines = Array.from({ length: n }, (_, i) =>
                JSON.stringify({ email: `known${i}@example.org`, password_hash: hash() }),
        );
        writeFileSync(file, lines.join('\n'));
        await command(data, ['user', 'import', file]);
        await command(data, ['user', 'create', ADMIN, '--admin'], `${PASSWORD}\n`);
        return startMainstay({ DATA_DIR: data, LOG_LEVEL: 'FATAL' });
}

async function signIn(line, email) {
        if (email !== ADMIN) await post(line, 'register', { email, password: PASSWORD });
        const r = await post(line, 'login', { email, password: PASSWORD });
        if (r.status !== 200) throw new Error(`${r.status} ${r.body}`);
        return JSON.parse(r.body);
}

const ours = (server, admin) => ({
        ...server,
        login: (line) => post(line, 'login', { email: 'client0@example.org', password: PASSWORD }),
        check: ['/api/v1/auth/me', 'GET', '', 'Authorization: Bearer %s'],
        introspect: [
                '/api/v1/auth/introspect',
                'POST',
                'token=%s',
                `Authorization: Bearer ${admin.access_token}`,
                'Content-Type: application/x-www-form-urlencoded',
        ],
        refresh: [
                '/api/v1/auth/refresh',
                'POST',
                '{"refresh_token":"%s"}',
                'Content-Type: application/json',
        ],
        signInAs: (line, i) => signIn(line, `client${i}@example.org`),
});

// ---- beside others ----

// A file of as many tokens as there are clients, each of a session of its own.
async function tokenFile(target, kind) {
        const line = new Line(target.port);
        const list = [];
        for (let i = 0; i < CLIENTS; i++) {
                const grant = target.signInAs
                        ? await target.signInAs(line, i)
                        : JSON.parse((await target.login(line)).body);
                list.push(grant[kind]);
        }
        line.close();
        return fileOf(list);
}

function fileOf(list) {
        const file = join(scratch, `tokens-${randomBytes(4).toString('hex')}`);
        writeFileSync(file, list.join('\n'));
        return file;
}

const call = (target, file, [path, ...how], seconds) =>
        load(target, path, { script, args: [file, 'same', ...how], seconds, timeout: 60 });

async function turns(target, seconds) {
        const file = await tokenFile(target, 'refresh_token');
        const [path, ...how] = target.refresh;
        const args = [file, 'turn', ...how];
        const each = { threads: CLIENTS, connections: CLIENTS, timeout: 60 };
        return load(target, path, { script, args, seconds, ...each });
}

// Four at a time: the hashing pool is kept busy, and nobody is turned away.
async function logins(target, n) {
        const before = usage(target.pid).cpu;
        const started = performance.now();
        const times = [];
        const one = async (_, i) => {
                const line = new Line(target.port);
                for (let k = i; k < n; k += 2) {
                        const t = performance.now();
                        const r = await target.login(line);
                        times.push(performance.now() - t);
                        if (r.status !== 200) throw new Error(`${r.status} ${r.body}`);
                }
                line.close();
        };
        await Promise.all(Array.from({ length: 2 }, one));
        return {
                cpu: ((usage(target.pid).cpu - before) / n) * 1e5,
                rate: (n / (performance.now() - started)) * 1000,
                p50: quantile(times, 0.5),
                p99: quantile(times, 0.99),
                rss: usage(target.pid).rss,
        };
}

async function rounds(cases) {
        const out = cases.map(() => []);
        for (const c of cases) await c.run(1);
        for (let i = 0; i < ROUNDS; i++)
                for (const [k, c] of cases.entries()) out[k].push(await c.run(SECONDS));
        return cases.map((c, k) => ({ ...c, ...middle(out[k], 'cpu') }));
}

async function beside(mainstay, peer) {
        const web = { ...(await nginx()), check: ['/', 'GET', '', 'Authorization: Bearer %s'] };
        const node = await fastify();
        node.check = mainstay.check;
        const access = await tokenFile(mainstay, 'access_token');
        const theirs = peer && (await tokenFile(peer, 'access_token'));
        const checks = [
                [web, access],
                [mainstay, access],
                [node, fileOf([tokenOf(node)])],
                [peer, theirs],
        ];
        const made = (what, target, run) => ({ what, target, run });
        const cases = [
                ...checks.map(([t, file]) => made('check', t, (s) => call(t, file, t.check, s))),
                ...[
                        [mainstay, access],
                        [peer, theirs],
                ].map(([t, file]) => made('introspect', t, (s) => call(t, file, t.introspect, s))),
                ...[mainstay, peer].map((t) => made('refresh', t, (s) => turns(t, s))),
                ...[mainstay, peer].map((t) => made('sign in', t, (s) => logins(t, s * 50))),
        ].filter((c) => c.target);
        const rows = await rounds(cases);
        await web.stop();
        await node.stop();
        printTable([
                ['', 'CPU s/100k', 'on one core/s', 'rate/s', 'p50 ms', 'p99 ms', 'RSS MiB'],
                ...rows.map((r) => [
                        `${r.what}, ${r.target.name}`,
                        r.cpu.toFixed(2),
                        (1e5 / r.cpu).toFixed(0),
                        r.rate.toFixed(0),
                        r.p50.toFixed(2),
                        r.p99.toFixed(2),
                        r.rss.toFixed(1),
                ]),
        ]);
        if (!peer) console.log('glewlwyd is not on this machine: ./dev bench unpacks it');
        return rows;
}

// ---- for long ----

// Resident memory before and after; what was there before has been warmed up by the rounds.
async function long(target, n, run) {
        const before = usage(target.pid).rss;
        let [done, cpu, seconds] = [0, 0, 0];
        while (done < n) {
                const r = await run();
                done += r.requests;
                cpu += (r.cpu * r.requests) / 1e5;
                seconds += r.requests / r.rate;
        }
        return {
                n: done,
                rate: done / seconds,
                cpu: (cpu / done) * 1e5,
                before,
                growth: usage(target.pid).rss - before,
        };
}

async function endurance(mainstay) {
        const access = await tokenFile(mainstay, 'access_token');
        const check = () => call(mainstay, access, mainstay.check, 4);
        await check();
        const checked = await long(mainstay, CHECKS, check);
        await turns(mainstay, 4);
        const refreshed = await long(mainstay, REFRESHES, () => turns(mainstay, 8));
        for (const [what, r] of Object.entries({ 'token checks': checked, refreshes: refreshed })) {
                const rss = [r.before, r.before + r.growth].map((v) => v.toFixed(1)).join(' → ');
                const cpu = `CPU ${r.cpu.toFixed(2)} s/100k`;
                console.log(`${r.n} ${what}: ${r.rate.toFixed(0)}/s, ${cpu}, RSS ${rss} MiB`);
        }
        return { checked, refreshed };
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
                                const email = `storm${i}x${k}@example.org`;
                                const r = await post(line, 'login', { email, password: PASSWORD });
                                counts[r.status]++;
                                if (r.status !== 503) continue;
                                counts.retry += /retry-after: \d/i.test(r.head);
                                await sleep(20);
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
                const authorization = `Bearer ${me.access_token}`;
                const r = await reader.send('GET', '/api/v1/me', { authorization });
                times.push(performance.now() - t);
                if (r.status !== 200) throw new Error(r.body);
                if (times.length % 20 === 0) peak = Math.max(peak, usage(server.pid).rss);
                await sleep(5);
        }
        reader.close();
        return { p99: quantile(times, 0.99), growth: peak - idle, ...counts };
}

// ---- does time tell? ----

const guess = (line, kind, i) =>
        post(line, 'login', { email: `${kind}${i}@example.org`, password: PASSWORD });

// Imported accounts with bcrypt hashes, on a server of their own: their kind costs every failure.
async function imported(n) {
        const server = await start(n / 2, bcrypt);
        const out = await compare(server.port, n, guess);
        await server.stop();
        return out;
}

async function timing(server, peer) {
        const out = {
                login: await compare(server.port, LOGINS, guess),
                imported: await imported(Math.min(LOGINS, 1000)),
                forgot: await compare(server.port, Math.min(LOGINS, 2000), (line, kind, i) =>
                        post(line, 'password/forgot', { email: `${kind}${i}@example.org` }),
                ),
        };
        if (peer)
                out.peer = await compare(peer.port, Math.min(LOGINS, 400), (line, kind, i) =>
                        peer.fail(line, kind === 'known' ? 'ann' : `nobody${i}`),
                );
        printTable([
                ['known against unknown', '|t|', 'gap ms', 'median ms', 'answers'],
                ...Object.entries(out).map(([what, r]) => [
                        what === 'peer' ? `login, ${peer.name}` : what,
                        r.t.toFixed(2),
                        r.gap.toFixed(3),
                        r.median.toFixed(2),
                        r.equal ? 'equal' : 'differ',
                ]),
        ]);
        return out;
}

// ---- all of it ----

function targets({ inside, rows, lasting, stormed, time }) {
        const one = (what) => rows.find((r) => r.what === what && r.target.name === 'mainstay');
        const check = one('check');
        const grown = inside.expired.rows - inside.start.rows;
        const file = inside.expired_again.file_kib / inside.expired.file_kib;
        const flat = (what, mib, max) => [`RSS over ${what}`, mib, max, '<=', ' MiB'];
        const told = (what, r, gap) => [
                [`${what}, Welch |t|`, r.t, 4.5, '<='],
                [`${what}, gap of the medians`, r.gap, gap, '<=', ' ms'],
                [`${what}, answers equal`, Number(r.equal), 1, '>='],
        ];
        return [
                ['token checks a second in the process, warm', inside.warm_per_s, 50_000, '>='],
                ['token checks over HTTP, a second of one core', 1e5 / check.cpu, 50_000, '>='],
                ['token checks over HTTP, × nginx, by CPU', rows[0].cpu / check.cpu, 0.5, '>='],
                ['durable refreshes a second, 64 clients', one('refresh').rate, 3000, '>='],
                flat(`${lasting.checked.n} checks`, lasting.checked.growth, 2),
                flat(`${lasting.refreshed.n} refreshes`, lasting.refreshed.growth, 2),
                flat(
                        `${inside.different / 2} different tokens, the cache being full`,
                        inside.different_growth_kib / 1024,
                        1,
                ),
                [`rows left of ${inside.sign_ins} expired sign-ins`, grown, 0, '<='],
                [`the file after as many again, × before`, file, 1.02, '<='],
                ['GET /me beside 200 logins, p99', stormed.p99, 20, '<=', ' ms'],
                flat('the storm', stormed.growth, availableParallelism() * 19 + 32),
                ['refused logins without Retry-After', stormed[503] - stormed.retry, 0, '<='],
                ...told('login', time.login, 1),
                ...told('login of imported accounts', time.imported, 2), // a fifth of the samples
                ...told('forgot', time.forgot, 1),
        ];
}

async function main() {
        const inside = JSON.parse((await exec(program)).stdout);
        console.log('in the process, one thread:', inside);
        const server = await start(Math.ceil(LOGINS / 2), argon2);
        const line = new Line(server.port);
        const mainstay = ours(server, await signIn(line, ADMIN));
        line.close();
        const peer = await glewlwyd({ username: 'ann', name: 'Ann', password: PASSWORD });
        const rows = await beside(mainstay, peer);
        const lasting = await endurance(mainstay);
        const stormed = await storm(server);
        console.log('login storm:', stormed);
        const time = await timing(server, peer);
        await server.stop();
        await peer?.stop();
        const all = { inside, rows, lasting, stormed, time };
        const plain = rows.map(({ what, target, run, ...r }) => ({ what, who: target.name, ...r }));
        verdict('identity', targets(all), { ...all, rows: plain });
}

if (isMainThread) await main();
else parentPort.postMessage(await stormers(workerData.port, workerData.ms));
