// SPDX-License-Identifier: MIT
// Bytes on a socket, for what fetch would refuse to send; and canaries, to prove that bytes are
// nowhere.
import { randomBytes } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';

/* Sends each chunk (strings as latin1, numbers are pauses in ms) and reads until the server
 * closes or `timeout` ms passed. → { text, closed, ms }: closed is true when the server ended
 * the connection. */
export function rawRequest(server, chunks, { timeout = 3_000, halfClose = false } = {}) {
        return new Promise((done) => {
                const started = performance.now();
                const socket = connect(server.port, '127.0.0.1');
                let text = '';
                const finish = (closed) => {
                        clearTimeout(timer);
                        socket.destroy();
                        done({ text, closed, ms: performance.now() - started });
                };
                const timer = setTimeout(() => finish(false), timeout);
                socket.on('data', (b) => {
                        text += b.toString('latin1');
                });
                socket.on('end', () => finish(true));
                socket.on('error', () => finish(true));
                socket.on('connect', async () => {
                        for (const chunk of [chunks].flat()) {
                                if (typeof chunk === 'number')
                                        await new Promise((r) => setTimeout(r, chunk));
                                else if (!socket.destroyed)
                                        socket.write(
                                                typeof chunk === 'string'
                                                        ? Buffer.from(chunk, 'latin1')
                                                        : chunk,
                                        );
                        }
                        if (halfClose) socket.end();
                });
        });
}

/* The answers in `text`, for bodies with Content-Length: [{ status, headers, body }]. */
export function parseAnswers(text) {
        const out = [];
        for (let rest = text; rest.startsWith('HTTP/1.');) {
                const end = rest.indexOf('\r\n\r\n');
                if (end < 0) break;
                const [line, ...fields] = rest.slice(0, end).split('\r\n');
                const headers = Object.fromEntries(
                        fields.map((f) => [
                                f.slice(0, f.indexOf(':')).toLowerCase(),
                                f.slice(f.indexOf(':') + 1).trim(),
                        ]),
                );
                const n = Number(headers['content-length'] ?? 0);
                out.push({
                        status: Number(line.split(' ')[1]),
                        headers,
                        body: rest.slice(end + 4, end + 4 + n),
                });
                rest = rest.slice(end + 4 + n);
        }
        return out;
}

export const canary = () => `canary-${randomBytes(12).toString('hex')}`;

/* The files below `dir` that contain the bytes of `needle`. */
export async function filesWith(dir, needle) {
        const found = [];
        for (const name of await readdir(dir)) {
                const path = join(dir, name);
                if ((await stat(path)).isDirectory())
                        found.push(...(await filesWith(path, needle)));
                else if ((await readFile(path)).includes(needle)) found.push(path);
        }
        return found;
}
