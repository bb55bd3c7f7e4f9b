// SPDX-License-Identifier: MIT
// fetch with the manners of these tests: JSON in and out, every answer checked against the printed
// document.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import { judgeFor } from './openapi.mjs';
import { PASSWORD } from './server.mjs';

const TIMEOUT_MS = 30_000;

async function send(base, method, path, { body, raw, headers = {}, token, key, signal } = {}) {
        const h = new Headers(headers);
        if (token) h.set('authorization', `Bearer ${token}`);
        if (key) h.set('x-api-key', key);
        if (body !== undefined && !h.has('content-type')) h.set('content-type', 'application/json');
        return fetch(base + path, {
                method,
                headers: h,
                redirect: 'manual',
                body: raw ?? (body === undefined ? undefined : JSON.stringify(body)),
                signal: signal ?? AbortSignal.timeout(TIMEOUT_MS),
        });
}

/* `const call = api(server)`, then `await call('POST', '/api/v1/memories', { body, token,
 * expect: 201 })` → { status, headers, type, text, body }. Options: body (sent as JSON), raw
 * (sent as it is), headers, token (Bearer), key (X-API-Key), expect (a status), code (of a
 * problem), signal, judge: false (only for answers the document cannot know). `call.as({ token
 * })` binds options; `call.stream(…)` returns the bare Response of a stream. */
export function api(server, bound = {}) {
        const base = () => (typeof server === 'string' ? server : server.base);
        const call = async (method, path, options = {}) => {
                const o = {
                        ...bound,
                        ...options,
                        headers: { ...bound.headers, ...options.headers },
                };
                const response = await send(base(), method, path, o);
                const text = await response.text();
                const type = (response.headers.get('content-type') ?? '').split(';')[0].trim();
                const answer = {
                        status: response.status,
                        headers: response.headers,
                        type,
                        text,
                        body: undefined,
                };
                if (/json$/.test(type) && text) answer.body = JSON.parse(text);
                if (o.judge !== false) {
                        const judge = await judgeFor(base());
                        const complaint = judge.complaint({
                                method,
                                path: new URL(base() + path).pathname,
                                ...answer,
                        });
                        assert.equal(complaint, null, complaint ?? undefined);
                }
                if (o.expect)
                        assert.equal(
                                answer.status,
                                o.expect,
                                `${method} ${path}: ${text.slice(0, 800)}`,
                        );
                if (o.code) {
                        assert.equal(
                                answer.body?.code,
                                o.code,
                                `${method} ${path}: ${text.slice(0, 800)}`,
                        );
                        assert.equal(answer.body.status, answer.status);
                }
                return answer;
        };
        call.as = (more) => api(server, { ...bound, ...more });
        call.stream = (method, path, options = {}) =>
                send(base(), method, path, {
                        ...bound,
                        ...options,
                        headers: { ...bound.headers, ...options.headers },
                });
        return call;
}

export const unique = (prefix = 'u') => `${prefix}${randomBytes(6).toString('hex')}`;
export { PASSWORD };

/* A new account, signed in: { email, password, user, user_id, token, refresh, call } where
 * `call` carries the token. */
export async function newUser(
        call,
        { email = `${unique()}@example.org`, password = PASSWORD, full_name } = {},
) {
        await call('POST', '/api/v1/auth/register', {
                body: { email, password, ...(full_name && { full_name }) },
                expect: 201,
        });
        return signIn(call, email, password);
}

export async function signIn(call, email, password = PASSWORD, more = {}) {
        const { body } = await call('POST', '/api/v1/auth/login', {
                body: { email, password, ...more },
                expect: 200,
        });
        return {
                email,
                password,
                user: body.user,
                user_id: body.user_id,
                token: body.access_token,
                refresh: body.refresh_token,
                call: call.as({ token: body.access_token }),
        };
}

/* An API key of a signed-in user: { key, key_id, call } where `call` carries the key. */
export async function newKey(
        user,
        scopes = ['memories:read', 'memories:write', 'chat'],
        more = {},
) {
        const { body } = await user.call('POST', '/api/v1/auth/api-keys', {
                body: { name: unique('key-'), scopes, ...more },
                expect: 201,
        });
        return {
                key: body.api_key,
                key_id: body.key_id,
                call: user.call.as({ token: undefined, key: body.api_key }),
        };
}

/* Events of a server-sent stream: for await (const { event, data, id } of sse(response)); data
 * is parsed when it is JSON. */
export async function* sse(response) {
        const decoder = new TextDecoder();
        let rest = '';
        for await (const chunk of response.body) {
                rest += decoder.decode(chunk, { stream: true });
                for (let at; (at = rest.indexOf('\n\n')) >= 0; rest = rest.slice(at + 2)) {
                        const event = sseEvent(rest.slice(0, at));
                        if (event) yield event;
                }
        }
}

function sseEvent(block) {
        const out = { event: 'message', data: undefined, id: undefined, retry: undefined };
        const data = [];
        for (const line of block.split('\n').filter((l) => l && !l.startsWith(':'))) {
                const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line);
                if (name === 'data') data.push(value);
                else out[name] = value;
        }
        if (!data.length && out.retry === undefined && out.event === 'message') return null;
        try {
                out.data = JSON.parse(data.join('\n'));
        } catch {
                out.data = data.join('\n');
        }
        return out;
}
