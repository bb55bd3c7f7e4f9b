// SPDX-License-Identifier: MIT
// The official openai client against /v1, unchanged: plain, streamed, tools, models, errors; memory on and off.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';

import { conversation, eventually, modelEnv, newUser, say, startChat } from '../fake/chat.mjs';
import { api, newKey } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';

let chat, ann, key, client, offline;
before(async () => {
        chat = await startChat();
        ann = await newUser(chat.call);
        key = (await newKey(ann)).key;
        client = new OpenAI({ baseURL: `${chat.server.base}/v1`, apiKey: key, maxRetries: 0 });
        offline = await startServer();
});
after(async () => { await chat.stop(); await offline.stop(); });

const ask = (content, more = {}, options = {}) => client.chat.completions.create(
        { model: 'mainstay', messages: [{ role: 'user', content }], ...more }, options);
const user = (content) => ({ role: 'user', content });

test('models', async () => {
        assert.deepEqual((await client.models.list()).data.map((m) => m.id), ['mainstay', 'fake-small']);
        assert.equal((await client.models.retrieve('fake-small')).owned_by, 'main');
        await assert.rejects(client.models.retrieve('nope'), (e) => e.status === 404 && e.code === 'model_not_found');
});

test('a completion, and by access token too', async () => {
        const r = await ask('count 3');
        assert.match(r.id, /^chatcmpl-/);
        assert.equal(r.object, 'chat.completion');
        assert.equal(r.model, 'fake-small');
        assert.equal(r.choices[0].message.content, 'word1 word2 word3');
        assert.equal(r.choices[0].finish_reason, 'stop');
        assert.equal(r.usage.total_tokens, r.usage.prompt_tokens + r.usage.completion_tokens);
        const mine = new OpenAI({ baseURL: `${chat.server.base}/v1`, apiKey: ann.token, maxRetries: 0 });
        assert.equal((await mine.chat.completions.create({ model: 'fake-small', messages: [user('echo hi')] })).choices[0].message.content, 'hi');
});

test('a stream: role first, finish reason last, usage where asked', async () => {
        const chunks = [];
        for await (const c of await ask('count 4', { stream: true, stream_options: { include_usage: true } }))
                chunks.push(c);
        assert.deepEqual(chunks[0].choices[0].delta.role, 'assistant');
        assert.equal(chunks.map((c) => c.choices[0]?.delta.content ?? '').join(''), 'word1 word2 word3 word4');
        assert.equal(chunks.at(-2).choices[0].finish_reason, 'stop');
        assert.deepEqual(chunks.at(-1).choices, []);
        assert.ok(chunks.at(-1).usage.total_tokens > 0);
        assert.ok(chunks.every((c) => c.object === 'chat.completion.chunk' && c.id === chunks[0].id));
        const plain = [];
        for await (const c of await ask('count 1', { stream: true }))
                plain.push(c);
        assert.ok(plain.every((c) => c.choices.length === 1));
        const helper = client.chat.completions.stream({ model: 'mainstay', messages: [user('count 2')] });
        assert.equal(await helper.finalContent(), 'word1 word2');
});

test('tools, whole and streamed', async () => {
        const tools = [{ type: 'function', function: { name: 'lookup', description: 'x', parameters: { type: 'object', properties: {} } } }];
        const r = await ask('use tool', { model: 'fake-small', tools });
        assert.equal(r.choices[0].finish_reason, 'tool_calls');
        assert.equal(r.choices[0].message.tool_calls[0].function.name, 'lookup');
        const runner = client.chat.completions.stream({ model: 'fake-small', messages: [user('use tool')], tools });
        assert.equal((await runner.finalChatCompletion()).choices[0].message.tool_calls[0].function.arguments, '{"q":"lisbon"}');
        const messages = [user('use tool'), { role: 'assistant', tool_calls: r.choices[0].message.tool_calls },
                { role: 'tool', tool_call_id: 'call_1', content: 'Lisbon is sunny. I live in Rome.' }, user('echo thanks')];
        const before_ = (await ann.call('GET', '/api/v1/memories/stats')).body.total_memories;
        assert.equal((await client.chat.completions.create({ model: 'mainstay', messages, tools })).choices[0].message.content, 'thanks');
        assert.equal((await ann.call('GET', '/api/v1/memories/stats')).body.total_memories, before_, 'tool messages are not read for facts');
});

test('what is passed on, and what is ours', async () => {
        chat.llm.reset();
        await ask([{ type: 'text', text: 'echo' }, { type: 'text', text: ' parts' }], { model: 'fake-small', seed: 7, stop: ['x'], top_p: 0.5,
                max_completion_tokens: 33, user: 'label', metadata: { a: 'b' }, top_k: 5 });
        const [{ body }] = chat.llm.completions;
        assert.deepEqual([body.seed, body.stop, body.top_p, body.max_completion_tokens, body.top_k], [7, ['x'], 0.5, 33, 5]);
        assert.equal(body.user, undefined);
        assert.equal(body.metadata, undefined);
        assert.equal(body.model, 'fake-small');
        assert.equal(body.messages.length, 1);
});

test('memory: on for mainstay, off for others, by header either way', async () => {
        const id = await conversation(ann);
        const told = await ask('I live in Lisbon.', {}, { headers: { 'X-Conversation-Id': id } });
        assert.equal(told.mainstay.conversation_id, id);
        chat.llm.reset();
        const asked = await ask('Where do I live?');
        assert.ok(asked.mainstay.memories_used.length >= 1);
        assert.match(asked.choices[0].message.content, /Lisbon/);
        const sent = chat.llm.completions[0].body.messages;
        assert.deepEqual(sent.map((m) => m.role), ['system', 'user']);
        const raw = await ask('Where do I live?', { model: 'fake-small' });
        assert.deepEqual(raw.mainstay.memories_used, []);
        assert.equal(raw.mainstay.conversation_id, null);
        const on = await ask('Where do I live?', { model: 'fake-small' }, { headers: { 'X-Mainstay-Memory': 'on' } });
        assert.match(on.choices[0].message.content, /Lisbon/);
        const off = await ask('Where do I live?', {}, { headers: { 'X-Mainstay-Memory': 'off' } });
        assert.doesNotMatch(off.choices[0].message.content, /Lisbon/);
        const turns = (await ann.call('GET', `/api/v1/conversations/${id}/turns`)).body;
        assert.deepEqual(turns.map((t) => t.user_message), ['I live in Lisbon.']);
        const history = await client.chat.completions.create({ model: 'mainstay', metadata: { conversation_id: 'of-mine' },
                messages: [{ role: 'system', content: 'be brief' }, user('I have a dog.'), { role: 'assistant', content: 'ok' }, user('echo fine')] });
        const stored = (await ann.call('GET', '/api/v1/conversations/of-mine/turns')).body;
        assert.deepEqual(stored.map((t) => [t.turn_id, t.user_message]), [[history.mainstay.turn_id, 'echo fine']]);
});

test('embeddings go to the provider that has the model, are booked, and fail in the client shape', async () => {
        const r = await client.embeddings.create({ model: 'fake-small', input: ['a red boat', 'a red boat', 'the moon'] });
        assert.equal(r.data.length, 3);
        assert.deepEqual(r.data.map((d) => d.index), [0, 1, 2]);
        assert.deepEqual([...r.data[0].embedding], [...r.data[1].embedding]);
        assert.notDeepEqual([...r.data[0].embedding], [...r.data[2].embedding]);
        const plain = await client.embeddings.create({ model: 'fake-small', input: 'a red boat', encoding_format: 'float', dimensions: 64 });
        assert.ok(Math.abs(plain.data[0].embedding[0] - r.data[0].embedding[0]) < 1e-6);
        assert.ok(plain.usage.prompt_tokens > 0);
        const fails = (body, status, code) => ann.call('POST', '/v1/embeddings', { body, expect: status, code });
        await fails({ model: 'nope', input: 'x' }, 404, 'model_not_found');
        await fails({ model: 'fake-small', input: 7 }, 400, 'invalid_request');
        chat.llm.plan('401');
        await fails({ model: 'fake-small', input: 'x' }, 503, 'llm_unavailable');
        chat.llm.plan('garbage');
        await fails({ model: 'fake-small', input: 'x' }, 503, 'llm_unavailable');
        chat.llm.plan('400');
        await fails({ model: 'fake-small', input: 'x' }, 400, 'bad_request');
        const bob = await newUser(chat.call);
        await bob.call('POST', '/api/v1/usage/budget', { body: { monthly_budget: 0 }, expect: 200 });
        await bob.call('POST', '/v1/embeddings', { body: { model: 'fake-small', input: 'x' }, expect: 429, code: 'budget_exhausted' });
        const eve = await newUser(api(offline));
        await eve.call('POST', '/v1/embeddings', { body: { model: 'x', input: 'x' }, expect: 400, code: 'unsupported_offline' });
});

test('errors come in the shape of the client', async () => {
        const fails = (promise, status, type, code) => assert.rejects(promise, (e) => {
                assert.deepEqual([e.status, e.type, e.code], [status, type, code], e.message);
                return true;
        });
        await fails(ask('x', { n: 2 }), 400, 'invalid_request_error', 'invalid_request');
        await fails(ask('x', { temperature: 3 }), 400, 'invalid_request_error', 'invalid_request');
        await fails(client.chat.completions.create({ model: 'mainstay', messages: [] }), 400, 'invalid_request_error', 'invalid_request');
        await fails(client.chat.completions.create({ model: 'mainstay', messages: [{ role: 'wizard', content: 'x' }] }), 400, 'invalid_request_error', 'invalid_request');
        await fails(ask('x', { model: 'nope' }), 404, 'invalid_request_error', 'model_not_found');
        await fails(ask('  '), 400, 'invalid_request_error', 'message_required');
        await fails(new OpenAI({ baseURL: `${chat.server.base}/v1`, apiKey: 'no', maxRetries: 0 }).models.list(), 401, 'authentication_error', 'invalid_token');
        chat.llm.plan('401');
        await fails(ask('x'), 503, 'server_error', 'llm_unavailable');
        chat.llm.plan('400');
        await fails(ask('x'), 400, 'invalid_request_error', 'bad_request');
        chat.llm.plan({ fault: 'disconnect', at: 1 });
        await assert.rejects(async () => {
                for await (const c of await ask('count 5', { stream: true }))
                        assert.ok(c);
        });
});

test('without a model: mainstay answers from memory, what needs one is refused', async () => {
        const bob = await newUser(api(offline));
        const c = new OpenAI({ baseURL: `${offline.base}/v1`, apiKey: bob.token, maxRetries: 0 });
        await say(bob, 'My name is Bob.');
        const r = await c.chat.completions.create({ model: 'mainstay', messages: [user('What is my name?')] });
        assert.match(r.choices[0].message.content, /Your name is Bob/);
        assert.equal(r.mainstay.offline, true);
        assert.equal(r.model, 'mainstay-offline');
        let text = '';
        for await (const x of await c.chat.completions.create({ model: 'mainstay', stream: true, messages: [user('What is my name?')] }))
                text += x.choices[0].delta.content ?? '';
        assert.match(text, /Your name is Bob/);
        for (const more of [{ tools: [{ type: 'function', function: { name: 'f' } }] },
                { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: {} } } }])
                await assert.rejects(c.chat.completions.create({ model: 'mainstay', messages: [user('x')], ...more }),
                        (e) => e.status === 400 && e.code === 'unsupported_offline');
        await assert.rejects(c.chat.completions.create({ model: 'gpt-4o', messages: [user('x')] }), (e) => e.status === 404);
        assert.deepEqual((await c.models.list()).data.map((m) => m.id), ['mainstay']);
});

test('a reader that aborts: the stream ends, what was said is kept, and the turn goes on', async () => {
        chat.llm.plan({ fault: 'ok', between: 30 });
        const abort = new AbortController();
        const stream = await ask('count 20', { stream: true }, { signal: abort.signal });
        const seen = [];
        await assert.rejects(async () => {
                for await (const c of stream) {
                        seen.push(c);
                        if (seen.length === 4) abort.abort();
                }
                throw new OpenAI.APIUserAbortError();
        }, OpenAI.APIUserAbortError);
        assert.ok(seen.length >= 4 && seen.length < 15);
        const id = seen[0].id.slice('chatcmpl-'.length);
        const turn = await eventually(async () => {
                const { body } = await ann.call('GET', `/api/v1/turns/${id}`, { expect: 200 });
                return body.state !== 'running' && body;
        }, 'the turn ended');
        assert.equal(turn.state, 'completed');
        assert.match(turn.assistant_message, /word20$/);
        const helper = client.chat.completions.stream({
                model: 'fake-small',
                messages: [user('count 3')],
        });
        helper.on('content', () => helper.abort());
        await assert.rejects(helper.done(), OpenAI.APIUserAbortError);
});

test('a loop of tools runs to its answer; JSON by schema is read', async () => {
        const asked = [];
        const runner = client.chat.completions.runTools({
                model: 'fake-small',
                messages: [user('use tool')],
                tools: [
                        {
                                type: 'function',
                                function: {
                                        name: 'lookup',
                                        description: 'x',
                                        parse: JSON.parse,
                                        parameters: { type: 'object', properties: {} },
                                        function: (args) => {
                                                asked.push(args);
                                                chat.llm.plan({ fault: 'ok', text: 'Lisbon is sunny.' });
                                                return 'sunny';
                                        },
                                },
                        },
                ],
        });
        assert.deepEqual((await runner.finalChatCompletion()).choices.length, 1);
        assert.deepEqual(asked[0], { q: 'lisbon' });
        chat.llm.plan({ fault: 'ok', text: '{"colour":"green"}' });
        const parsed = await client.chat.completions.parse({
                model: 'fake-small',
                messages: [user('which colour')],
                response_format: {
                        type: 'json_schema',
                        json_schema: { name: 'c', strict: true, schema: { type: 'object' } },
                },
        });
        assert.deepEqual(JSON.parse(parsed.choices[0].message.content), { colour: 'green' });
        const sent = chat.llm.completions.at(-1).body;
        assert.equal(sent.response_format.json_schema.name, 'c');
});

test('failures are the classes that programs catch, with a request id', async () => {
        const raised = async (promise, type) => {
                const e = await promise.then(
                        () => assert.fail('it did not fail'),
                        (x) => x,
                );
                assert.ok(e instanceof type, `${e.constructor.name}: ${e.message}`);
                assert.ok(e.requestID, 'x-request-id');
                return e;
        };
        const stranger = new OpenAI({
                baseURL: `${chat.server.base}/v1`,
                apiKey: 'ms_no',
                maxRetries: 0,
        });
        await raised(stranger.models.list(), OpenAI.AuthenticationError);
        await raised(ask('x', { n: 3 }), OpenAI.BadRequestError);
        await raised(ask('x', { model: 'nope' }), OpenAI.NotFoundError);
        chat.llm.plan('401');
        await raised(ask('x'), OpenAI.InternalServerError);
        const reader = (await newKey(ann, ['memories:read'])).key;
        const narrow = new OpenAI({ baseURL: `${chat.server.base}/v1`, apiKey: reader, maxRetries: 0 });
        await raised(narrow.models.list(), OpenAI.PermissionDeniedError);
        const bob = await newUser(chat.call);
        await bob.call('POST', '/api/v1/usage/budget', { body: { monthly_budget: 0 }, expect: 200 });
        await raised(client.completions.create({ model: 'x', prompt: 'x' }), OpenAI.NotFoundError);
        const { response, request_id } = await client.models.list().withResponse();
        assert.equal(response.status, 200);
        assert.ok(request_id);
});

test('the client tries again by itself when it is told to come later', async () => {
        const own = await startServer({
                env: { ...modelEnv(chat.llm), LLM_FALLBACK_OFFLINE: 'false', LIMITS: 'off' },
        });
        try {
                const bob = await newUser(api(own));
                const patient = new OpenAI({ baseURL: `${own.base}/v1`, apiKey: bob.token, maxRetries: 2 });
                chat.llm.reset();
                chat.llm.plan('401');
                const r = await patient.chat.completions.create({
                        model: 'mainstay',
                        messages: [user('echo later')],
                });
                assert.equal(r.choices[0].message.content, 'later');
                const asked = await bob.call('GET', '/api/v1/conversations/history', { expect: 200 });
                assert.deepEqual(asked.body.map((t) => t.state).sort(), ['completed', 'failed']);
        } finally {
                await own.stop();
        }
});
