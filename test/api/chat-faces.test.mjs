// SPDX-License-Identifier: MIT
// One turn engine behind three faces: what can go wrong with a turn is said by each in its own form.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { providersEnv } from '../fake/chat.mjs';
import { startLlm } from '../fake/llm.mjs';
import { api, newUser, unique } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';

const MODEL = 'm';
const messages = (content) => [{ role: 'user', content }];

// How each face is asked; `place` is the conversation.
const faces = {
        '/api/v1/conversation': (message) => ({ message }),
        '/api/ai/chat': (message, place) => ({ message, session_id: place }),
        '/v1/chat/completions': (message, place) => ({
                model: 'mainstay',
                messages: messages(message),
                metadata: { conversation_id: place },
        }),
};

let llm, server, call;
before(async () => {
        llm = await startLlm();
        const price = { input_per_1m: 10, output_per_1m: 10 };
        const list = [{ name: 'a', models: [MODEL], default_model: MODEL, price }];
        server = await startServer({
                env: providersEnv(llm, list, { LLM_FALLBACK_OFFLINE: 'false' }),
        });
        call = api(server);
});
after(async () => {
        await server.stop();
        await llm.stop();
});

for (const [path, ask] of Object.entries(faces)) {
        describe(path, () => {
                const post = (user, message, place, more) =>
                        user.call('POST', path, { body: ask(message, place), ...more });

                test('the budget is used up', async () => {
                        llm.reset();
                        const user = await newUser(call);
                        await user.call('POST', '/api/v1/usage/budget', {
                                body: { monthly_budget: 0 },
                                expect: 200,
                        });
                        const refused = await post(user, 'count 3', unique('s'), {
                                expect: 429,
                                code: 'budget_exhausted',
                        });
                        assert.ok(Number(refused.headers.get('retry-after')) >= 1);
                        assert.equal(llm.completions.length, 0);
                });

                test('another turn is running there', async () => {
                        llm.reset();
                        llm.fault = { fault: 'ok', ms: 6_500 };
                        const user = await newUser(call);
                        const place = unique('s');
                        const first = post(user, 'count 3', place, { expect: 200 });
                        await new Promise((r) => setTimeout(r, 200));
                        await post(user, 'count 4', place, {
                                expect: 409,
                                code: 'turn_in_progress',
                        });
                        await first;
                });

                test('a text that is too long', async () => {
                        const { status, body } = await post(
                                await newUser(call),
                                'x'.repeat(10_001),
                        );
                        assert.ok([400, 422].includes(status));
                        assert.equal(body.code, 'message_too_long');
                });

                // Last: the circuit of the provider stays open afterwards.
                test('the model refuses, then fails', async () => {
                        llm.reset();
                        const user = await newUser(call);
                        llm.plan('400');
                        const refused = await post(user, 'count 3', unique('s'), { expect: 400 });
                        assert.equal(refused.body.code, 'bad_request');
                        assert.doesNotMatch(refused.text, /secret-upstream-detail/);
                        llm.fault = '500';
                        const failed = await post(user, 'count 3', unique('s'), { expect: 503 });
                        assert.equal(failed.body.code, 'llm_unavailable');
                        assert.ok(Number(failed.headers.get('retry-after')) >= 1);
                        llm.reset();
                });
        });
}
