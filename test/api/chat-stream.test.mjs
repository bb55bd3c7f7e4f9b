// SPDX-License-Identifier: MIT
// Streams: order of events, resume at every one, slow and leaving readers, cancel, drain, death in the middle.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';

import { conversation, eventually, modelEnv, newUser, readStream, say, startChat, stream } from '../fake/chat.mjs';
import { signIn, sse } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';
import { api } from '../lib/api.mjs';

let chat, ann;
before(async () => {
        chat = await startChat();
        ann = await newUser(chat.call);
});
after(() => chat.stop());

const turn = async (who, id) => (await who.call('GET', `/api/v1/turns/${id}`, { expect: 200 })).body;

test('events come in order, the text is the stored one, done comes after it is durable', async () => {
        const response = await stream(ann, 'count 12');
        assert.equal(response.headers.get('x-accel-buffering'), 'no');
        assert.equal(response.headers.get('x-mainstay-provider'), 'main');
        assert.equal(response.headers.get('x-mainstay-model'), 'fake-small');
        assert.match(response.headers.get('cache-control'), /no-cache/);
        const { events, text, names } = await readStream(response);
        assert.deepEqual(names, ['start', 'memories', ...Array(12).fill('delta'), 'done']);
        const id = events[0].data.turn_id;
        assert.deepEqual(events.map((e) => e.id), events.map((_, n) => `${id}:${n}`));
        const done = events.at(-1).data;
        assert.equal(done.response, text);
        assert.equal(text, 'word1 word2 word3 word4 word5 word6 word7 word8 word9 word10 word11 word12');
        assert.equal(done.metadata.finish_reason, 'stop');
        assert.equal(done.metadata.usage.estimated, false);
        assert.equal((await turn(ann, id)).assistant_message, text);
});

test('Accept asks for a stream too, and whole characters only come out', async () => {
        const message = `echo ${'añ😀本 '.repeat(50)}end`;
        const response = await ann.call.stream('POST', '/api/v1/conversation', { body: { message }, headers: { accept: 'text/event-stream' } });
        const { text, events } = await readStream(response);
        assert.equal(text, message.slice(5));
        for (const e of events.filter((x) => x.event === 'delta'))
                assert.ok(!e.data.text.includes('\uFFFD'));
});

// Every event again behind each of those that were seen.
async function resumed(who, { events, text }) {
        const deltas = (list) => list.filter((e) => e.event === 'delta').map((e) => e.data);
        const id = events[0].data.turn_id;
        for (let n = -1; n < events.length - 1; n++) {
                const headers = n >= 0 ? { 'Last-Event-ID': `${id}:${n}` } : {};
                const again = await readStream(
                        await who.call.stream('GET', `/api/v1/turns/${id}/stream`, { headers }),
                );
                const rest = events.slice(n + 1);
                assert.deepEqual(again.events.map((e) => e.id), rest.map((e) => e.id));
                assert.deepEqual(deltas(again.events), deltas(rest));
                assert.equal(again.last.data.response, text);
        }
}

test('who has seen the end is told nothing twice', async () => {
        const { events } = await readStream(await stream(ann, 'count 2'));
        const path = `/api/v1/turns/${events[0].data.turn_id}/stream`;
        for (const seen of [events.at(-1).id, `${events[0].data.turn_id}:999`]) {
                const headers = { 'Last-Event-ID': seen };
                const again = await readStream(await ann.call.stream('GET', path, { headers }));
                assert.deepEqual(again.events, []);
        }
});

// Its events, and the last of them as it comes again behind the first.
async function endTwice(who, response) {
        const { events } = await readStream(response);
        const again = await readStream(
                await who.call.stream('GET', `/api/v1/turns/${events[0].data.turn_id}/stream`, {
                        headers: { 'Last-Event-ID': events[0].id },
                }),
        );
        return [events.at(-1), again.events.at(-1)];
}

test('who takes a stream up again hears its end in the form that was asked for', async () => {
        const ask = (path, body) =>
                ann.call.stream('POST', path, { body: { stream: true, ...body } });
        const second = { message: 'count 3', session_id: 'forms' };
        const [said, again] = await endTwice(ann, await ask('/api/ai/chat', second));
        assert.equal(said.data.status, 'success');
        assert.deepEqual(again, said);
        const first = { message: 'count 4' };
        const list = (await ann.call('GET', '/api/v1/conversations')).body;
        first.conversation_id = list.find((c) => c.session_id === 'forms').conversation_id;
        const [own, repeated] = await endTwice(ann, await ask('/api/v1/conversation', first));
        assert.equal(own.data.user_id, ann.user_id);
        assert.deepEqual(Object.keys(repeated.data), Object.keys(own.data));
});

test('a failure is told again in the form that was asked for', async () => {
        const body = { message: 'count 5', session_id: 'failing', stream: true };
        chat.llm.plan({ fault: 'cut', at: 2 });
        const [said, again] = await endTwice(
                ann,
                await ann.call.stream('POST', '/api/ai/chat', { body }),
        );
        assert.equal(said.event, 'error');
        assert.equal(again.event, 'error');
        assert.equal(again.data.status_text, said.data.status_text);
        assert.deepEqual(Object.keys(again.data), Object.keys(said.data));
});

test('a stream is taken up behind any event, without loss or repetition', async () => {
        await resumed(ann, await readStream(await stream(ann, 'count 6')));
});

test('so is an answer without a model, and one that was not streamed', async () => {
        const offline = await startServer();
        try {
                const bob = await newUser(api(offline));
                await say(bob, 'My boat is called Calypso.');
                const first = await readStream(await stream(bob, 'What is my boat called?'));
                assert.ok(first.names.filter((n) => n === 'delta').length > 3);
                await resumed(bob, first);
                const { turn_id, response } = await say(bob, 'Who is my captain?');
                const path = `/api/v1/turns/${turn_id}/stream`;
                const later = await readStream(await bob.call.stream('GET', path));
                assert.deepEqual(later.names, ['start', 'memories', 'delta', 'done']);
                assert.equal(later.text, response);
        } finally {
                await offline.stop();
        }
});

test('a second reader joins a running turn; it goes on when the first one leaves', async () => {
        chat.llm.plan({ fault: 'ok', between: 25 });
        const abort = new AbortController();
        const response = await stream(ann, 'count 40', {}, { signal: abort.signal });
        const first = [];
        for await (const e of sse(response)) {
                first.push(e);
                if (e.event === 'delta')
                        break;
        }
        const id = first[0].data.turn_id;
        assert.equal((await turn(ann, id)).state, 'running');
        const follower = readStream(await ann.call.stream('GET', `/api/v1/turns/${id}/stream`, { headers: { 'Last-Event-ID': first.at(-1).id } }));
        abort.abort();
        const rest = await follower;
        assert.equal(first.filter((e) => e.event === 'delta').map((e) => e.data.text).join('') + rest.text,
                Array.from({ length: 40 }, (_, i) => `word${i + 1}`).join(' '));
        assert.equal((await turn(ann, id)).state, 'completed');
});

test('a reader that leaves does not stop the turn', async () => {
        chat.llm.plan({ fault: 'ok', between: 15 });
        const abort = new AbortController();
        const response = await stream(ann, 'count 20', {}, { signal: abort.signal });
        const { value } = await sse(response).next();
        abort.abort();
        const t = await eventually(async () => {
                const now = await turn(ann, value.data.turn_id);
                return now.state !== 'running' && now;
        }, 'turn ended');
        assert.equal(t.state, 'completed');
        assert.match(t.assistant_message, /word20$/);
});

test('cancel ends a turn, keeps the text so far, and tells the reader', async () => {
        chat.llm.plan({ fault: 'stall', at: 3 });
        const response = await stream(ann, 'count 9');
        const events = [];
        for await (const e of sse(response)) {
                events.push(e);
                if (e.event === 'delta' && e.data.text.includes('word3'))
                        await ann.call('POST', `/api/v1/turns/${events[0].data.turn_id}/cancel`, { expect: 202 });
        }
        const last = events.at(-1);
        assert.equal(last.event, 'done');
        assert.equal(last.data.metadata.finish_reason, 'cancelled');
        const t = await turn(ann, events[0].data.turn_id);
        assert.equal(t.state, 'cancelled');
        assert.equal(t.assistant_message, 'word1 word2 word3');
        await ann.call('POST', `/api/v1/turns/${t.turn_id}/cancel`, { expect: 202 });
        await eventually(() => chat.llm.open === 0, 'the call upstream was given up');
});

test('a slow reader stops the model, not the memory, and gets all of it in the end', async () => {
        const words = 60_000;
        const { token } = ann;
        const body = JSON.stringify({ message: `count ${words}`, stream: true });
        const socket = connect(chat.server.port, '127.0.0.1');
        socket.write(`POST /api/v1/conversation HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n`
                + `Connection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
        await new Promise((done) => { socket.once('readable', done); });     // and read nothing more for a while
        await new Promise((done) => { setTimeout(done, 1500); });
        assert.equal(chat.llm.open, 1, 'the provider is still being held back');
        let text = '';
        socket.setEncoding('utf8');
        for await (const chunk of socket)
                text += chunk;
        assert.match(text, /event: done/);
        assert.ok(text.includes(`" word${words}"`), 'the last word arrived');
});

test('a failure before the first word is a problem, after it an event', async () => {
        const strict = await startServer({ env: modelEnv(chat.llm, { LLM_FALLBACK_OFFLINE: 'false' }) });
        try {
                const bob = await newUser(api(strict));
                chat.llm.plan('401');
                const early = await stream(bob, 'count 5');
                assert.equal(early.status, 503);
                assert.equal((await early.json()).code, 'llm_unavailable');
                assert.ok(Number(early.headers.get('retry-after')) >= 1);
                for (const fault of ['disconnect', 'malformed', 'error', 'cut']) {
                        chat.llm.plan({ fault, at: 2 });
                        const { last, text, events } = await readStream(await stream(bob, 'count 5'));
                        assert.equal(last.event, 'error', fault);
                        assert.equal(last.data.code, 'upstream_failed');
                        assert.equal(text, 'word1 word2');
                        const t = await turn(bob, events[0].data.turn_id);
                        assert.equal(t.state, 'failed');
                        assert.equal(t.assistant_message, text);
                        assert.equal(t.metadata.error, 'upstream_failed');
                        const again = await readStream(await bob.call.stream('GET', `/api/v1/turns/${t.turn_id}/stream`));
                        assert.equal(again.last.event, 'error');
                }
        } finally {
                await strict.stop();
        }
});

test('on_disconnect=cancel: nobody listens, nothing is generated', async () => {
        const server = await startServer({ env: modelEnv(chat.llm, { ON_DISCONNECT: 'cancel' }) });
        try {
                const bob = await newUser(api(server));
                chat.llm.plan({ fault: 'stall', at: 2 });
                const abort = new AbortController();
                const response = await stream(bob, 'count 9', {}, { signal: abort.signal });
                let id;
                for await (const e of sse(response)) {
                        id ??= e.data.turn_id;
                        if (e.event === 'delta')
                                break;
                }
                abort.abort();
                const t = await eventually(async () => {
                        const now = await turn(bob, id);
                        return now.state !== 'running' && now;
                }, 'turn cancelled');
                assert.equal(t.state, 'cancelled');
                assert.match(t.assistant_message, /^word1/);
        } finally {
                await server.stop();
        }
});

test('kill -9 in the middle: the turn is interrupted, the message is there, it can be asked again under its number', async () => {
        const server = await startServer({ env: modelEnv(chat.llm) });
        try {
                const call = api(server);
                const bob = await newUser(call);
                const id = await conversation(bob);
                chat.llm.plan({ fault: 'stall', at: 2 });
                const response = await stream(bob, 'count 5', { conversation_id: id, turn_number: 3 });
                const { value } = await sse(response).next();
                await server.kill9();
                await server.restart();
                const back = await signIn(call, bob.email);
                const t = await turn(back, value.data.turn_id);
                assert.equal(t.state, 'interrupted');
                assert.equal(t.user_message, 'count 5');
                const again = await say(back, 'count 5', { conversation_id: id, turn_number: 3 });
                assert.equal(again.turn_id, t.turn_id);
                assert.equal(again.response, 'word1 word2 word3 word4 word5');
                assert.equal((await back.call('GET', `/api/v1/conversations/${id}/turns`)).body.length, 1);
                const { events } = await readStream(await stream(back, 'count 4'));
                await server.kill9();
                await server.restart();
                const resumed = await readStream(await (await signIn(call, bob.email)).call.stream('GET',
                        `/api/v1/turns/${events[0].data.turn_id}/stream`, { headers: { 'Last-Event-ID': events[3].id } }));
                assert.deepEqual(resumed.events.map((e) => e.id), events.slice(4).map((e) => e.id));
        } finally {
                await server.stop();
        }
});

test('SIGTERM during a stream: the reader is told, the turn is stored', async () => {
        const server = await startServer({ env: modelEnv(chat.llm) });
        const call = api(server);
        const bob = await newUser(call);
        chat.llm.plan({ fault: 'ok', between: 40 });
        const response = await stream(bob, 'count 30');
        const events = [];
        let stopped;
        for await (const e of sse(response)) {
                events.push(e);
                if (e.event === 'delta')
                        stopped ??= server.stop({ keep: true });
        }
        await stopped;
        assert.equal(events.at(-1).event, 'shutdown');
        assert.ok(Number(events.at(-1).retry) > 0);
        await server.start();
        const back = await signIn(call, bob.email);
        const t = await turn(back, events[0].data.turn_id);
        assert.equal(t.state, 'completed');
        assert.match(t.assistant_message, /word30$/);
        await server.stop();
});
