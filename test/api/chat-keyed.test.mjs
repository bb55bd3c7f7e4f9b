// SPDX-License-Identifier: MIT
// Turns with an Idempotency-Key: the claim and the answer are in the turn's own writes, so a retry
// after a crash finds nothing done, or a turn to go on with, or the answer. Never a turn twice, and
// never a key that is stuck.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { eventually, modelEnv, newUser, readStream } from '../fake/chat.mjs';
import { startLlm } from '../fake/llm.mjs';
import { api, signIn, unique } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';

const TURN = '/api/v1/conversation';
const AI = '/api/ai/chat';
const V1 = '/v1/chat/completions';
const keyed = (key, body, more = {}) => ({ headers: { 'Idempotency-Key': key }, body, ...more });
const isReplay = (answer) => answer.headers.get('idempotency-replayed') === 'true';

let llm, server, who;
before(async () => {
        llm = await startLlm();
        server = await startServer({ env: modelEnv(llm) });
        who = await newUser(api(server));
});
after(async () => {
        await server.stop();
        await llm.stop();
});

const again = (path, key, body) => who.call('POST', path, keyed(key, body, { expect: 200 }));
const turns = async (word) =>
        (
                await who.call('GET', '/api/v1/conversations/history?limit=100', { expect: 200 })
        ).body.filter((t) => t.user_message.includes(word));

async function crash() {
        await server.kill9();
        await server.restart();
        who = await signIn(api(server), who.email);
}

// Sends the request while the model says nothing (or stops after two words), and dies.
async function cutOff(path, key, body) {
        const n = llm.completions.length;
        llm.plan(body.stream ? { fault: 'stall', at: 2 } : 'never');
        const lost = who.call.stream('POST', path, keyed(key, body)).catch(() => null);
        await eventually(() => llm.completions.length > n, 'the model was asked');
        if (body.stream) await lost;
        await who.call('POST', path, keyed(key, body, { code: 'idempotency_in_progress' }));
        await crash();
        await lost;
}

describe('cut off by kill -9 while the model answers', () => {
        for (const path of [TURN, AI])
                test(`${path}: the retry goes on with the turn, once`, async () => {
                        const key = unique('k');
                        const body = { message: `echo ${key}` };
                        await cutOff(path, key, body);
                        const [left] = await turns(key);
                        assert.equal(left.state, 'interrupted');
                        const answer = await again(path, key, body);
                        assert.equal(answer.body.response, key);
                        assert.equal(answer.body.turn_id, left.turn_id);
                        const replay = await again(path, key, body);
                        assert.equal(replay.text, answer.text);
                        assert.ok(isReplay(replay));
                        assert.deepEqual(
                                (await turns(key)).map((t) => [t.turn_id, t.state]),
                                [[left.turn_id, 'completed']],
                        );
                });
        test('a stream: its events come whole, and the same again', async () => {
                const key = unique('k');
                const body = { message: `echo ${key} two three four`, stream: true };
                await cutOff(TURN, key, body);
                const [left] = await turns(key);
                const options = keyed(key, body);
                const first = await readStream(await who.call.stream('POST', TURN, options));
                assert.equal(first.text, `${key} two three four`);
                assert.equal(first.events[0].data.turn_id, left.turn_id);
                const n = llm.completions.length;
                const replay = await who.call.stream('POST', TURN, options);
                assert.ok(isReplay(replay));
                assert.deepEqual((await readStream(replay)).events, first.events);
                assert.equal(llm.completions.length, n);
                assert.equal((await turns(key)).length, 1);
        });
        test('what leaves no turn (a raw model) is simply asked again', async () => {
                const key = unique('k');
                const body = {
                        model: 'fake-small',
                        messages: [{ role: 'user', content: `echo ${key}` }],
                };
                await cutOff(V1, key, body);
                const answer = await again(V1, key, body);
                assert.equal(answer.body.choices[0].message.content, key);
                const replay = await again(V1, key, body);
                assert.equal(replay.text, answer.text);
                assert.ok(isReplay(replay));
        });
});

test('a turn that failed is asked again under the same key, as the same turn', async () => {
        const strict = await startServer({ env: modelEnv(llm, { LLM_FALLBACK_OFFLINE: 'false' }) });
        try {
                const bob = await newUser(api(strict));
                const key = unique('k');
                const body = { message: `echo ${key}`, session_id: key };
                llm.plan('401');
                await bob.call('POST', AI, keyed(key, body, { expect: 503 }));
                const good = await bob.call('POST', AI, keyed(key, body, { expect: 200 }));
                assert.equal(good.body.response, key);
                assert.equal(isReplay(good), false);
        } finally {
                await strict.stop();
        }
});

test('on_disconnect=cancel leaves a turn with a key alone: its sender will ask again', async () => {
        const cancelling = await startServer({ env: modelEnv(llm, { ON_DISCONNECT: 'cancel' }) });
        try {
                const bob = await newUser(api(cancelling));
                const key = unique('k');
                const body = { message: 'count 30', stream: true };
                const gone = new AbortController();
                llm.plan({ fault: 'ok', between: 20 });
                const options = keyed(key, body, { signal: gone.signal });
                const first = await bob.call.stream('POST', TURN, options);
                await first.body.getReader().read();
                gone.abort();
                const replay = await eventually(async () => {
                        const r = await bob.call.stream('POST', TURN, keyed(key, body));
                        return r.status === 200 ? r : void (await r.text());
                }, 'the turn ended');
                assert.ok(isReplay(replay));
                assert.match((await readStream(replay)).text, /word30$/);
        } finally {
                await cancelling.stop();
        }
});

test('the same key at once: one turn, one call of the model, everyone hears of it', async () => {
        const key = unique('k');
        const n = llm.completions.length;
        const body = { message: `echo ${key}` };
        const all = await Promise.all(
                Array.from({ length: 8 }, () => who.call('POST', TURN, keyed(key, body))),
        );
        const good = all.filter((a) => a.status === 200);
        assert.ok(good.length >= 1);
        assert.equal(new Set(good.map((a) => a.text)).size, 1);
        for (const a of all.filter((x) => x.status !== 200))
                assert.match(a.body.code, /^(idempotency|turn)_in_progress$/);
        assert.equal(llm.completions.length, n + 1);
        assert.equal((await turns(key)).length, 1);
});

test('a turn number and a key: the stored turn is given, and kept for the key', async () => {
        const key = unique('k');
        const conversation = { session_id: unique('s') };
        const { body } = await who.call('POST', AI, {
                body: { message: `echo ${key}`, ...conversation },
                expect: 200,
        });
        const [turn] = await turns(key);
        const replay = {
                message: `echo ${key}`,
                conversation_id: turn.conversation_id,
                turn_number: turn.turn_number,
        };
        const one = await who.call('POST', TURN, keyed(key, replay, { expect: 200 }));
        assert.equal(one.body.turn_id, body.turn_id);
        const two = await who.call('POST', TURN, keyed(key, replay, { expect: 200 }));
        assert.equal(two.text, one.text);
        assert.ok(isReplay(two));
});

test('events too many to keep: the turn is given again all the same', async () => {
        const key = unique('k');
        const body = { message: 'count 40000', session_id: key, stream: true };
        const first = await readStream(await who.call.stream('POST', AI, keyed(key, body)));
        assert.equal(first.last.event, 'done');
        const n = llm.completions.length;
        const answer = await who.call.stream('POST', AI, keyed(key, body));
        assert.ok(!isReplay(answer));
        const second = await readStream(answer);
        assert.equal(second.text, first.text);
        assert.equal(second.last.data.turn_id, first.last.data.turn_id);
        assert.equal(llm.completions.length, n);
});

test('without a model, or a new conversation: kill -9 leaves one of each', async () => {
        const own = await startServer();
        try {
                let ann = await newUser(api(own));
                for (let round = 0; round < 10; round++) {
                        const key = unique('k');
                        const message = `I saw ${key} today.`;
                        const turn = keyed(key, { message, session_id: key });
                        const made = keyed(`${key}-c`, { title: key });
                        const tries = [
                                ann.call('POST', AI, turn).catch(() => null),
                                ann.call('POST', '/api/v1/conversations', made).catch(() => null),
                        ];
                        await new Promise((r) => {
                                setTimeout(r, round * 2);
                        });
                        await own.kill9();
                        const before_ = await Promise.all(tries);
                        await own.restart();
                        ann = await signIn(api(own), ann.email);
                        const after_ = [
                                await ann.call('POST', AI, turn),
                                await ann.call('POST', '/api/v1/conversations', made),
                        ];
                        assert.deepEqual(after_.map((a) => a.status), [200, 201]);
                        before_.forEach((b, i) => b && assert.equal(after_[i].text, b.text));
                        const { body } = await ann.call('GET', '/api/v1/conversations?limit=100');
                        assert.equal(body.filter((c) => c.title === key).length, 1);
                        assert.equal(body.find((c) => c.session_id === key).turn_count, 1);
                }
        } finally {
                await own.stop();
        }
});
