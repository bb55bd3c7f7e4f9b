// SPDX-License-Identifier: MIT
// What a malformed message gets: a typed 4xx with ids on it, or a closed connection; never a 500, and the next request works.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { api, newUser, unique, PASSWORD } from '../lib/api.mjs';
import { parseAnswers, rawRequest } from '../lib/raw.mjs';
import { startServer } from '../lib/server.mjs';

let server, call, user;
before(async () => {
        server = await startServer();
        call = api(server);
        user = await newUser(call);
});
after(() => server.stop());

const head = (line, ...fields) => [`${line} HTTP/1.1`, 'Host: localhost', ...fields, '', ''].join('\r\n');
const get = (target, ...fields) => head(`GET ${target}`, ...fields);
const post = (...fields) => head('POST /api/v1/auth/login', 'Content-Type: application/json', ...fields);

// One message, one problem answer with ids, then the end of the connection.
async function refused(message, status, code) {
        const { text, closed } = await rawRequest(server, message);
        const answers = parseAnswers(text);
        const shown = `${JSON.stringify(String(message).slice(0, 200))} -> ${text.slice(0, 400)}`;
        assert.equal(answers.length, 1, shown);
        const [{ headers, body, status: got }] = answers;
        assert.equal(got, status, shown);
        assert.equal(headers['content-type'], 'application/problem+json', shown);
        assert.match(headers['x-request-id'], /^[0-9a-f]{32}$/);
        assert.match(headers.traceparent, new RegExp(`^00-${headers['x-request-id']}-[0-9a-f]{16}-[0-9a-f]{2}$`));
        const problem = JSON.parse(body);
        assert.equal(problem.status, status);
        assert.equal(problem.request_id, headers['x-request-id']);
        if (code)
                assert.equal(problem.code, code, shown);
        assert.ok(closed, `still open: ${shown}`);
        assert.equal(headers.connection, 'close');
}

describe('a malformed head', () => {
        const cases = [
                ['no Host', 'GET /health HTTP/1.1\r\n\r\n'],
                ['two Hosts', get('/health', 'Host: other')],
                ['a Host that is none', 'GET /health HTTP/1.1\r\nHost: a/b\r\n\r\n'],
                ['two Content-Lengths', post('Content-Length: 2', 'Content-Length: 2') + '{}'],
                ['two different Content-Lengths', post('Content-Length: 2', 'Content-Length: 3') + '{}'],
                ['a list of Content-Lengths', post('Content-Length: 2, 2') + '{}'],
                ['a Content-Length that is no number', post('Content-Length: two') + '{}'],
                ['a negative Content-Length', post('Content-Length: -2') + '{}'],
                ['a hexadecimal Content-Length', post('Content-Length: 0x2') + '{}'],
                ['Content-Length with Transfer-Encoding', post('Content-Length: 2', 'Transfer-Encoding: chunked') + '0\r\n\r\n'],
                ['Transfer-Encoding twice', post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked') + '0\r\n\r\n'],
                ['NUL in a value', get('/health', 'X-A: a\0b')],
                ['NUL in a name', get('/health', 'X-\0A: b')],
                ['NUL in the target', get('/hea\0lth')],
                ['%00 in the path', get('/health%00')],
                ['%00 in the query', get('/health?a=%00')],
                ['a broken escape', get('/health?a=%zz')],
                ['a cut escape', get('/health?a=%4')],
                ['a path that is not UTF-8', get('/health/%ff%fe')],
                ['bytes that must be escaped', get('/caf\xe9')],
                ['a dot segment', get('/api/../health')],
                ['an escaped dot segment', get('/api/%2e%2e/health')],
                ['a fragment', get('/health#top')],
                ['a folded field', get('/health', 'X-A: a', ' b')],
                ['a blank before the colon', get('/health', 'X-A : b')],
                ['no colon', get('/health', 'nothing')],
                ['an empty name', get('/health', ': b')],
                ['a control byte', get('/health', 'X-A: \x07')],
                ['a bare CR', get('/health', 'X-A: a\rX-B: b')],
                ['bare LF', 'GET /health HTTP/1.1\nHost: localhost\n\n'],
                ['two blanks in the line', 'GET  /health HTTP/1.1\r\nHost: localhost\r\n\r\n'],
                ['a blank in the target', get('/hea lth')],
                ['a target that is no path', get('health')],
                ['a version that is none', 'GET /health HTTX/1.1\r\nHost: localhost\r\n\r\n'],
        ];
        for (const [name, message] of cases)
                test(name, () => refused(message, 400, 'bad_request'));
        test('HTTP/2 without asking', () => refused('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505, 'http_version_not_supported'));
        test('a coding we do not know', () => refused(post('Transfer-Encoding: gzip, chunked'), 501, 'not_implemented'));
        test('a broken chunk', () => refused(`${post('Transfer-Encoding: chunked')}xyz\r\n`, 400, 'bad_request'));
        test('a line that is no request is not answered', async () => {
                const { text, closed } = await rawRequest(server, 'hello\r\n\r\n');
                assert.equal(text, '');
                assert.ok(closed);
        });
});

describe('sizes', () => {
        test('request line over 8 KiB', () => refused(get(`/${'a'.repeat(8300)}`), 414, 'uri_too_long'));
        test('request line far over it', () => refused(get(`/${'a'.repeat(200_000)}`), 414, 'uri_too_long'));
        test('fields over 32 KiB', () => refused(get('/health', `X-A: ${'a'.repeat(34_000)}`), 431, 'headers_too_large'));
        test('fields far over it', () => refused(get('/health', `X-A: ${'a'.repeat(300_000)}`), 431, 'headers_too_large'));
        test('a cookie far over it', () => refused(get('/health', `Cookie: ${'a=b;'.repeat(9_000)}`), 431, 'headers_too_large'));
        test('more than 100 fields', () => refused(get('/health', ...Array.from({ length: 101 }, (_, i) => `X-${i}: a`)), 431,
                'headers_too_large'));
        test('what is under the limits passes', async () => {
                for (const message of [get(`/health?${'a'.repeat(8_100)}`, 'Connection: close'),
                        get('/health', `X-A: ${'a'.repeat(31_000)}`, 'Connection: close'),
                        get('/health', `Cookie: a=${'b'.repeat(32_000)}`, 'Connection: close'),
                        get('/health', `Cookie: ${`c=${'d'.repeat(116)}; `.repeat(260)}`, 'Connection: close'),
                        get('/health', 'Connection: close', ...Array.from({ length: 97 }, (_, i) => `X-${i}: ${'a'.repeat(320)}`)),
                        get('/health', 'Connection: close', ...Array.from({ length: 98 }, (_, i) => `X-${i}: a`))])
                        assert.equal(parseAnswers((await rawRequest(server, message)).text)[0]?.status, 200, message.slice(0, 60));
        });
        test('a number no body has', () => refused(post('Content-Length: 99999999999999999999'), 413, 'too_large'));
        test('5 MB announced are not read', () => refused(post('Content-Length: 5000000'), 413, 'too_large'));
        test('5 MB sent anyway do not reset the answer away', async () => {
                const raw = JSON.stringify({ email: 'a@example.org', password: 'x'.repeat(5_000_000) });
                await call('POST', '/api/v1/auth/login', { raw, expect: 413, code: 'too_large',
                        headers: { 'content-type': 'application/json' } });
        });
        test('5 MB in chunks', async () => {
                const { text } = await rawRequest(server, [post('Transfer-Encoding: chunked'),
                        ...Array(80).fill(`10000\r\n${'x'.repeat(65_536)}\r\n`), '0\r\n\r\n']);
                assert.equal(parseAnswers(text)[0].status, 413);
        });
});

describe('a body that is not what it should be', () => {
        const register = (raw, more) => call('POST', '/api/v1/auth/register',
                { raw, headers: { 'content-type': 'application/json' }, ...more });
        const good = () => ({ email: `${unique()}@example.org`, password: PASSWORD });
        const pointers = (a) => a.body.errors.map((e) => e.pointer);

        for (const [name, raw] of [['nothing', ''], ['half', '{"email":'], ['a trailing comma', '{"email":"a",}'],
                ['two values', '{} {}'], ['a NUL', '{"email":"a\0"}'], ['single quotes', "{'email':'a'}"],
                ['a name twice', '{"email":"a@b.example","email":"c@d.example","password":"x"}'],
                ['a depth bomb', '['.repeat(2_000)], ['a deep object', '{"a":'.repeat(1_000) + '1' + '}'.repeat(1_000)],
                ['bad UTF-8', Buffer.from('{"email":"\xff\xfe"}', 'latin1')], ['a lone surrogate', '{"email":"\\ud800"}']])
                test(name, async () => {
                        const a = await register(raw);
                        assert.ok(a.status === 400 || a.status === 422, `${a.status} ${a.text}`);
                        assert.match(a.body.code, /^(bad_json|invalid_request)$/);
                });
        test('wrong types are named', async () => {
                const a = await register(JSON.stringify({ email: 7, password: ['x'] }), { expect: 422, code: 'invalid_request' });
                assert.deepEqual(pointers(a).sort(), ['#/email', '#/password']);
        });
        test('an unknown member is named', async () => {
                const a = await register(JSON.stringify({ ...good(), is_admin: true, tier: 'enterprise' }), { expect: 422 });
                assert.deepEqual(pointers(a).sort(), ['#/is_admin', '#/tier']);
        });
        test('an over-long member is named', async () => {
                const a = await register(JSON.stringify({ ...good(), full_name: 'x'.repeat(100_000) }));
                assert.ok(a.status === 422 || a.status === 413, a.text);
        });
        test('another media type', () => call('POST', '/api/v1/auth/register',
                { raw: 'email=a', headers: { 'content-type': 'text/plain' }, expect: 415, code: 'unsupported_media_type' }));
});

describe('time', { concurrency: true }, () => {
        const slow = { 'a request line': ['GET /hea'], 'a head': [get('/health').slice(0, -2)],
                'a body': [post('Content-Length: 50'), '{"email":'],
                'drops': [get('/health', 'X-A: 1').slice(0, 40), ...Array(30).fill([600, 'x']).flat()] };
        for (const [name, chunks] of Object.entries(slow))
                test(`${name} that does not arrive in 10 s`, { timeout: 30_000 }, async () => {
                        const { text, closed, ms } = await rawRequest(server, chunks, { timeout: 20_000 });
                        assert.ok(closed);
                        assert.ok(ms > 9_000 && ms < 13_000, `${ms} ms`);
                        const [answer] = parseAnswers(text);
                        assert.equal(answer?.status, 408, text);
                        assert.equal(JSON.parse(answer.body).code, 'request_timeout');
                });
        test('a second request that drips in has no more time than a first', { timeout: 30_000 }, async () => {
                const { text, closed, ms } = await rawRequest(server,
                        [get('/health'), 3_000, 'GET /hea', ...Array(40).fill([500, 'x']).flat()], { timeout: 25_000 });
                assert.ok(closed);
                assert.ok(ms > 3_000 + 6_000 && ms < 3_000 + 10_500, `${ms} ms`);
                assert.deepEqual(parseAnswers(text).map((a) => a.status), [200, 408]);
        });
});

describe('connections', { concurrency: false }, () => {
        test('requests in one packet are answered in order', async () => {
                const paths = ['/health', '/api/v1/auth/me', '/nowhere', '/health'];
                const message = paths.map((p, i) => get(p, ...(i === 3 ? ['Connection: close'] : []))).join('');
                const { text, closed } = await rawRequest(server, message);
                assert.deepEqual(parseAnswers(text).map((a) => a.status), [200, 401, 404, 200]);
                assert.ok(closed);
        });
        test('a client that closes its side gets its answer', async () => {
                const { text } = await rawRequest(server, get('/health'), { halfClose: true });
                assert.equal(parseAnswers(text)[0].status, 200);
        });
        test('a refused small body does not end the connection', async () => {
                const body = JSON.stringify({ name: 'x' });
                const message = head('POST /api/v1/auth/api-keys', 'Content-Type: application/json', `Content-Length: ${body.length}`)
                        + body + get('/health', 'Connection: close');
                const { text } = await rawRequest(server, message);
                assert.deepEqual(parseAnswers(text).map((a) => a.status), [401, 200]);
        });
        test('HEAD has the headers and no body', async () => {
                const { text } = await rawRequest(server, head('HEAD /health', 'Connection: close'));
                assert.match(text, /\r\nContent-Length: [1-9]\d*\r\n/);
                assert.ok(text.endsWith('\r\n\r\n'));
        });
        test('absolute-form, OPTIONS * and unknown methods', async () => {
                const status = async (m) => parseAnswers((await rawRequest(server, m)).text)[0].status;
                assert.equal(await status(get('http://localhost/health', 'Connection: close')), 200);
                assert.ok(await status(head('OPTIONS *', 'Connection: close')) < 500);
                assert.equal(await status(head('BREW /health', 'Connection: close')), 405);
                assert.ok([400, 405].includes(await status(head('CONNECT localhost:80', 'Connection: close'))));
        });
        test('a header cannot be split', async () => {
                const { text } = await rawRequest(server, get('/health?x=%0d%0aX-Evil:%20yes', 'Connection: close',
                        'X-Request-ID: a', 'Origin: http://evil.example'));
                assert.doesNotMatch(text, /^X-Evil/mi);
        });
});

test('the server is unharmed', async () => {
        await call('GET', '/health', { expect: 200 });
        await user.call('GET', '/api/v1/auth/me', { expect: 200 });
        const bad = server.logs.filter((l) => l.status >= 500 && l.status !== 501 && l.status !== 505);
        assert.deepEqual(bad, []);
});
