// SPDX-License-Identifier: MIT
// Idempotency-Key: the same request with the same key has one
// effect and one answer, whatever happens in between.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { api, newUser, unique } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';

const TURN = '/api/v1/conversation';
const MEMORIES = '/api/v1/memories';
let server, call, user;
before(async () => {
        server = await startServer();
        call = api(server);
        user = await newUser(call);
});
after(() => server.stop());

const memory = (content) => ({ type: 'fact', content });
const keyed = (key, body, more = {}) => ({ headers: { 'Idempotency-Key': key }, body, ...more });
const replayed = (answer) => answer.headers.get('idempotency-replayed') === 'true';
async function stored(word, who = user) {
        const { body } = await who.call('GET', `${MEMORIES}?limit=100`, { expect: 200 });
        return body.filter((m) => m.content.includes(word)).length;
}
async function turns(word, who = user) {
        const { body } = await who.call('GET', '/api/v1/conversations/history?limit=100', {
                expect: 200,
        });
        return body.filter((t) => t.user_message.includes(word)).length;
}

describe('a write', () => {
        test('has one effect and one answer, the key quoted or not', async () => {
                const key = unique('k');
                const word = unique('Note');
                const body = memory(`${word} is green.`);
                const first = await user.call('POST', MEMORIES, keyed(key, body, { expect: 201 }));
                const again = await user.call('POST', MEMORIES, keyed(`"${key}"`, body));
                assert.equal(again.status, 201);
                assert.equal(again.text, first.text);
                assert.deepEqual([replayed(first), replayed(again)], [false, true]);
                assert.equal(await stored(word), 1);
        });
        test('is refused when the key was used for something else', async () => {
                const key = unique('k');
                await user.call('POST', MEMORIES, keyed(key, memory(`One ${key}.`)));
                const other = { expect: 422, code: 'idempotency_mismatch' };
                await user.call('POST', MEMORIES, keyed(key, memory(`Two ${key}.`), other));
                assert.equal(await stored(key), 1);
        });
        test('keeps the keys of two people apart', async () => {
                const key = unique('k');
                const other = await newUser(call);
                const body = memory(`Shared ${key}.`);
                const mine = await user.call('POST', MEMORIES, keyed(key, body, { expect: 201 }));
                const theirs = await other.call('POST', MEMORIES, keyed(key, body));
                assert.equal(theirs.status, 201);
                assert.equal(replayed(theirs), false);
                assert.notEqual(theirs.body.memory_id, mine.body.memory_id);
        });
        test('whose memory was forgotten meanwhile is answered again, not made again', async () => {
                const key = unique('k');
                const body = memory(`Gone ${key}.`);
                const first = await user.call('POST', MEMORIES, keyed(key, body, { expect: 201 }));
                const at = `${MEMORIES}/${first.body.memory_id}`;
                await user.call('DELETE', at, { expect: 200 });
                const again = await user.call('POST', MEMORIES, keyed(key, body, { expect: 201 }));
                assert.ok(replayed(again));
                assert.equal(again.text, first.text);
                assert.equal(await stored(key), 0);
                await user.call('GET', at, { expect: 404 });
        });
        test('that failed is not remembered', async () => {
                const key = unique('k');
                await user.call('POST', MEMORIES, keyed(key, { type: 'fact' }, { expect: 422 }));
                const good = await user.call('POST', MEMORIES, keyed(key, memory(`Now ${key}.`)));
                assert.equal(good.status, 201);
        });
        test('answers ten at once alike', async () => {
                const key = unique('k');
                const all = await Promise.all(
                        Array.from({ length: 10 }, () =>
                                user.call('POST', MEMORIES, keyed(key, memory(`Once ${key}.`))),
                        ),
                );
                assert.deepEqual([...new Set(all.map((a) => a.text))], [all[0].text]);
                assert.equal(all.filter((a) => !replayed(a)).length, 1);
                assert.equal(await stored(key), 1);
        });
        for (const [what, key] of [
                ['empty', '""'],
                ['too long', 'x'.repeat(256)],
        ])
                test(`refuses a key that is ${what}`, async () => {
                        const { body } = await user.call(
                                'POST',
                                MEMORIES,
                                keyed(key, memory('Never.'), { expect: 422 }),
                        );
                        assert.equal(body.errors[0].pointer, 'Idempotency-Key');
                });
});

describe('a turn', () => {
        test('is answered once and replayed', async () => {
                const key = unique('k');
                const message = { message: `My dog is called ${unique('Rex')}.` };
                const first = await user.call('POST', TURN, keyed(key, message, { expect: 200 }));
                const again = await user.call('POST', TURN, keyed(key, message, { expect: 200 }));
                assert.equal(again.text, first.text);
                assert.ok(replayed(again));
        });
        test('whose conversation was removed meanwhile is answered again, not run again', async () => {
                const key = unique('k');
                const word = unique('word');
                const made = await user.call('POST', '/api/v1/conversations', { body: {} });
                const { conversation_id } = made.body;
                const body = { message: `Say ${word}.`, conversation_id };
                const first = await user.call('POST', TURN, keyed(key, body, { expect: 200 }));
                const at = `/api/v1/conversations/${conversation_id}`;
                await user.call('DELETE', `${at}?memories=true`, { expect: 200 });
                const again = await user.call('POST', TURN, keyed(key, body, { expect: 200 }));
                assert.ok(replayed(again));
                assert.equal(again.text, first.text);
                assert.equal(await turns(word), 0);
                await user.call('GET', at, { expect: 404 });
        });
        test('in parallel runs once; the others hear that it runs, or its answer', async () => {
                const key = unique('k');
                const message = { message: `My cat is called ${key}.` };
                const all = await Promise.all(
                        Array.from({ length: 6 }, () =>
                                user.call('POST', TURN, keyed(key, message)),
                        ),
                );
                const late = all.filter((a) => a.status === 409);
                for (const a of late) assert.equal(a.body.code, 'idempotency_in_progress');
                const good = all.filter((a) => a.status === 200);
                assert.equal(good.length + late.length, all.length);
                assert.equal(new Set(good.map((a) => a.body.turn_id)).size, 1);
                assert.equal(await turns(key), 1);
        });
        test('that was streamed gives the same events again', async () => {
                const key = unique('k');
                const options = keyed(key, { message: `I sail ${key}.`, stream: true });
                const first = await user.call.stream('POST', TURN, options);
                const events = await first.text();
                assert.match(events, /event: done\n/);
                const again = await user.call.stream('POST', TURN, options);
                assert.match(again.headers.get('content-type'), /^text\/event-stream/);
                assert.equal(await again.text(), events);
                assert.equal(again.headers.get('idempotency-replayed'), 'true');
                assert.equal(await turns(key), 1);
        });
        test('whose reader left is there when the reader comes back', async () => {
                const key = unique('k');
                const options = keyed(key, { message: `I paint ${key}.`, stream: true });
                const gone = new AbortController();
                const first = await user.call.stream('POST', TURN, {
                        ...options,
                        signal: gone.signal,
                });
                assert.equal(first.status, 200);
                gone.abort();
                const again = await waitForAnswer(options);
                assert.match(await again.text(), /event: done\n/);
                assert.equal(await turns(key), 1);
        });
});

// Until the turn is over it is "in progress".
async function waitForAnswer(options) {
        for (let n = 0; n < 200; n++) {
                const answer = await user.call.stream('POST', TURN, options);
                if (answer.status !== 409) return answer;
                await answer.text();
                await new Promise((r) => {
                        setTimeout(r, 10);
                });
        }
        throw new Error('still in progress');
}

test('kill -9 between two tries leaves one effect', async () => {
        const own = await startServer();
        const who = await newUser(api(own));
        for (let round = 0; round < 6; round++) {
                const key = unique('k');
                const options = keyed(key, memory(`Round ${key}.`));
                const first = who.call('POST', MEMORIES, options).catch(() => null);
                await new Promise((r) => {
                        setTimeout(r, round * 2);
                });
                await own.kill9();
                const before_ = await first;
                await own.restart();
                const after_ = await who.call('POST', MEMORIES, options);
                assert.equal(after_.status, 201);
                if (before_) assert.equal(after_.text, before_.text);
                assert.equal(await stored(key, who), 1);
        }
        await own.stop();
});

test('sign-in ignores the key: its answers carry secrets', async () => {
        const body = { email: user.email, password: user.password };
        const key = unique('k');
        const first = await call('POST', '/api/v1/auth/login', keyed(key, body, { expect: 200 }));
        const again = await call('POST', '/api/v1/auth/login', keyed(key, body, { expect: 200 }));
        assert.notEqual(first.body.refresh_token, again.body.refresh_token);
        assert.equal(replayed(again), false);
});
