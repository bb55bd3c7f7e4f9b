// SPDX-License-Identifier: MIT
// The store by itself: durable rows a second against one commit each, reads, and 200 rounds of kill -9.
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';

import { root } from '../../test/lib/server.mjs';
import { exec, printTable, scratch, verdict } from '../lib/bench.mjs';

const seconds = process.env.BENCH_SECONDS ?? '2';
const rounds = process.env.BENCH_ROUNDS ?? '200';
const run = async (program, ...args) => JSON.parse((await exec(join(root, 'build/release', program), args)).stdout);

const rate = await run('store_rate', mkdtempSync(join(scratch, 'store-')), seconds, '3');
const row = (what, { per_s, cpu_us, p99_ms }) => [what, Math.round(per_s), cpu_us.toFixed(2), p99_ms ? p99_ms.toFixed(2) : ''];
printTable([['', 'per second', 'CPU µs each', 'p99 ms'],
        row('durable rows, 64 producers', rate.submit),
        row('durable rows, one commit each (SQLite)', rate.each),
        row('reads, one connection', rate.read1),
        row('reads, two connections', rate.read2)]);
const crash = await run('store_crash', rounds);
console.log(`${crash.rounds} rounds of kill -9, ${crash.acknowledged} acknowledged writes, ${crash.lost} lost`);
verdict('store', [
        ['durable rows against one commit each', rate.submit.per_s / rate.each.per_s, 6, '>='],
        ['acknowledged writes lost', crash.lost, 0, '<='],
], { rate, crash });
