// SPDX-License-Identifier: MIT
// What the benchmarks share: processes and what they cost, wrk, the middle of several rounds, the
// verdict on a target.
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { root } from '../../test/lib/server.mjs';

export const exec = promisify(execFile);
export const scratch = mkdtempSync(join(tmpdir(), 'mainstay-bench-'));
export const binary = process.env.MAINSTAY_BINARY ?? join(root, 'build/release/mainstay');
const children = new Set();

export const sleep = (ms) =>
        new Promise((r) => {
                setTimeout(r, ms);
        });

export const freePort = () =>
        new Promise((done) => {
                const s = createServer().listen(0, '127.0.0.1', () => {
                        const { port } = s.address();
                        s.close(() => done(port));
                });
        });

// ---- processes --------------------------------------------------------------------------------

// A process and everything it started.
function family(pid) {
        const children_of = new Map();
        for (const name of readdirSync('/proc').filter((n) => /^\d+$/.test(n))) {
                try {
                        const parent = Number(
                                readFileSync(`/proc/${name}/stat`, 'utf8')
                                        .split(') ')[1]
                                        .split(' ')[1],
                        );
                        children_of.set(parent, [...(children_of.get(parent) ?? []), Number(name)]);
                } catch {
                        continue; // it ended meanwhile
                }
        }
        const out = [pid];
        for (const p of out) out.push(...(children_of.get(p) ?? []));
        return out;
}

/* CPU seconds (user + system) and resident MiB of a process with its children. */
export function usage(pid) {
        let cpu = 0,
                rss = 0;
        for (const p of family(pid)) {
                const stat = readFileSync(`/proc/${p}/stat`, 'utf8').split(') ')[1].split(' ');
                cpu += (Number(stat[11]) + Number(stat[12])) / 100;
                rss +=
                        Number(
                                /^VmRSS:\s+(\d+)/m.exec(
                                        readFileSync(`/proc/${p}/status`, 'utf8'),
                                )[1],
                        ) / 1024;
        }
        return { cpu, rss };
}

export async function answers(url, ms = 20_000) {
        for (const end = Date.now() + ms; Date.now() < end; await sleep(20))
                if (
                        await fetch(url).then(
                                (r) => r.arrayBuffer(),
                                () => null,
                        )
                )
                        return;
        throw new Error(`${url} does not answer`);
}

/* A server process on a free port: `command(port)` → [program, arguments, options]. → { name,
 * pid, url, idle, output(), stop() } */
export async function startPeer(name, command) {
        const port = await freePort();
        const [program, args, options] = command(port);
        const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], ...options });
        let text = '';
        child.stdout.on('data', (b) => {
                text += b;
        });
        children.add(child);
        const ended = new Promise((r) => {
                child.on('close', r);
        });
        const url = `http://127.0.0.1:${port}`;
        await answers(`${url}/health`);
        await sleep(2000); // what a server does once a second belongs to its idle size
        return {
                name,
                pid: child.pid,
                url,
                base: url,
                port,
                idle: usage(child.pid).rss,
                output: () => text,
                stop: () => {
                        children.delete(child);
                        child.kill('SIGTERM');
                        return ended;
                },
        };
}

/* Mainstay as production would run it, but without limits and without an access log (the peers
 * write none). */
export const startMainstay = (env = {}, name = 'mainstay') =>
        startPeer(name, (port) => {
                const data = mkdtempSync(join(scratch, 'data-'));
                return [
                        binary,
                        ['serve'],
                        {
                                cwd: scratch,
                                env: {
                                        PATH: process.env.PATH,
                                        LISTEN: `127.0.0.1:${port}`,
                                        DATA_DIR: data,
                                        LIMITS: 'off',
                                        LOG_LEVEL: 'WARN',
                                        DRAIN_DELAY: '0',
                                        ...env,
                                },
                        },
                ];
        });

process.on('exit', () => {
        for (const child of children) child.kill('SIGTERM');
        rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
});

// ---- load -------------------------------------------------------------------------------------

const ms = (text) => {
        const [, n, unit] = /([\d.]+)(us|ms|s)/.exec(text);
        return Number(n) * { us: 0.001, ms: 1, s: 1000 }[unit];
};

/* wrk against a target: { cpu (seconds per 100 000 requests), rate, p50, p99 (ms), rss, requests
 * }. Wrong answers fail. */
export async function load(
        target,
        path,
        { token, script, args = [], seconds = 4, connections = 64, threads = 2, timeout = 2 } = {},
) {
        const before = usage(target.pid);
        const { stdout } = await exec('wrk', [
                `-t${threads}`,
                `-c${connections}`,
                `-d${seconds}s`,
                `--timeout=${timeout}s`,
                '--latency',
                ...(token ? ['-H', `Authorization: Bearer ${token}`] : []),
                ...(script ? ['-s', script] : []),
                target.url + path,
                ...(args.length ? ['--', ...args] : []),
        ]);
        const after = usage(target.pid);
        const requests = Number(/(\d+) requests in/.exec(stdout)[1]);
        const wrong = /Non-2xx or 3xx responses: \d+|Socket errors: .*/.exec(stdout)?.[0];
        if (wrong) throw new Error(`${target.name} ${path}: ${wrong} (of ${requests})`);
        return {
                requests,
                cpu: ((after.cpu - before.cpu) / requests) * 1e5,
                rss: after.rss,
                rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1]),
                p50: ms(/^\s+50%\s+(\S+)/m.exec(stdout)[1]),
                p99: ms(/^\s+99%\s+(\S+)/m.exec(stdout)[1]),
        };
}

export const middle = (list, key) =>
        [...list].sort((a, b) => a[key] - b[key])[Math.floor(list.length / 2)];
export const quantile = (list, q) =>
        [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * q))];

// ---- what came out ----------------------------------------------------------------------------

export function printTable(rows) {
        const width = rows[0].map((_, i) => Math.max(...rows.map((r) => String(r[i]).length)));
        for (const r of rows)
                console.log(
                        r
                                .map((c, i) =>
                                        i
                                                ? String(c).padStart(width[i])
                                                : String(c).padEnd(width[i]),
                                )
                                .join('  '),
                );
}

/* Targets as [what, value, limit, '<=' or '>=', unit]; prints a line each, keeps them in
 * build/bench/NAME.json, and sets the exit status when one is missed. */
export function verdict(name, targets, more = {}) {
        const out = targets.map(([what, value, limit, sense, unit = '']) => {
                const ok = sense === '<=' ? value <= limit : value >= limit;
                console.log(
                        `${ok ? 'reached' : 'MISSED '}  ${what}: ${Number(value.toPrecision(3))}${unit} (target ${sense} ${limit}${unit})`,
                );
                return { what, value, limit, sense, ok };
        });
        mkdirSync(join(root, 'build/bench'), { recursive: true });
        writeFileSync(
                join(root, 'build/bench', `${name}.json`),
                `${JSON.stringify({ targets: out, ...more }, null, 2)}\n`,
        );
        if (out.some((t) => !t.ok)) process.exitCode = 1;
}
