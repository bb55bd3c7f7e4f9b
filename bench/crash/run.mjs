// SPDX-License-Identifier: MIT
// Two hundred rounds of kill -9 and restart under writes from eight clients: nothing acknowledged
// may be missing.
import { api } from '../../test/lib/api.mjs';
import { crashRounds } from '../../test/lib/crash.mjs';
import { startServer } from '../../test/lib/server.mjs';
import { binary, verdict } from '../lib/bench.mjs';

const rounds = Number(process.env.BENCH_ROUNDS ?? 200);
const server = await startServer({ binary });
const progress = (round, total) =>
        process.stdout.isTTY &&
        process.stdout.write(`\rround ${round} of ${rounds}, ${total} writes `);
const result = await crashRounds(server, api(server), { rounds, progress });
await server.stop();
console.log(
        `\n${result.rounds} rounds, ${result.acknowledged} acknowledged writes, none missing; restart ${result.restart_ms.toFixed(1)} ms`,
);
verdict('crash', [['rounds without a lost write', result.rounds, rounds, '>=']], result);
