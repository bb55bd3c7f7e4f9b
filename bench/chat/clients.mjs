// SPDX-License-Identifier: MIT
// A process of its own that reads many chat streams at once: clients.mjs BASE TOKENS-FILE COUNT
// Prints one line of JSON: how many ended with `done`, how many otherwise, and the times to the
// first delta.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';

const [base, tokensFile, count] = process.argv.slice(2);
const tokens = readFileSync(tokensFile, 'utf8').trim().split('\n');
const agent = new Agent({ keepAlive: false, maxSockets: Infinity });
const result = { done: 0, failed: 0, first: [], reasons: {} };

const fail = (reason) => {
        result.failed++;
        result.reasons[reason] = (result.reasons[reason] ?? 0) + 1;
};

function stream(i) {
        return new Promise((ended) => {
                const started = performance.now();
                const body = JSON.stringify({ message: 'count 40', session_id: `s${i}`, stream: true });
                const req = request(`${base}/api/ai/chat`, {
                        method: 'POST',
                        agent,
                        headers: {
                                'content-type': 'application/json',
                                'content-length': body.length,
                                authorization: `Bearer ${tokens[i % tokens.length]}`,
                        },
                });
                req.on('error', (e) => {
                        fail(e.code);
                        ended();
                });
                req.on('response', (res) => {
                        let text = '',
                                first = 0;
                        res.setEncoding('utf8').on('data', (chunk) => {
                                text = (text + chunk).slice(-4096);
                                if (!first && text.includes('event: delta')) {
                                        first = performance.now() - started;
                                        result.first.push(first);
                                }
                        });
                        res.on('close', () => {
                                if (text.includes('event: done')) result.done++;
                                else fail(res.statusCode === 200 ? 'cut' : String(res.statusCode));
                                ended();
                        });
                });
                req.end(body);
        });
}

await Promise.all(Array.from({ length: Number(count) }, (_, i) => stream(i)));
result.first.sort((a, b) => a - b);
console.log(
        JSON.stringify({
                ...result,
                first: {
                        p50: result.first[result.first.length >> 1],
                        p99: result.first[Math.floor(result.first.length * 0.99)],
                },
        }),
);
