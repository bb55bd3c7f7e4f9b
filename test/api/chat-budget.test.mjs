// SPDX-License-Identifier: MIT
// Usage and budgets: the sums are the ledger's, parallel turns cannot overspend, thresholds are told once.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { conversation, eventually, newUser, providersEnv, say } from '../fake/chat.mjs';
import { startLlm } from '../fake/llm.mjs';
import { startSmtp } from '../fake/smtp.mjs';
import { api, PASSWORD, signIn, unique } from '../lib/api.mjs';
import { startServer } from '../lib/server.mjs';

const PRICE = { input_per_1m: 2000, output_per_1m: 8000 };     // $0.002 and $0.008 a token: sums that can be seen
const paid = { name: 'paid', models: ['m'], price: PRICE };

let llm, server, call;
before(async () => {
        llm = await startLlm();
        server = await startServer({ env: providersEnv(llm, [paid, { name: 'unpriced', models: ['u'] }]) });
        call = api(server);
});
after(async () => { await server.stop(); await llm.stop(); });

const usage = async (who, query = '') => (await who.call('GET', `/api/v1/usage${query}`, { expect: 200 })).body;
const budget = (who, body, expect = 200) => who.call('POST', '/api/v1/usage/budget', { body, expect });
const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-6, `${a} is not ${b}`);

test('cost is tokens times price, and the month is their sum', async () => {
        const ann = await newUser(call);
        let sum = 0;
        for (const n of [1, 5, 20]) {
                const { usage: u } = (await say(ann, `count ${n}`)).metadata;
                near(u.cost_usd, (u.prompt_tokens * PRICE.input_per_1m + u.completion_tokens * PRICE.output_per_1m) / 1e6);
                sum += u.cost_usd;
        }
        const u = await usage(ann);
        near(u.current_month.total_cost, sum);
        near(u.breakdown.paid.cost, sum);
        assert.equal(u.breakdown.paid.requests, 3);
        assert.equal(u.breakdown.paid.percentage, 100);
        assert.equal(u.usage_analytics.most_used_service, 'paid');
        assert.equal(u.usage_analytics.efficiency_score, 100);
        assert.equal(u.budget_status.status, 'no_budget');
        assert.equal(u.current_month.budget, null);
        const now = new Date();
        const days = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 0)).getUTCDate();
        near(u.current_month.projected_cost, Math.floor(sum * 1e6 * days / now.getUTCDate()) / 1e6);
        assert.equal(u.current_month.days_remaining, days - now.getUTCDate());
        assert.equal(u.usage_analytics.peak_usage_day, now.toISOString().slice(0, 10));
        assert.deepEqual((await ann.call('GET', '/api/ai/cost-tracking', { expect: 200 })).body.breakdown, u.breakdown);
        near((await usage(ann, '?month=2020-01')).current_month.total_cost, 0);
        for (const month of ['2020-13', '2020-00', 'nonsens', '2020-1'])
                await ann.call('GET', `/api/v1/usage?month=${month}`, { expect: 422 });
});

test('a price that is not known is null and listed, usage that does not come is estimated', async () => {
        const ann = await newUser(call);
        const u = (await say(ann, 'count 3', { model: 'u' })).metadata.usage;
        assert.equal(u.cost_usd, null);
        const told = await usage(ann);
        assert.equal(told.unpriced_requests, 1);
        assert.equal(told.breakdown.unpriced.cost, null);
        llm.usage = false;
        const guess = (await say(ann, 'count 3')).metadata.usage;
        llm.usage = true;
        assert.equal(guess.estimated, true);
        assert.equal(guess.completion_tokens, Math.ceil('word1 word2 word3'.length / 4));
});

test('values of a budget', async () => {
        const ann = await newUser(call);
        for (const body of [{}, { monthly_budget: -1 }, { monthly_budget: 'x' }, { monthly_budget: 1, alert_thresholds: { warning: 0 } },
                { monthly_budget: 1, alert_thresholds: { warning: 95, critical: 95 } }, { monthly_budget: 1, alert_thresholds: { critical: 101 } },
                { monthly_budget: 1, other: 1 }])
                await budget(ann, body, 422);
        const { body } = await budget(ann, { monthly_budget: 2.5 });
        assert.deepEqual(body, { status: 'success', monthly_budget: 2.5, alert_thresholds: { warning: 80, critical: 95 }, auto_stop_enabled: true });
        await ann.call('POST', '/api/ai/cost-tracking/budget', { body: { monthly_budget: 3 }, expect: 200 });
        assert.equal((await usage(ann)).current_month.budget, 3);
});

test('fifty parallel turns do not spend more than the budget and one answer', async () => {
        const users = [await newUser(call)];
        const [ann] = users;
        await say(ann, 'count 5');
        const spent = (await usage(ann)).current_month.total_cost;
        const worst = 60;                     // a call reserves prompt and 4096 tokens of answer: about $33 each here
        await budget(ann, { monthly_budget: spent + worst });
        llm.reset();
        llm.fault = { fault: 'ok', ms: 300 };
        const ids = await Promise.all(Array.from({ length: 50 }, () => conversation(ann)));
        const answers = await Promise.all(ids.map((conversation_id) => ann.call('POST', '/api/v1/conversation',
                { body: { message: 'count 5', conversation_id } })));
        llm.reset();
        const codes = answers.map((a) => (a.status === 200 ? 'ok' : a.body.code));
        assert.ok(codes.includes('budget_exhausted') || codes.includes('rate_limit_exceeded'), codes.join());
        const u = await usage(ann);
        assert.ok(u.current_month.total_cost <= spent + worst);
        assert.equal(codes.filter((c) => c === 'ok').length, answers.filter((a) => a.status === 200 && !a.body.metadata.offline).length);
});

test('used up: no paid call, the alerts of the month, once each', async () => {
        const ann = await newUser(call);
        await say(ann, 'count 5');
        const { total_cost } = (await usage(ann)).current_month;
        await budget(ann, { monthly_budget: total_cost / 0.85 });
        assert.deepEqual((await usage(ann)).alerts.map((a) => a.type), ['warning'], 'crossed by the limit itself');
        await budget(ann, { monthly_budget: total_cost });
        llm.reset();
        const r = await ann.call('POST', '/api/v1/conversation', { body: { message: 'count 5' }, expect: 429, code: 'budget_exhausted' });
        assert.deepEqual(r.body['violated-policies'], ['budget']);
        assert.match(r.body.type, /quota-exceeded$/);
        const month = Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth() + 1, 1);
        assert.ok(Math.abs(Number(r.headers.get('retry-after')) - (month - Date.now()) / 1000) < 60);
        assert.equal(llm.completions.length, 0);
        const u = await usage(ann);
        assert.equal(u.budget_status.status, 'exceeded');
        assert.equal(u.budget_status.budget_remaining, 0);
        assert.equal(u.current_month.usage_percentage, 100);
        await budget(ann, { monthly_budget: total_cost * 1.5, auto_stop_enabled: false });
        await say(ann, 'count 5');            // a limit that only warns
        await say(ann, 'count 5');
        const types = (await usage(ann)).alerts.map((a) => a.type);
        assert.deepEqual(types, ['warning', 'critical', 'exceeded']);
        await eventually(() => server.logs.filter((l) => l.event === 'budget_threshold' && l.user_id === ann.user_id).length === 3, 'three events');
});

test('BUDGET_ACTION=offline answers from memory and says why; a free provider stays usable', async () => {
        const env = providersEnv(llm, [{ ...paid }], { BUDGET_ACTION: 'offline', LLM_MONTHLY_BUDGET_USD: '0.000001' });
        const one = await startServer({ env });
        const two = await startServer({ env: providersEnv(llm, [paid, { name: 'free', models: ['m'], price: { input_per_1m: 0, output_per_1m: 0 } }],
                { LLM_MONTHLY_BUDGET_USD: '0.000001' }) });
        try {
                llm.reset();
                const r = await say(await newUser(api(one)), 'My name is Ann.');
                assert.equal(r.metadata.offline, true);
                assert.equal(r.metadata.offline_reason, 'budget');
                assert.match(r.response, /budget/i);
                assert.equal(llm.completions.length, 0);
                const free = await say(await newUser(api(two)), 'count 2');
                assert.equal(free.metadata.provider, 'free');
                assert.equal(free.metadata.usage.cost_usd, 0);
                assert.deepEqual(free.metadata.attempts.map((a) => a.outcome), ['budget', 'ok']);
        } finally {
                await one.stop();
                await two.stop();
        }
});

test('each threshold sends one letter to an address that was verified', async () => {
        const mail = await startSmtp();
        const one = await startServer({ env: providersEnv(llm, [paid], { SMTP_URL: mail.url }) });
        try {
                const there = api(one);
                const email = `${unique()}@example.org`;
                await there('POST', '/api/v1/auth/register', {
                        body: { email, password: PASSWORD },
                        expect: 202,
                });
                await there('POST', '/api/v1/auth/email/verify', {
                        body: { token: await mail.token(email) },
                        expect: 200,
                });
                const ann = await signIn(there, email);
                const letters = () =>
                        mail.letters.filter((l) => l.to === email && /budget/.test(l.text));
                const subjects = () => letters().map((l) => /^Subject: (.*)/m.exec(l.text)[1].trim());
                await say(ann, 'count 5');
                const spent = (await usage(ann)).current_month.total_cost;
                await budget(ann, { monthly_budget: spent * 2.4, auto_stop_enabled: false });
                await say(ann, 'count 5');
                await eventually(() => letters().length === 1, 'the first letter');
                assert.match(letters()[0].text, /You have used \$\d+\.\d\d of the \$\d+\.\d\d/);
                await say(ann, 'count 5');
                await eventually(() => letters().length === 2, 'the second letter');
                await say(ann, 'count 5');
                await eventually(() => one.logs.filter((l) => l.event === 'turn_completed').length === 4, 'four turns');
                assert.deepEqual(subjects(), [
                        '80 % of your budget for language models is used',
                        'Your budget for language models is used up',
                ]);
        } finally {
                await one.stop();
                mail.stop();
        }
});
