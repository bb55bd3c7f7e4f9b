// SPDX-License-Identifier: MIT
// What every row of the route table owes, tried on every row: who may call it, what its body may
// be, how often. Rows that come later are covered the day they are added.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { api, newKey, newUser, PASSWORD, signIn } from '../lib/api.mjs';
import { parseAnswers, rawRequest } from '../lib/raw.mjs';
import { runBinary, startServer } from '../lib/server.mjs';

const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const rows = JSON.parse((await runBinary(['openapi', '--routes'])).stdout);
const document = JSON.parse((await runBinary(['openapi'])).stdout);
const printed = (row) => row.path.replace(/(.)\/$/, '$1');
const operation = (row) => document.paths[printed(row)][row.method.toLowerCase()];
const path = (row) => row.path.replaceAll(/\{[^}]*\}/g, UNKNOWN);
const declares = (row, code) => row.errors.includes(code);

let server, call, user, admin, chatKey, profileKey;
before(async () => {
        server = await startServer({ admin: 'root@example.org' });
        call = api(server);
        user = await newUser(call);
        admin = await signIn(call, 'root@example.org');
        chatKey = await newKey(user, ['chat']);
        profileKey = await newKey(user, ['profile']);
});
after(() => server.stop());

// Somebody who is let in.
const OPERATOR_SCOPES = ['introspect', 'metrics', 'admin'];
const needsAdmin = (row) => row.auth === 'admin' || OPERATOR_SCOPES.includes(row.scope);
const insider = (row) => (needsAdmin(row) ? admin : user).call;

test('the table is there, and every row says what it is', () => {
        assert.ok(rows.length > 20);
        for (const row of rows) {
                assert.ok(operation(row), `${row.id} is not in the document`);
                assert.notEqual(row.auth, 'unset', row.id);
                assert.notEqual(row.lane, 'unset', row.id);
                assert.ok(
                        row.audit || row.audit_none,
                        `${row.id} has neither an audit event nor a reason for none`,
                );
        }
        assert.equal(new Set(rows.map((r) => `${r.method} ${r.path}`)).size, rows.length);
});

describe('without a credential', () => {
        for (const row of rows.filter((r) => declares(r, 'not_authenticated')))
                test(row.id, async () => {
                        const none = await call(row.method, path(row), {
                                expect: 401,
                                code: 'not_authenticated',
                        });
                        assert.equal(
                                none.headers.get('www-authenticate'),
                                'Bearer realm="mainstay"',
                        );
                        const bad = await call(row.method, path(row), {
                                token: 'x.y.z',
                                expect: 401,
                                code: 'invalid_token',
                        });
                        assert.match(bad.headers.get('www-authenticate'), /error="invalid_token"/);
                });
        for (const row of rows.filter((r) => r.auth === 'optional'))
                test(`${row.id}, a bad one`, () =>
                        call(row.method, path(row), {
                                token: 'x.y.z',
                                expect: 401,
                                code: 'invalid_token',
                        }));
});

describe('with too little', () => {
        for (const row of rows.filter((r) => r.auth === 'admin'))
                test(row.id, () =>
                        user.call(row.method, path(row), { expect: 403, code: 'forbidden' }),
                );
        for (const row of rows.filter((r) => r.scope && r.auth === 'user'))
                test(`${row.id}, a key without the scope ${row.scope}`, async () => {
                        const { call: keyed } = row.scope === 'profile' ? chatKey : profileKey;
                        await keyed(row.method, path(row), {
                                expect: 403,
                                code: 'insufficient_scope',
                        });
                });
});

// The type that the row's body has, and one it cannot have.
const bodyType = (row) => Object.keys(operation(row).requestBody.content)[0];

describe('bodies', () => {
        for (const row of rows.filter((r) => declares(r, 'unsupported_media_type')))
                test(`${row.id}: another type`, () =>
                        insider(row)(row.method, path(row), {
                                raw: 'x',
                                headers: { 'content-type': 'image/gif' },
                                expect: 415,
                                code: 'unsupported_media_type',
                        }));

        for (const row of rows.filter((r) => declares(r, 'too_large')))
                test(`${row.id}: too large`, async () => {
                        const token = needsAdmin(row) ? admin.token : user.token;
                        const credential =
                                row.auth === 'none' ? '' : `Authorization: Bearer ${token}\r\n`;
                        const { text } = await rawRequest(
                                server,
                                `${row.method} ${path(row)} HTTP/1.1\r\nHost: x\r\n${credential}` +
                                        `Content-Type: ${bodyType(row)}\r\nContent-Length: 100000000\r\nConnection: close\r\n\r\n`,
                        );
                        const [answer] = parseAnswers(text);
                        assert.equal(answer?.status, 413, text);
                        assert.equal(JSON.parse(answer.body).code, 'too_large');
                });

        for (const row of rows.filter((r) => declares(r, 'bad_json')))
                test(`${row.id}: not JSON`, async () => {
                        for (const raw of [
                                '{"a":',
                                '{"a":1,"a":2}',
                                '\u0000',
                                '['.repeat(200),
                                '{}{}',
                                '{"a":"\\ud800"}',
                                Buffer.from('{"a":"\xff"}', 'latin1'),
                        ])
                                await insider(row)(row.method, path(row), {
                                        raw,
                                        headers: { 'content-type': 'application/json' },
                                        expect: 400,
                                        code: 'bad_json',
                                });
                });
});

// The members of the row's body; undefined for a body that the handler reads itself.
function members(row) {
        const schema = operation(row).requestBody?.content['application/json']?.schema ?? {};
        return (schema.$ref ? document.components.schemas[schema.$ref.split('/').pop()] : schema)
                .properties;
}

// Values of the wrong kind for each member that the document names.
function wrongBody(row) {
        const wrong = (property) =>
                [property.type].flat().includes('object') || property.type === undefined
                        ? 7
                        : { no: 1 };
        return Object.fromEntries(
                Object.entries(members(row)).map(([name, property]) => [name, wrong(property)]),
        );
}

// What the clients of other servers, probes and browsers add is passed over, and what RFC 6749 says.
const LENIENT = /^(mem0\.|openai\.|auth\.(refresh|introspect))/;
const isStrict = (row) => row.rate !== 'none' && !LENIENT.test(row.id);

// A query that cannot be right: a parameter of the wrong kind, too long, or unknown.
function wrongQuery(row) {
        const query = (operation(row).parameters ?? []).filter((p) => p.in === 'query');
        const typed = query.find(
                ({ schema }) =>
                        /integer|number|boolean/.test(schema.type) ||
                        schema.enum ||
                        schema.format === 'date-time',
        );
        if (typed) return `${typed.name}=nonsense`;
        const short = query.find(({ schema }) => schema.maxLength < 4000);
        if (short) return `${short.name}=${'x'.repeat(short.schema.maxLength + 1)}`;
        return isStrict(row) ? 'no_such_parameter=1' : undefined;
}

describe('values', () => {
        const named = (answer) =>
                assert.ok(
                        answer.body.errors?.length && answer.body.errors.every((e) => e.detail),
                        answer.text,
                );
        for (const row of rows.filter((r) => declares(r, 'invalid_request') && members(r)))
                test(`${row.id}: of the wrong type`, async () => {
                        const answer = await insider(row)(row.method, path(row), {
                                body: wrongBody(row),
                                code: 'invalid_request',
                        });
                        named(answer);
                        assert.match(answer.body.errors[0].pointer, /^#\//);
                });
        for (const row of rows.filter((r) => declares(r, 'invalid_request') && wrongQuery(r)))
                test(`${row.id}: of the query`, async () => {
                        const address = `${path(row)}?${wrongQuery(row)}`;
                        named(await insider(row)(row.method, address, { code: 'invalid_request' }));
                });
});

describe('a parameter that nobody knows', () => {
        for (const row of rows.filter(isStrict))
                test(`${row.id} refuses it by name`, async () => {
                        const answer = await insider(row)(
                                row.method,
                                `${path(row)}?no_such_parameter=1`,
                                { expect: 422, code: 'invalid_request' },
                        );
                        const pointers = answer.body.errors.map((e) => e.pointer);
                        assert.ok(pointers.includes('?no_such_parameter'), answer.text);
                });
        const asksNothing = (row) => !operation(row).parameters.some((p) => p.in === 'query');
        const lenient = rows.filter((r) => !isStrict(r) && r.method === 'GET' && asksNothing(r));
        for (const row of lenient)
                test(`${row.id} passes it over`, async () => {
                        const plain = await insider(row)('GET', path(row));
                        const more = await insider(row)('GET', `${path(row)}?no_such_parameter=1`);
                        assert.equal(more.status, plain.status);
                });
});

describe('methods', () => {
        const paths = [...new Set(rows.map((r) => r.path))];
        test('those that a path does not have: 405 with Allow', async () => {
                for (const template of paths) {
                        const own = rows.filter((r) => r.path === template).map((r) => r.method);
                        const other = ['DELETE', 'PUT', 'POST', 'PATCH', 'GET'].find(
                                (m) => !own.includes(m),
                        );
                        const answer = await user.call(
                                other,
                                template.replaceAll(/\{[^}]*\}/g, UNKNOWN),
                                { expect: 405, code: 'method_not_allowed', judge: false },
                        );
                        for (const method of own)
                                assert.match(
                                        answer.headers.get('allow'),
                                        new RegExp(`\\b${method}\\b`),
                                        template,
                                );
                }
        });
        test('HEAD answers as GET does, without a body', async () => {
                for (const row of rows.filter(
                        (r) => r.method === 'GET' && r.lane !== 'stream' && !/\/fresh/.test(r.path),
                )) {
                        const get = await insider(row)('GET', path(row));
                        const head = await insider(row)('HEAD', path(row));
                        assert.equal(head.status, get.status, row.id);
                        assert.equal(head.text, '', row.id);
                }
        });
        test('OPTIONS tells what is allowed, to nobody in particular', async () => {
                const answer = await call('OPTIONS', '/api/v1/memories', {
                        expect: 204,
                        headers: { origin: 'https://evil.example' },
                });
                assert.match(answer.headers.get('allow'), /POST/);
                assert.equal(answer.headers.get('access-control-allow-origin'), null);
        });
});

test('answers to any path carry the security headers and an id', async () => {
        for (const p of [
                '/health',
                '/nowhere',
                '/api/v1/auth/me',
                '/api/api/v1/health',
                '/docs',
                '/%2e%2e/etc/passwd',
        ]) {
                const { headers } = await call('GET', p);
                assert.match(headers.get('x-request-id'), /^[0-9a-f]{32}$/, p);
                assert.match(headers.get('traceparent'), /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/, p);
                assert.equal(headers.get('x-content-type-options'), 'nosniff', p);
                assert.ok(headers.get('content-security-policy'), p);
                assert.equal(headers.get('server'), null, p);
        }
});

describe('how often', () => {
        let limited, caller, operator;
        before(async () => {
                limited = await startServer({ env: { LIMITS: 'on' }, admin: 'root@example.org' });
                caller = await newUser(api(limited), { password: PASSWORD });
                operator = await signIn(api(limited), 'root@example.org');
        });
        after(() => limited.stop());

        for (const row of rows.filter((r) => !['none', 'free'].includes(r.rate)))
                test(row.id, async () => {
                        for (let tries = 0; tries < 400; tries++) {
                                const who = needsAdmin(row) ? operator : caller;
                                const answer = await who.call(row.method, path(row), {
                                        judge: false,
                                });
                                assert.ok(answer.status < 500, answer.text);
                                if (answer.status !== 429) continue;
                                assert.equal(answer.body.code, 'rate_limit_exceeded');
                                assert.ok(Number(answer.headers.get('retry-after')) >= 1);
                                assert.ok(
                                        answer.headers.get('ratelimit') &&
                                                answer.headers.get('ratelimit-policy'),
                                        answer.text,
                                );
                                return;
                        }
                        assert.fail('400 requests and no limit');
                });
});
