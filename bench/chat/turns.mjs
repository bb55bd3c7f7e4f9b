// SPDX-License-Identifier: MIT
// Whole turns of a person with ten thousand memories, one after the other on one connection: all of
// a turn without a model, its fsync included, and with a model all but the model. What else the
// machine does can only make an answer later, so the best of the rounds counts.
import { Agent, request } from 'node:http';

import { api, newUser } from '../../test/lib/api.mjs';
import { quantile, startMainstay } from '../lib/bench.mjs';

const MEMORIES = Number(process.env.BENCH_MEMORIES ?? 10_000);
const TURNS = Number(process.env.BENCH_TURNS ?? 200);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);

// The same words in every run: a small linear congruence picks them.
let seed = 7;
const pick = (list) => {
        seed = (seed * 1103515245 + 12345) % 2147483648;
        return list[seed % list.length];
};
const words = (text) => text.trim().split(/\s+/);
const people = words('Ann Ben Carla David Elena Farid Grace Hugo Ines Jonas Karin Luis Mona Nils');
const things = words(`bicycle garden lamp letter piano recipe boat camera jacket kettle ladder
        mirror novel oven pump rope saddle tent violin wallet`);
const places = words('Lisbon Porto Ghent Oslo Turin Leeds Graz Nantes Malmo Bergen Seville Krakow');
const verbs = words('bought sold repaired lost found painted borrowed moved');
const deed = () => `${pick(verbs)} the ${pick(things)} in ${pick(places)}`;
const statement = (n) => `${pick(people)} ${deed()} with ${pick(people)}, note ${n}.`;
const message = (n) => (n % 2 ? `I ${deed()} today, for the ${n}th time.` : `Who ${deed()}?`);

async function remember(user) {
        for (let i = 0; i < MEMORIES; i += 100)
                await user.call('POST', '/api/v1/memories/batch', {
                        body: {
                                operations: Array.from({ length: 100 }, (_, k) => ({
                                        op: 'add',
                                        type: 'fact',
                                        content: statement(i + k),
                                })),
                        },
                        judge: false,
                        expect: 200,
                });
}

// → { ms, body }
function turn(agent, url, token, text) {
        return new Promise((done, fail) => {
                const body = JSON.stringify({ message: text });
                const started = performance.now();
                const req = request(`${url}/api/v1/conversation`, {
                        agent,
                        method: 'POST',
                        headers: {
                                authorization: `Bearer ${token}`,
                                'content-type': 'application/json',
                                'content-length': Buffer.byteLength(body),
                        },
                });
                req.on('error', fail);
                req.on('response', async (res) => {
                        const parts = await res.toArray();
                        const ms = performance.now() - started;
                        const answer = Buffer.concat(parts).toString();
                        if (res.statusCode !== 200) fail(new Error(answer));
                        else done({ ms, body: JSON.parse(answer) });
                });
                req.end(body);
        });
}

async function measure(env, own) {
        const server = await startMainstay(env);
        const user = await newUser(api(server));
        await remember(user);
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        const rounds = [];
        for (let n = 0, r = 0; r < ROUNDS; r++) {
                const times = [];
                for (let i = 0; i < TURNS; i++)
                        times.push(own(await turn(agent, server.url, user.token, message(n++))));
                rounds.push({ p50: quantile(times, 0.5), p99: quantile(times, 0.99) });
        }
        agent.destroy();
        await server.stop();
        return rounds.reduce((a, b) => (b.p99 < a.p99 ? b : a));
}

/* `providers`: LLM_PROVIDERS of a model that answers at once. */
export async function turns(providers) {
        const offline = await measure({}, (t) => t.ms);
        const model = { LLM_PROVIDERS: providers, LLM_EXTRACTION: 'off' };
        const overhead = await measure(model, ({ ms, body }) => {
                const [attempt] = body.metadata.attempts;
                if (attempt?.outcome !== 'ok') throw new Error(JSON.stringify(body.metadata));
                return ms - attempt.ms;
        });
        return { memories: MEMORIES, offline, overhead };
}
