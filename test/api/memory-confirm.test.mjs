// SPDX-License-Identifier: MIT
// With a model: contradictions whose values the rules cannot read are put to it, as jobs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startLlm } from '../fake/llm.mjs';
import { api, newUser } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';

const path = '/api/v1/memories';
let llm, server, call;
before(async () => {
        llm = await startLlm();
        server = await startServer({ env: { LLM_BASE_URL: llm.base, LLM_API_KEY: 'k' } });
        call = api(server);
});
after(async () => {
        await server.stop();
        await llm.stop();
});

const add = async (user, content) =>
        (await user.call('POST', path, { body: { type: 'fact', content }, expect: 201 })).body;
const get = async (user, { memory_id }) => (await user.call('GET', `${path}/${memory_id}`)).body;

async function settled(user) {
        for (let i = 0; i < 200; i++) {
                const jobs = (await user.call('GET', '/api/v1/jobs', { expect: 200 })).body;
                const job = jobs.find((j) => j.kind === 'conflict');
                if (job && ['done', 'failed'].includes(job.state)) return job;
                await new Promise((r) => setTimeout(r, 50));
        }
        throw new Error('the job does not end');
}

test('what the model confirms is superseded, with its reason', async () => {
        const user = await newUser(call);
        const old = await add(user, 'Lives in Lisbon.');
        const now = await add(user, 'Has settled in Porto for good.');
        assert.equal(now.event, 'ADD');
        const job = await settled(user);
        assert.deepEqual([job.state, job.result], ['done', { count: 1 }]);
        const was = await get(user, old);
        assert.equal(was.status, 'superseded');
        assert.equal(was.superseded_by, now.memory_id);
        assert.equal(was.metadata.context.conflict_reason, 'Only one can be.');
        const { body } = await user.call('GET', `${path}/${now.memory_id}/history`);
        assert.equal(body.at(-1).reason, 'location_change');
        assert.equal(body.at(-1).actor, 'llm');
        const asked = llm.completions.at(-1).body;
        assert.equal(asked.response_format.type, 'json_schema');
        assert.ok(!JSON.stringify(asked).includes(user.user_id), 'the model learns who it is');
        const usage = (await user.call('GET', '/api/v1/usage', { expect: 200 })).body;
        assert.ok(usage.unpriced_requests > 0, 'the call is not in the ledger');
});

test('both stay when the model says so, and when the person lets nothing leave', async () => {
        const user = await newUser(call);
        const first = await add(user, 'Lives in Lisbon.');
        const second = await add(user, 'Has settled in Porto as well, for the weekends.');
        assert.deepEqual((await settled(user)).result, { count: 0 });
        for (const m of [first, second]) assert.equal((await get(user, m)).status, 'active');

        const shy = await newUser(call);
        const consents = { llm_processing: false };
        await shy.call('PATCH', '/api/v1/auth/me', { body: { consents }, expect: 200 });
        const before = llm.completions.length;
        await add(shy, 'Lives in Lisbon.');
        await add(shy, 'Has settled in Porto for good.');
        assert.deepEqual((await settled(shy)).result, { count: 0 });
        assert.equal(llm.completions.length, before);
});

test('a model that fails is asked again later; until then the rules stand', async () => {
        const user = await newUser(call);
        llm.plan('garbage', 'garbage', 'garbage', 'garbage', 'garbage', 'garbage');
        const old = await add(user, 'Lives in Lisbon.');
        await add(user, 'Has settled in Porto for good.');
        let job;
        for (let i = 0; i < 200 && !job?.error; i++) {
                const jobs = (await user.call('GET', '/api/v1/jobs', { expect: 200 })).body;
                job = jobs.find((j) => j.kind === 'conflict');
                await new Promise((r) => setTimeout(r, 50));
        }
        assert.equal(job.state, 'queued');
        assert.ok(job.attempts >= 1);
        assert.equal((await get(user, old)).status, 'active');
        llm.reset();
});
