// SPDX-License-Identifier: MIT
// A fake OpenAI-compatible upstream for tests and benches: /v1/models, /v1/chat/completions, /v1/embeddings. Answers come
// from the prompt alone, so a test can say what must come back; faults are switched on one by one.
//
//   const llm = await startLlm();          llm.base is for LLM_BASE_URL, llm.requests holds what arrived
//   llm.plan('429', { fault: 'delay', ms: 50 }, 'ok')      one entry for each of the next completions
//   llm.fault = 'stall'                    for all that have no plan; null = none
// From another process: POST /control {"plan":[…],"fault":…,"reset":true}, GET /control. A model name "x@stall" asks for a
// fault too. Faults: see `faults` below. Run directly: node llm.mjs [port]
import { createServer } from 'node:http';
import { createHash } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const KEEP = 5000;                            // requests remembered
const BODY_MAX = 8 * 1024 * 1024;
const DIMENSIONS = 64;

const sleep = (ms) => new Promise((done) => { setTimeout(done, ms).unref?.(); });
const tokens = (text) => Math.ceil(Buffer.byteLength(text) / 4);

function textOf(content) {
        if (typeof content === 'string')
                return content;
        return Array.isArray(content) ? content.filter((p) => p.type === 'text').map((p) => p.text).join('\n') : '';
}

// What the model "says": `echo …` gives the rest back, `count N` N words, `show prompt` all it was sent, `use tool` a call;
// otherwise the memory block it got, or that there was none.
export function answerTo(body) {
        const user = textOf(body.messages.findLast((m) => m.role === 'user')?.content ?? '');
        const all = body.messages.map((m) => textOf(m.content)).join('\n');
        if (body.response_format?.type === 'json_schema')
                return body.response_format.json_schema.name === 'conflict'
                        ? conflictOf(user)
                        : extractionOf(user);
        if (/^echo /i.test(user))
                return user.slice(5);
        const count = /^count (\d+)/i.exec(user);
        if (count)
                return Array.from({ length: Number(count[1]) }, (_, i) => `word${i + 1}`).join(' ');
        if (/^show prompt/i.test(user))
                return JSON.stringify(body.messages);
        const block = /<memories>\n([\s\S]*?)\n<\/memories>/.exec(all);
        return block ? `I remember: ${block[1]}` : 'I remember nothing about that.';
}

// One memory per "remember: …" in the text, and one that nothing in the message supports.
function extractionOf(user) {
        const memories = [...user.matchAll(/remember: ([^.]+)\./gi)].map((m) => (
                { type: 'fact', content: `${m[1]}.`, confidence: 0.9, tags: ['model'], entities: [] }));
        if (/invent something/i.test(user))
                memories.push({ type: 'fact', content: 'Owns a submarine in Valparaíso.', confidence: 0.99, tags: [], entities: [] });
        return JSON.stringify({ memories });
}

// Two notes contradict each other unless one of them says "as well".
function conflictOf(user) {
        const { first, second } = JSON.parse(user);
        const both = /as well/.test(first.note + second.note);
        return JSON.stringify({ conflict: !both, reason: both ? 'Both can be.' : 'Only one can be.' });
}

// Words hashed into a few dimensions: the same text gives the same unit vector, shared words give a high cosine.
export function vectorOf(text) {
        const v = new Array(DIMENSIONS).fill(0);
        for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
                const h = createHash('sha256').update(word).digest();
                v[h[0] % DIMENSIONS] += h[1] & 1 ? 1 : -1;
                v[h[2] % DIMENSIONS] += h[3] & 1 ? 1 : -1;
        }
        const norm = Math.hypot(...v) || 1;
        return v.map((x) => x / norm);
}

const pieces = (text) => text.match(/\s*\S+|\s+$/gu) ?? [];

class Llm {
        constructor() {
                this.requests = [];
                this.plans = [];
                this.fault = null;
                this.usage = true;
                this.models = ['fake-small', 'fake-large'];
                this.open = 0;
                this.openPeak = 0;
                this.closedEarly = 0;         // streams whose reader left before the end
                this.held = new Set();
        }

        plan(...entries) {
                this.plans.push(...entries);
        }

        reset() {
                this.requests.length = this.plans.length = 0;
                Object.assign(this, { fault: null, usage: true, openPeak: this.open, closedEarly: 0 });
        }

        get completions() {
                return this.requests.filter((r) => r.path === '/v1/chat/completions');
        }

        faultFor(body) {
                const entry = this.plans.shift() ?? this.fault ?? /@(\S+)$/.exec(body.model ?? '')?.[1] ?? 'ok';
                return typeof entry === 'string' ? { fault: entry } : entry;
        }
}

function send(res, status, body, headers = {}) {
        const text = typeof body === 'string' ? body : JSON.stringify(body);
        res.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'fake-1', ...headers });
        res.end(text);
}

const failure = (message, type = 'server_error') => ({ error: { message, type, param: null, code: null } });

// Before anything is answered. True: it has been dealt with.
const faults = {
        429: (res, o) => send(res, 429, failure('slow down', 'rate_limit_error'), o.headers ?? { 'retry-after': '0' }),
        500: (res) => send(res, 500, failure('secret-upstream-detail')),
        503: (res, o) => send(res, 503, failure('overloaded'), o.headers ?? {}),
        401: (res) => send(res, 401, failure('bad key secret-upstream-detail', 'authentication_error')),
        400: (res) => send(res, 400, failure('bad request', 'invalid_request_error')),
        404: (res) => send(res, 404, failure('no such model', 'invalid_request_error')),
        never: () => {},                      // accepts, never answers
        reset: (res) => res.socket.resetAndDestroy?.() ?? res.socket.destroy(),
        garbage: (res) => send(res, 200, '<html>not what you wanted</html>', { 'content-type': 'text/html' }),
        truncated: (res, o, whole) => send(res, 200, JSON.stringify(whole).slice(0, -20)),
        empty: (res) => send(res, 200, {}),
        huge: (res) => send(res, 200, { choices: [{ message: { content: 'x'.repeat(3 * 1024 * 1024) } }] }),
        hang: (res) => { res.writeHead(200, { 'content-type': 'text/event-stream' }); res.flushHeaders(); },
};

function chunkOf(base, delta, finish = null) {
        return { ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] };
}

const TOOL_CALL = { id: 'call_1', type: 'function', function: { name: 'lookup', arguments: '{"q":"lisbon"}' } };

// Faults inside a stream happen after `at` pieces (default 2).
const midStream = {
        stall: async (res, llm) => { llm.held.add(res); await new Promise((done) => { res.on('close', done); }); },
        disconnect: async (res) => { res.write('data: {"choices":[{"delta":{"cont'); await sleep(5); res.socket.destroy(); },
        malformed: async (res) => { res.write('data: {"choices":[{"delta":{"content": }}]}\n\n'); },
        error: async (res) => { res.write(`data: ${JSON.stringify(failure('secret-upstream-detail'))}\n\n`); res.end(); },
        cut: async (res) => { res.end(); },   // a clean end without finish_reason and [DONE]
};

async function streamOut(llm, res, body, base, text, o) {
        const put = (obj) => res.write(`data: ${JSON.stringify(obj)}\n\n`);
        res.writeHead(200, { 'content-type': 'text/event-stream', 'x-request-id': 'fake-1' });
        put(chunkOf(base, { role: 'assistant', content: '' }));
        const parts = pieces(text);
        for (let i = 0; i < parts.length && !res.destroyed; i++) {
                if (midStream[o.fault] && i === (o.at ?? 2)) {
                        await midStream[o.fault](res, llm);
                        return;
                }
                if (o.fault === 'slow' || o.between)
                        await sleep(o.between ?? 20);
                put(chunkOf(base, { content: parts[i] }));
        }
        if (o.tool)
                put(chunkOf(base, { tool_calls: [{ index: 0, ...TOOL_CALL }] }));
        put(chunkOf(base, {}, o.tool ? 'tool_calls' : 'stop'));
        if (llm.usage && body.stream_options?.include_usage)
                put({ ...base, object: 'chat.completion.chunk', choices: [], usage: usageOf(body, text) });
        res.end('data: [DONE]\n\n');
}

function usageOf(body, text) {
        const prompt_tokens = tokens(body.messages.map((m) => textOf(m.content)).join('\n'));
        const completion_tokens = tokens(text);
        return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}

async function complete(llm, res, body) {
        const o = llm.faultFor(body);
        const text = o.text ?? answerTo(body);
        const base = { id: 'chatcmpl-fake', created: 1750000000, model: body.model };
        const user = textOf(body.messages.findLast((m) => m.role === 'user')?.content ?? '');
        o.tool = /^use tool/i.test(user) && body.tools?.length > 0 && body.messages.at(-1).role === 'user';
        const message = { role: 'assistant', content: o.tool ? null : text, refusal: null, ...(o.tool && { tool_calls: [TOOL_CALL] }) };
        const whole = { ...base, object: 'chat.completion', ...(llm.usage && { usage: usageOf(body, text) }),
                choices: [{ index: 0, message, logprobs: null, finish_reason: o.tool ? 'tool_calls' : 'stop' }] };
        if (o.ms)
                await sleep(o.ms);
        if (faults[o.fault])
                faults[o.fault](res, o, whole);
        else if (body.stream)
                await streamOut(llm, res, body, base, o.tool ? '' : text, o);
        else
                send(res, 200, whole);
}

const encoded = (v, format) => (format === 'base64' ? Buffer.from(Float32Array.from(v).buffer).toString('base64') : v);

function embed(llm, res, body) {
        const o = llm.faultFor(body);
        if (faults[o.fault])
                return faults[o.fault](res, o, {});
        const input = Array.isArray(body.input) ? body.input : [body.input];
        send(res, 200, { object: 'list', model: body.model, usage: { prompt_tokens: tokens(input.join(' ')), total_tokens: 0 },
                data: input.map((text, index) => ({ object: 'embedding', index, embedding: encoded(vectorOf(String(text)), body.encoding_format) })) });
}

function control(llm, req, res, body) {
        if (body?.reset)
                llm.reset();
        if (body?.plan)
                llm.plan(...body.plan);
        if (body && 'fault' in body)
                llm.fault = body.fault;
        send(res, 200, { requests: llm.requests.length, open: llm.open, open_peak: llm.openPeak, closed_early: llm.closedEarly,
                plan: llm.plans, fault: llm.fault });
}

async function read(req) {
        const parts = [];
        let n = 0;
        for await (const part of req) {
                n += part.length;
                if (n > BODY_MAX)
                        throw new Error('body too large');
                parts.push(part);
        }
        return n ? JSON.parse(Buffer.concat(parts)) : undefined;
}

async function handle(llm, req, res) {
        const path = req.url.split('?')[0];
        const body = await read(req);
        if (path === '/control')
                return control(llm, req, res, body);
        if (llm.requests.length < KEEP)
                llm.requests.push({ method: req.method, path, headers: req.headers, body, at: Date.now() });
        if (path === '/v1/models')            // asked by the health check at any time: not counted below
                return send(res, 200, { object: 'list', data: llm.models.map((id) => ({ id, object: 'model', created: 1, owned_by: 'fake' })) });
        llm.open++;
        llm.openPeak = Math.max(llm.openPeak, llm.open);
        res.on('close', () => {
                llm.open--;
                llm.closedEarly += res.writableFinished ? 0 : 1;
        });
        if (path === '/v1/chat/completions')
                return complete(llm, res, body);
        return path === '/v1/embeddings' ? embed(llm, res, body) : send(res, 404, failure('unknown path'));
}

export async function startLlm({ port = 0 } = {}) {
        const llm = new Llm();
        const server = createServer((req, res) => {
                handle(llm, req, res).catch((e) => { if (!res.headersSent) send(res, 400, failure(e.message)); else res.destroy(); });
        });
        server.keepAliveTimeout = 60_000;
        await new Promise((done) => { server.listen({ port, host: '127.0.0.1', backlog: 2048 }, done); });
        llm.port = server.address().port;
        llm.base = `http://127.0.0.1:${llm.port}/v1`;
        llm.release = () => { for (const res of llm.held) res.end(); llm.held.clear(); };
        llm.stop = () => new Promise((done) => { server.close(done); server.closeAllConnections(); });
        return llm;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
        const llm = await startLlm({ port: Number(process.argv[2] ?? 0) });
        console.log(llm.base);
}
