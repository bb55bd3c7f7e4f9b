// SPDX-License-Identifier: MIT
// The real binary as a child process: started on a free port and an empty data directory, ready
// when it says so, its log read line by line. stop() fails the test when the exit status or a
// sanitizer says something went wrong.
import { spawn } from 'node:child_process';
import { webcrypto } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

import { coverageAdd } from './coverage.mjs';

globalThis.crypto ??= webcrypto; // Node 18 keeps it to itself; clients from npm ask for it

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const READY_MS = 30_000;
const STOP_MS = 40_000;
const LOG_KEEP = 20_000; // lines; enough for any test, bounded for load tests
const SANITIZER = /ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|LeakSanitizer/;
const running = new Set();

export const PASSWORD = 'correct horse 7 battery'; // of all accounts that tests make

export function binaryPath() {
        const named = process.env.MAINSTAY_BINARY;
        const found = [named, 'build/test/mainstay', 'build/release/mainstay']
                .filter(Boolean)
                .map((p) => resolve(root, p))
                .find(existsSync);
        if (!found) throw new Error('no mainstay binary: run ./dev build, or set MAINSTAY_BINARY');
        return found;
}

// What a test server needs of the surroundings, and nothing of the developer's own settings.
function environment(dataDir, env) {
        const keep = [
                'PATH',
                'HOME',
                'LANG',
                'TZ',
                'ASAN_OPTIONS',
                'UBSAN_OPTIONS',
                'TSAN_OPTIONS',
                'LSAN_OPTIONS',
        ];
        const base = Object.fromEntries(
                keep.filter((k) => k in process.env).map((k) => [k, process.env[k]]),
        );
        const all = {
                ...base,
                LISTEN: '127.0.0.1:0',
                DATA_DIR: dataDir,
                ENVIRONMENT: 'development',
                LIMITS: 'off',
                DRAIN_DELAY: '0',
                ...env,
        };
        return Object.fromEntries(
                Object.entries(all).filter(([, v]) => v !== undefined && v !== null),
        );
}

export class Server {
        constructor({ env = {}, binary = binaryPath(), dataDir, args = [], owned = false }) {
                Object.assign(this, { env, binary, dataDir, args, owned });
                this.logs = []; // parsed lines of all lives of this server
                this.stray = []; // lines on stderr that are not JSON
                this.waiters = new Set();
        }

        // Starts the process. With `ready` false it returns at once (for servers that are expected
        // to refuse).
        async start({ ready = true } = {}) {
                const life = this.logs.length;
                this.stray = [];
                this.stdout = '';
                this.child = spawn(this.binary, ['serve', ...this.args], {
                        env: environment(this.dataDir, this.env),
                        stdio: ['ignore', 'pipe', 'pipe'],
                });
                running.add(this.child);
                this.child.stdout.setEncoding('utf8').on('data', (s) => {
                        this.stdout += s;
                });
                const lines = createInterface({ input: this.child.stderr });
                lines.on('line', (line) => this.#line(line));
                this.exit = new Promise((done) => {
                        this.child.on('close', (code, signal) => {
                                running.delete(this.child);
                                this.exited = { code, signal };
                                for (const w of [...this.waiters]) w.check();
                                done(this.exited);
                        });
                });
                this.exited = null;
                if (!ready) return this;
                const line = await this.waitLog((l) => l.event === 'server_ready', {
                        from: life,
                        timeout: READY_MS,
                });
                this.port = Number(line.attrs.port);
                this.base = `http://127.0.0.1:${this.port}`;
                return this;
        }

        get pid() {
                return this.child.pid;
        }

        #line(line) {
                let parsed;
                try {
                        parsed = JSON.parse(line);
                } catch {
                        this.stray.push(line);
                        return;
                }
                this.logs.push(parsed);
                if (this.logs.length > LOG_KEEP * 2) this.logs.splice(0, LOG_KEEP);
                coverageAdd(parsed);
                for (const w of [...this.waiters]) w.check(parsed);
        }

        // The first log line (from index `from` on) that satisfies `match`; rejects when the
        // process ends or time is up.
        waitLog(match, { from = this.logs.length, timeout = 10_000 } = {}) {
                const old = this.logs.slice(from).find(match);
                if (old) return Promise.resolve(old);
                return new Promise((done, fail) => {
                        const waiter = {};
                        const finish = (fn, value) => {
                                clearTimeout(timer);
                                this.waiters.delete(waiter);
                                fn(value);
                        };
                        const timer = setTimeout(
                                () =>
                                        finish(
                                                fail,
                                                new Error(
                                                        `no such log line in ${timeout} ms\n${this.tail()}`,
                                                ),
                                        ),
                                timeout,
                        );
                        waiter.check = (line) => {
                                if (line && match(line)) finish(done, line);
                                else if (!line)
                                        finish(
                                                fail,
                                                new Error(
                                                        `server ended ${JSON.stringify(this.exited)}\n${this.tail()}`,
                                                ),
                                        );
                        };
                        this.waiters.add(waiter);
                });
        }

        // The end of what the server said, for the message of a failing test.
        tail(n = 15) {
                return [
                        ...this.logs.slice(-n).map((l) => JSON.stringify(l)),
                        ...this.stray.slice(-4 * n),
                ].join('\n');
        }

        #checkSanitizers() {
                const text = this.stray.join('\n');
                if (SANITIZER.test(text)) throw new Error(`a sanitizer reported:\n${text}`);
        }

        // Graceful stop; the process must end by itself with status `code`. Removes a data
        // directory of our own.
        async stop({ signal = 'SIGTERM', code = 0, keep = false } = {}) {
                if (this.child && !this.exited) {
                        this.child.kill(signal);
                        const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS);
                        await this.exit;
                        clearTimeout(timer);
                        this.#checkSanitizers();
                        if (this.exited.code !== code)
                                throw new Error(
                                        `server ended ${JSON.stringify(this.exited)}, expected ${code}\n${this.tail()}`,
                                );
                }
                this.#checkSanitizers();
                if (this.owned && !keep) await rm(this.dataDir, { recursive: true, force: true });
        }

        // The process dies without a chance to do anything.
        async kill9() {
                this.child.kill('SIGKILL');
                await this.exit;
                this.#checkSanitizers();
        }

        // A new process on the same data (after stop({keep: true}) or kill9()), by default with the
        // same settings.
        async restart({ env = this.env, args = this.args } = {}) {
                if (this.child && !this.exited) await this.stop({ keep: true });
                Object.assign(this, { env, args });
                return this.start();
        }

        // Resident memory in bytes, and CPU seconds (user + system) used so far.
        async usage() {
                const { readFile } = await import('node:fs/promises');
                const stat = (await readFile(`/proc/${this.pid}/stat`, 'utf8'))
                        .split(') ')[1]
                        .split(' ');
                const status = await readFile(`/proc/${this.pid}/status`, 'utf8');
                return {
                        cpu_s: (Number(stat[11]) + Number(stat[12])) / 100,
                        rss: Number(/VmRSS:\s+(\d+)/.exec(status)[1]) * 1024,
                };
        }
}

// The usual door: `const server = await startServer(); after(() => server.stop());` With `ready:
// false` the process is only spawned: await server.exit and look at server.exited, stray, stdout,
// logs. `admin: address` makes an administrator first; sign in with signIn(call, address).
export async function startServer({ env, binary, dataDir, args, admin, ready = true } = {}) {
        const owned = !dataDir;
        const server = new Server({
                env,
                binary,
                dataDir: dataDir ?? (await mkdtemp(join(tmpdir(), 'mainstay-'))),
                args,
                owned,
        });
        if (admin) {
                const made = await runBinary(['user', 'create', admin, '--admin'], {
                        env,
                        binary: server.binary,
                        dataDir: server.dataDir,
                        input: `${PASSWORD}\n`,
                });
                if (made.code) throw new Error(made.stderr);
        }
        return server.start({ ready });
}

// `mainstay <args>` run to its end: {code, signal, stdout, stderr}.
export function runBinary(
        args,
        { env = {}, input = '', binary = binaryPath(), dataDir = '' } = {},
) {
        return new Promise((done, fail) => {
                const child = spawn(binary, args, { env: environment(dataDir || undefined, env) });
                const out = { stdout: '', stderr: '' };
                running.add(child);
                for (const name of ['stdout', 'stderr'])
                        child[name].setEncoding('utf8').on('data', (s) => {
                                out[name] += s;
                        });
                child.on('error', fail);
                child.on('close', (code, signal) => {
                        running.delete(child);
                        if (SANITIZER.test(out.stderr))
                                fail(new Error(`a sanitizer reported:\n${out.stderr}`));
                        done({ code, signal, ...out });
                });
                child.stdin.on('error', () => {});
                child.stdin.end(input);
        });
}

// A test that failed before it stopped its server must not keep the run waiting.
const endAll = () => {
        for (const child of running) child.kill('SIGKILL');
};
process.on('exit', endAll);
if (process.env.NODE_TEST_CONTEXT) after(() => setTimeout(endAll, STOP_MS + 2_000).unref());
