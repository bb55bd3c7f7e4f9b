// SPDX-License-Identifier: MIT
// Rounds of: write over HTTP from several clients, kill -9 in the middle, start again on the same
// data, look for every write that was acknowledged. Used in short by the tests and in full by the
// benchmark.
import assert from 'node:assert/strict';

import { newUser, unique } from './api.mjs';

const CLIENTS = 8;

// One client: memories and turns in turn, until the server is gone. Only what was answered with 2xx
// is kept.
async function write(user, acknowledged) {
        for (let n = 0; ; n++) {
                const word = unique('word');
                try {
                        if (n % 4 === 3) {
                                const { body } = await user.call('POST', '/api/v1/conversation', {
                                        body: { message: `Remember that ${word} is blue.` },
                                });
                                acknowledged.push({ user, turn_id: body.turn_id, word });
                        } else {
                                const { body, status } = await user.call(
                                        'POST',
                                        '/api/v1/memories',
                                        { body: { type: 'fact', content: `Note ${word}.` } },
                                );
                                assert.equal(status, 201);
                                acknowledged.push({ user, memory_id: body.memory_id, word });
                        }
                } catch (error) {
                        if (error instanceof assert.AssertionError) throw error;
                        return; // the connection broke: this write may or may not have happened
                }
        }
}

async function look({ user, memory_id, turn_id, word }) {
        const path = memory_id ? `/api/v1/memories/${memory_id}` : `/api/v1/turns/${turn_id}`;
        const { body } = await user.call('GET', path, { expect: 200 });
        assert.ok(
                (memory_id ? body.content : body.user_message).includes(word),
                `${path} lost its text`,
        );
        if (turn_id) assert.equal(body.state, 'completed');
}

/* → { rounds, acknowledged, restart_ms } ; throws when a write is missing. `progress(round,
 * total)` after each round. */
export async function crashRounds(
        server,
        call,
        { rounds, pause = () => 20 + Math.random() * 150, progress = () => {} },
) {
        const users = [];
        for (let i = 0; i < CLIENTS; i++) users.push(await newUser(call));
        let total = 0;
        const restarts = [];
        for (let round = 1; round <= rounds; round++) {
                const acknowledged = [];
                const writers = users.map((u) => write(u, acknowledged));
                await new Promise((r) => {
                        setTimeout(r, pause());
                });
                await server.kill9();
                await Promise.all(writers);
                const started = performance.now();
                await server.restart();
                restarts.push(performance.now() - started);
                for (let i = 0; i < acknowledged.length; i += CLIENTS)
                        await Promise.all(acknowledged.slice(i, i + CLIENTS).map(look));
                total += acknowledged.length;
                progress(round, total);
        }
        assert.ok(total > rounds, 'too few writes to say anything');
        return {
                rounds,
                acknowledged: total,
                restart_ms: restarts.sort((a, b) => a - b)[Math.floor(rounds / 2)],
        };
}
