// SPDX-License-Identifier: MIT
// Does time tell who has an account? Two kinds of request in random order, compared by Welch's t.
import { randomBytes } from 'node:crypto';

import { quantile } from '../lib/bench.mjs';
import { Line } from './line.mjs';

function welch(a, b) {
        const mean = (x) => x.reduce((s, v) => s + v, 0) / x.length;
        const variance = (x, m) => x.reduce((s, v) => s + (v - m) ** 2, 0) / (x.length - 1);
        const [ma, mb] = [mean(a), mean(b)];
        return (ma - mb) / Math.sqrt(variance(a, ma) / a.length + variance(b, mb) / b.length);
}

function shuffled(n) {
        const order = Array.from({ length: n }, (_, i) => [i % 2 ? 'known' : 'unknown', i >> 1]);
        for (let i = order.length - 1; i > 0; i--) {
                const j = randomBytes(4).readUInt32BE() % (i + 1);
                [order[i], order[j]] = [order[j], order[i]];
        }
        return order;
}

// Without what differs from one answer to the next whoever asks.
const bare = (text) =>
        text
                .replace(/[0-9a-f]{32}/g, '')
                .replace(/(traceparent|x-process-time|server-timing|date):[^\r]*/gi, '');

// The slowest two percent are the machine's, not the server's.
const cut = (x) => x.sort((p, q) => p - q).slice(0, Math.floor(x.length * 0.98));

/* `ask(line, kind, i)` n times, half of them 'known', half 'unknown': { t, gap (of the medians,
 * ms), median (of the unknown, ms), equal (all bodies and headers) }. */
export async function compare(port, n, ask) {
        const line = new Line(port);
        const times = { known: [], unknown: [] };
        const answers = { known: new Set(), unknown: new Set() };
        for (const [kind, i] of shuffled(n)) {
                const t = performance.now();
                const r = await ask(line, kind, i);
                times[kind].push(performance.now() - t);
                answers[kind].add(`${r.status}${bare(r.head)}${bare(r.body)}`);
        }
        line.close();
        const [a, b] = [cut(times.known), cut(times.unknown)];
        return {
                t: Math.abs(welch(a, b)),
                gap: Math.abs(quantile(a, 0.5) - quantile(b, 0.5)),
                median: quantile(b, 0.5),
                equal: new Set([...answers.known, ...answers.unknown]).size === 1,
        };
}
