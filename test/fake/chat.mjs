// SPDX-License-Identifier: MIT
// What the chat tests share: a server with a fake model behind it, talking to it, reading its streams.
import assert from 'node:assert/strict';

import { api, newUser, sse } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';
import { startLlm } from './llm.mjs';

export const modelEnv = (llm, more = {}) => ({ LLM_BASE_URL: llm.base, LLM_MODEL: 'fake-small', LLM_API_KEY: 'key-of-the-fake',
        LLM_EXTRACTION: 'off', ...more });

// { server, llm, call, stop }: the usual set-up of a test file.
export async function startChat(env = {}) {
        const llm = await startLlm();
        const server = await startServer({ env: modelEnv(llm, env) });
        return { server, llm, call: api(server), stop: async () => { await server.stop(); await llm.stop(); } };
}

// Several providers in order, all at the same fake: provider "a" has model "a@x" where x is a fault of the fake.
export const providersEnv = (llm, list, more = {}) => ({ LLM_EXTRACTION: 'off', ...more,
        LLM_PROVIDERS: JSON.stringify(list.map((p) => ({ base_url: llm.base, default_model: p.name, ...p }))) });

export const say = async (who, message, more = {}) => (await who.call('POST', '/api/v1/conversation',
        { body: { message, ...more }, expect: 200 })).body;

export const conversation = async (who, title = 'test') => (await who.call('POST', '/api/v1/conversations',
        { body: { title }, expect: 201 })).body.conversation_id;

export const stream = (who, message, more = {}, options = {}) => who.call.stream('POST', '/api/v1/conversation',
        { body: { message, stream: true, ...more }, ...options });

// All events of a stream, its text put together, and its last event.
export async function readStream(response) {
        assert.equal(response.status, 200, response.status === 200 ? '' : await response.text());
        assert.match(response.headers.get('content-type'), /^text\/event-stream/);
        const events = [];
        for await (const e of sse(response))
                events.push(e);
        const text = events.filter((e) => e.event === 'delta').map((e) => e.data.text).join('');
        return { events, text, last: events.at(-1), names: events.map((e) => e.event) };
}

export async function eventually(check, what, timeout = 10_000) {
        for (const end = Date.now() + timeout; ;) {
                const value = await check();
                if (value)
                        return value;
                assert.ok(Date.now() < end, `not in ${timeout} ms: ${what}`);
                await new Promise((done) => { setTimeout(done, 20); });
        }
}

export { newUser };
